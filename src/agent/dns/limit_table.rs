//! The limits of the DNS server, for docs/limits.md.

use super::answer::{AMPLIFICATION_LIMIT, PLAIN_LIMIT, TCP_INSTANCES, UDP_INSTANCES, UDP_LIMIT};
use super::server::{LONGEST_QUERY, TCP_LIMITS};
use crate::limits::Amount::{Bytes, Count, Time};
use crate::limits::{Limit, Section};

/// The limits of the DNS server.
pub(in crate::agent) fn stated_limits() -> Section {
    let counts = &["a_connection_more_than_allowed_in_all_or_of_one_source_ends_the_oldest"];
    let times = &["a_connection_is_ended_without_a_first_byte_in_time_or_when_it_takes_too_long"];
    let room = "the oldest that has not asked yet is disconnected";
    let cut = "answers are left out, and a bit tells so";
    let sizes = &["answers_over_udp_are_cut_at_the_size_that_the_client_takes"];
    let limits = vec![
        Limit::new(
            "a query",
            Bytes(LONGEST_QUERY as u64),
            "over UDP it is ignored, over TCP the client is disconnected",
            &["queries_are_read_up_to_the_longest"],
        ),
        Limit::new("an answer over UDP to a query without EDNS", Bytes(PLAIN_LIMIT.into()), cut, sizes),
        Limit::new("an answer over UDP", Bytes(UDP_LIMIT.into()), cut, sizes),
        Limit::new(
            "an answer over UDP to another host, as a multiple of the query",
            Count(AMPLIFICATION_LIMIT as u64),
            cut,
            &["answers_to_other_hosts_are_no_longer_than_a_multiple_of_the_query"],
        ),
        Limit::new(
            "instances in an answer over UDP",
            Count(UDP_INSTANCES as u64),
            "some are chosen at random, ready ones first, and a bit tells so",
            &["of_many_instances_some_are_chosen_at_random"],
        ),
        Limit::new(
            "instances in an answer over TCP",
            Count(TCP_INSTANCES as u64),
            "some are chosen at random, ready ones first",
            &["of_many_instances_some_are_chosen_at_random"],
        ),
        Limit::new("clients over TCP at once", Count(TCP_LIMITS.connections as u64), room, counts),
        Limit::new("clients over TCP at once from one address", Count(TCP_LIMITS.per_source as u64), room, counts),
        Limit::new(
            "time until the first byte of a query over TCP",
            Time(TCP_LIMITS.first_byte),
            "the client is disconnected",
            times,
        ),
        Limit::new(
            "time of a connection over TCP, from the first byte on",
            Time(TCP_LIMITS.timeout),
            "the client is disconnected",
            times,
        ),
    ];
    Section { title: "DNS", limits }
}
