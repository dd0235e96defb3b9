//! The limits of an agent, for docs/limits.md.

use std::time::Duration;

use super::admission::{IDLE, MAX_OPEN, MAX_SERVED, MAX_SERVED_PER_SOURCE};
use super::builder::{DEFAULT_EVENT_BUFFER, MAX_EVENT_BUFFER};
use super::checks::MEASURED_LIMIT;
use super::clock::LONGEST_WAIT;
use super::contacts::CONTACT_LIMIT;
use super::delay_queue::CAPACITY;
use super::driver::RECEIVE_BATCH;
use super::join::{CONTACT_PATIENCE, JOIN_LIMIT};
use super::launch::COMMANDS;
use super::reachability::{ACK_PATIENCE, PENDING_LIMIT, PINGS_PER_SECOND};
use super::rejoin::{LONGEST_PAUSE, PINGS_PER_PERIOD, REQUESTS_PER_PERIOD};
use super::reply_budget::BYTES_PER_SECOND;
use super::seed::NAME_LIMITS;
use super::seeds::{JOINING_INTERVALS, LOOKUP_INTERVAL, ROUND_PATIENCE, SILENCE_WARNING, START_PATIENCE};
use super::snapshot::{MAX_FILE_BYTES, MAX_MEMBERS};
use super::snapshot_writer::{FINISH_TIMEOUT, INTERVAL, SETTLING};
use super::sockets::{BACKLOG, PORT_TRIES};
use super::spawn::{MAX_HOST_NAME, MAX_TIMER_SLACK};
use super::streams::{EXCHANGE_TIMEOUT, FRAME_BASE, FRAME_PER_MEMBER, MAX_OUTGOING, PREFIX_TIMEOUT};
use super::{generation_limit, rejection_log};
use crate::limits::Amount::{Bytes, BytesPerSecond, Count, Periods, Time};
use crate::limits::{Amount, Limit, Section};

/// The limits of an agent.
pub(crate) fn stated_limits() -> Vec<Section> {
    let sections = vec![
        Section { title: "Agent: streams", limits: streams() },
        Section { title: "Agent: datagrams, commands and events", limits: queues() },
        Section { title: "Agent: start and seeds", limits: start() },
        Section { title: "Agent: state folder", limits: state_folder() },
        super::query::stated_limits(),
        #[cfg(unix)]
        super::control::stated_limits(),
    ];
    #[cfg(feature = "discovery")]
    let sections =
        sections.into_iter().chain(super::http::stated_limits()).chain([super::dns::stated_limits()]).collect();
    sections
}

fn streams() -> Vec<Limit> {
    let frame = &["a_packet_longer_than_the_group_may_send_is_refused_by_its_prefix"];
    let times = &["a_peer_has_a_few_seconds_for_its_prefix_and_some_more_for_the_exchange"];
    vec![
        Limit::new(
            "connections of peers that wait for the agent to accept them",
            Count(BACKLOG.into()),
            "the system refuses further ones or lets them wait; Linux takes one more",
            &["connections_wait_to_be_accepted_up_to_the_backlog"],
        ),
        Limit::new(
            "open connections of peers",
            Count(MAX_OPEN as u64),
            "one that has brought no packet is ended, of the source with the most, its oldest first; it is counted as \
             `stream_limit`",
            &["silent_connections_give_way_the_oldest_of_the_greediest_source_first"],
        ),
        Limit::new(
            "connections of peers that are served at once",
            Count(MAX_SERVED as u64),
            "further ones wait",
            &["without_a_key_connections_that_bring_no_packet_give_way_and_with_one_they_are_waited_for"],
        ),
        Limit::new(
            "connections of one source that are served at once: of an IPv4 address, or of an IPv6 network of 64 bits",
            Count(MAX_SERVED_PER_SOURCE as u64),
            "further ones of this source wait",
            &["one_source_does_not_take_all_slots"],
        ),
        Limit::new(
            "time that a connection without a key may take for its packet while others wait",
            Time(IDLE),
            "it is ended for another one",
            &["without_a_key_connections_that_bring_no_packet_give_way_and_with_one_they_are_waited_for"],
        ),
        Limit::new(
            "time until a peer has sent the prefix of its packet",
            Time(PREFIX_TIMEOUT),
            "the connection is ended and counted as `stream_failed`",
            times,
        ),
        Limit::new(
            "time of an exchange, whoever has begun it",
            Time(EXCHANGE_TIMEOUT),
            "the connection is ended and counted as `stream_failed`",
            times,
        ),
        Limit::new(
            "a packet on a stream, in a group of any size",
            Bytes(FRAME_BASE as u64),
            "it is refused by its prefix and counted as `frame_too_long`; a joiner reads answers of any size that the \
             wire format allows",
            frame,
        ),
        Limit::new("in addition for each known member", Bytes(FRAME_PER_MEMBER as u64), "the same", frame),
        Limit::new(
            "exchanges at once that the agent begins",
            Count(MAX_OUTGOING as u64),
            "further packets for streams are dropped and counted as `stream_limit`, and so is a second sync with one peer",
            &[
                "exchanges_beyond_the_limit_are_not_begun_until_others_have_ended",
                "a_peer_with_which_a_state_sync_is_under_way_is_not_asked_again",
            ],
        ),
    ]
}

fn queues() -> Vec<Limit> {
    vec![
        Limit::new(
            "updates that are sent because of packets from senders that are no known members",
            BytesPerSecond(BYTES_PER_SECOND),
            "answers carry no updates; packets that would be nothing else are dropped and counted as `reply_limit`",
            &[
                "a_bounded_number_of_bytes_is_sent_in_a_second",
                "packets_of_senders_that_are_no_members_make_an_agent_send_a_bounded_number_of_bytes",
            ],
        ),
        Limit::new(
            "time by which a generation in a packet may be ahead of the clock",
            Time(Duration::from_secs(generation_limit::TOLERANCE.into())),
            "the packet is dropped and counted as `future`",
            &["a_generation_may_be_a_day_ahead_of_the_clock_or_of_the_own_start", "each_part_of_a_packet_is_looked_at"],
        ),
        Limit::new(
            "datagrams that are read before timers and commands have their turn",
            Count(RECEIVE_BATCH as u64),
            "the others stay in the socket's queue until then",
            &["a_flood_of_a_million_packets_fills_no_memory_and_leads_to_no_death"],
        ),
        Limit::new(
            "commands that wait for the agent's task",
            Count(COMMANDS as u64),
            "callers wait; none is lost",
            &["a_command_more_than_may_wait_waits_at_its_caller_and_none_is_lost"],
        ),
        Limit::new(
            "members of which round trips and clocks are kept, for warnings",
            Count(MEASURED_LIMIT as u64),
            "those of others are not kept until one of these is forgotten",
            &["members_beyond_the_limit_are_not_measured_until_others_are_gone"],
        ),
        Limit::new(
            "events that a reader of the library may be behind: `event_buffer`, by default",
            Count(DEFAULT_EVENT_BUFFER as u64),
            "the oldest are dropped, and the reader is told how many",
            &["a_reader_may_be_as_many_events_behind_as_the_buffer_holds"],
        ),
        Limit::new(
            "the largest `event_buffer`",
            Count(MAX_EVENT_BUFFER as u64),
            "a larger one is reduced to it",
            &["an_event_buffer_has_at_least_one_place_and_at_most_the_limit"],
        ),
        Limit::new(
            "time between two warnings about refused packets of one cause",
            Time(rejection_log::INTERVAL),
            "further packets of this cause are counted only",
            &["each_cause_is_logged_once_a_minute"],
        ),
        Limit::new(
            "pings of `swimlab reachability` in a second",
            Count(PINGS_PER_SECOND),
            "the others are sent later",
            &["pings_are_sent_at_a_bounded_rate"],
        ),
        Limit::new(
            "time that each of them waits for its ack",
            Time(ACK_PATIENCE),
            "the member counts as not reached",
            &["members_that_answer_are_told_from_those_that_do_not"],
        ),
        Limit::new(
            "pings of this sort that wait at once",
            Count(PENDING_LIMIT as u64),
            "further ones are not sent, and their members count as not reached",
            &["pings_beyond_the_limit_are_not_sent_until_others_are_given_up"],
        ),
        Limit::new(
            "packets that the network of an experiment on real sockets holds back, for each member",
            Count(CAPACITY as u64),
            "further ones are lost and counted as `send_queue_full`",
            &["a_packet_beyond_the_capacity_is_lost"],
        ),
        Limit::new(
            "lateness of timers that is intended, so that those of many agents fire together",
            Amount::micros(MAX_TIMER_SLACK.as_micros()),
            "a fiftieth of a long `probe_timeout` would be more, and is cut to that",
            &["timers_are_late_by_no_more_than_the_limit"],
        ),
        Limit::new(
            "wait for one timer",
            Amount::micros(LONGEST_WAIT.as_micros()),
            "later times are waited for in several steps",
            &["a_distant_time_is_waited_for_in_steps"],
        ),
    ]
}

fn start() -> Vec<Limit> {
    let [name, part] = NAME_LIMITS;
    let [shortest, longest] = JOINING_INTERVALS;
    let names = &["host_names_and_their_parts_have_a_longest_length"];
    let lookups = &["lookups_become_rarer_while_the_agent_joins_and_rare_once_it_has"];
    let patience = &["a_resolver_is_waited_for_as_long_as_the_round_may_take_and_its_lookup_goes_on"];
    vec![
        Limit::new(
            "attempts to find a port that is free for UDP and TCP, if the system chooses it",
            Count(PORT_TRIES as u64),
            "the agent does not start",
            &["a_port_is_looked_for_as_often_as_the_limit_says"],
        ),
        Limit::new(
            "part of the host's name in a default name",
            Bytes(MAX_HOST_NAME as u64),
            "the rest is cut off",
            &["a_default_name_has_no_more_of_the_hosts_name_than_the_limit"],
        ),
        Limit::new("host name of a seed", Bytes(name as u64), "the agent does not start", names),
        Limit::new("part of it between two dots", Bytes(part as u64), "the agent does not start", names),
        Limit::new(
            "time that a start waits for the addresses of seeds",
            Time(START_PATIENCE),
            "the agent starts, and goes on looking them up",
            patience,
        ),
        Limit::new(
            "time that a later round of lookups waits for the resolver",
            Time(ROUND_PATIENCE),
            "the lookup goes on and counts in a later round; it is not begun a second time",
            patience,
        ),
        Limit::new(
            "the shortest time between two rounds of lookups, until the agent has joined and all seeds have an address",
            Time(shortest),
            "it doubles each time",
            lookups,
        ),
        Limit::new("the longest time between them", Time(longest), "it grows no more", lookups),
        Limit::new(
            "time between two rounds of lookups after that",
            Time(LOOKUP_INTERVAL),
            "seeds are looked up again",
            lookups,
        ),
        Limit::new(
            "time without an answer of any seed",
            Time(SILENCE_WARNING),
            "a warning is logged; attempts do not end",
            &["silence_of_all_seeds_is_noticed_in_time"],
        ),
        Limit::new(
            "seeds of a join at run time, and addresses that they stand for",
            Count(JOIN_LIMIT as u64),
            "the join is refused",
            &["a_join_may_have_as_many_seeds_as_the_limit"],
        ),
        Limit::new(
            "addresses of such joins that are asked at once",
            Count(CONTACT_LIMIT as u64),
            "further ones count as not contacted",
            &["an_address_more_than_the_limit_is_refused_and_abandoned_ones_make_room"],
        ),
        Limit::new(
            "time that such a join waits for each of its addresses",
            Time(CONTACT_PATIENCE),
            "the address counts as not contacted",
            &["an_agent_that_answers_nothing_is_waited_for_and_the_join_then_ends"],
        ),
        Limit::new(
            "members of an earlier life that are pinged in a period, while no seed has answered",
            Count(PINGS_PER_PERIOD as u64),
            "the others follow in later periods",
            &["a_period_has_room_for_so_many_pings_and_requests"],
        ),
        Limit::new(
            "of those that answer, members that are asked for their table in a period",
            Count(REQUESTS_PER_PERIOD as u64),
            "the answers of others are ignored",
            &["a_period_has_room_for_so_many_pings_and_requests"],
        ),
        Limit::new(
            "pause after all of them have been pinged, which doubles from one period on",
            Periods(LONGEST_PAUSE),
            "it grows no more; attempts do not end",
            &["the_pause_after_all_addresses_doubles_up_to_the_longest"],
        ),
    ]
}

fn state_folder() -> Vec<Limit> {
    let times = &["a_snapshot_follows_a_change_soon_and_another_one_not_before_the_interval"];
    vec![
        Limit::new(
            "other members in a snapshot",
            Count(MAX_MEMBERS as u64),
            "further ones are left out",
            &["members_beyond_the_limit_are_left_out_and_the_longest_file_has_room_for_the_others"],
        ),
        Limit::new(
            "the snapshot file",
            Bytes(MAX_FILE_BYTES),
            "the agent does not start, and says to move the file away",
            &["a_snapshot_file_is_read_up_to_the_longest"],
        ),
        Limit::new(
            "time from a change to its snapshot",
            Amount::micros(SETTLING.as_micros()),
            "it is written, with all further changes until then",
            times,
        ),
        Limit::new(
            "the least time between two snapshots",
            Amount::micros(INTERVAL.as_micros()),
            "changes wait for the next one",
            times,
        ),
        Limit::new(
            "time that the end of an agent waits for its last snapshot",
            Time(FINISH_TIMEOUT),
            "the agent ends without it, and the one before stays",
            &["a_disk_that_hangs_is_waited_for_until_the_timeout"],
        ),
    ]
}

mod tests {
    use std::time::Duration;

    use super::super::clock::Clock;
    use super::LONGEST_WAIT;
    use crate::protocol::{Span, Time};

    #[test]
    fn a_distant_time_is_waited_for_in_steps() {
        let clock = Clock::start();
        let wait = |time: Time| clock.instant(time).into_std().saturating_duration_since(std::time::Instant::now());
        let longest = Duration::from_micros(LONGEST_WAIT.as_micros());
        let (minute, day) = (Duration::from_secs(60), clock.now() + LONGEST_WAIT);
        assert!(wait(day) <= longest && wait(day) > longest - minute);
        for later in [day + Span::from_secs(3600), Time::NEVER] {
            assert!(wait(later) <= longest && wait(later) > longest - minute);
        }
    }
}
