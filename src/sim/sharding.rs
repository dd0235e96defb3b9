//! Which members of a large world share a thread, and how long threads can go on without each other.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use super::observer::MemberIndex;
use super::setup::Setup;
use super::threads::{MAY_DIVIDE, Threads};
use crate::protocol::Span;
use crate::topology::{MAX_SITES, Placement};

/// The least number of members on each thread. Smaller worlds fit into a cache, and are better off with a thread per
/// trial.
const LEAST_MEMBERS: u32 = 10_000;

/// The least number of periods that begin on each thread within the lookahead: an estimate, as with fewer the threads have
/// little to do between two times that they wait for each other.
const LEAST_PERIODS: f64 = 50.0;

/// Two windows of a microsecond.
const LEAST_LOOKAHEAD: Span = Span::from_micros(2);

/// The time that the calling thread needs to merge what all threads have recorded, as a share of the time that they all
/// need for their events. It gets fewer members for that.
const MERGING: f64 = 0.06;

/// The same where an observer watches packets, an estimate.
const MERGING_PACKETS: f64 = 0.2;

/// The factor by which a thread may have more members than it should.
const IMBALANCE: f64 = 1.15;

/// A division of a world among threads, and the time that they can go on without each other.
pub(super) struct Sharding {
    pub division: Division,
    /// The least delay of a packet between members on different threads.
    pub lookahead: Span,
}

/// A division of a world's members into shards.
pub(super) enum Division {
    /// One shard.
    Whole,
    /// Any range of members is spread evenly over the shards: by hash, each shard's from one bound to the next.
    Spread(Box<[u32]>),
    /// By site.
    Sites { placement: Arc<Placement>, shards: usize, shard_of: Box<[u16]> },
}

/// The reason why a world runs on one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SingleThread {
    /// Nobody asked for more threads.
    Default,
    /// It has too few members.
    Small {
        /// The number of members, joiners included.
        members: u32,
    },
    /// Packets between members on different threads can arrive so soon that the threads would wait for each other most
    /// of the time.
    Lookahead {
        /// The least delay of such a packet.
        least_delay: Span,
        /// The least delay with which threads would save time, in a world of this size.
        needed: Span,
    },
    /// Detectors change something that they share.
    SharedState,
}

impl Setup {
    /// The reason why a world of this setup runs on one thread although more are allowed; `None` if it runs on several,
    /// unless its detectors share state, or if only one is allowed.
    pub fn single_thread(&self) -> Option<SingleThread> {
        Sharding::of(self, false).err().filter(|reason| *reason != SingleThread::Default)
    }
}

impl fmt::Display for SingleThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("one thread was asked for"),
            Self::Small { members } => {
                write!(f, "{members} members are fewer than {}, with which threads begin to pay", 2 * LEAST_MEMBERS)
            }
            Self::Lookahead { least_delay, needed } => {
                write!(f, "packets may arrive after {least_delay}, which is less than the {needed} that threads need")
            }
            Self::SharedState => f.write_str("its members record what they learn in one place"),
        }
    }
}

impl Sharding {
    /// The division of the members of this setup among the threads that it allows, whose observer watches packets or not.
    ///
    /// # Errors
    /// If the world should run on one thread.
    pub(super) fn of(setup: &Setup, watches_packets: bool) -> Result<Self, SingleThread> {
        let members = setup.placement.members();
        let Threads { most, in_small_worlds, .. } = setup.threads;
        if most < 2 || !MAY_DIVIDE {
            return Err(SingleThread::Default);
        }
        let threads = if in_small_worlds { most } else { most.min((members / LEAST_MEMBERS) as usize) };
        if threads < 2 {
            return Err(SingleThread::Small { members });
        }
        let per_period = if in_small_worlds { 0.0 } else { LEAST_PERIODS * threads as f64 / f64::from(members) };
        let needed = setup.period.scale(per_period).max(LEAST_LOOKAHEAD);
        let shares = shares(threads, if watches_packets { MERGING_PACKETS } else { MERGING });
        Self::with_lookahead(&setup.placement, &shares, needed)
    }

    /// A division by these shares with at least this lookahead.
    fn with_lookahead(placement: &Arc<Placement>, shares: &[f64], needed: Span) -> Result<Self, SingleThread> {
        let sites = Sites::of(placement);
        let anywhere = sites.least_delay_between_members(placement);
        if anywhere >= needed {
            return Ok(Self { division: Division::spread(shares), lookahead: anywhere });
        }
        match sites.split(placement, shares) {
            Some((lookahead, shard_of)) if lookahead >= needed => {
                let (placement, shards) = (Arc::clone(placement), shares.len());
                Ok(Self { division: Division::Sites { placement, shards, shard_of: shard_of.into() }, lookahead })
            }
            split => {
                let least_delay = split.map_or(anywhere, |(lookahead, _)| lookahead.max(anywhere));
                Err(SingleThread::Lookahead { least_delay, needed })
            }
        }
    }
}

impl Division {
    fn spread(shares: &[f64]) -> Self {
        let bound = |end: &mut f64, share: &f64| {
            *end += share;
            Some((*end * 2f64.powi(32)) as u32)
        };
        Self::Spread(shares[..shares.len() - 1].iter().scan(0.0, bound).collect())
    }

    /// The number of shards.
    pub(super) fn shards(&self) -> usize {
        match self {
            Self::Whole => 1,
            Self::Spread(bounds) => bounds.len() + 1,
            Self::Sites { shards, .. } => *shards,
        }
    }

    /// The shard of a member.
    #[inline(always)]
    pub(super) fn shard_of(&self, member: MemberIndex) -> usize {
        match self {
            Self::Whole => 0,
            Self::Spread(bounds) => {
                // Multiples of the golden ratio, modulo 1, are evenly spread.
                let hash = member.wrapping_mul(0x9e37_79b9);
                bounds.iter().map(|&bound| usize::from(hash >= bound)).sum()
            }
            Self::Sites { placement, shard_of, .. } => shard_of[placement.site_of(member) as usize].into(),
        }
    }
}

/// The share of the members that each thread gets. The first one also merges.
fn shares(threads: usize, merging: f64) -> Vec<f64> {
    let each = (1.0 + merging) / threads as f64;
    let first = (each - merging).max(0.0);
    let other = (1.0 - first) / (threads - 1) as f64;
    (0..threads).map(|thread| if thread == 0 { first } else { other }).collect()
}

/// The sites that have members.
struct Sites {
    /// Site and number of members.
    occupied: Vec<(u32, u32)>,
    /// The edges of a minimum spanning tree over the least delays, shortest first: delay and two positions in `occupied`.
    /// Empty if there are more than [`MAX_SITES`].
    tree: Vec<(u32, usize, usize)>,
}

impl Sites {
    fn of(placement: &Placement) -> Self {
        let mut sites: Vec<u32> = (0..placement.members()).map(|member| placement.site_of(member)).collect();
        sites.sort_unstable();
        let occupied: Vec<_> = sites.chunk_by(u32::eq).map(|site| (site[0], site.len() as u32)).collect();
        let mut tree = if occupied.len() <= MAX_SITES { spanning_tree(placement, &occupied) } else { Vec::new() };
        tree.sort_unstable();
        Self { occupied, tree }
    }

    /// The least delay of a packet between any two members, or less.
    fn least_delay_between_members(&self, placement: &Placement) -> Span {
        if self.occupied.len() > MAX_SITES {
            return Span::from_micros(placement.least_delay_us().into());
        }
        let within = self.occupied.iter().filter(|&&(_, members)| members > 1);
        let within = within.map(|&(site, _)| placement.least_delay_between_us(site, site));
        let least = within.chain(self.tree.first().map(|&(delay, ..)| delay)).min();
        Span::from_micros(least.unwrap_or(0).into())
    }

    /// Divides whole sites among threads so that the least delay between those of different threads is as large as an
    /// even load allows. Returns that delay, and the thread of each site; `None` if the load cannot be even.
    fn split(&self, placement: &Placement, shares: &[f64]) -> Option<(Span, Vec<u16>)> {
        // Sites that are nearer to each other than the delay belong together.
        let mut groups = Groups::new(self.occupied.iter().map(|&(_, members)| members).collect());
        let mut best = None;
        let mut edges = self.tree.iter().copied().peekable();
        while let Some(&(delay, ..)) = edges.peek() {
            if let Some(threads) = groups.divide(shares) {
                best = Some((delay, threads));
            }
            while let Some((_, a, b)) = edges.next_if(|&(other, ..)| other == delay) {
                groups.join(a, b);
            }
        }
        let (delay, threads) = best?;
        let mut by_site = vec![0; placement.sites() as usize];
        for (&(site, _), thread) in self.occupied.iter().zip(threads) {
            by_site[site as usize] = thread;
        }
        Some((Span::from_micros(delay.into()), by_site))
    }
}

/// Prim's algorithm.
fn spanning_tree(placement: &Placement, occupied: &[(u32, u32)]) -> Vec<(u32, usize, usize)> {
    // By site outside of the tree: the least delay to one in it, and that one.
    let mut nearest: Vec<(u32, usize, usize)> = (1..occupied.len()).map(|site| (u32::MAX, 0, site)).collect();
    let (mut tree, mut added) = (Vec::new(), 0);
    while !nearest.is_empty() {
        for (delay, inside, site) in &mut nearest {
            let other = placement.least_delay_between_us(occupied[added].0, occupied[*site].0);
            if other < *delay {
                (*delay, *inside) = (other, added);
            }
        }
        let (at, _) = nearest.iter().enumerate().min_by_key(|(_, edge)| **edge).expect("not empty");
        let edge = nearest.swap_remove(at);
        added = edge.2;
        tree.push(edge);
    }
    tree
}

/// Groups of sites that belong to one thread.
struct Groups {
    members: Vec<u32>,
    /// By site: another of its group, nearer to the one that stands for it, which is its own.
    parents: Vec<usize>,
}

impl Groups {
    fn new(members: Vec<u32>) -> Self {
        Self { parents: (0..members.len()).collect(), members }
    }

    fn group(&mut self, mut site: usize) -> usize {
        while self.parents[site] != site {
            self.parents[site] = self.parents[self.parents[site]];
            site = self.parents[site];
        }
        site
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.group(a), self.group(b));
        if a != b {
            self.members[a] += std::mem::take(&mut self.members[b]);
            self.parents[b] = a;
        }
    }

    /// The thread of each site, the largest groups first to where there is most room; `None` if the load is uneven.
    fn divide(&mut self, shares: &[f64]) -> Option<Vec<u16>> {
        let all: f64 = self.members.iter().copied().map(f64::from).sum();
        let mut groups: Vec<usize> = (0..self.parents.len()).filter(|&site| self.parents[site] == site).collect();
        groups.sort_by_key(|&group| Reverse(self.members[group]));
        let mut room: Vec<f64> = shares.iter().map(|share| share * all).collect();
        let mut thread_of = vec![0; self.parents.len()];
        for group in groups {
            let (thread, left) = room.iter_mut().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
            *left -= f64::from(self.members[group]);
            thread_of[group] = thread as u16;
        }
        let largest = shares.iter().copied().fold(0.0, f64::max) * all;
        if room.iter().zip(shares).any(|(left, share)| share * all - left > largest * IMBALANCE) {
            return None;
        }
        Some((0..self.parents.len()).map(|site| thread_of[self.group(site)]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{TopologyContext, topologies};
    use swimlab_selectors::Spec;

    const TOPOLOGIES: [&str; 12] = [
        "lan:delay_ms=5,jitter=normal,spread_ms=1",
        "lan:jitter=exponential",
        "aws:jitter=true",
        "azure",
        "home",
        "cities",
        "zones",
        "planetlab",
        "ring",
        "torus",
        "grid",
        "fat-tree",
    ];

    fn placement(topology: &str, members: u32) -> Arc<Placement> {
        let topology = topologies().build(&Spec::parse(topology).unwrap(), &TopologyContext::default()).unwrap();
        Arc::new(topology.place(members, 0, 7))
    }

    #[test]
    fn packets_between_threads_take_at_least_the_lookahead() {
        for (topology, threads) in TOPOLOGIES.into_iter().flat_map(|topology| [(topology, 2), (topology, 3)]) {
            let placement = placement(topology, 90);
            let shares = shares(threads, MERGING);
            let sites = Sites::of(&placement);
            let anywhere = sites.least_delay_between_members(&placement);
            let split = sites.split(&placement, &shares);
            let pairs = || (0..90).flat_map(|a| (0..90).map(move |b| (a, b))).filter(|(a, b)| a != b);
            for (a, b) in pairs() {
                let [from, to] = [a, b].map(|member| placement.site_of(member));
                let least = Span::from_micros(placement.least_delay_between_us(from, to).into());
                assert!(least >= anywhere, "{topology}: {a} to {b}");
                if let Some((lookahead, thread_of)) = &split
                    && thread_of[from as usize] != thread_of[to as usize]
                {
                    assert!(least >= *lookahead, "{topology}, {threads} threads: {a} to {b}");
                }
            }
            let least =
                pairs().map(|(a, b)| placement.least_delay_between_us(placement.site_of(a), placement.site_of(b)));
            assert_eq!(anywhere, Span::from_micros(least.min().unwrap().into()), "{topology}");
        }
    }

    #[test]
    fn sites_that_are_near_each_other_share_a_thread() {
        // Members of one region of AWS are near each other; its regions are not.
        let placement = placement("aws", 33_000);
        let shares = shares(2, MERGING);
        let sharding = Sharding::with_lookahead(&placement, &shares, Span::from_millis(2)).ok().unwrap();
        assert!(sharding.lookahead >= Span::from_millis(2));
        assert!(Sites::of(&placement).least_delay_between_members(&placement) < Span::from_millis(2));
        let first = (0..33_000).filter(|&member| sharding.division.shard_of(member) == 0).count() as f64 / 33_000.0;
        assert!((0.4..0.6).contains(&first), "{first}");
        let too_much = Sharding::with_lookahead(&placement, &shares, Span::from_secs(1));
        assert!(matches!(too_much, Err(SingleThread::Lookahead { .. })));
    }

    #[test]
    fn members_are_spread_by_the_shares_of_the_threads() {
        for (threads, merging) in [(2, MERGING), (2, MERGING_PACKETS), (5, MERGING), (40, MERGING)] {
            let shares = shares(threads, merging);
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9 && shares[0] <= shares[1]);
            let division = Division::spread(&shares);
            assert_eq!(division.shards(), threads);
            let mut members = vec![0; threads];
            (0..100_000).for_each(|member| members[division.shard_of(member)] += 1);
            for (members, share) in members.iter().zip(&shares) {
                assert!((f64::from(*members) / 1e5 - share).abs() < 1e-3, "{members} of 100,000, not {share}");
            }
        }
    }
}
