//! Warnings about packets that are refused because of a setting: one line a minute for each likely cause, whatever
//! arrives.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::packet_error::PacketError;
use crate::wire::{DecodeError, LABEL_VERSION, OpenError, SEAL_VERSION, Seal, VERSION};

/// The least time between two warnings of one cause.
pub(super) const INTERVAL: Duration = Duration::from_secs(60);

/// Times of the last warnings, by cause.
#[derive(Default)]
pub(super) struct RejectionLog(Mutex<[Option<Instant>; Cause::COUNT]>);

/// A likely cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Clock,
    Key,
    NoKeyThere,
    NoKeyHere,
    Label,
    Silence,
    Future,
}

impl Cause {
    const COUNT: usize = 7;

    /// The likely cause why a packet is refused. `None`: noise, or a replay.
    fn of(error: &PacketError) -> Option<Self> {
        Some(match error {
            // What is younger than the tolerance is a replay, or came while a flood filled the memory of packets.
            PacketError::Open(OpenError::Early(by) | OpenError::Stale(by)) if *by > Seal::TOLERANCE => Self::Clock,
            PacketError::Open(OpenError::Forged) => Self::Key,
            // On a stream, the first byte is that of a length.
            PacketError::Open(OpenError::NotSealed(0 | VERSION | LABEL_VERSION)) => Self::NoKeyThere,
            PacketError::Decode(DecodeError::Version(SEAL_VERSION)) => Self::NoKeyHere,
            PacketError::Decode(DecodeError::Label | DecodeError::Version(LABEL_VERSION)) => Self::Label,
            PacketError::Future(_) => Self::Future,
            _ => return None,
        })
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Clock => "a packet is refused: clocks differ by more than 30 s, or somebody replays old packets",
            Self::Key => "a packet is refused: its sender has another key or label",
            Self::NoKeyThere => "a packet is refused: its sender has no key, and this agent has one",
            Self::NoKeyHere => "a packet is refused: its sender has a key, and this agent has none",
            Self::Label => "a packet is refused: its sender is in a cluster with another label",
            Self::Future => {
                "a packet is refused: it names a member that started in the future. This host's clock is behind, a \
                 member started with a clock that was ahead and is to be restarted, or somebody forges packets"
            }
            Self::Silence => {
                "a seed took a packet and did not answer: its key or label differs, its clock differs by more than \
                 30 s, or it has too many connections"
            }
        }
    }
}

impl RejectionLog {
    /// Logs that a packet from this address was refused, if there has been no such line for a while.
    pub(super) fn refused(&self, from: SocketAddr, error: &PacketError) {
        if let Some(cause) = Cause::of(error)
            && self.is_due(cause, Instant::now())
        {
            tracing::warn!(%from, %error, "{}", cause.advice());
        }
    }

    /// Logs that a seed closed the connection without an answer.
    pub(super) fn unanswered(&self, to: SocketAddr) {
        if self.is_due(Cause::Silence, Instant::now()) {
            tracing::warn!(%to, "{}", Cause::Silence.advice());
        }
    }

    fn is_due(&self, cause: Cause, now: Instant) -> bool {
        let last = &mut self.0.lock().unwrap_or_else(PoisonError::into_inner)[cause as usize];
        let is_due = last.is_none_or(|last| now.duration_since(last) >= INTERVAL);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // W4
    #[test]
    fn each_cause_is_logged_once_a_minute() {
        let (log, now) = (RejectionLog::default(), Instant::now());
        assert!(log.is_due(Cause::Clock, now) && log.is_due(Cause::Key, now));
        assert!(!log.is_due(Cause::Clock, now + Duration::from_secs(59)));
        assert!(log.is_due(Cause::Clock, now + Duration::from_secs(60)));
    }

    // W4
    #[test]
    fn settings_that_differ_are_told_from_noise_and_replays() {
        let open = |error| Cause::of(&PacketError::Open(error));
        assert_eq!(open(OpenError::Early(Duration::from_secs(31))), Some(Cause::Clock));
        assert_eq!(open(OpenError::Stale(Duration::from_secs(31))), Some(Cause::Clock));
        assert_eq!(open(OpenError::Stale(Duration::from_secs(29))), None);
        assert_eq!(open(OpenError::Replayed), None);
        assert_eq!(open(OpenError::Short(3)), None);
        assert_eq!(open(OpenError::Forged), Some(Cause::Key));
        assert_eq!(open(OpenError::NotSealed(VERSION)), Some(Cause::NoKeyThere));
        assert_eq!(open(OpenError::NotSealed(9)), None);
        assert_eq!(Cause::of(&PacketError::Decode(DecodeError::Version(SEAL_VERSION))), Some(Cause::NoKeyHere));
        assert_eq!(Cause::of(&PacketError::Decode(DecodeError::Version(9))), None);
    }
}
