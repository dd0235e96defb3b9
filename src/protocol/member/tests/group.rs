//! A small group whose members reach each other at once and without loss.

use std::collections::BTreeMap;

use super::*;
use crate::protocol::Config;

/// Members 0 to n - 1. Packets to other addresses are lost.
pub(super) struct Group {
    pub(super) members: Vec<Member>,
    /// Numbers of reports by (observer, sender, number of the application event).
    pub(super) reports: BTreeMap<(u64, Id, u32), u32>,
    /// The longest broadcast queue after any packet.
    pub(super) longest_queue: usize,
}

impl Group {
    /// A group of `n` whose members know each other and have just started.
    pub(super) fn new(n: u64, config: Config) -> Self {
        let config = Arc::new(MemberConfig::new(config, Arc::new(PlainSizer)).unwrap());
        let roster = Arc::new(Roster::of_members((0..n).map(node)));
        let selector: DynSelector = "shuffle".parse().unwrap();
        let index = selector.build_index(roster.peers());
        let member = |n: u64| {
            let identity = Identity {
                incarnation: Incarnation::default(),
                since_epoch: Span::ZERO,
                strategy_rng: stream(1, Purpose::Selector, n),
                rng: stream(1, Purpose::Protocol, n),
            };
            let mut member = Member::new(Arc::clone(&config), identity, Arc::clone(&roster), &index, n as u32);
            member.start(Time::ZERO, at(n as f64 / 100.0));
            member
        };
        Self { members: (0..n).map(member).collect(), reports: BTreeMap::new(), longest_queue: 0 }
    }

    /// Runs all members up to a time.
    pub(super) fn run_to(&mut self, end: Time) {
        loop {
            let next = (0..self.members.len()).min_by_key(|&n| self.members[n].deadline()).unwrap();
            let now = self.members[next].deadline();
            if now > end {
                return;
            }
            let mut out = Outbox::default();
            self.members[next].wake(now, &mut out);
            self.deliver(now, next as u64, out);
        }
    }

    /// Delivers what a member sends, and what that leads to.
    pub(super) fn deliver(&mut self, now: Time, from: u64, out: Outbox) {
        let mut queue = vec![(from, out)];
        while let Some((from, out)) = queue.pop() {
            for event in out.events {
                if let EventKind::User(user) = event.kind {
                    *self.reports.entry((from, event.about, user.seq)).or_default() += 1;
                }
            }
            for transmit in out.transmits {
                let mut all = 0..self.members.len() as u64;
                let Some(to) = all.find(|&n| address(n) == transmit.to) else { continue };
                let mut out = Outbox::default();
                self.members[to as usize].handle(now, address(from), &transmit.message, &mut out);
                self.longest_queue = self.longest_queue.max(self.members[to as usize].gauge().broadcasts);
                queue.push((to, out));
            }
        }
    }
}
