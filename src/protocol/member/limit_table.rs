//! The limits of a member, for docs/limits.md.

use super::heal::UNKNOWN_PING_LIMIT;
use super::join::LONGEST_JOIN_WAIT;
use super::name_conflict::PING_LIMIT;
use super::table_digest::UNANSWERED_LIMIT;
use super::user_events::UserEvents;
use super::{Member, USER_EVENT_LIMIT};
use crate::limits::Amount::{Bytes, Count, Periods};
use crate::limits::{Amount, Limit, Section};
use crate::protocol::broadcast::MISFIT_LIMIT;
use crate::protocol::config::Config;
use crate::protocol::rtt::SlowPeers;
use swimlab_selectors::SharedIndexes;

/// Tests of the rate of admissions.
const ADMISSIONS: &[&str] =
    &["after_a_burst_members_are_admitted_at_the_rate_and_those_that_introduce_themselves_apart"];

/// The limits of a member.
pub(crate) fn stated_limits() -> [Section; 1] {
    let config = Config::lan();
    let limits = vec![
        Limit::new(
            "datagram that a member sends: the key `packet_bytes`, by default",
            Bytes(config.packet_bytes.into()),
            "updates that do not fit wait for the next packet",
            &["no_datagram_outgrows_the_limit_however_many_updates_there_are"],
        ),
        Limit::new(
            "the smallest `packet_bytes`",
            Bytes((*Config::PACKET_BYTES.start()).into()),
            "a smaller one is refused",
            &["datagrams_have_a_smallest_and_a_largest_size"],
        ),
        Limit::new(
            "the largest `packet_bytes`",
            Bytes((*Config::PACKET_BYTES.end()).into()),
            "a larger one is refused",
            &["datagrams_have_a_smallest_and_a_largest_size"],
        ),
        Limit::new(
            "indirect pings under way for other members",
            Count(Member::RELAY_LIMIT as u64),
            "further targets of a ping request are not pinged, and no nack is sent for them",
            &["requests_beyond_the_limit_are_not_taken_on"],
        ),
        Limit::new(
            "pings of members that are known only from one received table; in a group of more than 256 one for every 8 members",
            Count(UNKNOWN_PING_LIMIT.into()),
            "further unknown members of the table are skipped; a later table names them again",
            &[
                "unknown_members_of_a_table_beyond_the_limit_are_not_pinged",
                "a_large_group_pings_one_unknown_member_for_every_eight_that_it_knows",
            ],
        ),
        Limit::new(
            "pings of another process that claims the member's name, one a period",
            Count(PING_LIMIT.into()),
            "without an answer the record belongs to an earlier life and is refuted",
            &["another_claimant_of_the_name_is_pinged_as_often_as_the_limit_says"],
        ),
        Limit::new(
            "indexes of different selectors over a roster that members of one process share",
            Count(SharedIndexes::LIMIT as u64),
            "the oldest is given up, and built anew for members that come to the roster",
            &["beyond_the_limit_the_oldest_index_is_built_anew"],
        ),
        Limit::new(
            "pause between two attempts to join, which doubles from one period on",
            Periods(LONGEST_JOIN_WAIT),
            "it grows no more; attempts do not end",
            &["attempts_to_join_become_rarer_down_to_one_in_the_longest_pause"],
        ),
        Limit::new(
            "seeds that are tried again for good",
            Count(Member::SEED_LIMIT as u64),
            "further ones are left out",
            &["seeds_beyond_the_limit_are_left_out"],
        ),
        Limit::new(
            "time for which the record of a dead or departed member is kept: the key `dead_retention`, by default",
            Amount::micros(config.dead_retention.as_micros()),
            "incarnation and address are kept among the forgotten members",
            &["forgotten_members_return_only_with_a_higher_incarnation"],
        ),
        Limit::new(
            "forgotten members that are still tried: the key `reconnect_limit`, by default",
            Count(config.reconnect_limit.into()),
            "the oldest is dropped",
            &["the_dead_are_tried_again_and_seeds_of_healing_are_bounded"],
        ),
        Limit::new(
            "time between two attempts to reach a dead or forgotten member, or a seed at which no known member listens: \
             the key `reconnect_every`, by default",
            Periods(config.reconnect_every.into()),
            "one attempt. Seeds have every other one. A member that has left is tried only while its record is kept and \
             as many are gone as are there",
            &[
                "the_dead_are_tried_again_and_seeds_of_healing_are_bounded",
                "seeds_have_every_other_turn_however_many_members_are_dead",
                "the_departed_are_tried_while_as_many_are_gone_as_are_there",
            ],
        ),
        Limit::new(
            "requests for parts of tables in return for one from another member, between two state syncs of its own",
            Count(1),
            "the member is answered, and not asked in return; the next comparison of digests comes within three periods",
            &[
                "a_member_that_was_asked_for_parts_that_differ_asks_for_those_of_the_other_once_per_interval",
                "a_member_that_is_asked_for_parts_again_within_an_interval_compares_tables_within_three_periods",
            ],
        ),
        Limit::new(
            "requests for parts of tables in a row, without an answer, that are followed by another comparison of digests after \
             two periods",
            Count(UNANSWERED_LIMIT.into()),
            "the next comparison comes after the interval",
            &["a_request_for_parts_that_is_not_answered_is_followed_by_two_more_comparisons_soon"],
        ),
        Limit::new(
            "members in a table: the key `member_limit`, by default",
            Count(config.member_limit.into()),
            "further ones are not admitted, and counted",
            &["a_full_table_admits_nobody"],
        ),
        Limit::new(
            "unknown members that are admitted at once, of those that introduce themselves and of those that others name \
             each: the key `admission_burst`, by default",
            Count(config.admission_burst.into()),
            "further ones are admitted at the rate below",
            ADMISSIONS,
        ),
        Limit::new(
            "unknown members that are admitted per second after that: the key `admission_rate`, by default",
            Count(config.admission_rate.into()),
            "further ones are not admitted until they are heard of again, and counted",
            ADMISSIONS,
        ),
        Limit::new(
            "slow peers whose round-trip time is remembered",
            Count(SlowPeers::LIMIT as u64),
            "pings of further ones have the configured `probe_timeout`",
            &["memory_is_bounded"],
        ),
        Limit::new(
            "queued updates that are passed over because they do not fit into a packet",
            Count(MISFIT_LIMIT.into()),
            "the packet leaves as it is; the others wait for the next one",
            &["the_search_for_updates_that_fit_ends_after_a_few_that_do_not"],
        ),
        Limit::new(
            "application events that wait to be sent when the member adds one of its own",
            Count(Member::OWN_EVENT_LIMIT as u64),
            "the event is refused, to be tried again later",
            &["an_event_more_than_may_wait_is_refused_until_others_have_left"],
        ),
        Limit::new(
            "application events that wait to be sent, with those of others",
            Count(USER_EVENT_LIMIT as u64),
            "the one that was sent most often is dropped and counted",
            &["beyond_their_limit_the_most_sent_application_event_is_dropped_and_no_update_about_a_member"],
        ),
        Limit::new(
            "lives of senders whose application events are remembered, to report each event once",
            Count(UserEvents::LIFE_LIMIT as u64),
            "an event of one life more is not reported, unless a remembered life has been silent for long enough",
            &["one_life_more_is_refused_until_another_has_been_silent_for_long"],
        ),
        Limit::new(
            "time for which a silent life keeps its place",
            Amount::micros(UserEvents::RETENTION.as_micros()),
            "the life that has been silent for longest gives way to a new one",
            &["one_life_more_is_refused_until_another_has_been_silent_for_long"],
        ),
        Limit::new(
            "gaps between the events seen of one life",
            Count(UserEvents::GAP_LIMIT as u64),
            "the oldest gap is closed: its events count as seen",
            &["what_is_forgotten_counts_as_seen"],
        ),
        Limit::new(
            "application events that a state sync carries",
            Count(UserEvents::RECENT_LIMIT as u64),
            "the oldest are left out",
            &["the_latest_events_are_kept_within_a_number_and_a_size"],
        ),
        Limit::new(
            "their names and payloads",
            Bytes(UserEvents::RECENT_BYTES as u64),
            "the oldest are left out",
            &["the_latest_events_are_kept_within_a_number_and_a_size"],
        ),
        Limit::new(
            "time for which state syncs carry an event: two of their intervals, but at most",
            Amount::micros(UserEvents::LONGEST_RECENT.as_micros()),
            "it is left out",
            &["state_syncs_carry_an_event_for_no_longer_than_the_limit"],
        ),
    ];
    [Section { title: "Protocol member", limits }]
}
