//! Seeds: `host`, `host:port`, `192.0.2.7`, `192.0.2.7:7946`, `2001:db8::7` or `[2001:db8::7]:7946`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::sync::{mpsc, oneshot};

use super::address::to_address;
use super::command::Command;
use crate::protocol::Address;

/// The port of seeds that are given without one.
pub const DEFAULT_PORT: u16 = 7946;

/// Time between two lookups of seeds that are host names.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(60);

/// Time after which the log says that no seed has answered.
const SILENCE_WARNING: Duration = Duration::from_secs(5);

/// Result of looking up some seeds.
pub(super) struct Resolved {
    /// The seeds' addresses in their order, each once.
    pub addresses: Vec<Address>,
    /// The seeds that have no address.
    pub failures: Vec<SeedFailure>,
}

pub(super) struct SeedFailure {
    pub seed: String,
    pub error: io::Error,
}

/// Whether a seed is a host name, whose addresses may change.
pub(super) fn is_name(seed: &str) -> bool {
    seed.parse::<SocketAddr>().is_err() && seed.parse::<IpAddr>().is_err()
}

/// Looks up all seeds.
pub(super) async fn resolve(seeds: &[String]) -> Resolved {
    let mut resolved = Resolved { addresses: Vec::new(), failures: Vec::new() };
    for seed in seeds {
        match lookup(seed).await {
            Ok(found) => {
                for address in found.into_iter().map(to_address) {
                    if !resolved.addresses.contains(&address) {
                        resolved.addresses.push(address);
                    }
                }
            }
            Err(error) => resolved.failures.push(SeedFailure { seed: seed.clone(), error }),
        }
    }
    resolved
}

/// Looks up the seeds again and again, and tells the agent, until it ends.
pub(super) async fn keep_looking_up(seeds: Vec<String>, commands: mpsc::WeakSender<Command>) {
    loop {
        tokio::time::sleep(LOOKUP_INTERVAL).await;
        let addresses = resolve(&seeds).await.addresses;
        let Some(commands) = commands.upgrade() else { return };
        if !addresses.is_empty() && commands.send(Command::SetSeeds(addresses)).await.is_err() {
            return;
        }
    }
}

/// Logs a warning if no seed has answered after a while. The agent tries them without end, but one may be mistyped.
pub(super) async fn warn_if_silent(seeds: Vec<String>, commands: mpsc::WeakSender<Command>) {
    tokio::time::sleep(SILENCE_WARNING).await;
    let Some(commands) = commands.upgrade() else { return };
    let (reply, info) = oneshot::channel();
    if commands.send(Command::Info(reply)).await.is_ok()
        && let Ok(info) = info.await
        && info.is_joining
    {
        let seeds = seeds.join(", ");
        tracing::warn!(seeds, "no seed has answered in {SILENCE_WARNING:?}; the agent goes on trying");
    }
}

async fn lookup(seed: &str) -> io::Result<Vec<SocketAddr>> {
    let plain = seed.trim_start_matches('[').trim_end_matches(']');
    let found: Vec<SocketAddr> = if let Ok(ip) = plain.parse::<IpAddr>() {
        vec![SocketAddr::new(ip, DEFAULT_PORT)]
    } else if seed.contains(':') {
        lookup_host(seed).await?.collect()
    } else {
        lookup_host((seed, DEFAULT_PORT)).await?.collect()
    };
    if found.is_empty() { Err(io::Error::new(io::ErrorKind::NotFound, "it has no address")) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::to_socket;

    /// The addresses of some seeds, and the number of those without any.
    fn run(seeds: &[&str]) -> (Vec<String>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let seeds: Vec<String> = seeds.iter().map(|&seed| seed.to_owned()).collect();
        let resolved = runtime.block_on(resolve(&seeds));
        let addresses = resolved.addresses.into_iter().map(|address| to_socket(address).to_string());
        (addresses.collect(), resolved.failures.len())
    }

    #[test]
    fn addresses_need_no_port_and_count_once() {
        let (found, failed) = run(&["192.0.2.7", "192.0.2.7:7946", "2001:db8::7", "[2001:db8::7]:1"]);
        assert_eq!(found, ["192.0.2.7:7946", "[2001:db8::7]:7946", "[2001:db8::7]:1"]);
        assert_eq!(failed, 0);
    }

    #[test]
    fn names_are_looked_up_and_those_without_an_address_are_failures() {
        let (found, failed) = run(&["localhost:7", "no.such.host.invalid:7"]);
        assert!(found.iter().any(|address| address == "127.0.0.1:7" || address == "[::1]:7"), "{found:?}");
        assert_eq!(failed, 1);
    }
}
