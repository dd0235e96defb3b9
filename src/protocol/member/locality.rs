//! The selector's use of distances and clocks, for people to read.

use swimlab_selectors::{Observation, Slot, View};

use super::Member;
use crate::protocol::message::Id;

impl Member {
    /// Whether the selector regards a member as near at present; `None` if it prefers none by distance.
    pub fn is_near(&self, slot: Slot) -> Option<bool> {
        self.selector.is_near(&self.table, slot)
    }

    /// The number of other members that are alive or suspected and near; `None` if the selector prefers none by distance.
    pub fn neighbors(&self) -> Option<u32> {
        self.is_near(self.table.me())?;
        let others = (0..self.table.slots()).filter(|&slot| self.table.pingable(slot));
        Some(others.filter(|&slot| self.is_near(slot) == Some(true)).count() as u32)
    }

    /// Whether the selector counts periods by the clock, so that clocks must agree.
    pub fn follows_clock(&self) -> bool {
        self.follows_clock
    }

    /// Whether the selector pings in shuffled order at present because the pings of others do not follow the schedule
    /// that its clock shows.
    pub fn has_fallen_back(&self) -> bool {
        self.selector.has_fallen_back()
    }

    /// Tells the selector of a ping without updates.
    pub(super) fn observe_ping(&mut self, sender: Id) {
        if let Some(slot) = self.table.slot(sender) {
            self.observe(Observation::Pinged(slot));
        }
    }
}
