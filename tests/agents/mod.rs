//! Helpers for the tests of agents: quick settings, clusters, and waiting with a timeout.

#![allow(dead_code, reason = "each test file uses a part of it")]

#[cfg(feature = "discovery")]
pub mod clients;
#[cfg(all(feature = "cli", target_os = "linux"))]
pub mod network;
#[cfg(all(feature = "cli", unix))]
pub mod process;

use std::ops::Range;
use std::time::{Duration, Instant};

use swimlab::agent::{Agent, Builder};
use swimlab::protocol::{Config, Status, preset, profiles};
use swimlab_selectors::Spec;

/// Config for tests that cannot wait: a period of 200 ms, and suspicions of a second.
pub fn quick_settings() -> Config {
    let spec = Spec::of("swim").with("period", "200ms").with("probe_timeout", "100ms").with("suspicion_mult", 5.0);
    profiles().build(&preset("local").unwrap().under(spec), &()).unwrap()
}

/// A member on loopback with these settings.
pub fn quick(name: &str) -> Builder {
    Agent::builder().name(name).config(quick_settings())
}

/// The names of members with these numbers.
pub fn names(range: Range<usize>) -> Vec<String> {
    range.map(|n| format!("m{n}")).collect()
}

/// A cluster of `members` members that join through the first one.
pub async fn cluster(members: usize) -> Vec<Agent> {
    let mut agents = vec![quick("m0").spawn().await.unwrap()];
    let seed = agents[0].addr().to_string();
    for name in names(1..members) {
        agents.push(quick(&name).join([seed.clone()]).spawn().await.unwrap());
    }
    agents
}

/// Whether each agent holds exactly `members` members alive.
pub async fn all_know(agents: &[Agent], members: usize) -> bool {
    for agent in agents {
        let known = agent.members().await.unwrap();
        if known.iter().filter(|member| member.state == Status::Alive).count() != members {
            return false;
        }
    }
    true
}

/// Waits for something to become true.
pub async fn within(seconds: u64, what: &str, mut is_true: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_true().await {
        assert!(begun.elapsed() < Duration::from_secs(seconds), "not within {seconds} s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
