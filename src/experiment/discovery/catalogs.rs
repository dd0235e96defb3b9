//! Catalogs of the members: which instances each hands out.

use crate::discovery::{Health, Readiness};
use crate::protocol::Status;
use crate::sim::{MemberIndex, Setup, Start};

/// The catalogs of all members.
pub(super) struct Catalogs {
    /// By observer and subject: what the observer's failure detector has reported last; dead if nothing.
    status: Vec<Box<[Status]>>,
    /// Which members run.
    up: Vec<bool>,
    /// Which members offer the service.
    offers: Vec<bool>,
    /// By instance: the number of other running members whose catalogs hand it out.
    holders: Vec<u32>,
}

impl Catalogs {
    /// The catalogs at the start of a trial in which these members offer the service.
    pub(super) fn new(setup: &Setup, offers: Vec<bool>) -> Self {
        let (all, initial) = (setup.placement.members(), setup.members);
        let knows = |observer: u32, subject: u32| {
            observer == subject || (setup.start == Start::Joined && observer < initial && subject < initial)
        };
        let status = |is_alive: bool| if is_alive { Status::Alive } else { Status::Dead };
        let row = |observer: u32| (0..all).map(|subject| status(knows(observer, subject))).collect();
        let mut catalogs = Self {
            status: (0..all).map(row).collect(),
            up: (0..all).map(|member| member < initial).collect(),
            offers,
            holders: vec![0; all as usize],
        };
        (0..initial).for_each(|observer| catalogs.count(observer, 1));
        catalogs
    }

    /// Whether a member runs.
    pub(super) fn is_up(&self, member: MemberIndex) -> bool {
        self.up[member as usize]
    }

    /// The running members that offer the service.
    pub(super) fn running_instances(&self) -> impl Iterator<Item = MemberIndex> {
        (0..self.up.len()).filter(|&member| self.up[member] && self.offers[member]).map(|member| member as u32)
    }

    /// Whether a member offers the service.
    pub(super) fn offers(&self, member: MemberIndex) -> bool {
        self.offers[member as usize]
    }

    /// Whether the catalog of a member hands an instance out: as healthy, by the table of readiness.
    pub(super) fn hands_out(&self, observer: MemberIndex, subject: MemberIndex) -> bool {
        let status = self.status[observer as usize][subject as usize];
        self.offers[subject as usize] && is_healthy(status)
    }

    /// The instances that the catalog of a member hands out.
    pub(super) fn answer(&self, observer: MemberIndex) -> Vec<MemberIndex> {
        (0..self.up.len() as u32).filter(|&subject| self.hands_out(observer, subject)).collect()
    }

    /// The number of running members, other than its own, that hand an instance out.
    pub(super) fn holders(&self, subject: MemberIndex) -> u32 {
        self.holders[subject as usize]
    }

    /// The failure detector of a running member reports another one.
    pub(super) fn report(&mut self, observer: MemberIndex, subject: MemberIndex, status: Status) {
        let before = self.hands_out(observer, subject);
        self.status[observer as usize][subject as usize] = status;
        let after = self.hands_out(observer, subject);
        if self.up[observer as usize] && before != after {
            let holders = &mut self.holders[subject as usize];
            *holders = if after { *holders + 1 } else { *holders - 1 };
        }
    }

    /// A member stops, and its catalog with it.
    pub(super) fn stop(&mut self, member: MemberIndex) {
        self.count(member, -1);
        self.up[member as usize] = false;
    }

    /// A member starts with a catalog of itself alone.
    pub(super) fn begin(&mut self, member: MemberIndex) {
        let row = &mut self.status[member as usize];
        row.fill(Status::Dead);
        row[member as usize] = Status::Alive;
        self.up[member as usize] = true;
    }

    /// Adds the catalog of a member to the counts, or takes it away.
    fn count(&mut self, observer: MemberIndex, sign: i32) {
        for subject in (0..self.up.len() as u32).filter(|&subject| subject != observer) {
            if self.hands_out(observer, subject) {
                self.holders[subject as usize] = self.holders[subject as usize].wrapping_add_signed(sign);
            }
        }
    }
}

/// Whether clients are sent to an instance whose member reports no trouble itself.
fn is_healthy(status: Status) -> bool {
    Readiness::of(status, &Health::Passing, &Health::Passing).is_some_and(Readiness::is_healthy)
}
