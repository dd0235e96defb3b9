//! Packets and bytes, and the reasons why packets are dropped.

/// Packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Number of packets.
    pub messages: u64,
    /// Their bytes as encoded, without the headers of UDP, TCP and IP.
    pub bytes: u64,
}

/// Reason why a packet was not handled, or not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum DropReason {
    /// Received bytes are not a packet, or a packet with values that are not allowed, or a sync as a datagram.
    Malformed,
    /// A received packet is not sealed, or with another key or label.
    Forged,
    /// A received packet was sealed too long ago, or by a clock that is ahead, or is a replay.
    Stale,
    /// The system's send queue was full.
    SendQueueFull,
    /// The socket cannot reach the receiver's address.
    Unreachable,
    /// A stream broke, or took too long.
    StreamFailed,
    /// The maximum number of streams was open.
    StreamLimit,
    /// A packet on a stream was longer than allowed.
    FrameTooLong,
    /// A packet to be sent that no receiver would accept, or that is larger than a datagram.
    Unencodable,
    /// Packets to senders that are no known members exceeded their limit.
    ReplyLimit,
    /// A received packet names a generation in the future.
    Future,
}

impl Traffic {
    pub(super) fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

impl DropReason {
    /// All reasons, in the order of their discriminants.
    pub const ALL: [Self; 11] = [
        Self::Malformed,
        Self::Forged,
        Self::Stale,
        Self::SendQueueFull,
        Self::Unreachable,
        Self::StreamFailed,
        Self::StreamLimit,
        Self::FrameTooLong,
        Self::Unencodable,
        Self::ReplyLimit,
        Self::Future,
    ];

    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Forged => "forged",
            Self::Stale => "stale",
            Self::SendQueueFull => "send_queue_full",
            Self::Unreachable => "unreachable",
            Self::StreamFailed => "stream_failed",
            Self::StreamLimit => "stream_limit",
            Self::FrameTooLong => "frame_too_long",
            Self::Unencodable => "unencodable",
            Self::ReplyLimit => "reply_limit",
            Self::Future => "future",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_all_reasons_is_in_the_order_of_their_discriminants() {
        assert!(DropReason::ALL.iter().enumerate().all(|(at, reason)| *reason as usize == at));
    }
}
