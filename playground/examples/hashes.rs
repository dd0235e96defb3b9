//! Prints a link and the trace hash of its trial, for each profile and seed: what the page must show for the same links.
//!
//! `cargo run -p playground --example hashes > FILE`, one JSON object a line. With a link as its argument: that trial's
//! hash and the time of its recording.

use std::time::Instant;

use playground::Session;
use serde_json::{Value, json};
use swimlab::experiment::Lab;

/// The number of seeds of each profile.
const SEEDS: u64 = 20;

fn main() {
    let mut session = Session::default();
    if let Some(link) = std::env::args().nth(1) {
        let start = Instant::now();
        let hash = hash(&mut session, &link);
        println!("{hash} {:?}", start.elapsed());
        return;
    }
    for profile in Lab::default().profiles.entries() {
        let text = format!(
            "topology = 'ring'\nselector = 'shuffle'\nprofile = '{}'\nmembers = 12\nduration = '15s'\nwarmup = '5s'\n\
             loss = 0.05\n[[fault]]\nkind = 'crash'\nat = '2s'\n",
            profile.name
        );
        let request = json!({ "link": { "name": profile.name, "text": text } });
        let experiment = ask(&mut session, &request)["link"].as_str().expect("a link").to_owned();
        for seed in 0..SEEDS {
            let link = format!("{experiment}?seed={seed}&fault=pause:at=4s,target=3,lasts=2s");
            println!("{}", json!({ "link": link, "hash": hash(&mut session, &link) }));
        }
    }
}

fn hash(session: &mut Session, link: &str) -> String {
    ask(session, &json!({ "open": { "link": link } }));
    let response = ask(session, &json!({ "record": { "world": 0 } }));
    response["trace_hash"].as_str().expect("a hash").to_owned()
}

fn ask(session: &mut Session, request: &Value) -> Value {
    let response = session.answer(request.to_string().as_bytes());
    let response: Value = serde_json::from_slice(&response).expect("responses are JSON");
    assert!(response.get("error").is_none(), "{request}: {response}");
    response
}
