//! A hybrid logical clock.

use super::error::MergeError;
use super::limits;
use crate::protocol::{Span, Time};

/// A time of a hybrid logical clock, ordered by wall clock, then by counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stamp {
    /// The largest wall clock, since the Unix epoch, that the writer had seen: its own or another's.
    pub wall: Time,
    /// The number of stamps with this wall clock before this one.
    pub counter: u32,
}

/// A clock whose stamps are near the wall clock, and later than all stamps that were observed before (Kulkarni,
/// Demirbas, Madappa, Avva, Leone: "Logical Physical Clocks", OPODIS 2014).
///
/// So a write that replaces an observed one has a later stamp, also if its writer's wall clock is behind or is set back, by
/// [`LARGEST_LEAD`](Self::LARGEST_LEAD) at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HybridClock {
    last: Stamp,
}

impl HybridClock {
    /// The furthest that an observed stamp may be ahead of the own wall clock. A member whose clock is wrong by more
    /// cannot draw the stamps of the others along; its writes are refused.
    pub const LARGEST_LEAD: Span = limits::LARGEST_LEAD;

    /// The stamp of a write at this wall clock.
    pub fn stamp(&mut self, wall: Time) -> Stamp {
        // Observed stamps are no further ahead: the own wall clock was set back, and others would refuse what follows.
        if self.last.wall.since(wall) > Self::LARGEST_LEAD {
            self.last = Stamp::default();
        }
        self.last = if wall > self.last.wall { Stamp { wall, counter: 0 } } else { self.last.next() };
        self.last
    }

    /// Observes the stamp of another member's write. Stamps from now on are later.
    ///
    /// # Errors
    /// [`MergeError::Ahead`] if it is more than [`LARGEST_LEAD`](Self::LARGEST_LEAD) ahead of the wall clock. The write
    /// must not be merged then.
    pub fn observe(&mut self, wall: Time, stamp: Stamp) -> Result<(), MergeError> {
        let lead = stamp.wall.since(wall);
        if lead > Self::LARGEST_LEAD {
            return Err(MergeError::Ahead(lead));
        }
        self.last = self.last.max(stamp);
        Ok(())
    }
}

impl Stamp {
    fn next(self) -> Self {
        match self.counter.checked_add(1) {
            Some(counter) => Self { counter, ..self },
            None => Self { wall: self.wall + Span::from_micros(1), counter: 0 },
        }
    }
}
