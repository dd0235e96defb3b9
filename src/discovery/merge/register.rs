//! A register in which the last write wins.

use super::clock::{HybridClock, Stamp};
use super::error::MergeError;
use crate::protocol::{Id, Time};

/// A value, or none, with the stamp and the writer of its last write.
///
/// Among concurrent writes that with the later stamp wins, at equal stamps that of the writer with the higher id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Register {
    stamp: Stamp,
    writer: Id,
    /// `None` before the first write, and once it is cleared.
    value: Option<Box<str>>,
}

impl Register {
    /// The longest value, in bytes.
    pub const VALUE_BYTES: usize = 400;

    /// The value that a member wrote with this stamp, or that it removed it.
    pub fn new(stamp: Stamp, writer: Id, value: Option<Box<str>>) -> Self {
        Self { stamp, writer, value }
    }

    /// The value.
    pub fn get(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// The stamp of the last write.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// The member that wrote last.
    pub fn writer(&self) -> Id {
        self.writer
    }

    /// Writes a value, later than the one that is there.
    ///
    /// # Errors
    /// If the value is longer than [`VALUE_BYTES`](Self::VALUE_BYTES), or the value that is there is from a clock too far
    /// ahead.
    pub fn set(&mut self, clock: &mut HybridClock, wall: Time, writer: Id, value: &str) -> Result<(), MergeError> {
        if value.len() > Self::VALUE_BYTES {
            return Err(MergeError::LongText(value.len()));
        }
        self.write(clock, wall, writer, Some(value.into()))
    }

    /// Removes the value. This is a write like others, so an earlier one does not bring it back.
    ///
    /// # Errors
    /// If the value that is there is from a clock too far ahead.
    pub fn clear(&mut self, clock: &mut HybridClock, wall: Time, writer: Id) -> Result<(), MergeError> {
        self.write(clock, wall, writer, None)
    }

    fn write(
        &mut self,
        clock: &mut HybridClock,
        wall: Time,
        writer: Id,
        value: Option<Box<str>>,
    ) -> Result<(), MergeError> {
        clock.observe(wall, self.stamp)?;
        *self = Self { stamp: clock.stamp(wall), writer, value };
        Ok(())
    }

    /// Merges another replica: the later write stays. Returns whether that is the other's.
    pub fn merge(&mut self, other: &Self) -> bool {
        // Honest writers never write two values with one stamp. Values are compared so that all agree in any case.
        let order = |of: &Self| (of.stamp, of.writer);
        let is_later = order(other).cmp(&order(self)).then_with(|| other.value.cmp(&self.value)).is_gt();
        if is_later {
            self.clone_from(other);
        }
        is_later
    }
}
