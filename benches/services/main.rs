//! Cost of questions to an agent's catalog of 10,000 entries, and what they do to its probes.
//!
//! `cargo bench --bench services -- [--queries N] [--seconds S] [--rounds R]` runs 40 members with 250 services each on one
//! thread and asks the first of them from another thread: by DNS over UDP, one query after the other; by HTTP, eight
//! connections that wait for nothing; and by HTTP at 5,000 requests per second while members crash, to see whether these
//! are pinged later than without clients. It prints one line of JSON for each part.

mod clients;
mod group;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use swimlab::experiment::statistics::smirnov_p;
use tokio::runtime::{Builder, Runtime};

use group::Group;

/// Requests per second that must not delay probes.
const LOAD: u32 = 5000;

/// Members that crash at once.
const VICTIMS: usize = 5;

fn main() -> Result<(), lexopt::Error> {
    use lexopt::prelude::*;
    let (mut queries, mut seconds, mut rounds) = (5000, 5, 20);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("queries") => queries = arguments.value()?.parse()?,
            Long("seconds") => seconds = arguments.value()?.parse()?,
            Long("rounds") => rounds = arguments.value()?.parse()?,
            Long("bench") => {}
            other => return Err(other.unexpected()),
        }
    }
    let group = Group::begin();
    let runtime = one_thread();
    runtime.block_on(group.settled());
    for (name, kind) in [("SRV", 33), ("A", 1)] {
        dns(&runtime, &group, name, kind, queries);
    }
    http(&runtime, &group, Duration::from_secs(seconds));
    if rounds > 0 {
        probes(&runtime, &group, rounds);
    }
    Ok(())
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn dns(runtime: &Runtime, group: &Group, name: &str, kind: u16, queries: usize) {
    let before = group.cpu();
    let mut times = runtime.block_on(clients::dns(group.dns, kind, queries));
    let cpu_us = (group.cpu() - before).as_secs_f64() * 1e6 / queries as f64;
    times.sort_unstable();
    let at = |share: f64| times[(share * (times.len() - 1) as f64) as usize].as_nanos() as f64 / 1000.0;
    let (median_us, p99_us) = (at(0.5), at(0.99));
    println!(
        "{}",
        json!({ "part": "dns", "type": name, "median_us": median_us, "p99_us": p99_us, "cpu_us_per_query": cpu_us })
    );
}

fn http(runtime: &Runtime, group: &Group, span: Duration) {
    let (begun, before) = (Instant::now(), group.cpu());
    let requests = runtime.block_on(async {
        let stop = Arc::new(AtomicBool::new(false));
        let clients = tokio::spawn(clients::http(group.http, None, Arc::clone(&stop)));
        tokio::time::sleep(span).await;
        stop.store(true, Ordering::Relaxed);
        clients.await.expect("answers")
    });
    let (wall, cpu) = (begun.elapsed(), group.cpu() - before);
    println!(
        "{}",
        json!({
            "part": "http",
            "requests_per_s": f64::from(requests) / wall.as_secs_f64(),
            "cpu_us_per_request": cpu.as_secs_f64() * 1e6 / f64::from(requests),
        })
    );
}

fn probes(runtime: &Runtime, group: &Group, rounds: usize) {
    let (mut calm, mut loaded, mut requests, mut load_s) = (Vec::new(), Vec::new(), 0, 0.0);
    for round in 0..rounds {
        calm.extend(runtime.block_on(group.first_pings(2 * round, VICTIMS)));
        let begun = Instant::now();
        runtime.block_on(async {
            let stop = Arc::new(AtomicBool::new(false));
            let clients = tokio::spawn(clients::http(group.http, Some(LOAD), Arc::clone(&stop)));
            loaded.extend(group.first_pings(2 * round + 1, VICTIMS).await);
            stop.store(true, Ordering::Relaxed);
            requests += clients.await.expect("answers");
        });
        load_s += begun.elapsed().as_secs_f64();
    }
    let median = |values: &[f64]| {
        let mut values = values.to_vec();
        values.sort_unstable_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!(
        "{}",
        json!({
            "part": "probes",
            "crashes": calm.len() + loaded.len(),
            "requests_per_s": f64::from(requests) / load_s,
            "first_ping_s": median(&calm),
            "first_ping_under_load_s": median(&loaded),
            "p": smirnov_p(&calm, &loaded),
        })
    );
}
