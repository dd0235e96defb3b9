//! The exchange of states with other members: what is sent when, and what is done with what arrives.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use swimlab_selectors::rng::{Rng, below};

use super::error::PayloadError;
use super::limits::{ANSWER_FACTOR, CONTENT_CHECK_EVERY};
use super::message::{Message, SMALLEST_MTU};
use super::store::StateStore;
use crate::protocol::{Id, Span, Time};

/// Parameters of an [`Exchange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeConfig {
    /// The longest payload of a datagram, in bytes: 800 to 65,000.
    pub mtu: usize,
    /// The time between two tellings of news.
    pub interval: Span,
    /// The number of members that are told in each interval, 1 at least.
    pub fanout: usize,
    /// The time between two digests that a member sends.
    pub repair_every: Span,
}

/// Reason why an [`ExchangeConfig`] is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExchangeConfigError {
    /// `mtu` is out of range.
    Mtu(usize),
    /// `interval` is zero.
    Interval,
    /// `fanout` is zero.
    Fanout,
    /// `repair_every` is shorter than `interval`.
    RepairEvery,
}

/// Exchanges the states of a [`StateStore`] with other members.
///
/// A driver passes received payloads to [`handle`](Self::handle), calls [`wake`](Self::wake) at
/// [`deadline`](Self::deadline), and sends what both add to `out`: pairs of a member and a payload for one datagram.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub(super) config: ExchangeConfig,
    pub(super) store: StateStore,
    pub(super) rng: Rng,
    /// The earliest time of the next telling.
    next_tell: Time,
    next_repair: Time,
    /// Members of which a change was told that does not follow what is known, and the one that told it.
    pub(super) behind: BTreeMap<Id, Id>,
    pub(super) round: Option<RepairRound>,
    pub(super) repairs_until_check: u8,
    pub(super) content_check: Option<ContentCheck>,
}

/// The repair that this member has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct RepairRound {
    pub partner: Id,
    /// The partner's digest, once it is known.
    pub digest: Option<u64>,
    /// The number of times that the digests of parts may still be sent.
    pub left: u8,
}

/// The check that this member has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct ContentCheck {
    pub partner: Id,
    pub salt: u64,
    /// Whether the partner was sent digests of parts.
    pub is_answered: bool,
}

/// Choice of the members to exchange states with; never this member itself.
pub trait Partners {
    /// Up to `want` distinct members to be told news, other ones each time.
    fn for_news(&mut self, want: usize) -> Vec<Id>;
    /// The member to compare digests with, another one each time. It may be a near one mostly: what only distant members
    /// know arrives by news, and by a distant partner now and then.
    fn for_repair(&mut self) -> Option<Id>;
}

/// Any members, by a function of the number wanted.
impl<F: FnMut(usize) -> Vec<Id>> Partners for F {
    fn for_news(&mut self, want: usize) -> Vec<Id> {
        self(want)
    }

    fn for_repair(&mut self) -> Option<Id> {
        self(1).first().copied()
    }
}

/// Payloads to send, each to one member in one datagram.
pub type Outgoing = Vec<(Id, Vec<u8>)>;

impl ExchangeConfig {
    /// The allowed sizes of payloads, in bytes. The largest entry fits the smallest.
    pub const MTU: std::ops::RangeInclusive<usize> = SMALLEST_MTU..=65_000;

    /// Checks all parameters.
    ///
    /// # Errors
    /// The first parameter that is out of its range.
    pub fn check(&self) -> Result<(), ExchangeConfigError> {
        if !Self::MTU.contains(&self.mtu) {
            return Err(ExchangeConfigError::Mtu(self.mtu));
        }
        if self.interval == Span::ZERO {
            return Err(ExchangeConfigError::Interval);
        }
        if self.fanout == 0 {
            return Err(ExchangeConfigError::Fanout);
        }
        if self.repair_every < self.interval { Err(ExchangeConfigError::RepairEvery) } else { Ok(()) }
    }
}

impl Default for ExchangeConfig {
    /// 1,200 bytes, three members every 200 ms as the preset `lan` gossips, and a digest every 4 s.
    fn default() -> Self {
        Self { mtu: 1200, interval: Span::from_millis(200), fanout: 3, repair_every: Span::from_secs(4) }
    }
}

impl Exchange {
    /// Creates the exchange of a store. The first digest is sent at a random time within `repair_every`.
    ///
    /// # Errors
    /// If a parameter is out of its range.
    pub fn new(
        now: Time,
        config: ExchangeConfig,
        store: StateStore,
        mut rng: Rng,
    ) -> Result<Self, ExchangeConfigError> {
        config.check()?;
        let phase = below(&mut rng, config.repair_every.as_micros().try_into().unwrap_or(u32::MAX));
        let next_repair = now + Span::from_micros(phase.into());
        Ok(Self {
            config,
            store,
            rng,
            next_tell: now,
            next_repair,
            behind: BTreeMap::new(),
            round: None,
            repairs_until_check: CONTENT_CHECK_EVERY,
            content_check: None,
        })
    }

    /// The states.
    pub fn store(&self) -> &StateStore {
        &self.store
    }

    /// The states, to write this member's own and to admit and forget members. The [`deadline`](Self::deadline) may be
    /// earlier afterwards.
    pub fn store_mut(&mut self) -> &mut StateStore {
        &mut self.store
    }

    /// The time of the next call of [`wake`](Self::wake).
    pub fn deadline(&self) -> Time {
        let tell = if self.store.has_news() || !self.behind.is_empty() { self.next_tell } else { Time::NEVER };
        tell.min(self.next_repair).min(self.store.next_expiry())
    }

    /// Does what is due: ends values that expire, tells news, asks for missed changes, sends a digest. `partners`
    /// returns up to that many distinct members to talk to, chosen anew in each call and never this member.
    pub fn wake(&mut self, now: Time, partners: &mut impl Partners, out: &mut Outgoing) {
        self.store.expire(now);
        if now >= self.next_tell && (self.store.has_news() || !self.behind.is_empty()) {
            self.next_tell = now + self.config.interval;
            self.tell_news(now, partners, out);
            self.ask_for_missed(out);
        }
        if now >= self.next_repair {
            self.next_repair = now + self.config.repair_every;
            self.begin_repair(partners, out);
        }
    }

    /// Handles a payload that `from` has sent.
    ///
    /// # Errors
    /// If it is not the encoding of a message. Nothing has changed then.
    pub fn handle(&mut self, now: Time, from: Id, payload: &[u8], out: &mut Outgoing) -> Result<(), PayloadError> {
        let message = Message::decode(payload)?;
        self.store.expire(now);
        match message {
            Message::Digest { is_reply: false, digest } => self.answer_digest(from, digest, out),
            Message::Digest { is_reply: true, digest } => self.handle_digest_reply(from, digest, out),
            Message::ContentDigest { is_reply: false, salt, digest } => {
                self.answer_content_digest(from, salt, digest, out);
            }
            Message::ContentDigest { is_reply: true, salt, .. } => self.handle_content_reply(from, salt, out),
            Message::ContentParts { salt, parts } => self.answer_content_parts(from, salt, &parts, payload.len(), out),
            Message::Contents { salt, contents } => self.handle_contents(from, salt, &contents, payload.len(), out),
            Message::Parts(parts) => self.answer_parts(from, &parts, payload.len(), out),
            Message::Versions(versions) => self.answer_versions(now, from, versions, payload.len(), out),
            Message::Request(versions) => {
                self.send_deltas(now, from, versions, payload.len() * ANSWER_FACTOR, out);
            }
            Message::News(deltas) => self.handle_news(now, from, &deltas),
            Message::Deltas { is_last, deltas } => self.handle_deltas(now, from, &deltas, is_last, out),
        }
        Ok(())
    }
}

impl Error for ExchangeConfigError {}

impl fmt::Display for ExchangeConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mtu(mtu) => {
                let (least, most) = (ExchangeConfig::MTU.start(), ExchangeConfig::MTU.end());
                write!(f, "mtu: {mtu} bytes, must be {least} to {most}")
            }
            Self::Interval => f.write_str("interval: must be longer than zero"),
            Self::Fanout => f.write_str("fanout: must be 1 or more"),
            Self::RepairEvery => f.write_str("repair_every: must not be shorter than interval"),
        }
    }
}
