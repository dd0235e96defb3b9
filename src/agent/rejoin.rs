//! Attempts of a restarted agent to reach the members that it knew in its earlier life, beside its seeds.

use std::collections::BTreeSet;

use crate::protocol::{Address, Member, Outbox, Span, Time};

/// The most addresses that are pinged in one period.
pub(super) const PINGS_PER_PERIOD: usize = 64;

/// The most members that are asked for their table in one period.
pub(super) const REQUESTS_PER_PERIOD: usize = 2;

/// The longest pause after all addresses have been pinged, in periods.
pub(super) const LONGEST_PAUSE: u64 = 30;

/// Addresses of members of an earlier life. While no seed and none of them has answered, they are pinged, many at once;
/// those that answer are asked for their table.
#[derive(Debug)]
pub(super) struct Rejoin {
    addresses: BTreeSet<Address>,
    /// The address pinged last.
    last: Option<Address>,
    due: Time,
    period: Span,
    /// The pause after all addresses have been pinged; it doubles each time.
    pause: Span,
    /// The number of members that may still be asked for their table in this period.
    requests: usize,
}

impl Default for Rejoin {
    fn default() -> Self {
        Self::new(Vec::new(), Span::ZERO)
    }
}

impl Rejoin {
    /// Attempts to reach these addresses.
    pub(super) fn new(addresses: Vec<Address>, period: Span) -> Self {
        let due = if addresses.is_empty() { Time::NEVER } else { Time::ZERO };
        Self { addresses: addresses.into_iter().collect(), last: None, due, period, pause: period, requests: 0 }
    }

    /// The time at which [`Rejoin::run_due`] is to be called; [`Time::NEVER`] if there is nothing to do.
    pub(super) fn due(&self) -> Time {
        self.due
    }

    /// Pings the next addresses, unless the member has joined.
    pub(super) fn run_due(&mut self, now: Time, member: &mut Member, out: &mut Outbox) {
        if !member.is_joining() {
            (self.addresses, self.due) = (BTreeSet::new(), Time::NEVER);
            return;
        }
        let rest = self.addresses.iter().filter(|&&address| self.last.is_none_or(|last| address > last));
        let next: Vec<Address> = rest.take(PINGS_PER_PERIOD).copied().collect();
        next.iter().for_each(|&address| member.ping_address(address, out));
        (self.last, self.requests) = (next.last().copied(), REQUESTS_PER_PERIOD);
        let is_last = self.last == self.addresses.last().copied();
        let pause = if is_last { self.pause } else { self.period };
        if is_last {
            self.last = None;
            self.pause = (self.pause * 2).min(self.period * LONGEST_PAUSE);
        }
        self.due = now + pause;
    }

    /// Handles the answer to a ping.
    pub(super) fn handle_ack(&mut self, from: Address, member: &mut Member, out: &mut Outbox) {
        if self.requests > 0 && self.addresses.contains(&from) && member.is_joining() {
            self.requests -= 1;
            member.ask_to_join(from, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::member_of;
    use super::*;
    use crate::protocol::Body;

    const PERIOD: Span = Span::from_secs(1);

    fn addresses(count: usize) -> Vec<Address> {
        (1..=count as u16).map(|port| Address { ip: [1; 16], port }).collect()
    }

    fn joining() -> Member {
        let mut member = member_of(1);
        member.await_seeds();
        member
    }

    #[test]
    fn a_period_has_room_for_so_many_pings_and_requests() {
        let (mut member, all) = (joining(), addresses(PINGS_PER_PERIOD + 1));
        let mut rejoin = Rejoin::new(all.clone(), PERIOD);
        let mut out = Outbox::default();
        rejoin.run_due(Time::ZERO, &mut member, &mut out);
        assert_eq!((out.transmits.len(), rejoin.due()), (PINGS_PER_PERIOD, Time::ZERO + PERIOD));
        let mut out = Outbox::default();
        all[..REQUESTS_PER_PERIOD + 1].iter().for_each(|&from| rejoin.handle_ack(from, &mut member, &mut out));
        let requests = out.transmits.iter().filter(|sent| matches!(sent.message.body, Body::Sync(_))).count();
        assert_eq!(requests, REQUESTS_PER_PERIOD);
    }

    #[test]
    fn the_pause_after_all_addresses_doubles_up_to_the_longest() {
        let (mut member, mut rejoin) = (joining(), Rejoin::new(addresses(1), PERIOD));
        let mut pause = || {
            let now = rejoin.due();
            rejoin.run_due(now, &mut member, &mut Outbox::default());
            rejoin.due().since(now).as_micros() / PERIOD.as_micros()
        };
        let longest = LONGEST_PAUSE;
        assert_eq!([(); 8].map(|()| pause()), [1, 2, 4, 8, 16, longest, longest, longest]);
    }
}
