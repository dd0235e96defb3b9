//! The session as the page uses it: requests in JSON, responses and words.

use playground::Session;
use playground::recording::{CUT, EVENT_WORDS, FAULT_WORDS, NONE, PACKET_WORDS};
use serde_json::{Value, json};
use swimlab::course::scenes;
use swimlab::experiment::{Lab, TrialLink};

fn ask(session: &mut Session, request: &Value) -> Value {
    serde_json::from_slice(&session.answer(request.to_string().as_bytes())).expect("responses are JSON")
}

fn open(session: &mut Session, link: &str) -> Value {
    let response = ask(session, &json!({ "open": { "link": link } }));
    assert!(response.get("error").is_none(), "{link}: {response}");
    response
}

/// A recorded trial: the response, and the rows of packets, events and faults.
struct Recorded {
    response: Value,
    packets: Vec<Vec<u32>>,
    events: Vec<Vec<u32>>,
    faults: Vec<Vec<u32>>,
}

fn record(session: &mut Session, link: &str) -> Recorded {
    open(session, link);
    let response = ask(session, &json!({ "record": { "world": 0 } }));
    let count = |key: &str| response[key].as_u64().expect("a count") as usize;
    let words = session.words();
    let (packets, rest) = words.split_at(count("packets") * PACKET_WORDS);
    let (events, faults) = rest.split_at(count("events") * EVENT_WORDS);
    let rows = |words: &[u32], width| words.chunks(width).map(<[u32]>::to_vec).collect();
    assert_eq!(faults.len(), count("faults") * FAULT_WORDS);
    Recorded {
        packets: rows(packets, PACKET_WORDS),
        events: rows(events, EVENT_WORDS),
        faults: rows(faults, FAULT_WORDS),
        response,
    }
}

#[test]
fn a_recording_has_the_trace_hash_of_the_trial_run_by_itself() {
    let mut session = Session::default();
    for link in ["#basic", "#basic?trial=3", "#basic?fault=pause:at=2s,target=4,lasts=3s&seed=9"] {
        let recorded = record(&mut session, link);
        let linked = TrialLink::parse(link).and_then(|link| link.open(&Lab::default(), scenes::text)).unwrap();
        let cell = &linked.cells[0];
        let alone = cell.watch(&linked.setup(cell), &mut ());
        assert_eq!(recorded.response["trace_hash"], format!("{:016x}", alone.trace_hash), "{link}");
    }
}

#[test]
fn rows_are_in_the_order_of_time_and_name_members_and_packets_that_exist() {
    let recorded = record(&mut Session::default(), "#basic?fault=loss:at=1s,rate=0.3,target=share:1,lasts=20s");
    for rows in [&recorded.packets, &recorded.events, &recorded.faults] {
        assert!(!rows.is_empty());
        assert!(rows.is_sorted_by_key(|row| row[0]));
    }
    for packet in &recorded.packets {
        assert!(packet[1] >= CUT || packet[1] >= packet[0], "arrives after it was sent: {packet:?}");
        assert!(packet[2] < 24 && packet[3] < 24, "{packet:?}");
    }
    assert!(recorded.packets.iter().any(|packet| packet[1] == NONE), "some are lost");
    for event in &recorded.events {
        assert!(event[7] == NONE || (event[7] as usize) < recorded.packets.len(), "{event:?}");
        if event[7] != NONE {
            let packet = &recorded.packets[event[7] as usize];
            assert_eq!(
                (packet[3], packet[1]),
                (event[1], event[0]),
                "the packet reaches the member at the event's time"
            );
        }
    }
}

#[test]
fn a_fault_by_hand_leaves_what_was_before_it_as_it_was() {
    let mut session = Session::default();
    let without = record(&mut session, "#basic");
    let with = record(&mut session, "#basic?fault=crash:at=8s,target=2");
    assert_ne!(without.response["trace_hash"], with.response["trace_hash"]);
    let before = |rows: &[Vec<u32>]| rows.iter().filter(|row| row[0] < 8_000_000).cloned().collect::<Vec<_>>();
    // What becomes of packets under way at the time of the fault may differ: whether a running member handles them.
    let sent = |rows: &[Vec<u32>]| before(rows).iter().map(|row| row[..4].to_vec()).collect::<Vec<_>>();
    assert_eq!(sent(&without.packets), sent(&with.packets));
    assert_eq!(before(&without.events), before(&with.events));
}

#[test]
fn a_member_looked_into_after_going_back_is_what_it_is_in_a_new_session() {
    let inspect = |session: &mut Session, at_us: u64| {
        ask(session, &json!({ "inspect": { "world": 0, "at_us": at_us, "member": 5 } }))
    };
    let mut used = Session::default();
    open(&mut used, "#basic");
    for at in [30_000_000, 6_000_000, 7_000_000, 2_000_000] {
        let mut new = Session::default();
        open(&mut new, "#basic");
        let view = inspect(&mut used, at);
        assert_eq!(view["members"].as_u64(), Some(if at < 7_300_000 { 24 } else { 23 }), "{view}");
        assert_eq!(view, inspect(&mut new, at), "at {at}");
    }
}

#[test]
fn measuring_gives_the_trials_in_order_whatever_the_chunks() {
    let mut session = Session::default();
    open(&mut session, "#basic?duration=20s");
    let mut measure = |first: u32, count: u32| {
        let request = json!({ "measure": { "world": 0, "measure": "first_ping_s", "first": first, "count": count } });
        ask(&mut session, &request)["trials"].as_array().expect("trials").clone()
    };
    let whole = measure(0, 8);
    assert_eq!(whole.len(), 8);
    assert_eq!([measure(0, 3), measure(3, 5)].concat(), whole);
}

#[test]
fn errors_are_sentences() {
    let mut session = Session::default();
    let mut error = |request: Value| ask(&mut session, &request)["error"].as_str().expect("an error").to_owned();
    for (request, expected) in [
        (json!({ "record": { "world": 0 } }), "no link is open"),
        (json!({ "open": { "link": "#nothing" } }), "no experiment is called \"nothing\""),
        (json!({ "open": { "link": "#basic?fault=crash:target=99" } }), "there is no member 99 among 24"),
        (json!({ "open": { "link": "#basic?duration=9999s" } }), "the most that the page shows"),
        (json!({ "explode": {} }), "unknown variant `explode`"),
    ] {
        let error = error(request.clone());
        assert!(error.contains(expected), "{request}: {error}");
    }
    open(&mut session, "#basic");
    let mut error = |request: Value| ask(&mut session, &request)["error"].as_str().expect("an error").to_owned();
    for (request, expected) in [
        (json!({ "record": { "world": 1 } }), "the link has no cell 1"),
        (
            json!({ "inspect": { "world": 0, "at_us": 0, "member": 24 } }),
            "there is no member 24: they count from 0 to 23",
        ),
        (json!({ "measure": { "world": 0, "measure": "joy", "first": 0, "count": 1 } }), "there is no measure \"joy\""),
        (json!({ "measure": { "world": 0, "measure": "first_ping_s", "first": 0, "count": 1001 } }), "at most 1000"),
    ] {
        let error = error(request.clone());
        assert!(error.contains(expected), "{request}: {error}");
    }
}

#[test]
fn each_line_of_an_experiment_that_is_wrong_is_named() {
    let mut session = Session::default();
    let text = "topology = 'ring'\nselector = 'shuffle'\nmembers = 8\nprofile = 'nonsense'\nduration = '5s'\n";
    let link = ask(&mut session, &json!({ "link": { "name": "mine", "text": text } }))["link"].clone();
    let error = ask(&mut session, &json!({ "open": { "link": link } }))["error"].clone();
    assert!(error.as_str().is_some_and(|error| error.starts_with("mine:4: ")), "{error}");
}
