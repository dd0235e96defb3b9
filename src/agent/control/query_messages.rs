//! Requests and answers about queries, as they are written in JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::query::{Query, QueryAnswer, QueryAnswers, QueryEnd};
use crate::discovery::{Filter, FilterError};

/// The longest that a query takes, with some time to spare for its last line.
pub(super) const LONGEST_QUERY: Duration = Query::LONGEST_TIMEOUT.saturating_add(Duration::from_secs(10));

/// A request to ask members something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryRequest {
    /// The query's name.
    pub name: String,
    /// Its payload.
    pub payload: String,
    /// The filter of the members to ask, as [`Filter`] reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Names of the members to ask; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// The time for which answers are collected, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The number of answers after which the query is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// A member's answer to a query, as `swimlab query` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueryAnswerSummary {
    /// The member's id: 16 hexadecimal digits.
    pub id: String,
    /// The member's name.
    pub name: String,
    /// The answer; bytes that are no UTF-8 are replaced. Absent if the member has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The reason why the member has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The end of a query, as `swimlab query` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QuerySummary {
    /// The number of members that the query was for.
    pub members: u32,
    /// The number of those that were sent it.
    pub asked: u32,
    /// The number of those that have acknowledged it.
    pub acknowledged: u32,
    /// The number of those that have answered.
    pub answered: u32,
    /// The number of those that have failed.
    pub failed: u32,
    /// The number of those that have no answer to this query.
    pub declined: u32,
    /// `complete`, `count`, `deadline`, `canceled` or `closed`.
    pub end: String,
}

impl QueryRequest {
    /// The query.
    ///
    /// # Errors
    /// The part that is none.
    pub(super) fn query(self) -> Result<Query, String> {
        let Self { name, payload, filter, to, timeout_ms, count } = self;
        let filter: Filter =
            filter.as_deref().unwrap_or_default().parse().map_err(|error: FilterError| error.to_string())?;
        let mut query = Query::new(name).payload(payload).filter(filter).to(to);
        if let Some(timeout_ms) = timeout_ms {
            query = query.timeout(Duration::from_millis(timeout_ms));
        }
        if let Some(count) = count {
            query = query.count(count);
        }
        Ok(query)
    }
}

impl From<QueryAnswer> for QueryAnswerSummary {
    fn from(answer: QueryAnswer) -> Self {
        let QueryAnswer { from, from_name, answer } = answer;
        let (payload, error) = match answer {
            Ok(payload) => (Some(String::from_utf8_lossy(&payload).into_owned()), None),
            Err(reason) => (None, Some(reason.into())),
        };
        Self { id: format!("{from:016x}"), name: from_name.into(), payload, error }
    }
}

impl QuerySummary {
    pub(super) fn of(answers: &QueryAnswers) -> Self {
        let totals = answers.totals();
        let end = match answers.end() {
            Some(QueryEnd::Complete) => "complete",
            Some(QueryEnd::Count) => "count",
            Some(QueryEnd::Deadline) => "deadline",
            Some(QueryEnd::Canceled) => "canceled",
            Some(QueryEnd::Closed) | None => "closed",
        };
        Self {
            members: totals.members,
            asked: totals.asked,
            acknowledged: totals.acknowledged,
            answered: totals.answered,
            failed: totals.failed,
            declined: totals.declined,
            end: end.to_owned(),
        }
    }
}
