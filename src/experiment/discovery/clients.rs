//! Clients: they ask the catalog of their member for instances, and send requests to one of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;

use swimlab_selectors::rng::{Purpose, Rng, below, stream, unit};

use super::catalogs::Catalogs;
use super::{DiscoveryConfig, InstanceChoice};
use crate::protocol::{Span, Time};
use crate::sim::{Effect, Fault, FaultEvent, MemberIndex, Partition, Setup};
use crate::topology::Placement;

/// All clients of a trial, and what has become of their requests.
pub(super) struct Clients {
    config: DiscoveryConfig,
    end: Time,
    placement: Arc<Placement>,
    clients: Vec<Client>,
    /// The next request of each client.
    due: BinaryHeap<Reverse<(Time, usize)>>,
    partitions: Partitions,
    pub counts: RequestCounts,
}

struct Client {
    member: MemberIndex,
    rng: Rng,
    /// The answer that it has, and until when it keeps it.
    kept: Option<(Time, Vec<MemberIndex>)>,
    /// The share of `cache` for which it keeps its first answer, so that clients do not look up all at once.
    first_share: Option<f64>,
}

/// Counts of requests and their answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct RequestCounts {
    pub requests: u64,
    /// Requests whose answer names an instance that the client cannot use, or none though it could use one.
    pub wrong: u64,
    /// Requests sent to an instance whose member does not run.
    pub to_dead: u64,
    /// Requests at whose time the client could use some instance.
    pub served: u64,
    /// Sum over these of the share of usable instances that the answer lacks.
    pub lacking: f64,
}

/// The partitions in force, by fault: which members are among their targets.
struct Partitions(Vec<Option<Vec<u32>>>);

impl Clients {
    /// The clients of a trial, which send requests within `window`.
    pub(super) fn new(config: DiscoveryConfig, setup: &Setup, window: Range<Time>) -> Self {
        let mut clients: Vec<Client> = Vec::with_capacity(config.clients as usize);
        let mut due = BinaryHeap::with_capacity(config.clients as usize);
        for number in 0..config.clients {
            let mut rng = stream(setup.seed, Purpose::Clients, number.into());
            let member = below(&mut rng, setup.members);
            due.push(Reverse((window.start + gap(config.request_rate, &mut rng), clients.len())));
            let first_share = (config.cache > Span::ZERO).then(|| unit(&mut rng));
            clients.push(Client { member, rng, kept: None, first_share });
        }
        let placement = Arc::clone(&setup.placement);
        let partitions = Partitions::new(setup);
        Self { config, end: window.end, placement, clients, due, partitions, counts: RequestCounts::default() }
    }

    /// Sends all requests that are due before `until`. `to_dead` learns of those to instances that do not run.
    pub(super) fn advance(&mut self, until: Time, catalogs: &Catalogs, mut to_dead: impl FnMut(MemberIndex)) {
        let until = until.min(self.end);
        while let Some(&Reverse((at, client))) = self.due.peek()
            && at < until
        {
            self.due.pop();
            let next = at + gap(self.config.request_rate, &mut self.clients[client].rng);
            self.due.push(Reverse((next, client)));
            if let Some(dead) = self.request(at, client, catalogs) {
                to_dead(dead);
            }
        }
    }

    /// A fault takes effect on a member, or ends.
    pub(super) fn fault(&mut self, fault_event: &FaultEvent) {
        match fault_event.effect {
            Effect::Disturbed => self.partitions.change(fault_event, 1),
            Effect::Released => self.partitions.change(fault_event, -1),
            // What clients remember ends with their member.
            Effect::Crashed | Effect::Left => {
                let of_member = self.clients.iter_mut().filter(|client| client.member == fault_event.member);
                of_member.for_each(|client| client.kept = None);
            }
            _ => {}
        }
    }

    /// One request of a client. Returns the instance that it went to if that does not run.
    fn request(&mut self, at: Time, client: usize, catalogs: &Catalogs) -> Option<MemberIndex> {
        let Self { config, placement, clients, partitions, counts, .. } = self;
        let Client { member, rng, kept, first_share } = &mut clients[client];
        let member = *member;
        if !catalogs.is_up(member) {
            return None;
        }
        let answer = match kept.take().filter(|&(until, _)| at < until) {
            Some(fresh) => fresh,
            None => (at + config.cache.scale(first_share.take().unwrap_or(1.0)), catalogs.answer(member)),
        };
        let chosen = choose(config.choice, member, &answer.1, placement, rng);
        counts.requests += 1;
        let usable: Vec<MemberIndex> =
            catalogs.running_instances().filter(|&instance| !partitions.cut(member, instance)).collect();
        let is_usable = |instance: MemberIndex| usable.binary_search(&instance).is_ok();
        if !usable.is_empty() {
            let lacking = usable.iter().filter(|instance| answer.1.binary_search(instance).is_err()).count();
            counts.served += 1;
            counts.lacking += lacking as f64 / usable.len() as f64;
        }
        counts.wrong += u64::from(chosen.map_or(!usable.is_empty(), |instance| !is_usable(instance)));
        let dead = chosen.filter(|&instance| !catalogs.is_up(instance));
        counts.to_dead += u64::from(dead.is_some());
        // That there is nobody is not worth remembering.
        if !answer.1.is_empty() {
            *kept = Some(answer);
        }
        dead
    }
}

/// The time to the next request: exponential.
fn gap(rate: f64, rng: &mut Rng) -> Span {
    Span::from_secs_f64(-libm::log(1.0 - unit(rng)) / rate).max(Span::from_micros(1))
}

/// An instance of an answer.
fn choose(
    choice: InstanceChoice,
    client: MemberIndex,
    answer: &[MemberIndex],
    placement: &Placement,
    rng: &mut Rng,
) -> Option<MemberIndex> {
    let any = |among: &[MemberIndex], rng: &mut Rng| {
        (!among.is_empty()).then(|| among[below(rng, among.len() as u32) as usize])
    };
    match choice {
        InstanceChoice::Random => any(answer, rng),
        InstanceChoice::Nearest => {
            let distance = |&instance: &MemberIndex| match instance == client {
                true => 0,
                false => placement.rtt_us(client, instance),
            };
            let least = answer.iter().map(distance).min()?;
            let nearest: Vec<MemberIndex> = answer.iter().copied().filter(|one| distance(one) == least).collect();
            any(&nearest, rng)
        }
    }
}

impl Partitions {
    fn new(setup: &Setup) -> Self {
        let members = setup.placement.members() as usize;
        let targets = |fault: &Fault| fault.kind.is::<Partition>().then(|| vec![0; members]);
        Self(setup.faults.iter().map(targets).collect())
    }

    fn change(&mut self, fault_event: &FaultEvent, by: i32) {
        if let Some(Some(targets)) = self.0.get_mut(fault_event.fault as usize) {
            let count = &mut targets[fault_event.member as usize];
            *count = count.saturating_add_signed(by);
        }
    }

    /// Whether a partition separates two members, in either direction: a request needs both.
    fn cut(&self, one: MemberIndex, other: MemberIndex) -> bool {
        let separates = |targets: &Vec<u32>| (targets[one as usize] > 0) != (targets[other as usize] > 0);
        self.0.iter().flatten().any(separates)
    }
}
