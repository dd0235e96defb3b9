//! Queries: a question to all members of a group or to some, whose answers are collected until a deadline (Serf's
//! `query`).
//!
//! [`Agent::query`](super::Agent::query) asks; members get an [`IncomingQuery`] among their events and answer it. The
//! protocol is in two parts without I/O, `asker` and `answerer`, which exchange the messages of `message`.

mod answerer;
mod asker;
mod incoming;
#[cfg(test)]
mod limit_table;
mod limits;
mod message;
mod outgoing;
pub(super) mod sample;
mod start;
mod task;
#[cfg(test)]
mod tests;

pub use asker::{QueryEnd, QueryTotals};
pub use incoming::{IncomingQuery, RespondError};
#[cfg(test)]
pub(super) use limit_table::stated_limits;
pub use start::{Query, QueryAnswers, QueryError};
pub use task::QueryAnswer;
pub(super) use task::{QueryTask, StartQuery};
