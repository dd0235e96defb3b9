//! Handlers of an agent: what they are for, what they get and say, and their limits.

use std::fs;

use super::handler::Trigger;
use super::run::Output;
use super::*;
use crate::agent::{Agent, MemberChange, Query, RespondError};
use crate::protocol::UserEvent;

fn run(command: &str) -> Run {
    let environment = vec![("SWIMLAB_EVENT", "event".to_owned())];
    let (command, input) = (command.to_owned(), "{}\n".to_owned());
    Run { command, input, environment, failures: Arc::default(), query: None }
}

fn carried_out(command: &str, longest: Duration) -> Result<String, String> {
    let text = |output: Output| String::from_utf8(output.log).unwrap();
    let result = run(command).carry_out(longest, &AtomicBool::new(false));
    result.map(text).map_err(|(error, output)| format!("{error}: {}", text(output)))
}

fn event() -> AgentEvent {
    AgentEvent::User {
        from: 1,
        from_name: "b".into(),
        event: Arc::new(UserEvent { seq: 1, name: "e".into(), payload: [].into() }),
    }
}

#[test]
fn events_and_commands_are_parsed() {
    let trigger = |text: &str| Handler::parse(text).map(|handler| handler.trigger);
    assert_eq!(trigger("event=x"), Ok(Trigger::Event(None)));
    assert_eq!(trigger("event:deploy=x"), Ok(Trigger::Event(Some("deploy".to_owned()))));
    assert_eq!(trigger("query=x"), Ok(Trigger::Query(None)));
    assert_eq!(trigger("query:uptime=x"), Ok(Trigger::Query(Some("uptime".to_owned()))));
    assert_eq!(trigger("member=x"), Ok(Trigger::Member(None)));
    assert_eq!(trigger("member-died=x"), Ok(Trigger::Member(Some(MemberChange::Died))));
    assert_eq!(Handler::parse("event= a=b ").unwrap().command, "a=b");
    for (text, why) in [
        ("event", "expected EVENT=COMMAND"),
        ("event=", "the command is empty"),
        ("event:=x", "the event's name: it must not be empty"),
        ("query:=x", "the query's name: it must not be empty"),
        (
            "member-dead=x",
            "unknown event \"member-dead\": where EVENT is event, event:NAME, query, query:NAME, member,",
        ),
        ("deploy=x", "unknown event \"deploy\""),
    ] {
        assert!(Handler::parse(text).unwrap_err().contains(why), "{text}");
    }
}

#[test]
fn a_handler_has_its_event_and_its_output_is_cut() {
    let long = Duration::from_secs(60);
    assert_eq!(carried_out("cat; echo $SWIMLAB_EVENT >&2", long), Ok("{}\nevent\n".to_owned()));
    // It need not read its input, nor stop to write.
    assert_eq!(carried_out("exit 3", long), Err("exit status: 3: ".to_owned()));
    let endless = carried_out("head -c 1000000 /dev/zero | tr '\\0' x", long).unwrap();
    assert_eq!(endless.len(), MAX_OUTPUT_BYTES);
}

#[test]
fn a_handler_that_hangs_is_killed_with_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let command = format!("sleep 1000 & echo $! > {0}.tmp; mv {0}.tmp {0}; sleep 1000", file.display());
    let error = carried_out(&command, Duration::from_millis(500)).unwrap_err();
    assert!(error.starts_with("it ran for more than 500ms and was killed"), "{error}");
    let Ok(child) = fs::read_to_string(&file) else { panic!("the machine is too slow for this test") };
    let begun = Instant::now();
    // Gone, or a zombie that nobody has waited for.
    let runs = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.trim()));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    while cfg!(target_os = "linux") && runs() {
        assert!(begun.elapsed() < Duration::from_secs(10), "its child still runs");
        thread::sleep(POLL);
    }
}

/// As many handlers as may run, and as many more that wait.
fn busy(waiting: usize) -> Handlers {
    let mut handlers = Handlers::start(vec![Handler::parse("event=sleep 1000").unwrap()]).unwrap();
    (0..HANDLERS_AT_ONCE).for_each(|_| handlers.handle(&event(), "a"));
    let begun = Instant::now();
    while handlers.shared.running.load(Ordering::Acquire) < HANDLERS_AT_ONCE {
        assert!(begun.elapsed() < Duration::from_secs(20));
        thread::sleep(POLL);
    }
    (0..waiting).for_each(|_| handlers.handle(&event(), "a"));
    handlers
}

#[tokio::test]
async fn a_query_fails_for_want_of_room_only_if_none_of_its_handlers_has_any() {
    let (agent, mut events) = Agent::builder().name("a").spawn_watched().await.unwrap();
    let mut handlers = busy(MAX_WAITING - 1);
    let handler = || Handler::parse("query=true").unwrap();
    handlers.replace(vec![handler(), handler()]).unwrap();
    for (left_out, answered) in [(1, Ok(())), (3, Err(RespondError::Answered))] {
        let asked = Query::new("q").timeout(Duration::from_secs(200));
        let _answers = agent.query(asked).await.unwrap();
        let event = loop {
            match events.next().await.unwrap() {
                event @ AgentEvent::Query(_) => break event,
                _ => continue,
            }
        };
        handlers.handle(&event, "a");
        assert_eq!(handlers.left_out, left_out);
        let AgentEvent::Query(query) = event else { unreachable!() };
        assert_eq!(query.respond("x"), answered);
    }
    handlers.end();
}

#[test]
fn as_many_handlers_run_and_wait_as_the_limits_say_and_all_end_with_the_agent() {
    let mut idle = Handlers::start(vec![Handler::parse("member=sleep 1000").unwrap()]).unwrap();
    idle.handle(&event(), "a");
    assert_eq!(idle.shared.running.load(Ordering::Acquire), 0, "it is for members");
    let mut handlers = busy(MAX_WAITING);
    handlers.handle(&event(), "a");
    assert_eq!(handlers.left_out, 1);
    let begun = Instant::now();
    handlers.end();
    assert!(begun.elapsed() < Duration::from_secs(20));
}
