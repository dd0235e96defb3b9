//! Limits of queries.

use crate::protocol::{Span, UserEvent};

/// The version of the format of messages: their first byte.
pub(super) const VERSION: u8 = 1;

/// The longest name of a query, in bytes: that of an application event.
pub(super) const NAME_BYTES: usize = UserEvent::NAME_LIMIT;

/// The longest payload of a query, in bytes.
pub(super) const PAYLOAD_BYTES: usize = 512;

/// The longest answer, in bytes. It leaves a datagram room for its headers and for what sealing adds.
pub(super) const ANSWER_BYTES: usize = 1024;

/// The longest reason of a failure, in bytes; the rest is cut off.
pub(super) const REASON_BYTES: usize = 512;

/// The shortest time that answers are collected for.
pub(super) const SHORTEST_TIMEOUT: Span = Span::from_millis(100);

/// The longest time that answers are collected for.
pub(super) const LONGEST_TIMEOUT: Span = Span::from_secs(300);

/// The time that answers are collected for if none is chosen, in addition to the time in which all members are asked.
pub(super) const DEFAULT_TIMEOUT: Span = Span::from_secs(5);

/// The most queries of one agent at once.
pub(super) const QUERIES_AT_ONCE: usize = 8;

/// The most members that one query asks.
pub(super) const ASKED_LIMIT: usize = 65_536;

/// The most messages of all queries of an agent in a second, repetitions included. Each is answered by one or two
/// datagrams, so that answers come as spread as members are asked: n answers take n thousandths of a second or more.
pub(super) const MESSAGES_PER_SECOND: u64 = 1000;

/// Messages that are sent at once.
pub(super) const BATCH: u32 = 20;

/// Time between two batches.
pub(super) const BATCH_INTERVAL: Span = Span::from_micros(BATCH as u64 * 1_000_000 / MESSAGES_PER_SECOND);

/// The time after which a member that has not answered gets a message again. It doubles each time.
pub(super) const FIRST_RETRY: Span = Span::from_millis(250);

/// The longest time between two messages to a member.
pub(super) const LONGEST_RETRY: Span = Span::from_secs(1);

/// The number of confirmations without an answer after which a member that has acknowledged a query is asked again: it may
/// have forgotten it.
pub(super) const CONFIRMATIONS: u8 = 3;

/// The least time between two times that a member sends one answer, whoever asks for it: half of the shortest time after
/// which an asker asks again.
pub(super) const RESEND_INTERVAL: Span = Span::from_millis(125);

/// The most queries of one asker that a member remembers.
pub(super) const REMEMBERED_PER_ASKER: usize = 16;

/// The most queries that a member remembers.
pub(super) const REMEMBERED: usize = 1024;
