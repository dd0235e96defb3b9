//! Seeds by name: `host:port`, `host`, `1.2.3.4:7946`, `[2001:db8::7]:7946`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::sync::{mpsc, oneshot};

use super::address::to_address;
use super::handle::Command;
use crate::protocol::Address;

/// The port of a seed that names none.
pub const DEFAULT_PORT: u16 = 7946;

/// How often seeds that are names are looked up anew.
const LOOKUPS: Duration = Duration::from_secs(60);

/// Seeds that have not answered by then are worth a line in the log.
const UNHEARD: Duration = Duration::from_secs(5);

/// Whether a seed is an address: the others are asked for again now and then.
pub(super) fn is_name(seed: &str) -> bool {
    seed.parse::<SocketAddr>().is_err() && seed.parse::<IpAddr>().is_err()
}

/// All addresses of these seeds, each once, in their order; and the seeds that have none, with the reason.
pub(super) async fn resolve(seeds: &[String]) -> (Vec<Address>, Vec<(String, io::Error)>) {
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for seed in seeds {
        match addresses(seed).await {
            Ok(addresses) => addresses.into_iter().map(to_address).for_each(|address| {
                if !found.contains(&address) {
                    found.push(address);
                }
            }),
            Err(error) => failed.push((seed.clone(), error)),
        }
    }
    (found, failed)
}

/// Names may come to stand for other addresses.
pub(super) async fn keep_looking_up(names: Vec<String>, commands: mpsc::WeakSender<Command>) {
    loop {
        tokio::time::sleep(LOOKUPS).await;
        let (found, _) = resolve(&names).await;
        let Some(commands) = commands.upgrade() else { return };
        if !found.is_empty() && commands.send(Command::Seeds(found)).await.is_err() {
            return;
        }
    }
}

/// An agent goes on trying its seeds for ever, but whoever has mistyped one should hear of it.
pub(super) async fn warn_if_unheard(seeds: Vec<String>, commands: mpsc::WeakSender<Command>) {
    tokio::time::sleep(UNHEARD).await;
    let Some(commands) = commands.upgrade() else { return };
    let (answer, info) = oneshot::channel();
    if commands.send(Command::Info(answer)).await.is_ok()
        && let Ok(info) = info.await
        && info.is_joining
    {
        let seeds = seeds.join(", ");
        tracing::warn!(seeds, "no seed has answered in {UNHEARD:?}; the agent goes on trying");
    }
}

async fn addresses(seed: &str) -> io::Result<Vec<SocketAddr>> {
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

    fn run(seeds: &[&str]) -> (Vec<String>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let seeds: Vec<String> = seeds.iter().map(|&seed| seed.to_owned()).collect();
        let (found, failed) = runtime.block_on(resolve(&seeds));
        (found.into_iter().map(|address| to_socket(address).to_string()).collect(), failed.len())
    }

    #[test]
    fn addresses_need_no_port_and_count_once() {
        let (found, failed) = run(&["192.0.2.7", "192.0.2.7:7946", "2001:db8::7", "[2001:db8::7]:1"]);
        assert_eq!(found, ["192.0.2.7:7946", "[2001:db8::7]:7946", "[2001:db8::7]:1"]);
        assert_eq!(failed, 0);
    }

    #[test]
    fn names_are_looked_up_and_those_without_address_are_told() {
        let (found, failed) = run(&["localhost:7", "no.such.host.invalid:7"]);
        assert!(found.iter().any(|address| address == "127.0.0.1:7" || address == "[::1]:7"), "{found:?}");
        assert_eq!(failed, 1);
    }
}
