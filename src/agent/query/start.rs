//! Queries of an agent's handle.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use super::asker::{QueryEnd, QueryTotals, StartError};
use super::limits::{
    ANSWER_BYTES, ASKED_LIMIT, LONGEST_TIMEOUT, NAME_BYTES, PAYLOAD_BYTES, QUERIES_AT_ONCE, SHORTEST_TIMEOUT,
};
use super::task::{QueryAnswer, QueryProgress, StartQuery};
use crate::agent::command::Command;
use crate::agent::exit::Closed;
use crate::agent::handle::Agent;
use crate::discovery::Filter;
use crate::protocol::{Id, NameError, Span, TooLong};

/// A question to all members, or to some: see [`Agent::query`].
#[derive(Clone, Debug)]
pub struct Query {
    name: String,
    payload: Vec<u8>,
    filter: Filter,
    to: Vec<String>,
    timeout: Option<Duration>,
    count: Option<u32>,
}

impl Query {
    /// The longest name, in bytes.
    pub const NAME_LIMIT: usize = NAME_BYTES;
    /// The longest payload, in bytes.
    pub const PAYLOAD_LIMIT: usize = PAYLOAD_BYTES;
    /// The longest answer, in bytes; less where datagrams (`packet_bytes`) are smaller than 1,100 bytes.
    pub const ANSWER_LIMIT: usize = ANSWER_BYTES;
    /// The shortest time for answers.
    pub const SHORTEST_TIMEOUT: Duration = Duration::from_micros(SHORTEST_TIMEOUT.as_micros());
    /// The longest time for answers.
    pub const LONGEST_TIMEOUT: Duration = Duration::from_micros(LONGEST_TIMEOUT.as_micros());

    /// A query of this name, of 1 to 128 bytes without control characters, to all members.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            payload: Vec::new(),
            filter: Filter::default(),
            to: Vec::new(),
            timeout: None,
            count: None,
        }
    }

    /// Sets the payload, of at most 512 bytes.
    #[must_use]
    pub fn payload(mut self, payload: impl Into<Vec<u8>>) -> Self {
        self.payload = payload.into();
        self
    }

    /// Asks only the members that a filter lets through, by the asker's catalog.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Asks only members of these names, of those that the filter lets through.
    #[must_use]
    pub fn to<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.to = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the time for which answers are collected: 100 ms to 300 s. Without it, it is 5 s, and 1 ms more for each
    /// member.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the number of answers after which the query is over; at least 1.
    #[must_use]
    pub fn count(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    /// Checks what is known of the query's limits before it is asked.
    ///
    /// # Errors
    /// If the name, the payload, the time or the number of answers is out of its limits.
    pub fn check(&self) -> Result<(), QueryError> {
        NameError::check(&self.name, Self::NAME_LIMIT).map_err(QueryError::Name)?;
        TooLong::check(self.payload.len(), Self::PAYLOAD_LIMIT).map_err(QueryError::TooLong)?;
        let range = Self::SHORTEST_TIMEOUT..=Self::LONGEST_TIMEOUT;
        if let Some(timeout) = self.timeout.filter(|timeout| !range.contains(timeout)) {
            return Err(QueryError::Timeout(timeout));
        }
        if self.count == Some(0) { Err(QueryError::Count) } else { Ok(()) }
    }
}

impl Agent {
    /// Asks members, this one included, and collects their answers until each has answered, as many as wanted have, or the
    /// time is over. Each member acknowledges the query; its applications get it as
    /// [`AgentEvent::Query`](crate::agent::AgentEvent::Query), and one may answer.
    ///
    /// Members that join meanwhile are not asked. Under packet loss members are asked again, every second at the latest:
    /// docs/operations.md tells how likely an answer is lost.
    ///
    /// ```
    /// use swimlab::agent::{Agent, AgentEvent, Query};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let agent = Agent::builder().name("a").spawn().await?;
    /// let mut events = agent.events();
    /// let mut answers = agent.query(Query::new("greet").payload("hello")).await?;
    /// while let Some(event) = events.next().await {
    ///     if let AgentEvent::Query(query) = event {
    ///         query.respond(query.payload().to_ascii_uppercase())?;
    ///         break;
    ///     }
    /// }
    /// let answer = answers.next().await.expect("an answer");
    /// assert_eq!((&*answer.from_name, answer.answer), ("a", Ok(b"HELLO".as_slice().into())));
    /// assert!(answers.next().await.is_none());
    /// assert_eq!(answers.totals().answered, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If a part of the query is out of its limits, a name of [`Query::to`] is that of no member, eight queries of this
    /// agent are under way, or the agent has ended.
    pub async fn query(&self, query: Query) -> Result<QueryAnswers, QueryError> {
        query.check()?;
        let members = self.members_for(&query).await?;
        let Query { name, payload, timeout, count, .. } = query;
        let (name, payload) = (name.into(), payload.into());
        let start = |reply| StartQuery { name, payload, members, timeout, count, reply };
        let started = self.ask(|reply| Command::Query(Box::new(start(reply)))).await?;
        let answers = started.map_err(|error| match error {
            StartError::Length(error) => QueryError::TooLong(error),
            StartError::Busy => QueryError::TooManyQueries,
            StartError::Members(members) => QueryError::TooManyMembers(members),
        })?;
        Ok(QueryAnswers { answers: answers.answers, progress: answers.progress, is_canceled: false, is_over: false })
    }

    /// The alive and suspected members that a query is for.
    async fn members_for(&self, query: &Query) -> Result<BTreeSet<Id>, QueryError> {
        let members = self.members().await?;
        let mut chosen: BTreeSet<Id> =
            members.iter().filter(|member| member.state.is_member()).map(|member| member.id()).collect();
        if !query.to.is_empty() {
            let named = |name: &String| {
                let mut ids = members.iter().filter(|member| member.name() == name).map(|member| member.id());
                ids.find(|id| chosen.contains(id)).ok_or_else(|| QueryError::Unknown(name.clone()))
            };
            chosen = query.to.iter().map(named).collect::<Result<_, _>>()?;
        }
        if query.filter != Filter::default() {
            let snapshot = self.discovery().await?.snapshot();
            let allowed = snapshot.members().filter(|member| query.filter.allows_member(member));
            let allowed: BTreeSet<Id> = allowed.map(|member| member.node.peer.id).collect();
            chosen.retain(|id| allowed.contains(id));
        }
        Ok(chosen)
    }
}

/// Reader of the answers to a query. The query ends when this is dropped.
#[derive(Debug)]
pub struct QueryAnswers {
    answers: UnboundedReceiver<QueryAnswer>,
    progress: watch::Receiver<QueryProgress>,
    is_canceled: bool,
    is_over: bool,
}

impl QueryAnswers {
    /// Waits for the next answer, or reason of a failure: one at most of each member. `None`: the query is over.
    ///
    /// Cancel safe: no answer is lost if the future is dropped, as in `tokio::select!`.
    pub async fn next(&mut self) -> Option<QueryAnswer> {
        let next = self.answers.recv().await;
        self.is_over = next.is_none();
        next
    }

    /// Ends the query. Answers that have come already can still be read.
    pub fn cancel(&mut self) {
        self.answers.close();
        self.is_canceled = true;
    }

    /// The numbers of members that were asked, have acknowledged, have answered, ... so far. When [`QueryAnswers::next`] has
    /// returned `None` they are final.
    pub fn totals(&self) -> QueryTotals {
        self.progress.borrow().totals
    }

    /// The reason why the query is over; `None` while answers may come.
    pub fn end(&self) -> Option<QueryEnd> {
        let end = self.progress.borrow().end;
        // A task that has ended with the agent says no more.
        let unsaid = if self.is_canceled { QueryEnd::Canceled } else { QueryEnd::Closed };
        end.or(self.is_over.then_some(unsaid))
    }
}

/// Reason why a query is not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryError {
    /// A query cannot have this name.
    Name(NameError),
    /// The payload is too long, or name and payload together are for the agent's datagrams.
    TooLong(TooLong),
    /// The time is not in the range.
    Timeout(Duration),
    /// No answer is wanted.
    Count,
    /// No member that is alive or suspected has this name.
    Unknown(String),
    /// It is for this number of members.
    TooManyMembers(usize),
    /// As many queries of this agent as it may have are under way.
    TooManyQueries,
    /// The agent has ended.
    Closed,
}

impl From<Closed> for QueryError {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => write!(f, "the query's name: {error}"),
            Self::TooLong(error) => write!(f, "the query's payload: {error}"),
            Self::Timeout(timeout) => write!(
                f,
                "the time for answers is {SHORTEST_TIMEOUT} to {LONGEST_TIMEOUT}, and not {}",
                Span::from_micros(u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX))
            ),
            Self::Count => f.write_str("the number of wanted answers is at least 1"),
            Self::Unknown(name) => write!(f, "no member that is alive or suspected has the name {name:?} (--to)"),
            Self::TooManyMembers(members) => {
                write!(f, "a query may ask {ASKED_LIMIT} members, and not {members}: choose some by a filter (--where)")
            }
            Self::TooManyQueries => write!(f, "{QUERIES_AT_ONCE} queries are under way: try again later"),
            Self::Closed => Closed.fmt(f),
        }
    }
}

impl Error for QueryError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{AgentEvent, Events};

    async fn agent() -> (Agent, Events) {
        Agent::builder().name("a").spawn_watched().await.unwrap()
    }

    async fn next_query(events: &mut Events) -> crate::agent::IncomingQuery {
        match events.next().await {
            Some(AgentEvent::Query(query)) => query,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_query_is_refused_if_a_part_of_it_is_beyond_its_limit() {
        let (agent, _events) = agent().await;
        let query = || Query::new("q");
        let moment = Duration::from_millis(1);
        let (shortest, longest) = (Query::SHORTEST_TIMEOUT, Query::LONGEST_TIMEOUT);
        let too_long = |bytes, limit| TooLong { bytes, limit };
        for (query, error) in [
            (Query::new("x".repeat(128)), None),
            (Query::new("x".repeat(129)), Some(QueryError::Name(NameError::TooLong(too_long(129, 128))))),
            (Query::new(""), Some(QueryError::Name(NameError::Empty))),
            (query().payload([0; 512]), None),
            (query().payload([0; 513]), Some(QueryError::TooLong(too_long(513, 512)))),
            (query().timeout(shortest), None),
            (query().timeout(shortest - moment), Some(QueryError::Timeout(shortest - moment))),
            (query().timeout(longest), None),
            (query().timeout(longest + moment), Some(QueryError::Timeout(longest + moment))),
            (query().count(0), Some(QueryError::Count)),
            (query().to(["b"]), Some(QueryError::Unknown("b".to_owned()))),
        ] {
            // Each query ends when its answers are dropped.
            let asked = agent.query(query).await;
            assert_eq!(asked.map(drop).err(), error);
        }
        agent.stop().await;
        assert_eq!(agent.query(query()).await.map(drop), Err(QueryError::Closed));
    }

    #[tokio::test]
    async fn name_and_payload_are_refused_if_datagrams_are_too_small_for_them() {
        let config = crate::protocol::Config::lan().with_packet_bytes(600);
        let agent = Agent::builder().name("a").config(config).spawn().await.unwrap();
        let query = |bytes: usize| agent.query(Query::new("x".repeat(100)).payload(vec![0; bytes]));
        let refused = query(512).await.map(drop).unwrap_err();
        let QueryError::TooLong(TooLong { bytes: 612, limit }) = refused else { panic!("{refused:?}") };
        assert!(query(limit - 100).await.is_ok());
    }

    #[tokio::test]
    async fn an_answer_may_be_as_long_as_the_limit() {
        let (agent, mut events) = agent().await;
        let mut answers = agent.query(Query::new("q")).await.unwrap();
        let query = next_query(&mut events).await;
        assert_eq!((query.name(), query.from_name(), query.from()), ("q", "a", agent.id()));
        assert_eq!(query.answer_room(), Query::ANSWER_LIMIT);
        let longer = query.respond(vec![7; Query::ANSWER_LIMIT + 1]);
        assert!(matches!(longer, Err(crate::agent::RespondError::TooLong(_))), "{longer:?}");
        query.respond(vec![7; Query::ANSWER_LIMIT]).unwrap();
        assert_eq!(answers.next().await.unwrap().answer, Ok(vec![7; Query::ANSWER_LIMIT].into()));
        assert_eq!((answers.next().await, answers.end()), (None, Some(QueryEnd::Complete)));

        let mut answers = agent.query(Query::new("q")).await.unwrap();
        next_query(&mut events).await.fail("x".repeat(600)).unwrap();
        assert_eq!(answers.next().await.unwrap().answer, Err("x".repeat(512).into()));
        assert_eq!((answers.next().await, answers.totals().failed), (None, 1));
    }

    #[tokio::test]
    async fn a_query_that_nobody_answers_is_over_when_all_have_said_so() {
        let agent = Agent::builder().name("a").spawn().await.unwrap();
        let mut answers = agent.query(Query::new("q").timeout(Query::LONGEST_TIMEOUT)).await.unwrap();
        assert_eq!(answers.next().await, None);
        let totals = answers.totals();
        assert_eq!((totals.acknowledged, totals.declined, answers.end()), (1, 1, Some(QueryEnd::Complete)));
    }

    #[tokio::test]
    async fn a_query_is_over_when_its_asker_cancels_it_or_its_agent_ends() {
        let (agent, mut events) = agent().await;
        let mut answers = agent.query(Query::new("q")).await.unwrap();
        assert_eq!(answers.end(), None);
        let query = next_query(&mut events).await;
        answers.cancel();
        assert_eq!((answers.next().await, answers.end()), (None, Some(QueryEnd::Canceled)));
        drop(query);
        let mut answers = agent.query(Query::new("q")).await.unwrap();
        let query = next_query(&mut events).await;
        agent.stop().await;
        assert_eq!((answers.next().await, answers.end()), (None, Some(QueryEnd::Closed)));
        assert_eq!(query.respond("x"), Err(crate::agent::RespondError::Closed));
    }
}
