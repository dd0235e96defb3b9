//! The limits of the HTTP servers, for docs/limits.md.

use super::connection::{HEAD_TIMEOUT, LONGEST_HEAD, MAX_HEADERS};
use super::deadline::{ANSWER_TIMEOUT, STREAM_TIMEOUT};
use super::own::PATIENCE;
use super::routes::LONGEST_TARGET;
use super::server::{HTTP_LIMITS, METRICS_LIMITS};
use super::watch::MAX_STREAMS;
use crate::agent::server::ServerLimits;
use crate::limits::Amount::{Bytes, Count, Time};
use crate::limits::{Limit, Section};

/// The limits of `--http` and `--metrics`.
pub(in crate::agent) fn stated_limits() -> [Section; 2] {
    let mut http = clients(HTTP_LIMITS);
    http.extend(requests());
    http.push(Limit::new(
        "streams of changes at once",
        Count(MAX_STREAMS as u64),
        "further ones are refused: 503",
        &["a_stream_more_than_allowed_is_refused_until_another_one_ends"],
    ));
    http.push(Limit::new(
        "time of a stream of changes, and of any connection",
        Time(STREAM_TIMEOUT),
        "the client is disconnected, and goes on where it was",
        &["a_connection_is_ended_without_a_first_byte_in_time_or_when_it_takes_too_long"],
    ));
    let mut metrics = clients(METRICS_LIMITS);
    metrics.push(Limit::new(
        "time of a connection, from the first byte on",
        Time(METRICS_LIMITS.timeout),
        "the client is disconnected",
        &["a_connection_is_ended_without_a_first_byte_in_time_or_when_it_takes_too_long"],
    ));
    [Section { title: "HTTP", limits: http }, Section { title: "Metrics over HTTP", limits: metrics }]
}

fn clients(limits: ServerLimits) -> Vec<Limit> {
    let counts = &["a_connection_more_than_allowed_in_all_or_of_one_source_ends_the_oldest"];
    let room = "the oldest that has not asked yet is disconnected";
    vec![
        Limit::new("clients at once", Count(limits.connections as u64), room, counts),
        Limit::new("clients at once from one address", Count(limits.per_source as u64), room, counts),
        Limit::new(
            "time until the first byte of a request",
            Time(limits.first_byte),
            "the client is disconnected",
            &["a_connection_is_ended_without_a_first_byte_in_time_or_when_it_takes_too_long"],
        ),
    ]
}

/// The limits of requests, to either server.
fn requests() -> Vec<Limit> {
    let sizes = &["heads_and_targets_are_read_up_to_the_longest_and_bodies_not_at_all"];
    vec![
        Limit::new("the head of a request", Bytes(LONGEST_HEAD as u64), "it is refused: 431", sizes),
        Limit::new("headers of a request", Count(MAX_HEADERS as u64), "it is refused: 431", sizes),
        Limit::new("path and query of a request", Bytes(LONGEST_TARGET as u64), "it is refused: 414", sizes),
        Limit::new("the body of a request", Bytes(0), "it is refused: 413", sizes),
        Limit::new(
            "time for the head of a request, and between two requests of a connection",
            Time(HEAD_TIMEOUT),
            "a first request is refused: 408; later the client is disconnected",
            &["a_head_that_does_not_come_whole_in_time_is_answered_and_an_idle_connection_closed"],
        ),
        Limit::new(
            "time until a client has taken an answer",
            Time(ANSWER_TIMEOUT),
            "the client is disconnected",
            &["a_client_that_does_not_take_its_answer_is_disconnected"],
        ),
        Limit::new(
            "time that `/healthz` and `/metrics` wait for the agent's task",
            Time(PATIENCE),
            "the answer is 503",
            &["a_paused_agent_is_not_healthy"],
        ),
    ]
}
