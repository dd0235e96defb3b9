//! The limits of the control socket, for docs/limits.md.

use super::client::{MAX_ANSWER_BYTES, TIMEOUT};
use super::error::MAX_PATH_BYTES;
use super::history::{MAX_EVENTS, MAX_MEMBERS};
use super::lines::MAX_LINE_BYTES;
use super::monitor::{LAST_LINES_TIMEOUT, MAX_BYTES, MAX_LINES, MONITORS};
use super::query_messages::LONGEST_QUERY;
use super::server::{LIMITS, MAX_REQUEST_BYTES, SLOW_REQUESTS};
use super::socket_file::LOCK_TIMEOUT;
use crate::limits::Amount::{Bytes, Count, Time};
use crate::limits::{Limit, Section};

/// The limits of the control socket.
pub(crate) fn stated_limits() -> Section {
    let limits = vec![
        Limit::new(
            "clients at once",
            Count(LIMITS.connections as u64),
            "the oldest that has not asked yet is disconnected",
            &["a_connection_more_than_allowed_in_all_or_of_one_source_ends_the_oldest"],
        ),
        Limit::new(
            "time until the first byte of a request",
            Time(LIMITS.first_byte),
            "the client is disconnected",
            &["a_connection_is_ended_without_a_first_byte_in_time_or_when_it_takes_too_long"],
        ),
        Limit::new(
            "time for a request and its answer, from the first byte on",
            Time(LIMITS.timeout),
            "the client is disconnected",
            &["a_connection_is_ended_without_a_first_byte_in_time_or_when_it_takes_too_long"],
        ),
        Limit::new(
            "requests at once that take long: `swimlab join`, `reachability` and `query`",
            Count(SLOW_REQUESTS as u64),
            "further ones are refused",
            &["slow_requests_have_places_of_their_own_and_leave_the_socket_free"],
        ),
        Limit::new(
            "monitors at once: `swimlab monitor`",
            Count(MONITORS as u64),
            "further ones are refused",
            &["a_monitor_more_than_allowed_is_refused_until_another_has_ended"],
        ),
        Limit::new(
            "records of the log that wait for a monitor",
            Count(MAX_LINES as u64),
            "further ones are dropped and counted until half of the room is free; the monitor is told how many",
            &["records_beyond_the_limit_are_dropped_counted_and_told_of_where_they_are_missing"],
        ),
        Limit::new(
            "bytes of the records that wait for a monitor",
            Bytes(MAX_BYTES as u64),
            "further ones are dropped and counted as above",
            &["long_records_are_bounded_in_bytes"],
        ),
        Limit::new(
            "time for which the end of an agent waits for monitors to take the last lines",
            Time(LAST_LINES_TIMEOUT),
            "what waits is lost",
            &["the_end_of_an_agent_waits_for_a_stopped_monitor_until_the_timeout"],
        ),
        Limit::new(
            "events that `swimlab top` is told of",
            Count(MAX_EVENTS as u64),
            "the oldest are forgotten",
            &["the_latest_events_are_remembered"],
        ),
        Limit::new(
            "members of which it is remembered since when they have their state, and how often they were suspected",
            Count(MAX_MEMBERS as u64),
            "`swimlab top` shows neither of further ones, until others are forgotten",
            &["members_beyond_the_limit_have_no_past_until_others_are_gone"],
        ),
        Limit::new(
            "a request",
            Bytes(MAX_REQUEST_BYTES as u64),
            "what follows is not read, and the request is refused",
            &["a_request_is_read_up_to_the_longest"],
        ),
        Limit::new(
            "an answer that `swimlab members`, `info` and others read",
            Bytes(MAX_ANSWER_BYTES),
            "the command fails",
            &["an_answer_is_read_up_to_the_longest"],
        ),
        Limit::new(
            "time that these commands wait for an answer",
            Time(TIMEOUT),
            "the command fails",
            &["an_answer_is_waited_for_until_the_timeout"],
        ),
        Limit::new(
            "a line that `swimlab query` and `monitor` read",
            Bytes(MAX_LINE_BYTES as u64),
            "the command fails",
            &[
                "a_line_of_a_query_is_read_up_to_the_longest",
                "a_line_that_comes_in_pieces_is_whole_and_bounded_whoever_gives_up_waiting_meanwhile",
            ],
        ),
        Limit::new(
            "time that `swimlab query` waits for the next of them, in addition",
            Time(LONGEST_QUERY),
            "the command fails",
            &["the_next_line_of_a_query_is_waited_for_until_the_timeout"],
        ),
        Limit::new(
            "path of the socket",
            Bytes(MAX_PATH_BYTES as u64),
            "the agent does not start",
            &["paths_of_sockets_may_be_as_long_as_the_system_allows"],
        ),
        Limit::new(
            "time that a start waits for others that open sockets in the same folder",
            Time(LOCK_TIMEOUT),
            "the agent does not start",
            &["agents_that_open_sockets_in_the_same_folder_are_waited_for_until_the_timeout"],
        ),
    ];
    Section { title: "Control socket", limits }
}
