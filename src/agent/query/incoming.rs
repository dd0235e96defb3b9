//! A query as the application gets it, and its answer.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::answerer::{Delivery, Key};
use super::limits::REASON_BYTES;
use super::message::Outcome;
use crate::agent::exit::Closed;
use crate::protocol::{Id, TooLong};

/// A query that another member, or this one, has sent to this agent: see
/// [`AgentEvent::Query`](crate::agent::AgentEvent::Query).
///
/// Clones are the same query, which is answered once. When the last one is dropped without an answer, the asker is told
/// that this member has none, and does not wait for it.
#[derive(Clone)]
pub struct IncomingQuery(Arc<Inner>);

struct Inner {
    key: Key,
    from_name: Box<str>,
    name: Box<str>,
    payload: Box<[u8]>,
    until: Instant,
    answer_room: usize,
    /// Takes the answer; `None` once there is one.
    replies: Mutex<Option<UnboundedSender<Reply>>>,
}

/// The outcome of a query at this agent.
#[derive(Debug)]
pub(in crate::agent) struct Reply {
    pub(super) key: Key,
    pub(super) outcome: Outcome,
}

impl IncomingQuery {
    pub(super) fn new(
        delivery: Delivery,
        from_name: Box<str>,
        answer_room: usize,
        replies: UnboundedSender<Reply>,
    ) -> Self {
        let Delivery { key, name, payload, left } = delivery;
        let until = Instant::now() + Duration::from_micros(left.as_micros());
        Self(Arc::new(Inner { key, from_name, name, payload, until, answer_room, replies: Mutex::new(Some(replies)) }))
    }

    /// The asker.
    pub fn from(&self) -> Id {
        self.0.key.0
    }

    /// The asker's name.
    pub fn from_name(&self) -> &str {
        &self.0.from_name
    }

    /// The name of the query.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The payload of the query.
    pub fn payload(&self) -> &[u8] {
        &self.0.payload
    }

    /// The time for which the asker still takes an answer.
    pub fn time_left(&self) -> Duration {
        self.0.until.saturating_duration_since(Instant::now())
    }

    /// The longest answer, in bytes: 1,024, or less where datagrams are smaller.
    pub fn answer_room(&self) -> usize {
        self.0.answer_room
    }

    /// Answers. The answer is a datagram; it is repeated if it gets lost.
    ///
    /// # Errors
    /// If it is longer than [`IncomingQuery::answer_room`], the query has been answered, its time is over, or the agent has
    /// ended. A shorter answer may follow one that is too long.
    pub fn respond(&self, answer: impl Into<Vec<u8>>) -> Result<(), RespondError> {
        let answer = answer.into();
        TooLong::check(answer.len(), self.0.answer_room).map_err(RespondError::TooLong)?;
        self.reply(Outcome::Answered(answer.into()))
    }

    /// Tells the asker why there is no answer. Of a reason of more than 512 bytes, or what a datagram holds, the end is cut
    /// off.
    ///
    /// # Errors
    /// If the query has been answered, its time is over, or the agent has ended.
    pub fn fail(&self, reason: impl Into<String>) -> Result<(), RespondError> {
        let mut reason = reason.into();
        reason.truncate(reason.floor_char_boundary(REASON_BYTES.min(self.0.answer_room)));
        self.reply(Outcome::Failed(reason.into()))
    }

    fn reply(&self, outcome: Outcome) -> Result<(), RespondError> {
        if self.time_left() == Duration::ZERO {
            return Err(RespondError::Late);
        }
        let replies = self.0.take_replies().ok_or(RespondError::Answered)?;
        replies.send(Reply { key: self.0.key, outcome }).map_err(|_| RespondError::Closed)
    }
}

impl Inner {
    fn take_replies(&self) -> Option<UnboundedSender<Reply>> {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(replies) = self.take_replies() {
            // It fails if the agent has ended.
            let _ = replies.send(Reply { key: self.key, outcome: Outcome::Declined });
        }
    }
}

/// Whether both are clones of one query.
impl PartialEq for IncomingQuery {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for IncomingQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingQuery")
            .field("name", &self.name())
            .field("from", &self.from_name())
            .finish_non_exhaustive()
    }
}

/// Reason why an answer is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RespondError {
    /// It does not fit into a datagram.
    TooLong(TooLong),
    /// The query has an answer already.
    Answered,
    /// The asker takes no more answers.
    Late,
    /// The agent has ended.
    Closed,
}

impl fmt::Display for RespondError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(error) => write!(f, "the answer: {error}"),
            Self::Answered => f.write_str("the query has an answer already"),
            Self::Late => f.write_str("the time of the query is over"),
            Self::Closed => Closed.fmt(f),
        }
    }
}

impl Error for RespondError {}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::protocol::Span;

    fn query(left: Span) -> (IncomingQuery, UnboundedReceiver<Reply>) {
        let (sender, receiver) = unbounded_channel();
        let delivery = Delivery { key: (1, 2), name: "n".into(), payload: [].into(), left };
        (IncomingQuery::new(delivery, "a".into(), 8, sender), receiver)
    }

    fn outcomes(mut replies: UnboundedReceiver<Reply>) -> Vec<Outcome> {
        std::iter::from_fn(|| replies.try_recv().ok()).map(|reply| reply.outcome).collect()
    }

    #[test]
    fn a_query_is_answered_once_by_whichever_clone() {
        let (query, replies) = query(Span::from_secs(100));
        let clone = query.clone();
        assert_eq!(query.respond([0; 9]), Err(RespondError::TooLong(TooLong { bytes: 9, limit: 8 })));
        assert_eq!(clone.respond([7; 8]), Ok(()));
        assert_eq!(query.respond("x"), Err(RespondError::Answered));
        assert_eq!(query.fail("x"), Err(RespondError::Answered));
        drop((query, clone));
        assert_eq!(outcomes(replies), [Outcome::Answered([7; 8].into())]);
    }

    #[test]
    fn the_asker_is_told_when_the_last_clone_is_dropped_without_an_answer() {
        let (query, mut replies) = query(Span::from_secs(100));
        drop(query.clone());
        assert!(replies.try_recv().is_err());
        drop(query);
        assert_eq!(outcomes(replies), [Outcome::Declined]);
    }

    #[test]
    fn a_reason_is_cut_where_a_character_begins() {
        let (query, replies) = query(Span::from_secs(100));
        query.fail("ééééé").unwrap();
        assert_eq!(outcomes(replies), [Outcome::Failed("éééé".into())]);
    }

    #[test]
    fn nothing_is_answered_when_the_time_is_over_or_the_agent_has_ended() {
        let (late, replies) = query(Span::ZERO);
        assert_eq!(late.respond("x"), Err(RespondError::Late));
        drop((late, replies));
        let (orphan, replies) = query(Span::from_secs(100));
        drop(replies);
        assert_eq!(orphan.respond("x"), Err(RespondError::Closed));
    }
}
