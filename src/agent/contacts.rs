//! Members that are asked for their table because an operator wants the agent to join them.

use tokio::sync::oneshot;

use crate::protocol::{Address, Member, Outbox, Time};

/// The most addresses that are asked at once.
pub(super) const CONTACT_LIMIT: usize = 64;

/// Addresses that have not answered yet.
#[derive(Default)]
pub(super) struct Contacts {
    pending: Vec<Contact>,
    /// Whether the member's join is one of these, and not that of its start.
    owns_join: bool,
}

struct Contact {
    address: Address,
    answered: oneshot::Sender<bool>,
}

impl Contacts {
    /// Asks the member at this address for its table, within a join: members in the tables that come are trusted as in
    /// those of a start. Beyond [`CONTACT_LIMIT`] the answer is `false` at once.
    pub(super) fn begin(
        &mut self,
        now: Time,
        address: Address,
        answered: oneshot::Sender<bool>,
        member: &mut Member,
        out: &mut Outbox,
    ) {
        self.end_abandoned(member);
        if self.pending.len() >= CONTACT_LIMIT {
            // It fails if the caller has given up.
            let _ = answered.send(false);
            return;
        }
        if member.is_joining() {
            member.ask_to_join(address, out);
        } else {
            member.join(now, vec![address], out);
            self.owns_join = true;
        }
        self.pending.push(Contact { address, answered });
    }

    /// Takes note of a table that came from this address, once the member has handled it.
    pub(super) fn answered(&mut self, from: Address, member: &mut Member) {
        self.resolve(from, true, member);
    }

    /// Takes note of a stream to this address that failed.
    pub(super) fn failed(&mut self, to: Address, member: &mut Member) {
        self.resolve(to, false, member);
    }

    /// Drops the addresses whose callers have given up.
    pub(super) fn end_abandoned(&mut self, member: &mut Member) {
        self.pending.retain(|contact| !contact.answered.is_closed());
        self.end_join_if_idle(member);
    }

    fn resolve(&mut self, address: Address, has_answered: bool, member: &mut Member) {
        if self.pending.is_empty() {
            return;
        }
        for contact in self.pending.extract_if(.., |contact| contact.address == address) {
            let _ = contact.answered.send(has_answered);
        }
        self.end_join_if_idle(member);
    }

    /// Ends a join that none has answered: unlike seeds, these addresses are not tried without end.
    fn end_join_if_idle(&mut self, member: &mut Member) {
        if self.pending.is_empty() && std::mem::take(&mut self.owns_join) {
            member.give_up_join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::member_of;
    use super::*;

    fn address(port: u16) -> Address {
        Address { ip: [1; 16], port }
    }

    #[test]
    fn an_address_more_than_the_limit_is_refused_and_abandoned_ones_make_room() {
        let (mut contacts, mut member, mut out) = (Contacts::default(), member_of(1), Outbox::default());
        let mut begin = |port| {
            let (answered, answer) = oneshot::channel();
            contacts.begin(Time::ZERO, address(port), answered, &mut member, &mut out);
            answer
        };
        let mut answers: Vec<_> = (1..=CONTACT_LIMIT as u16).map(&mut begin).collect();
        assert!(answers.iter_mut().all(|answer| answer.try_recv().is_err()));
        assert_eq!(begin(1000).try_recv(), Ok(false));
        answers.pop();
        assert!(begin(1000).try_recv().is_err(), "it is asked");
    }

    #[test]
    fn a_join_of_which_no_address_answers_ends_and_that_of_a_start_goes_on() {
        for is_starting in [false, true] {
            let (mut contacts, mut member, mut out) = (Contacts::default(), member_of(1), Outbox::default());
            if is_starting {
                member.await_seeds();
            }
            let (answered, mut answer) = oneshot::channel();
            contacts.begin(Time::ZERO, address(1), answered, &mut member, &mut out);
            assert!(member.is_joining());
            contacts.failed(address(2), &mut member);
            assert!(member.is_joining() && answer.try_recv().is_err());
            contacts.failed(address(1), &mut member);
            assert_eq!((answer.try_recv(), member.is_joining()), (Ok(false), is_starting));
        }
    }
}
