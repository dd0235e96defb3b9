//! The limits of queries, for docs/limits.md.

use super::limits::{
    ANSWER_BYTES, ASKED_LIMIT, CONFIRMATIONS, DEFAULT_TIMEOUT, FIRST_RETRY, LONGEST_RETRY, LONGEST_TIMEOUT,
    MESSAGES_PER_SECOND, NAME_BYTES, PAYLOAD_BYTES, QUERIES_AT_ONCE, REASON_BYTES, REMEMBERED, REMEMBERED_PER_ASKER,
    RESEND_INTERVAL, SHORTEST_TIMEOUT,
};
use crate::limits::Amount::{Bytes, Count};
use crate::limits::{Amount, Limit, Section};
use crate::protocol::Span;

/// The limits of queries.
pub(crate) fn stated_limits() -> Section {
    const RANGE: &[&str] = &["a_query_is_refused_if_a_part_of_it_is_beyond_its_limit"];
    const OPEN: &[&str] =
        &["an_agent_has_as_many_queries_at_once_as_the_limit_and_each_asks_as_many_members_as_the_limit"];
    const RETRY: &[&str] = &["a_member_that_does_not_answer_is_asked_again_at_growing_intervals"];
    const REMEMBERS: &[&str] = &[
        "a_member_remembers_as_many_queries_of_an_asker_and_in_all_as_the_limits_and_those_of_its_application_longest",
    ];
    let time = |span: Span| Amount::micros(span.as_micros());
    let limits = vec![
        Limit::new("name of a query", Bytes(NAME_BYTES as u64), "the query is refused", RANGE),
        Limit::new(
            "payload of a query; less with datagrams (`packet_bytes`) that are smaller than name and payload",
            Bytes(PAYLOAD_BYTES as u64),
            "the query is refused",
            RANGE,
        ),
        Limit::new(
            "an answer; less with datagrams (`packet_bytes`) of less than 1,100 bytes",
            Bytes(ANSWER_BYTES as u64),
            "it is refused where it is given; that of an event handler becomes a failure, which the asker is told",
            &["messages_that_no_member_sends_are_refused", "an_answer_may_be_as_long_as_the_limit"],
        ),
        Limit::new(
            "reason of a failure",
            Bytes(REASON_BYTES as u64),
            "its end is cut off",
            &["a_reason_is_cut_where_a_character_begins", "an_answer_may_be_as_long_as_the_limit"],
        ),
        Limit::new("the shortest time for answers", time(SHORTEST_TIMEOUT), "the query is refused", RANGE),
        Limit::new("the longest time for answers", time(LONGEST_TIMEOUT), "the query is refused", RANGE),
        Limit::new(
            "time for answers if none is chosen, and 1 ms more for each member",
            time(DEFAULT_TIMEOUT),
            "the query is over",
            &["a_query_ends_with_the_wanted_number_of_answers_or_with_its_time"],
        ),
        Limit::new("queries of an agent at once", Count(QUERIES_AT_ONCE as u64), "further ones are refused", OPEN),
        Limit::new("members that a query asks", Count(ASKED_LIMIT as u64), "the query is refused", OPEN),
        Limit::new(
            "messages in a second of all queries of an agent, repetitions included; a confirmation for each ack comes on top",
            Count(MESSAGES_PER_SECOND),
            "the others are sent later; a member without a turn until the time is over is not asked",
            &["messages_leave_at_a_bounded_rate_whatever_the_number_of_members"],
        ),
        Limit::new(
            "time until a member that has not answered gets a message again, which doubles each time",
            time(FIRST_RETRY),
            "it is asked again",
            RETRY,
        ),
        Limit::new("the longest time between two messages to a member", time(LONGEST_RETRY), "it grows no more", RETRY),
        Limit::new(
            "confirmations without an answer to a member that has acknowledged a query",
            Count(CONFIRMATIONS.into()),
            "it is asked again, and confirmations begin anew",
            &["a_member_that_has_restarted_after_its_ack_is_asked_again_and_answers"],
        ),
        Limit::new(
            "the least time between two times that a member sends one answer",
            time(RESEND_INTERVAL),
            "who asks for it sooner gets none",
            &["the_application_gets_a_query_once_when_the_asker_has_proven_its_address"],
        ),
        Limit::new(
            "answers that wait for a reader of the library",
            Count(ASKED_LIMIT as u64),
            "there are no more than one of each member that is asked",
            OPEN,
        ),
        Limit::new(
            "queries of one asker that a member remembers",
            Count(REMEMBERED_PER_ASKER as u64),
            "an answered one is forgotten, or one that is not confirmed; if its application has them all, a further one \
             is ignored until the time of one is over",
            REMEMBERS,
        ),
        Limit::new("queries that a member remembers", Count(REMEMBERED as u64), "the same", REMEMBERS),
    ];
    Section { title: "Queries", limits }
}
