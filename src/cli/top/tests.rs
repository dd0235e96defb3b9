//! The view by keys, and as text on screens of several sizes.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Modifier;
use serde_json::{Value, json};

use super::keys::Key;
use super::model::{Effect, MAX_FILTER_BYTES, Mode, Model};
use super::view::{self, Palette};
use super::{PATIENCE, interval, snapshot};
use crate::agent::control::OverviewSummary;

/// An agent's answer after a number of seconds, with these members.
fn overview(uptime_s: u64, members: &[Value]) -> OverviewSummary {
    let events = json!([
        { "number": 4, "ago_s": 2.5, "event": "died", "name": "web-2", "addr": "127.0.0.1:7002", "detail": "1795377300.0" },
        { "number": 3, "ago_s": 8.0, "event": "suspected", "name": "web-2", "addr": "127.0.0.1:7002", "detail": "1795377300.0" },
        { "number": 2, "ago_s": 75.0, "event": "user", "name": "evil\u{1b}[2J", "detail": "deploy" },
        { "number": 1, "ago_s": 7205.0, "event": "joined", "name": "web-2", "addr": "127.0.0.1:7002", "detail": "1795377300.0" },
        { "number": 0, "ago_s": 7205.0, "event": "missed", "detail": "12" },
    ]);
    let answer = json!({
        "agent": {
            "version": "1.2.3", "name": "web-1", "id": "00000000000000ff", "addr": "127.0.0.1:7001",
            "incarnation": "1795377303.0", "uptime_s": uptime_s, "is_joining": false, "selector": "auto",
            "profile": "swim", "preset": "lan", "period_s": 1.0, "warnings": [], "keys": [],
            "members": { "alive": 1234, "suspect": 0, "dead": 1, "left": 0 }, "probes": 50 * uptime_s,
        },
        "health_score": 0,
        "sent": { "packets": 30 * uptime_s, "bytes": 4_500 * uptime_s },
        "received": { "packets": 31 * uptime_s, "bytes": 900 * uptime_s },
        "own_suspicions": 3,
        "members": members,
        "events": events,
    });
    serde_json::from_value(answer).unwrap()
}

fn member(number: usize, state: &str, rest: &Value) -> Value {
    let mut member = json!({
        "id": format!("{number:016x}"), "name": format!("web-{number}"), "addr": format!("127.0.0.1:{}", 7000 + number),
        "state": state, "incarnation": format!("{}.0", 1_795_377_302 - number), "meta": {},
    });
    member.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    member
}

/// Four members that differ in all columns.
fn few() -> Vec<Value> {
    let own = json!({
        "id": "00000000000000ff", "since_s": 7300.0, "zone": "eu/a", "services": ["web:8080", "admin:9000"],
        "meta": { "role": "web" }
    });
    vec![
        member(1, "alive", &own),
        member(2, "dead", &json!({ "since_s": 2.5, "suspicions": 3, "rtt_ms": 0.251, "zone": "eu/b" })),
        member(3, "alive", &json!({ "since_s": 90.0, "rtt_ms": 21.04, "is_estimate": true })),
        member(
            10,
            "suspect",
            &json!({ "since_s": 8.0, "suspicions": 1, "name": "evil\u{1b}[2J\nweb", "rtt_ms": 150.0 }),
        ),
    ]
}

fn many(members: usize) -> Vec<Value> {
    (1..=members).map(|number| member(number, "alive", &json!({ "since_s": number }))).collect()
}

fn model(members: &[Value]) -> Model {
    let mut model = Model::default();
    model.hear(Ok(overview(7300, members)));
    model.hear(Ok(overview(7302, members)));
    model
}

/// The screen as text.
fn screen(model: &mut Model, width: u16, height: u16) -> String {
    drawn(model, width, height, true).backend().to_string()
}

fn drawn(model: &mut Model, width: u16, height: u16, has_colors: bool) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let draw = |frame: &mut ratatui::Frame<'_>| {
        model.fit(view::rows(frame.area()));
        view::draw(frame, model, Palette { has_colors });
    };
    terminal.draw(draw).unwrap();
    terminal
}

fn press(model: &mut Model, keys: &[Key]) {
    keys.iter().for_each(|&key| assert_eq!(model.press(key), Effect::Nothing));
}

fn names(model: &Model) -> Vec<String> {
    model.visible().map(|(member, _)| member.member.name.clone()).collect()
}

fn chosen(model: &Model) -> Option<&str> {
    model.chosen().map(|member| &*member.member.name)
}

#[test]
fn the_view_of_a_small_screen_is_pinned() {
    insta::assert_snapshot!(screen(&mut model(&few()), 80, 24));
}

#[test]
fn a_column_that_no_member_has_a_value_for_is_left_out_from_one_answer_to_the_next() {
    let titles = |model: &Model| model.columns().map(|column| column.title).collect::<Vec<_>>();
    let mut model = Model::default();
    assert_eq!((titles(&model).len(), model.own().is_none()), (7, true));
    model.hear(Ok(overview(1, &many(3))));
    assert!(!titles(&model).contains(&"ZONE") && model.own().is_none());
    model.hear(Ok(overview(2, &few())));
    assert_eq!(titles(&model)[7..], ["ZONE", "SERVICES"]);
    assert_eq!(model.own().map(|own| &*own.member.name), Some("web-1"));
}

#[test]
fn a_filter_is_shown_as_it_was_typed_and_escaped_once() {
    let mut model = model(&few());
    press(&mut model, &[Key::Char('/'), Key::Char('"'), Key::Char('é'), Key::Char('\u{202e}'), Key::Enter]);
    let shown = screen(&mut model, 100, 24);
    assert!(shown.contains(r#"0 of 4 match ""é\u{202e}""#), "{shown}");
}

#[test]
fn the_view_of_a_large_screen_is_pinned() {
    let mut model = model(&few());
    press(&mut model, &[Key::Char('s'), Key::Down]);
    insta::assert_snapshot!(screen(&mut model, 120, 40));
}

#[test]
fn the_view_of_an_agent_that_is_gone_while_it_is_filtered_and_paused_is_pinned() {
    let mut model = model(&few());
    press(&mut model, &[Key::Char('/'), Key::Char('E'), Key::Char('U'), Key::Enter, Key::Char('p')]);
    model.hear(Err("no agent answers at a.sock: Connection refused (os error 111)".to_owned()));
    insta::assert_snapshot!(screen(&mut model, 80, 24));
    // It is back.
    model.hear(Ok(overview(5, &few())));
    assert!(!screen(&mut model, 80, 24).contains("does not answer"));
}

#[test]
fn the_details_of_a_member_are_pinned() {
    let mut model = model(&few());
    press(&mut model, &[Key::Down, Key::Down, Key::Enter]);
    insta::assert_snapshot!(screen(&mut model, 80, 24));
}

#[test]
fn the_list_of_keys_is_pinned() {
    let mut model = model(&few());
    press(&mut model, &[Key::Char('?')]);
    insta::assert_snapshot!(screen(&mut model, 80, 24));
}

#[test]
fn without_colors_states_and_the_chosen_row_are_still_told_apart() {
    let backend = |has_colors| drawn(&mut model(&few()), 80, 24, has_colors).backend().clone();
    let (plain, colored) = (backend(false), backend(true));
    let is_colored = |backend: &TestBackend| {
        let cells = backend.buffer().content().iter();
        cells.clone().any(|cell| cell.fg != ratatui::style::Color::Reset || cell.bg != ratatui::style::Color::Reset)
    };
    assert!(!is_colored(&plain) && is_colored(&colored));
    assert_eq!(plain.to_string(), colored.to_string());
    assert!(plain.buffer().content().iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
}

#[test]
fn a_screen_of_any_size_is_drawn() {
    for members in [few(), Vec::new(), many(1000)] {
        for key in [Key::Home, Key::Enter, Key::Char('?'), Key::Char('/')] {
            for (width, height) in [(1, 1), (3, 200), (200, 2), (20, 5), (40, 13), (80, 14), (500, 300)] {
                let mut model = model(&members);
                press(&mut model, &[key]);
                screen(&mut model, width, height);
            }
        }
    }
    // Before the first answer.
    screen(&mut Model::default(), 80, 24);
}

#[test]
fn of_a_thousand_members_those_on_the_screen_are_drawn_and_keys_move_through_all() {
    let mut model = model(&many(1000));
    let text = screen(&mut model, 80, 24);
    let shown = names(&model).len();
    assert!((10..20).contains(&shown), "{shown}");
    assert_eq!(text.matches("127.0.0.1:").count(), shown + 1 + 3, "rows, the agent, and three events: {text}");
    assert!(text.contains("1,000 members"), "{text}");

    // By name: web-1, web-10, web-100, web-1000, web-101, ...
    press(&mut model, &[Key::Down, Key::Down, Key::Down]);
    assert_eq!(chosen(&model), Some("web-1000"));
    press(&mut model, &[Key::End]);
    screen(&mut model, 80, 24);
    assert_eq!((chosen(&model), names(&model).last().map(String::as_str)), (Some("web-999"), Some("web-999")));
    press(&mut model, &[Key::PageDown, Key::Down]);
    assert_eq!(chosen(&model), Some("web-999"));
    press(&mut model, &[Key::PageUp, Key::Home]);
    screen(&mut model, 80, 24);
    assert_eq!((chosen(&model), &*names(&model)[0]), (Some("web-1"), "web-1"));
    press(&mut model, &[Key::PageDown]);
    screen(&mut model, 80, 24);
    assert!(names(&model).contains(&chosen(&model).unwrap().to_owned()));
    // A smaller screen keeps the chosen member on it.
    press(&mut model, &[Key::End]);
    for height in [40, 24, 14, 8, 40] {
        screen(&mut model, 80, height);
        assert_eq!(names(&model).last().map(String::as_str), Some("web-999"), "{height}");
    }
}

#[test]
fn rows_are_sorted_by_each_column_in_turn() {
    let mut model = model(&few());
    screen(&mut model, 80, 24);
    let evil = "evil\u{1b}[2J\nweb";
    let expected = [
        ("NAME", [evil, "web-1", "web-2", "web-3"]),
        ("STATE", [evil, "web-2", "web-1", "web-3"]),
        ("SINCE", ["web-2", evil, "web-3", "web-1"]),
        ("RTT", [evil, "web-3", "web-2", "web-1"]),
        ("SUSP", ["web-2", evil, "web-1", "web-3"]),
        ("ADDRESS", ["web-1", "web-2", "web-3", evil]),
        ("INCARNATION", ["web-1", "web-2", "web-3", evil]),
        ("ZONE", ["web-1", "web-2", evil, "web-3"]),
        ("SERVICES", ["web-1", evil, "web-2", "web-3"]),
    ];
    for (title, order) in expected {
        assert_eq!((model.sort().title, names(&model)), (title, order.map(str::to_owned).to_vec()));
        press(&mut model, &[Key::Char('s')]);
    }
    assert_eq!(model.sort().title, "NAME");
}

#[test]
fn the_cursor_stays_on_its_member_when_rows_move_and_near_it_when_it_is_gone() {
    let mut model = model(&few());
    screen(&mut model, 80, 24);
    press(&mut model, &[Key::Down, Key::Down]);
    assert_eq!(chosen(&model), Some("web-2"));
    press(&mut model, &[Key::Char('s'), Key::Char('s')]);
    assert_eq!((chosen(&model), &*names(&model)[0]), (Some("web-2"), "web-2"));
    let mut others = few();
    others.remove(1);
    model.hear(Ok(overview(7304, &others)));
    assert_eq!(chosen(&model), Some("evil\u{1b}[2J\nweb"));
    model.hear(Ok(overview(7306, &few())));
    assert_eq!(chosen(&model), Some("web-2"));
}

#[test]
fn a_filter_is_edited_kept_and_cleared() {
    let mut model = model(&few());
    screen(&mut model, 80, 24);
    press(&mut model, &[Key::Char('/'), Key::Char('D'), Key::Char('e'), Key::Char('x'), Key::Backspace]);
    assert_eq!((model.mode(), model.filter(), names(&model)), (Mode::Filter, "De", vec!["web-2".to_owned()]));
    // Keys that mean something else in the table are text here.
    press(&mut model, &[Key::Char('q'), Key::Enter]);
    assert_eq!((model.mode(), model.filter(), chosen(&model)), (Mode::Table, "Deq", None));
    // Without a member there are no details.
    press(&mut model, &[Key::Enter]);
    assert_eq!(model.mode(), Mode::Table);
    press(&mut model, &[Key::Char('/'), Key::Escape]);
    assert_eq!((model.mode(), model.filter(), names(&model).len()), (Mode::Table, "", 4));
    press(&mut model, &[Key::Char('/')]);
    press(&mut model, &[Key::Char('ä'); 1000]);
    assert_eq!(model.filter().len(), MAX_FILTER_BYTES);
}

#[test]
fn quit_keys_quit_unless_they_close_something_first() {
    for key in [Key::Char('q'), Key::Escape, Key::Interrupt] {
        assert_eq!(model(&few()).press(key), Effect::Quit);
    }
    for opening in [Key::Enter, Key::Char('?')] {
        let mut model = model(&few());
        press(&mut model, &[opening, Key::Escape]);
        assert_eq!(model.mode(), Mode::Table);
        press(&mut model, &[opening]);
        assert_eq!(model.press(Key::Char('q')), Effect::Quit);
    }
    let mut model = model(&few());
    press(&mut model, &[Key::Char('/'), Key::Char('q')]);
    assert_eq!(model.press(Key::Interrupt), Effect::Quit);
}

#[test]
fn traffic_is_the_difference_of_two_answers_and_unknown_after_a_restart() {
    let mut model = model(&few());
    let rates = model.rates().unwrap();
    assert_eq!((rates.sent_packets, rates.sent_bytes), (30.0, 4500.0));
    assert_eq!((rates.received_packets, rates.received_bytes), (31.0, 900.0));
    model.hear(Ok(overview(3, &few())));
    assert!(model.rates().is_none());
    model.hear(Ok(overview(5, &few())));
    assert!(model.rates().is_some());
    model.hear(Err("gone".to_owned()));
    assert!(model.rates().is_none());
}

#[test]
fn intervals_have_units_and_bounds() {
    for (text, ms) in
        [("1s", 1000), ("500ms", 500), ("2m", 120_000), ("1.5s", 1500), ("100ms", 100), ("60m", 3_600_000)]
    {
        assert_eq!(interval(text).unwrap().as_millis(), ms, "{text}");
    }
    for text in ["99ms", "61m", "-1s", "NaNs", "infs", "1e300s"] {
        assert_eq!(interval(text).unwrap_err(), "it must be at least 100ms and at most 60m", "{text}");
    }
    for text in ["", "1", "s", "one s", "1h"] {
        assert_eq!(interval(text).unwrap_err(), "expected a time with its unit, as in 500ms, 1s or 2m", "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_does_not_answer_is_waited_for_until_the_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sock");
    let _silent = tokio::net::UnixListener::bind(&path).unwrap();
    let begun = tokio::time::Instant::now();
    let why = snapshot(&path).await.unwrap_err();
    assert!(why.ends_with("a.sock within 3s"), "{why}");
    assert!(begun.elapsed() >= PATIENCE && begun.elapsed() < 2 * PATIENCE);
}
