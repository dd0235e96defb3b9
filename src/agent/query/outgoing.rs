//! Messages that queries leave to be sent.

use std::collections::VecDeque;

use crate::protocol::Id;

/// Payloads for members, in the order in which they are to be sent.
pub(super) type Outgoing = VecDeque<(Id, Vec<u8>)>;
