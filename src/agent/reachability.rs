//! Direct pings of all members at an operator's word, beside the probe rounds.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::command::Command;
use super::event::MemberInfo;
use super::exit::Closed;
use super::handle::Agent;
use crate::protocol::{Id, Member, Outbox, Span, Time};

/// The most pings in a second.
pub(super) const PINGS_PER_SECOND: u64 = 1000;

/// Pings that are sent at once.
const BATCH: usize = 20;

/// Time between two batches.
const PAUSE: Duration = Duration::from_millis(BATCH as u64 * 1000 / PINGS_PER_SECOND);

/// The longest wait for the ack to a ping.
pub(super) const ACK_PATIENCE: Duration = Duration::from_secs(3);

/// The most pings that wait for an ack.
pub(super) const PENDING_LIMIT: usize = 4096;

/// The longest that a check may take: enough for 100,000 members.
pub(super) const LONGEST_CHECK: Duration = Duration::from_secs(100 + ACK_PATIENCE.as_secs());

/// A member, and whether it answers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reached {
    /// The member.
    pub member: MemberInfo,
    /// The round-trip time of the ping; `None` if no ack came in time.
    pub rtt: Option<Duration>,
}

/// Reason why reachability is not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReachabilityError {
    /// The agent has ended.
    Closed,
    /// Another check is under way.
    Busy,
}

/// Pings under way.
#[derive(Default)]
pub(super) struct Pings(BTreeMap<u32, Ping>);

struct Ping {
    id: Id,
    sent: Time,
    answered: oneshot::Sender<Span>,
}

impl Pings {
    /// Pings a member. If it is not known as alive or suspected, or [`PENDING_LIMIT`] pings wait, `answered` is dropped.
    pub(super) fn begin(
        &mut self,
        now: Time,
        id: Id,
        answered: oneshot::Sender<Span>,
        member: &mut Member,
        out: &mut Outbox,
    ) {
        if self.0.len() >= PENDING_LIMIT {
            self.0.retain(|_, ping| !ping.answered.is_closed());
        }
        if self.0.len() < PENDING_LIMIT
            && let Some(seq) = member.ping_member(id, out)
        {
            self.0.insert(seq, Ping { id, sent: now, answered });
        }
    }

    /// Takes an ack, if it is to one of these pings.
    pub(super) fn handle_ack(&mut self, now: Time, sender: Id, seq: u32) {
        if self.0.get(&seq).is_some_and(|ping| ping.id == sender)
            && let Some(ping) = self.0.remove(&seq)
        {
            // It fails if the ack comes too late.
            let _ = ping.answered.send(now.since(ping.sent));
        }
    }
}

impl Agent {
    /// Pings every other member that is alive or suspected directly, 1,000 in a second, and waits three seconds for each
    /// ack. Silence has no consequences: this finds hosts that others reach and this one does not.
    ///
    /// # Errors
    /// If another check of this agent is under way, or the agent has ended.
    pub async fn reachability(&self) -> Result<Vec<Reached>, ReachabilityError> {
        let _checking = self.reachability_lock().try_lock().map_err(|_| ReachabilityError::Busy)?;
        let members = self.members().await?;
        let others = members.into_iter().filter(|member| member.state.is_member() && member.id() != self.id());
        let others: Vec<MemberInfo> = others.collect();
        let mut pings = Vec::new();
        let mut pace = Pace::new();
        for member in &others {
            pace.next().await;
            let (answered, answer) = oneshot::channel();
            self.send(Command::Ping { id: member.id(), answered }).await;
            pings.push((Instant::now() + ACK_PATIENCE, answer));
        }
        let mut reached = Vec::new();
        for (member, (until, answer)) in others.into_iter().zip(pings) {
            let rtt = timeout_at(until, answer).await.ok().and_then(Result::ok);
            reached.push(Reached { member, rtt: rtt.map(|rtt| Duration::from_micros(rtt.as_micros())) });
        }
        Ok(reached)
    }
}

/// Times of [`PINGS_PER_SECOND`] steps in a second.
struct Pace {
    /// Steps that are left of this batch.
    left: usize,
    next_batch: Instant,
}

impl Pace {
    fn new() -> Self {
        Self { left: 0, next_batch: Instant::now() }
    }

    /// Waits until the next step may be taken.
    async fn next(&mut self) {
        if self.left == 0 {
            sleep_until(self.next_batch).await;
            *self = Self { left: BATCH, next_batch: Instant::now() + PAUSE };
        }
        self.left -= 1;
    }
}

impl From<Closed> for ReachabilityError {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl Error for ReachabilityError {}

impl fmt::Display for ReachabilityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => Closed.fmt(f),
            Self::Busy => f.write_str("another check is under way: try again later"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::member_of;
    use super::*;

    #[test]
    fn pings_beyond_the_limit_are_not_sent_until_others_are_given_up() {
        let (mut pings, mut member) = (Pings::default(), member_of(2));
        let mut begin = |id| {
            let (answered, answer) = oneshot::channel();
            let mut out = Outbox::default();
            pings.begin(Time::ZERO, id, answered, &mut member, &mut out);
            (out.transmits.len(), answer)
        };
        let mut answers: Vec<_> = (0..PENDING_LIMIT).map(|_| begin(2)).collect();
        assert!(answers.iter().all(|(sent, _)| *sent == 1));
        assert_eq!(begin(2).0, 0);
        answers.pop();
        assert_eq!([begin(77).0, begin(2).0], [0, 1], "an unknown member, and one in the free place");
    }

    #[test]
    fn an_ack_counts_of_the_pinged_member_and_once() {
        let (mut pings, mut member, mut out) = (Pings::default(), member_of(3), Outbox::default());
        let (answered, mut answer) = oneshot::channel();
        pings.begin(Time::ZERO, 2, answered, &mut member, &mut out);
        let seq = *pings.0.keys().next().unwrap();
        let later = Time::ZERO + Span::from_millis(4);
        pings.handle_ack(later, 3, seq);
        pings.handle_ack(later, 2, seq.wrapping_add(1));
        assert!(answer.try_recv().is_err());
        pings.handle_ack(later, 2, seq);
        pings.handle_ack(later, 2, seq);
        assert_eq!(answer.try_recv(), Ok(Span::from_millis(4)));
    }

    #[tokio::test(start_paused = true)]
    async fn pings_are_sent_at_a_bounded_rate() {
        let begun = Instant::now();
        let (mut pace, mut in_first_second) = (Pace::new(), 0);
        for _ in 0..2 * PINGS_PER_SECOND {
            pace.next().await;
            in_first_second += u64::from(begun.elapsed() < Duration::from_secs(1));
        }
        assert_eq!(in_first_second, PINGS_PER_SECOND);
    }

    #[tokio::test]
    async fn one_check_is_under_way_at_a_time() {
        let agent = Agent::builder().spawn().await.unwrap();
        assert_eq!(agent.reachability().await, Ok(vec![]));
        let _checking = agent.reachability_lock().try_lock().unwrap();
        assert_eq!(agent.reachability().await, Err(ReachabilityError::Busy));
    }
}
