//! Removal of a member that does not come back, on an operator's word.

use std::error::Error;
use std::fmt;

use super::{Member, Outbox};
use crate::protocol::event::EventSource;
use crate::protocol::message::{Id, Status};
use crate::protocol::time::Time;

/// Reason why a member cannot be made to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForceLeaveError {
    /// There is no record of it.
    Unknown,
    /// It is this member itself.
    Own,
    /// It is alive.
    Alive,
    /// It has left already.
    HasLeft,
}

impl Member {
    /// Marks a suspected or dead member as departed, and spreads that: it is not tried any more, as a dead one is.
    ///
    /// The departure counts for the incarnation that this member knows. If the other one is alive after all it refutes it
    /// like its death, with a higher incarnation; all members do, so this gives no more power over the group than any
    /// member has.
    ///
    /// # Errors
    /// If the other member is neither suspected nor dead; nothing is changed then.
    pub fn force_leave(&mut self, now: Time, id: Id, out: &mut Outbox) -> Result<(), ForceLeaveError> {
        if id == self.id {
            return Err(ForceLeaveError::Own);
        }
        let slot = self.table.slot(id).ok_or(ForceLeaveError::Unknown)?;
        let record = self.table.record(slot);
        match record.status {
            Some(Status::Suspect | Status::Dead) => {
                self.declare(now, slot, Status::Left, record.incarnation, EventSource::Own, out);
                Ok(())
            }
            Some(Status::Alive) => Err(ForceLeaveError::Alive),
            Some(Status::Left) => Err(ForceLeaveError::HasLeft),
            None => Err(ForceLeaveError::Unknown),
        }
    }
}

impl Error for ForceLeaveError {}

impl fmt::Display for ForceLeaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no member is known by this name",
            Self::Own => "it is this member itself",
            Self::Alive => "it is alive, and only suspected and dead members can be made to leave",
            Self::HasLeft => "it has left already",
        })
    }
}
