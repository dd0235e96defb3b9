//! The hosts of a world, in each shard in the order in which their members' periods begin.
//!
//! Periods pass over them in that order again and again. In a world that the cache does not hold, the processor then
//! reads ahead by itself, and finds the address of a page once for all hosts on it.

use std::ops::{Index, IndexMut};

use swimlab_selectors::prefetch;

use super::host::Host;
use super::observer::MemberIndex;
use super::setup::Setup;
use super::sharding::Division;

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
}

/// The shard and the place of each member's host.
pub(super) struct HostDirectory {
    division: Division,
    /// By member: the place of its host within its shard.
    places: Box<[Place]>,
}

impl HostDirectory {
    /// The hosts of all members of this setup, joiners included; and the members of each shard in the order of their
    /// hosts.
    pub(super) fn new(setup: &Setup, division: Division) -> (Self, Vec<Vec<MemberIndex>>) {
        let mut order: Vec<_> = (0..setup.placement.members()).map(|member| (setup.phase(member), member)).collect();
        order.sort_unstable();
        let mut places = vec![Place(0); order.len()].into_boxed_slice();
        let mut shards = vec![Vec::new(); division.shards()];
        for (_, member) in order {
            let shard = &mut shards[division.shard_of(member)];
            places[member as usize] = Place(shard.len() as u32);
            shard.push(member);
        }
        (Self { division, places }, shards)
    }

    /// The number of hosts.
    pub(super) fn hosts(&self) -> u32 {
        self.places.len() as u32
    }

    /// The shard of a member's host.
    #[inline(always)]
    pub(super) fn shard(&self, member: MemberIndex) -> usize {
        self.division.shard_of(member)
    }

    /// The place of a member's host within its shard.
    #[inline(always)]
    pub(super) fn place(&self, member: MemberIndex) -> Place {
        self.places[member as usize]
    }

    /// Reads ahead [`HostDirectory::place`]: in a large world its memory is rarely in the cache.
    #[inline(always)]
    pub(super) fn prefetch_place(&self, member: MemberIndex) {
        prefetch(&self.places[member as usize]);
    }

    /// The shard of a member's host, and its place there.
    pub(super) fn locate(&self, member: MemberIndex) -> (usize, Place) {
        (self.shard(member), self.place(member))
    }
}

impl<D, T> Hosts<D, T> {
    /// All hosts, in the order of their first periods.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Host<D, T>> {
        self.0.iter_mut()
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
