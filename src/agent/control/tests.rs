//! Limits of requests, answers and waiting, each reached and exceeded.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use swimlab_selectors::Spec;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::client::{MAX_ANSWER_BYTES, TIMEOUT, ask};
use super::messages::{Answer, Request};
use super::server::{ControlSocket, MAX_REQUEST_BYTES, SLOW_REQUESTS};
use super::socket_file::{LOCK_TIMEOUT, SocketFile};
use crate::agent::builder::Builder;
use crate::agent::handle::Agent;
use crate::discovery::{Description, Service};
use crate::protocol::{preset, profiles};

fn socket() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sock");
    (folder, path)
}

/// Asks a process that answers after a while with `bytes`; returns the answer or the error.
async fn answered(after: Duration, bytes: Vec<u8>) -> Result<Answer, String> {
    let (_folder, path) = socket();
    let listener = UnixListener::bind(&path).unwrap();
    let answering = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream.read_until(b'\n', &mut Vec::new()).await.unwrap();
        sleep(after).await;
        // It fails if the asker has given up.
        let _ = stream.write_all(&bytes).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = answering => unreachable!("it has no end"),
        answer = ask(&path, &Request::Members) => answer.map_err(|error| error.to_string()),
    }
}

#[tokio::test]
async fn an_answer_is_read_up_to_the_longest() {
    let answer = |len: u64| {
        let text = b"\"done\"\n";
        let mut bytes = vec![b' '; len as usize - text.len()];
        bytes.extend_from_slice(text);
        answered(Duration::ZERO, bytes)
    };
    assert_eq!(answer(MAX_ANSWER_BYTES).await, Ok(Answer::Done));
    let error = answer(MAX_ANSWER_BYTES + 1).await.unwrap_err();
    assert!(error.ends_with("is too long"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_waited_for_until_the_timeout() {
    let moment = Duration::from_millis(100);
    assert_eq!(answered(TIMEOUT - moment, b"\"done\"\n".to_vec()).await, Ok(Answer::Done));
    let error = answered(TIMEOUT + moment, b"\"done\"\n".to_vec()).await.unwrap_err();
    assert!(error.ends_with("does not answer"), "{error}");
}

#[tokio::test]
async fn a_request_is_read_up_to_the_longest() {
    let (_folder, path) = socket();
    let agent = Agent::builder().spawn().await.unwrap();
    let control = ControlSocket::open(&path).await.unwrap();
    let serving = tokio::spawn(control.serve(agent));
    for (len, is_carried_out) in [(MAX_REQUEST_BYTES, true), (MAX_REQUEST_BYTES + 2, false)] {
        let text = "{\"do\":\"members\"}\n";
        let mut stream = UnixStream::connect(&path).await.unwrap();
        let padding = " ".repeat(len - text.len());
        stream.write_all(format!("{padding}{text}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        assert_eq!(answer.starts_with("{\"members\":"), is_carried_out, "{len}: {answer}");
    }
    serving.abort();
}

#[tokio::test(start_paused = true)]
async fn agents_that_open_sockets_in_the_same_folder_are_waited_for_until_the_timeout() {
    let (folder, path) = socket();
    let other = File::open(folder.path()).unwrap();
    other.lock().unwrap();
    let begun = Instant::now();
    assert!(SocketFile::listen(&path).await.is_err());
    assert!(begun.elapsed() >= LOCK_TIMEOUT && begun.elapsed() < LOCK_TIMEOUT * 2);
    let release = async {
        sleep(LOCK_TIMEOUT - Duration::from_millis(100)).await;
        drop(other);
    };
    let (opened, ()) = tokio::join!(SocketFile::listen(&path), release);
    assert!(opened.is_ok());
}

#[tokio::test]
async fn slow_requests_have_places_of_their_own_and_leave_the_socket_free() {
    let (_folder, path) = socket();
    let control = ControlSocket::open(&path).await.unwrap();
    let serving = tokio::spawn(control.serve(Agent::builder().spawn().await.unwrap()));
    // It takes connections up, and answers none.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let join = Request::Join { seeds: vec![silent.local_addr().unwrap().to_string()] };
    let mut joins = JoinSet::new();
    for _ in 0..=SLOW_REQUESTS {
        let (path, join) = (path.clone(), join.clone());
        joins.spawn(async move { ask(&path, &join).await.unwrap() });
        // A connection gives way to others only until it has asked.
        sleep(Duration::from_millis(50)).await;
    }
    let first = joins.join_next().await.unwrap().unwrap();
    assert_eq!(first, Answer::Refused("8 requests that take long are under way: try again later".to_owned()));
    assert!(matches!(ask(&path, &Request::Members).await, Ok(Answer::Members(_))));
    while let Some(answer) = joins.join_next().await {
        let Ok(Answer::Refused(why)) = answer else { panic!("{answer:?}") };
        assert!(why.starts_with("no member could be contacted; 127.0.0.1:"), "{why}");
    }
    serving.abort();
}

#[tokio::test]
async fn a_request_of_another_version_is_named() {
    let (_folder, path) = socket();
    let control = ControlSocket::open(&path).await.unwrap();
    let serving = tokio::spawn(control.serve(Agent::builder().spawn().await.unwrap()));
    for (request, why) in [
        (
            "{\"do\":\"dance\",\"with\":1}",
            "does not know the request \\\"dance\\\": start it with the command's own version",
        ),
        ("{\"do\":7}", "not a request: "),
        ("{\"do\":\"join\"}", "not a request: missing field `seeds`"),
    ] {
        let mut stream = UnixStream::connect(&path).await.unwrap();
        stream.write_all(format!("{request}\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains(why), "{answer}");
    }
    serving.abort();
}

#[tokio::test]
async fn an_overview_has_what_is_known_of_the_agent_of_each_member_and_of_the_latest_events() {
    let (_folder, path) = socket();
    let control = ControlSocket::open(&path).await.unwrap();
    let agent = quick().name("a").spawn().await.unwrap();
    let serving = tokio::spawn(control.serve(agent.clone()));
    let other = quick().name("b").join([agent.addr().to_string()]).zone_names("eu/b").spawn().await.unwrap();
    other.describe(Description::default().with_service(Service::new("web", 8080).unwrap())).await.unwrap();
    let overview = async || match ask(&path, &Request::Overview).await.unwrap() {
        Answer::Overview(overview) => *overview,
        answer => panic!("{answer:?}"),
    };
    let begun = Instant::now();
    let found = loop {
        let found = overview().await;
        let b = found.members.iter().find(|member| member.member.name == "b");
        if b.is_some_and(|b| b.rtt_ms.is_some() && !b.services.is_empty()) {
            break found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{found:?}");
        sleep(Duration::from_millis(20)).await;
    };
    let [a, b] = ["a", "b"].map(|name| found.members.iter().find(|member| member.member.name == name).unwrap());
    assert_eq!((&*found.agent.name, found.health_score, found.own_suspicions), ("a", 0, 0));
    assert!(found.sent.packets > 0 && found.sent.bytes > found.sent.packets && found.received.packets > 0);
    assert!(a.rtt_ms.is_none() && a.since_s >= b.since_s && b.since_s.unwrap() < 60.0, "{a:?} {b:?}");
    assert_eq!((b.suspicions, b.is_estimate, &*b.services), (0, false, &["web:8080".to_owned()][..]));
    assert_eq!(b.member.zone.as_deref(), Some("eu/b"));
    assert!(found.events.iter().any(|event| event.event == "joined" && event.name == "b"), "{:?}", found.events);

    other.stop().await;
    loop {
        let found = overview().await;
        let b = found.members.iter().find(|member| member.member.name == "b").unwrap();
        if b.member.state == "dead" {
            assert_eq!((b.suspicions, found.own_suspicions), (1, 1));
            let kinds: Vec<&str> = found.events.iter().map(|event| &*event.event).take(2).collect();
            assert_eq!(kinds, ["died", "suspected"]);
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{found:?}");
        sleep(Duration::from_millis(20)).await;
    }
    serving.abort();
}

/// A member with a period of 200 ms.
fn quick() -> Builder {
    let spec = Spec::of("swim").with("period", "200ms").with("probe_timeout", "100ms").with("suspicion_mult", 5.0);
    let config = profiles().build(&preset("local").unwrap().under(spec), &()).unwrap();
    Agent::builder().config(config)
}
