//! The seeds of an agent, whose names are looked up again and again.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::command::Command;
use super::seed::{Host, Seed, SeedError};
use super::seed_filter::SeedFilter;

/// Time between two lookups of host names, once all have an address and the agent has joined.
pub(super) const LOOKUP_INTERVAL: Duration = Duration::from_secs(60);

/// The shortest and the longest time between two lookups before.
pub(super) const JOINING_INTERVALS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(15)];

/// The longest that one round of lookups waits for the resolver. A lookup that takes longer goes on, and counts in a
/// later round.
pub(super) const ROUND_PATIENCE: Duration = Duration::from_secs(5);

/// The longest that a start waits for the addresses of seeds. The agent goes on looking them up.
pub(super) const START_PATIENCE: Duration = Duration::from_secs(2);

/// Time after which the log says that no seed has answered.
pub(super) const SILENCE_WARNING: Duration = Duration::from_secs(5);

/// Seeds and their addresses, as far as they are known.
#[derive(Debug)]
pub(super) struct SeedBook(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    seed: Seed,
    /// The addresses that were found last. A lookup that fails leaves them.
    found: Vec<SocketAddr>,
    lookup: Option<JoinHandle<io::Result<Vec<SocketAddr>>>>,
    /// Whether the last lookup failed or took too long: only the first one in a row is logged as a warning.
    is_failing: bool,
}

impl SeedBook {
    /// A book of these seeds. Those that are addresses need no lookup.
    ///
    /// # Errors
    /// The first seed that is malformed, and the reason.
    pub(super) fn parse(seeds: &[String]) -> Result<Self, (String, SeedError)> {
        let entry = |text: &String| {
            let seed = Seed::parse(text).map_err(|error| (text.clone(), error))?;
            let found = if let Host::Address(addr) = seed.host { vec![addr] } else { Vec::new() };
            Ok(Entry { seed, found, lookup: None, is_failing: false })
        };
        Ok(Self(seeds.iter().map(entry).collect::<Result<_, _>>()?))
    }

    /// Whether there are no seeds.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether some seeds are host names, whose addresses may change.
    pub(super) fn has_names(&self) -> bool {
        self.0.iter().any(|entry| matches!(entry.seed.host, Host::Name(..)))
    }

    /// Whether every seed has an address.
    pub(super) fn is_complete(&self) -> bool {
        self.0.iter().all(|entry| !entry.found.is_empty())
    }

    /// The addresses that are known, each once, in the order of the seeds.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let mut all = Vec::new();
        for addr in self.0.iter().flat_map(|entry| &entry.found) {
            if !all.contains(addr) {
                all.push(*addr);
            }
        }
        all
    }

    /// The seeds as they were given.
    pub(super) fn texts(&self) -> String {
        self.0.iter().map(|entry| entry.seed.text.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Looks up all host names at once, and waits for the answers up to `patience`. Failures are logged.
    pub(super) async fn look_up(&mut self, patience: Duration) {
        let until = Instant::now() + patience;
        for entry in &mut self.0 {
            entry.begin_lookup();
        }
        for entry in &mut self.0 {
            entry.finish_lookup(until).await;
        }
    }
}

impl Entry {
    fn begin_lookup(&mut self) {
        // A resolver that does not answer is not asked again meanwhile: each lookup takes a thread.
        if let (Host::Name(name, port), None) = (&self.seed.host, &self.lookup) {
            let (name, port) = (name.clone(), *port);
            self.lookup = Some(tokio::spawn(async move { Ok(lookup_host((name, port)).await?.collect()) }));
        }
    }

    async fn finish_lookup(&mut self, until: Instant) {
        let Some(lookup) = &mut self.lookup else { return };
        let result = match timeout_at(until, lookup).await {
            Ok(ended) => {
                self.lookup = None;
                ended.unwrap_or_else(|error| Err(io::Error::other(error)))
            }
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the resolver has not answered yet")),
        };
        let seed = &self.seed.text;
        match result {
            Ok(found) if !found.is_empty() => {
                if self.is_failing {
                    tracing::info!(seed, "the seed has an address now");
                }
                (self.found, self.is_failing) = (found, false);
            }
            Ok(_) => self.note_failure("it has no address"),
            Err(error) => self.note_failure(error),
        }
    }

    fn note_failure(&mut self, error: impl fmt::Display) {
        let seed = &self.seed.text;
        if self.is_failing {
            tracing::debug!(seed, %error, "a seed has no address yet");
        } else {
            tracing::warn!(seed, %error, "a seed has no address yet; the agent goes on looking it up");
        }
        self.is_failing = true;
    }
}

/// Looks up the seeds again and again, and tells the agent, until it ends: often until it has joined and each seed has
/// an address.
pub(super) async fn keep_looking_up(mut book: SeedBook, filter: SeedFilter, commands: mpsc::WeakSender<Command>) {
    let [shortest, longest] = JOINING_INTERVALS;
    let mut interval = shortest;
    let mut known = book.addresses();
    let mut is_joining = true;
    loop {
        sleep(if is_joining || !book.is_complete() { interval } else { LOOKUP_INTERVAL }).await;
        interval = (interval * 2).min(longest);
        book.look_up(ROUND_PATIENCE).await;
        let found = book.addresses();
        if found != known {
            let new = found.iter().copied().filter(|addr| !known.contains(addr));
            filter.warn_of_useless(&new.collect::<Vec<_>>());
            let Some(commands) = commands.upgrade() else { return };
            let (seeds, are_all) = (filter.usable(&found), book.is_complete());
            if commands.send(Command::SetSeeds { seeds, are_all }).await.is_err() {
                return;
            }
            known = found;
        }
        match joins_still(&commands).await {
            Some(joins) => is_joining = joins,
            None => return,
        }
    }
}

/// Logs a warning if no seed has answered after a while. The agent tries them without end, but one may be mistyped.
pub(super) async fn warn_if_silent(seeds: String, commands: mpsc::WeakSender<Command>) {
    sleep(SILENCE_WARNING).await;
    if joins_still(&commands).await == Some(true) {
        tracing::warn!(seeds, "no seed has answered in {SILENCE_WARNING:?}; the agent goes on trying");
    }
}

/// Whether no seed has answered yet; `None` if the agent has ended.
async fn joins_still(commands: &mpsc::WeakSender<Command>) -> Option<bool> {
    let (reply, info) = oneshot::channel();
    commands.upgrade()?.send(Command::Info(reply)).await.ok()?;
    Some(info.await.ok()?.is_joining)
}

#[cfg(test)]
mod tests {
    use super::super::metrics::Info;
    use super::super::tests::sample;
    use super::*;

    /// The addresses of some seeds, and whether each has one.
    fn run(seeds: &[&str]) -> (Vec<String>, bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let seeds: Vec<String> = seeds.iter().map(|&seed| seed.to_owned()).collect();
        let mut book = SeedBook::parse(&seeds).unwrap();
        runtime.block_on(book.look_up(Duration::from_secs(60)));
        (book.addresses().into_iter().map(|addr| addr.to_string()).collect(), book.is_complete())
    }

    #[test]
    fn addresses_need_no_port_and_count_once() {
        let (found, is_complete) =
            run(&["192.0.2.7", "192.0.2.7:7946", "2001:db8::7", "[2001:db8::7]:1", "[fe80::7%3]:1", "fe80::7%3"]);
        let expected = ["192.0.2.7:7946", "[2001:db8::7]:7946", "[2001:db8::7]:1", "[fe80::7%3]:1", "[fe80::7%3]:7946"];
        assert_eq!(found, expected);
        assert!(is_complete);
    }

    // F9
    #[test]
    fn names_are_looked_up_and_those_without_an_address_are_no_error() {
        let (found, is_complete) = run(&["localhost:7", "no.such.host.invalid:7"]);
        assert!(found.iter().any(|address| address == "127.0.0.1:7" || address == "[::1]:7"), "{found:?}");
        assert!(!is_complete);
    }

    #[tokio::test(start_paused = true)]
    async fn a_resolver_is_waited_for_as_long_as_the_round_may_take_and_its_lookup_goes_on() {
        for patience in [START_PATIENCE, ROUND_PATIENCE] {
            let lookup = Some(tokio::spawn(std::future::pending()));
            let seed = Seed::parse("host").unwrap();
            let mut book = SeedBook(vec![Entry { seed, found: Vec::new(), lookup, is_failing: false }]);
            let begun = Instant::now();
            book.look_up(patience).await;
            assert_eq!(begun.elapsed().as_secs(), patience.as_secs());
            assert!(book.0[0].lookup.is_some() && book.0[0].is_failing);
        }
    }

    /// The times, in seconds, between the questions of a task whether the agent still joins, of which the first ones are
    /// answered with yes.
    async fn pauses(mut inbox: mpsc::Receiver<Command>, yes: usize, questions: usize) -> Vec<u64> {
        let (mut pauses, mut last) = (Vec::new(), Instant::now());
        for at in 0..questions {
            let Some(Command::Info(reply)) = inbox.recv().await else { panic!("another command") };
            pauses.push(last.elapsed().as_secs());
            last = Instant::now();
            let info = Info { is_joining: at < yes, ..sample() };
            assert!(reply.send(Box::new(info)).is_ok());
        }
        pauses
    }

    #[tokio::test(start_paused = true)]
    async fn lookups_become_rarer_while_the_agent_joins_and_rare_once_it_has() {
        let [shortest, longest] = JOINING_INTERVALS.map(|interval| interval.as_secs());
        let (commands, inbox) = mpsc::channel(1);
        let book = SeedBook::parse(&["127.0.0.1:7".to_owned()]).unwrap();
        let filter = SeedFilter::new("127.0.0.1:8".parse().unwrap(), None, &[]);
        tokio::spawn(keep_looking_up(book, filter, commands.downgrade()));
        let found = pauses(inbox, 6, 9).await;
        let later = LOOKUP_INTERVAL.as_secs();
        assert_eq!(found, [shortest, 2, 4, 8, longest, longest, longest, later, later]);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_of_all_seeds_is_noticed_in_time() {
        let (commands, inbox) = mpsc::channel(1);
        tokio::spawn(warn_if_silent("127.0.0.1:7".to_owned(), commands.downgrade()));
        assert_eq!(pauses(inbox, 1, 1).await, [SILENCE_WARNING.as_secs()]);
    }
}
