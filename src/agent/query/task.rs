//! The part of an agent's task that asks and answers queries.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};

use super::answerer::{Answerer, Delivery};
use super::asker::{Asker, QueryEnd, QueryTotals, Question, Report, StartError, time_to_ask};
use super::incoming::{IncomingQuery, Reply};
use super::limits::{ANSWER_BYTES, DEFAULT_TIMEOUT};
use super::message::{ANSWER_HEAD, ASK_HEAD, Message};
use super::outgoing::Outgoing;
use crate::agent::event::{AgentEvent, MemberInfo};
use crate::agent::event_hub::EventHub;
use crate::protocol::{DirectMessage, Id, Member, Outbox, Span, Time, TooLong};

/// The channel of direct messages on which queries are asked and answered.
const CHANNEL: u8 = 2;

/// Queries of an agent, and those of others that it has been sent.
#[derive(Debug, Default)]
pub(in crate::agent) struct QueryTask {
    asker: Asker,
    answerer: Answerer,
    /// The readers of the answers to own queries, by number.
    readers: BTreeMap<u64, Reader>,
    /// The answers of applications; made for the first query, as most of thousands of agents in a process get none.
    replies: Option<(UnboundedSender<Reply>, UnboundedReceiver<Reply>)>,
    outgoing: Outgoing,
    reports: Vec<Report>,
    /// Makes numbers that nobody can guess.
    secret: RandomState,
    started: u64,
}

/// A command to start a query.
pub(in crate::agent) struct StartQuery {
    pub name: Box<str>,
    pub payload: Box<[u8]>,
    /// The members to be asked; those that are none any more are left out.
    pub members: BTreeSet<Id>,
    pub timeout: Option<Duration>,
    pub count: Option<u32>,
    pub reply: oneshot::Sender<Result<Answers, StartError>>,
}

/// The readers' ends of the answers to one query.
pub(in crate::agent) struct Answers {
    pub answers: UnboundedReceiver<QueryAnswer>,
    pub progress: watch::Receiver<QueryProgress>,
}

/// Numbers of a query, and the reason of its end once it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::agent) struct QueryProgress {
    /// The numbers of members.
    pub totals: QueryTotals,
    /// The reason of the end; `None` while answers may come.
    pub end: Option<QueryEnd>,
}

/// A member's answer to a query, or the reason why it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueryAnswer {
    /// The member.
    pub from: Id,
    /// The member's name.
    pub from_name: Box<str>,
    /// The answer, or what the member says about its failure.
    pub answer: Result<Box<[u8]>, Box<str>>,
}

#[derive(Debug)]
struct Reader {
    answers: UnboundedSender<QueryAnswer>,
    progress: watch::Sender<QueryProgress>,
}

impl QueryTask {
    /// Starts a query.
    pub(in crate::agent) fn start(&mut self, now: Time, command: StartQuery, member: &Member) {
        let StartQuery { name, payload, members, timeout, count, reply } = command;
        self.cancel_abandoned();
        let timeout = match timeout {
            Some(timeout) => Span::from_micros(timeout.as_micros() as u64),
            None => DEFAULT_TIMEOUT + time_to_ask(members.len()),
        };
        self.started += 1;
        let number = self.secret.hash_one((self.started, now.as_micros()));
        let question = Question { number, name, payload, timeout, count, members };
        // A query whose caller is gone has no reader, and is ended with the next message.
        let _ = reply.send(self.try_start(now, question, member));
    }

    fn try_start(&mut self, now: Time, question: Question, member: &Member) -> Result<Answers, StartError> {
        let bytes = question.name.len() + question.payload.len();
        TooLong::check(bytes, member.direct_room().saturating_sub(ASK_HEAD)).map_err(StartError::Length)?;
        let (number, members) = (question.number, question.members.len() as u32);
        self.asker.start(now, question)?;
        let (sender, answers) = unbounded_channel();
        let totals = QueryTotals { members, ..QueryTotals::default() };
        let (progress, watched) = watch::channel(QueryProgress { totals, end: None });
        self.readers.insert(number, Reader { answers: sender, progress });
        Ok(Answers { answers, progress: watched })
    }

    /// Handles a direct message.
    pub(in crate::agent) fn receive(
        &mut self,
        now: Time,
        from: Id,
        message: &DirectMessage,
        member: &mut Member,
        hub: &EventHub,
        out: &mut Outbox,
    ) {
        if message.channel == CHANNEL {
            self.handle(now, from, &message.payload, member, hub);
            self.send(now, member, hub, out);
        }
    }

    /// Time at which [`QueryTask::run_due`] is due.
    pub(in crate::agent) fn due(&self) -> Time {
        self.asker.deadline().min(self.answerer.deadline())
    }

    /// Asks those whose turn it is, ends queries, and forgets those of others.
    pub(in crate::agent) fn run_due(&mut self, now: Time, member: &mut Member, hub: &EventHub, out: &mut Outbox) {
        self.cancel_abandoned();
        self.answerer.wake(now);
        self.asker.wake(now, &mut self.outgoing, &mut self.reports);
        self.send(now, member, hub, out);
    }

    /// Waits for an answer of the application.
    ///
    /// Cancel safe.
    pub(in crate::agent) async fn next_reply(&mut self) -> Reply {
        let next = match &mut self.replies {
            Some((_, replies)) => replies.recv().await,
            None => None,
        };
        match next {
            Some(reply) => reply,
            // The task has a sender itself: there is a next reply at some time, or no channel yet.
            None => std::future::pending().await,
        }
    }

    /// Sends an answer of the application.
    pub(in crate::agent) fn take_reply(
        &mut self,
        now: Time,
        reply: Reply,
        member: &mut Member,
        hub: &EventHub,
        out: &mut Outbox,
    ) {
        self.answerer.reply(now, reply.key, reply.outcome, &mut self.outgoing);
        self.send(now, member, hub, out);
    }

    /// Ends queries whose answers nobody reads any more.
    fn cancel_abandoned(&mut self) {
        let abandoned = self.readers.iter().filter(|(_, reader)| reader.answers.is_closed());
        let abandoned: Vec<u64> = abandoned.map(|(number, _)| *number).collect();
        for number in abandoned {
            self.asker.cancel(number, &mut self.reports);
        }
    }

    fn handle(&mut self, now: Time, from: Id, payload: &[u8], member: &Member, hub: &EventHub) {
        let message = match Message::decode(payload) {
            Ok(message) => message,
            Err(error) => {
                tracing::debug!(from = %format_args!("{from:016x}"), %error, "a message of a query was refused");
                return;
            }
        };
        self.asker.handle(now, from, &message, &mut self.outgoing, &mut self.reports);
        if let Some(delivery) = self.answerer.handle(now, from, &message, &mut self.outgoing) {
            self.deliver(delivery, member, hub);
        }
    }

    /// Hands a query to the application. Without a reader of events it is declined.
    fn deliver(&mut self, delivery: Delivery, member: &Member, hub: &EventHub) {
        let (replies, _) = self.replies.get_or_insert_with(unbounded_channel);
        let from = MemberInfo::of(member.table(), delivery.key.0);
        let from_name = from.map(|info| info.node.name.clone()).unwrap_or_default();
        let room = member.direct_room().saturating_sub(ANSWER_HEAD).min(ANSWER_BYTES);
        let query = IncomingQuery::new(delivery, from_name, room, replies.clone());
        tracing::debug!(query = query.name(), "a query");
        if hub.has_readers() {
            hub.publish(AgentEvent::Query(query));
        }
    }

    /// Sends what waits, and tells readers. The member's messages to itself stay here.
    fn send(&mut self, now: Time, member: &mut Member, hub: &EventHub, out: &mut Outbox) {
        while let Some((to, payload)) = self.outgoing.pop_front() {
            if to == member.id() {
                self.handle(now, to, &payload, member, hub);
            } else {
                let message = DirectMessage { channel: CHANNEL, payload: payload.into() };
                // A member that has died meanwhile is asked again in case that it returns in time.
                let _ = member.send_direct(to, message, out);
            }
        }
        for report in std::mem::take(&mut self.reports) {
            self.tell(report, member);
        }
    }

    fn tell(&mut self, report: Report, member: &Member) {
        let Report { number, totals, answer, end } = report;
        let Some(reader) = self.readers.get(&number) else { return };
        if let Some((from, answer)) = answer {
            let from_name = MemberInfo::of(member.table(), from).map(|info| info.node.name.clone()).unwrap_or_default();
            // It fails if nobody reads any more.
            let _ = reader.answers.send(QueryAnswer { from, from_name, answer });
        }
        reader.progress.send_replace(QueryProgress { totals, end });
        if end.is_some() {
            self.readers.remove(&number);
        }
    }
}
