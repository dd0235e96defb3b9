//! The live log of an agent's program, for `swimlab monitor`.
//!
//! A request for it is answered by a line like any other; [`LogLine`]s follow on the same connection. The program decides
//! whether its log can be read: [`ControlSocket::with_log`](super::ControlSocket::with_log) takes the [`LogHub`] that its
//! subscriber of `tracing` feeds.
//!
//! Nothing in this module writes to the log. What serves a reader of all levels therefore never makes it more lines.

mod client;
mod hub;
mod record;
mod serve;
#[cfg(test)]
mod tests;

pub use client::{Monitor, monitor};
pub use hub::LogHub;
pub(super) use hub::MAX_BYTES;
#[cfg(test)]
pub(super) use hub::MAX_LINES;
pub use record::{LogFields, LogLevel, LogLine, LogRecord};
pub(super) use serve::Monitors;
#[cfg(test)]
pub(super) use serve::{LAST_LINES_TIMEOUT, MONITORS};
