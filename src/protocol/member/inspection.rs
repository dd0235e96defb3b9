//! A running member's probe round and queue, for people to look at.

use super::Member;
use crate::protocol::message::{Id, Update};
use crate::protocol::time::Time;

impl Member {
    /// The end of the current period; [`Time::NEVER`] before the first one and after the member has stopped.
    pub fn period_ends(&self) -> Time {
        self.timers.period
    }

    /// The probe timeout of the current period, after which helpers are asked; [`Time::NEVER`] if it has passed or no ping
    /// is without an answer.
    pub fn probe_timeout_at(&self) -> Time {
        self.timers.timeout
    }

    /// The members pinged in the current period, each with whether it has answered.
    pub fn probed(&self) -> impl Iterator<Item = (Id, bool)> {
        self.round.targets.iter().map(|probed| (probed.id, probed.answered))
    }

    /// The updates queued for other members, the next one first, each with the number of its transmissions so far.
    pub fn queued_updates(&self) -> impl Iterator<Item = (&Update, u32)> {
        let is_current = |update: &Update| match self.table.slot(update.id) {
            Some(slot) => self.table.is_current(slot, update),
            None => true,
        };
        self.queue.iter().filter(move |(update, _)| is_current(update))
    }

    /// The number of transmissions after which an update leaves the queue, at the present number of members.
    pub fn transmission_limit(&self) -> u32 {
        self.config.protocol.dissemination.transmissions(self.table.members())
    }
}
