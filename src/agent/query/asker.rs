//! The side of a query that asks, without I/O: whom to send what and when, which answers count, and when it is over.
//!
//! Each member gets direct messages of its own instead of gossip. Both would reach a whole group. But gossip brings an
//! event to most members only, and to the others with a state sync, long after the deadline (docs/operations.md has
//! figures); it repeats every byte of a query `retransmit_mult * log10(n + 1)` times at each member; and in plain text
//! one forged packet would make n members answer a victim. Every member knows all others, so the asker can ask each one,
//! repeat what was lost, and tell who has not heard of it. Its cost is a datagram for each member, which a rate bounds.
//!
//! A member that is asked acknowledges with a token, and the asker confirms with that token. Only then the member hands
//! the query to its application: nobody runs anything, or sends long answers to a third party, for a sender that has not
//! proven its address. The asker repeats what is not answered; a member only ever replies.
//!
//! A member that has acknowledged a query may have forgotten it since, after a restart for instance. It ignores the
//! confirmation then. So the asker asks it again after some confirmations without an answer, and takes the new token.

use std::collections::{BTreeMap, BTreeSet};

use super::limits::{
    ASKED_LIMIT, BATCH, BATCH_INTERVAL, CONFIRMATIONS, FIRST_RETRY, LONGEST_RETRY, MESSAGES_PER_SECOND, QUERIES_AT_ONCE,
};
use super::message::{Message, Outcome};
use super::outgoing::Outgoing;
use crate::protocol::{Id, Span, Time, TooLong};

/// All queries that an agent has under way.
#[derive(Debug, Default)]
pub(super) struct Asker {
    open: BTreeMap<u64, OpenQuery>,
    pace: Pace,
}

/// A query to be started.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub number: u64,
    pub name: Box<str>,
    pub payload: Box<[u8]>,
    /// The time for which answers are collected.
    pub timeout: Span,
    /// The number of answers after which the query ends.
    pub count: Option<u32>,
    /// The members to be asked.
    pub members: BTreeSet<Id>,
}

/// Numbers of a query's members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueryTotals {
    /// Members that the query is for.
    pub members: u32,
    /// Those that were sent the query. It can be fewer if the query ends before all have had their turn.
    pub asked: u32,
    /// Those that have acknowledged it.
    pub acknowledged: u32,
    /// Those that have answered.
    pub answered: u32,
    /// Those that have said why they cannot answer.
    pub failed: u32,
    /// Those that have said that none of their applications answers it.
    pub declined: u32,
}

/// Reason why a query is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryEnd {
    /// Each member has answered, failed or declined.
    Complete,
    /// As many answers as wanted have come.
    Count,
    /// The time is over.
    Deadline,
    /// The asker has ended it.
    Canceled,
    /// The agent has ended.
    Closed,
}

/// An answer, or the reason of a failure.
pub(super) type Answer = Result<Box<[u8]>, Box<str>>;

/// News of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub number: u64,
    pub totals: QueryTotals,
    /// An answer, or the reason of a failure, of this member.
    pub answer: Option<(Id, Answer)>,
    pub end: Option<QueryEnd>,
}

/// Reason why a query is not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) enum StartError {
    /// Name and payload are too long for a datagram.
    Length(TooLong),
    /// [`QUERIES_AT_ONCE`] are under way.
    Busy,
    /// It is for this number of members, more than [`ASKED_LIMIT`].
    Members(usize),
}

#[derive(Debug)]
struct OpenQuery {
    number: u64,
    name: Box<str>,
    payload: Box<[u8]>,
    deadline: Time,
    count: Option<u32>,
    members: BTreeMap<Id, Progress>,
    /// The times of the next messages to members that have not answered.
    schedule: BTreeSet<(Time, Id)>,
    totals: QueryTotals,
}

/// The state of one member.
#[derive(Clone, Copy, Debug)]
struct Progress {
    stage: Stage,
    /// The time of the next message to it.
    at: Time,
    /// The time to wait after that.
    retry: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Asked,
    Acknowledged {
        token: u64,
        /// Confirmations since it was asked last.
        confirmations: u8,
        /// Whether it was asked again since it has sent this token.
        is_asked_again: bool,
    },
    Done,
}

impl Asker {
    /// Starts a query. Messages leave with [`Asker::wake`].
    pub(super) fn start(&mut self, now: Time, question: Question) -> Result<(), StartError> {
        let Question { number, name, payload, timeout, count, members } = question;
        if self.open.len() >= QUERIES_AT_ONCE {
            return Err(StartError::Busy);
        }
        if members.len() > ASKED_LIMIT {
            return Err(StartError::Members(members.len()));
        }
        let totals = QueryTotals { members: members.len() as u32, ..QueryTotals::default() };
        let schedule = members.iter().map(|id| (now, *id)).collect();
        let waiting = Progress { stage: Stage::Waiting, at: now, retry: FIRST_RETRY };
        let members = members.into_iter().map(|id| (id, waiting)).collect();
        let query = OpenQuery { number, name, payload, deadline: now + timeout, count, members, schedule, totals };
        self.open.insert(number, query);
        Ok(())
    }

    /// Ends a query.
    pub(super) fn cancel(&mut self, number: u64, reports: &mut Vec<Report>) {
        self.end(number, QueryEnd::Canceled, reports);
    }

    /// The time at which [`Asker::wake`] is due.
    pub(super) fn deadline(&self) -> Time {
        let due = |query: &OpenQuery| match query.schedule.first() {
            // A query for nobody is over at once.
            None if query.is_complete() => Time::ZERO,
            None => query.deadline,
            Some((at, _)) => query.deadline.min((*at).max(self.pace.next_at())),
        };
        self.open.values().map(due).min().unwrap_or(Time::NEVER)
    }

    /// Ends queries whose time is over, and sends what is due, as far as the rate allows.
    pub(super) fn wake(&mut self, now: Time, out: &mut Outgoing, reports: &mut Vec<Report>) {
        let over = |query: &OpenQuery| match query {
            query if query.is_complete() => Some(QueryEnd::Complete),
            query => (query.deadline <= now).then_some(QueryEnd::Deadline),
        };
        let over: Vec<_> = self.open.iter().filter_map(|(number, query)| Some((*number, over(query)?))).collect();
        over.into_iter().for_each(|(number, end)| self.end(number, end, reports));
        loop {
            let next = |query: &OpenQuery| query.schedule.first().map(|(at, _)| *at);
            let first = self.open.iter_mut().min_by_key(|(_, query)| next(query).unwrap_or(Time::NEVER));
            let Some((&number, query)) = first.filter(|(_, query)| next(query).is_some_and(|at| at <= now)) else {
                return;
            };
            if !self.pace.take(now) {
                return;
            }
            let was_asked = query.totals.asked;
            query.send_next(now, out);
            if query.totals.asked > was_asked {
                reports.push(Report { number, totals: query.totals, answer: None, end: None });
            }
        }
    }

    /// Handles a message of a member. One that does not belong to an open query, to a member that it asks, or to what
    /// that member has said before, is ignored.
    pub(super) fn handle(
        &mut self,
        now: Time,
        from: Id,
        message: &Message<'_>,
        out: &mut Outgoing,
        reports: &mut Vec<Report>,
    ) {
        let (Message::Ack { number, token } | Message::Answer { number, token, .. }) = *message else { return };
        let Some(query) = self.open.get_mut(&number).filter(|query| now < query.deadline) else { return };
        let Some(progress) = query.members.get_mut(&from) else { return };
        let mut report = Report { number, totals: query.totals, answer: None, end: None };
        match (message, progress.stage) {
            (Message::Ack { .. }, Stage::Asked) => {
                query.confirm(now, from, token, out);
                query.totals.acknowledged += 1;
            }
            // It has forgotten the query, of which it has heard anew.
            (Message::Ack { .. }, Stage::Acknowledged { token: before, is_asked_again: true, .. })
                if token != before =>
            {
                query.confirm(now, from, token, out);
                return;
            }
            (Message::Answer { outcome, .. }, Stage::Acknowledged { token: expected, .. }) if token == expected => {
                query.schedule.remove(&(progress.at, from));
                progress.stage = Stage::Done;
                match &**outcome {
                    Outcome::Answered(answer) => {
                        query.totals.answered += 1;
                        report.answer = Some((from, Ok(answer.clone())));
                    }
                    Outcome::Failed(reason) => {
                        query.totals.failed += 1;
                        report.answer = Some((from, Err(reason.clone())));
                    }
                    Outcome::Declined => query.totals.declined += 1,
                }
            }
            _ => return,
        }
        report.totals = query.totals;
        if query.count.is_some_and(|count| query.totals.answered >= count) {
            report.end = Some(QueryEnd::Count);
        } else if query.is_complete() {
            report.end = Some(QueryEnd::Complete);
        }
        if report.end.is_some() {
            self.open.remove(&number);
        }
        reports.push(report);
    }

    fn end(&mut self, number: u64, end: QueryEnd, reports: &mut Vec<Report>) {
        if let Some(query) = self.open.remove(&number) {
            reports.push(Report { number, totals: query.totals, answer: None, end: Some(end) });
        }
    }
}

impl OpenQuery {
    fn is_complete(&self) -> bool {
        let QueryTotals { members, answered, failed, declined, .. } = self.totals;
        answered + failed + declined == members
    }

    /// Confirms the query to a member that has acknowledged it with this token.
    fn confirm(&mut self, now: Time, member: Id, token: u64, out: &mut Outgoing) {
        let Some(progress) = self.members.get_mut(&member) else { return };
        out.push_back((member, Message::Confirm { number: self.number, token }.encode()));
        self.schedule.remove(&(progress.at, member));
        let stage = Stage::Acknowledged { token, confirmations: 1, is_asked_again: false };
        *progress = Progress { stage, at: now + FIRST_RETRY, retry: FIRST_RETRY * 2 };
        if progress.at < self.deadline {
            self.schedule.insert((progress.at, member));
        }
    }

    /// Sends the member that has waited for longest its next message. A question that is asked again comes halfway between
    /// two confirmations, which it does not delay.
    fn send_next(&mut self, now: Time, out: &mut Outgoing) {
        let Some((_, id)) = self.schedule.pop_first() else { return };
        let Some(progress) = self.members.get_mut(&id) else { return };
        let left = self.deadline.since(now);
        let ask = Message::Ask { number: self.number, left, name: &self.name, payload: &self.payload };
        let retry = progress.retry;
        let (message, wait) = match &mut progress.stage {
            Stage::Waiting => {
                progress.stage = Stage::Asked;
                self.totals.asked += 1;
                (ask, retry)
            }
            Stage::Asked => (ask, retry),
            Stage::Acknowledged { confirmations, is_asked_again, .. } if *confirmations == CONFIRMATIONS => {
                (*confirmations, *is_asked_again) = (0, true);
                (ask, retry.scale(0.5))
            }
            Stage::Acknowledged { token, confirmations, .. } => {
                *confirmations += 1;
                let wait = if *confirmations == CONFIRMATIONS { retry.scale(0.5) } else { retry };
                (Message::Confirm { number: self.number, token: *token }, wait)
            }
            Stage::Done => return,
        };
        let is_halfway = wait < retry && matches!(message, Message::Confirm { .. });
        out.push_back((id, message.encode()));
        progress.at = now + wait;
        if !is_halfway {
            progress.retry = (retry * 2).min(LONGEST_RETRY);
        }
        if progress.at < self.deadline {
            self.schedule.insert((progress.at, id));
        }
    }
}

/// Time to send a message to each of `members` members.
pub(super) fn time_to_ask(members: usize) -> Span {
    Span::from_micros(members as u64 * (1_000_000 / MESSAGES_PER_SECOND))
}

/// Messages that may be sent: [`BATCH`] in each [`BATCH_INTERVAL`].
#[derive(Debug, Default)]
struct Pace {
    /// Messages sent in this interval.
    sent: u32,
    /// The start of the interval.
    since: Time,
}

impl Pace {
    /// The earliest time at which a message may be sent.
    fn next_at(&self) -> Time {
        if self.sent < BATCH { Time::ZERO } else { self.since + BATCH_INTERVAL }
    }

    /// Counts a message, if one may be sent.
    fn take(&mut self, now: Time) -> bool {
        if now >= self.since + BATCH_INTERVAL {
            *self = Self { sent: 0, since: now };
        }
        let may = self.sent < BATCH;
        self.sent += u32::from(may);
        may
    }
}
