//! Admission of connections: which of those that peers open are served, and which give way.
//!
//! A connection is *silent* until the prefix of its first packet has been read (with a key: proven), then it *waits* for
//! one of few slots in which exchanges are *served*. Slots are limited in all and per source. When connections are too
//! many, a silent one gives way, of the source with the most connections, its oldest first: connections that say
//! nothing keep out only others of the same source. Without a key, a prefix proves nothing: there, connections that have
//! lasted for a while without bringing a packet give way as well.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

/// The most connections at once, those that are not served yet included.
pub(super) const MAX_OPEN: usize = 256;

/// The most connections that are served at once.
pub(super) const MAX_SERVED: usize = 32;

/// The most connections of one source that are served at once.
pub(super) const MAX_SERVED_PER_SOURCE: usize = 16;

/// Time after which a connection that proves nothing and has brought no packet may be ended for others.
pub(super) const IDLE: Duration = Duration::from_millis(500);

/// Time after which a connection that waits looks again at whether others have become idle.
const RECHECK: Duration = Duration::from_millis(100);

/// The connections of one agent that peers have opened. Clones are the same.
#[derive(Clone)]
pub(super) struct Admission(Arc<Shared>);

struct Shared {
    /// Whether the prefix of a packet proves that its sender has the key.
    is_proof: bool,
    open: Mutex<Open>,
    changed: Notify,
}

/// Connections, the oldest first.
#[derive(Default)]
struct Open {
    next: u64,
    connections: Vec<Connection>,
}

struct Connection {
    number: u64,
    source: Source,
    /// The beginning of its stage.
    since: Instant,
    stage: Stage,
    task: Option<AbortHandle>,
}

/// The host that a connection comes from: an IPv4 address or an IPv6 network of 64 bits, within which a host may choose
/// its addresses.
type Source = [u8; 16];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Silent,
    Waiting,
    /// Its packet is being read.
    Reading,
    /// Its packet has been read.
    Answering,
}

/// A place among the open connections, given up when dropped.
pub(super) struct Ticket {
    admission: Admission,
    number: u64,
}

impl Admission {
    /// No connections yet. `is_proof`: the prefix of a packet proves that its sender has the key.
    pub(super) fn new(is_proof: bool) -> Self {
        Self(Arc::new(Shared { is_proof, open: Mutex::default(), changed: Notify::new() }))
    }

    /// Takes a new connection in. Where there are too many, another one gives way, at once or as soon as one may, which
    /// `ended` is told.
    pub(super) async fn enter(&self, ip: IpAddr, ended: impl Fn()) -> Ticket {
        let source = source_of(ip);
        loop {
            let changed = self.0.changed.notified();
            {
                let mut open = self.open();
                if open.connections.len() >= MAX_OPEN && open.end_one(self.0.is_proof, source, |_| true) {
                    ended();
                }
                if open.connections.len() < MAX_OPEN {
                    let number = open.next;
                    open.next += 1;
                    let (since, stage, task) = (Instant::now(), Stage::Silent, None);
                    open.connections.push(Connection { number, source, since, stage, task });
                    return Ticket { admission: self.clone(), number };
                }
            }
            let _ = timeout(RECHECK, changed).await;
        }
    }

    /// Sets the task that serves a connection, to be ended if it gives way.
    pub(super) fn set_task(&self, number: u64, task: AbortHandle) {
        match self.open().connections.iter_mut().find(|connection| connection.number == number) {
            Some(connection) => connection.task = Some(task),
            None => task.abort(),
        }
    }

    /// Ends the connection that is the first to give way, for want of another resource.
    pub(super) fn end_one(&self) -> bool {
        self.open().end_one(self.0.is_proof, Source::default(), |_| true)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Ends a connection that may give way, among those that `is_candidate` accepts: of the source with the most
    /// connections, a newcomer of this source included. `false`: there is none.
    fn end_one(&mut self, is_proof: bool, newcomer: Source, is_candidate: impl Fn(&Connection) -> bool) -> bool {
        let may_end = |connection: &Connection| match connection.stage {
            Stage::Silent => true,
            Stage::Waiting | Stage::Reading => !is_proof && connection.since.elapsed() >= IDLE,
            Stage::Answering => false,
        };
        let count = |source: Source| {
            let others = self.connections.iter().filter(|connection| connection.source == source).count();
            others + usize::from(source == newcomer)
        };
        let candidates = self.connections.iter().enumerate();
        let candidates = candidates.filter(|(_, connection)| is_candidate(connection) && may_end(connection));
        // Of equals, the last one is the maximum: they are looked at from the newest to the oldest.
        let Some((at, _)) = candidates.rev().max_by_key(|(_, connection)| count(connection.source)) else {
            return false;
        };
        if let Some(task) = self.connections.remove(at).task {
            task.abort();
        }
        true
    }

    /// Whether a connection that waits may be served now: there is a slot, also for its source, and no older one waits
    /// for it.
    fn may_serve(&self, number: u64, source: Source) -> bool {
        let has_slot = |source| self.served(|other| other.source == source) < MAX_SERVED_PER_SOURCE;
        let mut older = self.connections.iter().take_while(|connection| connection.number < number);
        self.served(|_| true) < MAX_SERVED
            && has_slot(source)
            && !older.any(|connection| connection.stage == Stage::Waiting && has_slot(connection.source))
    }

    /// The number of connections that are served, among some.
    fn served(&self, is_counted: impl Fn(&Connection) -> bool) -> usize {
        let is_served = |connection: &&Connection| matches!(connection.stage, Stage::Reading | Stage::Answering);
        self.connections.iter().filter(is_served).filter(|connection| is_counted(connection)).count()
    }
}

impl Ticket {
    /// The number of the connection.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Waits for a slot, after the prefix of the first packet has been read.
    pub(super) async fn served(&self) {
        self.set_stage(Stage::Waiting);
        loop {
            let changed = self.admission.0.changed.notified();
            {
                let mut open = self.admission.open();
                let own = open.connections.iter().find(|connection| connection.number == self.number);
                let Some(source) = own.map(|own| own.source) else { return };
                // Those that hold the slots may be idle.
                let (is_proof, is_full) = (self.admission.0.is_proof, open.served(|_| true) >= MAX_SERVED);
                if is_full || open.served(|other| other.source == source) >= MAX_SERVED_PER_SOURCE {
                    open.end_one(is_proof, source, |other| {
                        other.stage == Stage::Reading && (is_full || other.source == source)
                    });
                }
                if open.may_serve(self.number, source) {
                    open.set_stage(self.number, Stage::Reading);
                    return;
                }
            }
            let _ = timeout(RECHECK, changed).await;
        }
    }

    /// Notes that the packet has been read: the connection does not give way any more.
    pub(super) fn set_answering(&self) {
        self.set_stage(Stage::Answering);
    }

    fn set_stage(&self, stage: Stage) {
        self.admission.open().set_stage(self.number, stage);
    }
}

impl Open {
    fn set_stage(&mut self, number: u64, stage: Stage) {
        if let Some(connection) = self.connections.iter_mut().find(|connection| connection.number == number) {
            (connection.stage, connection.since) = (stage, Instant::now());
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.admission.open().connections.retain(|connection| connection.number != self.number);
        self.admission.0.changed.notify_waiters();
    }
}

fn source_of(ip: IpAddr) -> Source {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => {
            let mut source = ip.octets();
            source[8..].fill(0);
            source
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn enter(admission: &Admission, host: u8) -> Ticket {
        admission.enter(IpAddr::from([10, 0, 0, host]), || {}).await
    }

    fn is_open(ticket: &Ticket) -> bool {
        ticket.admission.open().connections.iter().any(|connection| connection.number == ticket.number)
    }

    // A4
    #[tokio::test]
    async fn silent_connections_give_way_the_oldest_of_the_greediest_source_first() {
        let admission = Admission::new(true);
        let other = enter(&admission, 2).await;
        let mut greedy = Vec::new();
        for _ in 0..MAX_OPEN + 9 {
            greedy.push(enter(&admission, 1).await);
        }
        assert!(is_open(&other));
        assert_eq!(
            greedy.iter().map(is_open).collect::<Vec<_>>(),
            [vec![false; 10], vec![true; MAX_OPEN - 1]].concat()
        );
        let late = enter(&admission, 3).await;
        assert!(is_open(&late) && is_open(&other) && !is_open(&greedy[10]));
    }

    // A4
    #[tokio::test]
    async fn one_source_does_not_take_all_slots() {
        let admission = Admission::new(true);
        let mut greedy = Vec::new();
        for _ in 0..MAX_SERVED_PER_SOURCE {
            greedy.push(enter(&admission, 1).await);
            greedy.last().unwrap().served().await;
        }
        let waiting = enter(&admission, 1).await;
        assert!(timeout(Duration::from_millis(300), waiting.served()).await.is_err(), "its source has its share");
        let other = enter(&admission, 2).await;
        timeout(Duration::from_secs(60), other.served()).await.expect("another source is served");
        greedy.pop();
        timeout(Duration::from_secs(60), waiting.served()).await.expect("a slot of its source is free");
    }

    // A4
    #[tokio::test]
    async fn without_a_key_connections_that_bring_no_packet_give_way_and_with_one_they_are_waited_for() {
        for is_proof in [false, true] {
            let admission = Admission::new(is_proof);
            let mut idle = Vec::new();
            for at in 0..MAX_SERVED {
                idle.push(enter(&admission, at as u8).await);
                idle.last().unwrap().served().await;
            }
            let late = enter(&admission, 200).await;
            let waits = if is_proof { Duration::from_millis(1500) } else { Duration::from_secs(60) };
            assert_eq!(timeout(waits, late.served()).await.is_ok(), !is_proof);
            assert_eq!(idle.iter().filter(|ticket| is_open(ticket)).count(), MAX_SERVED - usize::from(!is_proof));
        }
    }

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_network() {
        let source = |ip: &str| source_of(ip.parse().unwrap());
        assert_ne!(source("127.0.0.1"), source("127.0.0.2"));
        assert_eq!(source("127.0.0.1"), source("::ffff:127.0.0.1"));
        assert_eq!(source("2001:db8::1"), source("2001:db8::2:0:0:7"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
    }
}
