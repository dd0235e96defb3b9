//! The hosts of a world, in each shard in the order in which their members' periods begin.
//!
//! Periods pass over them in that order again and again. In a world that the cache does not hold, the processor then
//! reads ahead by itself, and finds the address of a page once for all hosts on it.

use std::ops::{Index, IndexMut};

use super::host::Host;
use super::observer::MemberIndex;
use super::setup::Setup;

/// The hosts of one shard of a world.
pub(super) struct Hosts<D, T>(Vec<Host<D, T>>);

/// The position of a host in memory, within its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

impl<D, T> Hosts<D, T> {
    /// A host for each of these members, in this order.
    pub(super) fn new(members: &[MemberIndex], seed: u64) -> Self {
        Self(members.iter().map(|&member| Host::new(seed, member)).collect())
    }

    /// The number of hosts.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The place with this number; `None` if there is none.
    #[inline(always)]
    pub(super) fn place(&self, number: u32) -> Option<Place> {
        ((number as usize) < self.0.len()).then_some(Place(number))
    }
}

/// Where the host of each member of a world is.
pub(super) struct HostDirectory {
    /// By member: the position of its host among all hosts of the world, those of each shard one after the other.
    positions: Box<[u32]>,
    /// By shard: the position of its first host; and the number of all hosts.
    firsts: Box<[u32]>,
}

impl HostDirectory {
    /// The hosts of all members of this setup, joiners included, in this number of shards.
    pub(super) fn new(setup: &Setup, shards: usize, shard_of: impl Fn(MemberIndex) -> usize) -> Self {
        let members = setup.placement.members();
        let mut order: Vec<_> =
            (0..members).map(|member| (shard_of(member), setup.phase(member), member)).collect();
        order.sort_unstable();
        let mut positions = vec![0; order.len()].into_boxed_slice();
        for (position, &(.., member)) in (0..).zip(&order) {
            positions[member as usize] = position;
        }
        let first = |shard| order.partition_point(|&(other, ..)| other < shard) as u32;
        let firsts = (0..=shards).map(first).collect();
        Self { positions, firsts }
    }

    /// The number of hosts.
    pub(super) fn hosts(&self) -> u32 {
        self.positions.len() as u32
    }

    /// The number of shards.
    pub(super) fn shards(&self) -> usize {
        self.firsts.len() - 1
    }

    /// The members of each shard, in the order of their hosts.
    pub(super) fn members(&self) -> Vec<Vec<MemberIndex>> {
        let mut members: Vec<_> = self.firsts.windows(2).map(|ends| vec![0; (ends[1] - ends[0]) as usize]).collect();
        for member in 0..self.hosts() {
            let (shard, Place(place)) = self.locate(member);
            members[shard][place as usize] = member;
        }
        members
    }

    /// The position of a shard's first host among all hosts.
    pub(super) fn first(&self, shard: usize) -> u32 {
        self.firsts[shard]
    }

    /// The position of a member's host among all hosts.
    #[inline(always)]
    pub(super) fn position(&self, member: MemberIndex) -> u32 {
        self.positions[member as usize]
    }

    /// The shard of a member's host, and its place there.
    pub(super) fn locate(&self, member: MemberIndex) -> (usize, Place) {
        let position = self.position(member);
        let shard = self.firsts.partition_point(|&first| first <= position) - 1;
        (shard, Place(position - self.firsts[shard]))
    }
}

impl<D, T> Index<Place> for Hosts<D, T> {
    type Output = Host<D, T>;

    #[inline]
    fn index(&self, place: Place) -> &Host<D, T> {
        &self.0[place.0 as usize]
    }
}

impl<D, T> IndexMut<Place> for Hosts<D, T> {
    #[inline]
    fn index_mut(&mut self, place: Place) -> &mut Host<D, T> {
        &mut self.0[place.0 as usize]
    }
}

#[cfg(test)]
impl Place {
    /// The place of this number.
    pub(super) fn numbered(place: u32) -> Self {
        Self(place)
    }
}
