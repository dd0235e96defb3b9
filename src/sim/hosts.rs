//! The hosts of a world in the order in which their members' periods begin.
//!
//! Periods pass over them in that order again and again. In a world that the cache does not hold, the processor then
//! reads ahead by itself, and finds the address of a page once for all hosts on it.

use std::ops::{Index, IndexMut};

use super::host::Host;
use super::observer::MemberIndex;
use super::setup::Setup;

/// The hosts of a world.
pub(super) struct Hosts<D, T> {
    hosts: Vec<Host<D, T>>,
    /// The place of each member's host.
    places: Box<[Place]>,
}

/// The position of a host in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

impl<D, T> Hosts<D, T> {
    /// A host for each member of this setup, joiners included.
    pub(super) fn new(setup: &Setup) -> Self {
        let mut order: Vec<_> = (0..setup.placement.members()).map(|member| (setup.phase(member), member)).collect();
        order.sort_unstable();
        let mut places = vec![Place(0); order.len()].into_boxed_slice();
        for (place, &(_, member)) in (0..).zip(&order) {
            places[member as usize] = Place(place);
        }
        let hosts = order.into_iter().map(|(_, member)| Host::new(setup.seed, member)).collect();
        Self { hosts, places }
    }

    /// The number of hosts.
    pub(super) fn len(&self) -> usize {
        self.hosts.len()
    }

    /// The place of a member's host.
    #[inline]
    pub(super) fn place(&self, member: MemberIndex) -> Place {
        self.places[member as usize]
    }

    /// A member's host; `None` if there is no such member.
    pub(super) fn get(&self, member: MemberIndex) -> Option<&Host<D, T>> {
        self.places.get(member as usize).map(|&place| &self[place])
    }

    /// The hosts in the order of the members.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Host<D, T>> {
        self.places.iter().map(|&place| &self[place])
    }
}

impl<D, T> Index<Place> for Hosts<D, T> {
    type Output = Host<D, T>;

    #[inline]
    fn index(&self, place: Place) -> &Host<D, T> {
        &self.hosts[place.0 as usize]
    }
}

impl<D, T> IndexMut<Place> for Hosts<D, T> {
    #[inline]
    fn index_mut(&mut self, place: Place) -> &mut Host<D, T> {
        &mut self.hosts[place.0 as usize]
    }
}

#[cfg(test)]
impl Place {
    /// The place of this number.
    pub(super) fn numbered(place: u32) -> Self {
        Self(place)
    }
}
