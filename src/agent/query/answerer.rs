//! The side of a query that answers, without I/O: what a member remembers of the queries that others have sent it.
//!
//! It sends the answer when the application has one, and everything else only in reply. What is lost is asked for again. A query is handed to the application once, when its asker has confirmed it: see [`super::asker`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};

use super::limits::{REMEMBERED, REMEMBERED_PER_ASKER, RESEND_INTERVAL};
use super::message::{Message, Outcome};
use super::outgoing::Outgoing;
use crate::protocol::{Id, Span, Time};

/// The asker of a query, and its number.
pub(super) type Key = (Id, u64);

/// The queries of others that a member remembers until their time is over.
#[derive(Debug, Default)]
pub(super) struct Answerer {
    remembered: BTreeMap<Key, Remembered>,
    /// The times at which they are forgotten.
    expiries: BTreeSet<(Time, Key)>,
    /// Key of the hash that makes tokens, so that only those who receive them know them.
    secret: RandomState,
    /// The number of queries so far, so that no two tokens are the same.
    count: u64,
}

/// A query for the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    pub key: Key,
    pub name: Box<str>,
    pub payload: Box<[u8]>,
    /// The time that is left.
    pub left: Span,
}

#[derive(Debug)]
struct Remembered {
    token: u64,
    /// The time at which its asker takes no more answers.
    until: Time,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Acknowledged, and not confirmed yet.
    Offered { name: Box<str>, payload: Box<[u8]> },
    /// The application has it.
    Delivered,
    /// It was answered, and the answer was sent last at this time.
    Done { outcome: Outcome, sent: Time },
}

impl Answerer {
    /// Handles a message of an asker. Returns a query that is to be handed to the application.
    pub(super) fn handle(
        &mut self,
        now: Time,
        from: Id,
        message: &Message<'_>,
        out: &mut Outgoing,
    ) -> Option<Delivery> {
        self.wake(now);
        match *message {
            Message::Ask { number, left, name, payload } => {
                let token = match self.remembered.get(&(from, number)) {
                    Some(known) => known.token,
                    None => self.remember((from, number), now + left, name, payload)?,
                };
                out.push_back((from, Message::Ack { number, token }.encode()));
                None
            }
            Message::Confirm { number, token } => {
                let known = self.remembered.get_mut(&(from, number)).filter(|known| known.token == token)?;
                if let State::Done { outcome, sent } = &mut known.state
                    && now >= *sent + RESEND_INTERVAL
                {
                    *sent = now;
                    out.push_back((from, answer(number, token, outcome)));
                }
                let State::Offered { name, payload } = &mut known.state else { return None };
                let (name, payload) = (std::mem::take(name), std::mem::take(payload));
                known.state = State::Delivered;
                Some(Delivery { key: (from, number), name, payload, left: known.until.since(now) })
            }
            Message::Ack { .. } | Message::Answer { .. } => None,
        }
    }

    /// Sends the outcome of a query, and remembers it for an asker who asks again.
    pub(super) fn reply(&mut self, now: Time, key: Key, outcome: Outcome, out: &mut Outgoing) {
        self.wake(now);
        if let Some(known) = self.remembered.get_mut(&key).filter(|known| matches!(known.state, State::Delivered)) {
            out.push_back((key.0, answer(key.1, known.token, &outcome)));
            known.state = State::Done { outcome, sent: now };
        }
    }

    /// Forgets the queries whose time is over.
    pub(super) fn wake(&mut self, now: Time) {
        while let Some(&(until, key)) = self.expiries.first().filter(|(until, _)| *until <= now) {
            self.expiries.remove(&(until, key));
            self.remembered.remove(&key);
        }
    }

    /// The time at which [`Answerer::wake`] is due.
    pub(super) fn deadline(&self) -> Time {
        self.expiries.first().map_or(Time::NEVER, |(until, _)| *until)
    }

    /// Remembers a query, and returns its token; `None` if there is no room for it.
    fn remember(&mut self, key: Key, until: Time, name: &str, payload: &[u8]) -> Option<u64> {
        let of_asker = (key.0, u64::MIN)..=(key.0, u64::MAX);
        let makes_room = (self.remembered.range(of_asker.clone()).count() < REMEMBERED_PER_ASKER
            || self.forget_one(of_asker))
            && (self.remembered.len() < REMEMBERED || self.forget_one((Id::MIN, u64::MIN)..=(Id::MAX, u64::MAX)));
        if !makes_room {
            return None;
        }
        self.count += 1;
        let token = self.secret.hash_one((key, self.count));
        let state = State::Offered { name: name.into(), payload: payload.into() };
        self.remembered.insert(key, Remembered { token, until, state });
        self.expiries.insert((until, key));
        Some(token)
    }

    /// Forgets a query in this range that the application does not have: an answered one before one that is not confirmed,
    /// and the one that is over first.
    fn forget_one(&mut self, range: std::ops::RangeInclusive<Key>) -> bool {
        let forgettable = self.remembered.range(range).filter(|(_, known)| !matches!(known.state, State::Delivered));
        let first = forgettable.min_by_key(|(_, known)| (matches!(known.state, State::Offered { .. }), known.until));
        let Some((key, until)) = first.map(|(key, known)| (*key, known.until)) else { return false };
        self.expiries.remove(&(until, key));
        self.remembered.remove(&key).is_some()
    }
}

fn answer(number: u64, token: u64, outcome: &Outcome) -> Vec<u8> {
    Message::Answer { number, token, outcome: Cow::Borrowed(outcome) }.encode()
}
