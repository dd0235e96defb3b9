//! The limits of the catalog, of states and of shared values, for docs/limits.md.

use super::merge::{HybridClock, ObservedItem, Register};
use super::shared::{BYTE_LIMIT, ENTRY_LIMIT, ITEM_BYTES, KEEPERS, NAME_BYTES, REMOVAL_MEMORY};
use super::state::{
    ANSWER_FACTOR, BEHIND_LIMIT, CHANGE_LIMIT, CONTENT_CHECK_EVERY, DELETION_LIMIT, DELETION_MEMORY, ExchangeConfig,
    KEY_BYTES, KEY_LIMIT, LONGEST_TTL, MEMBER_LIMIT, PART_LIMIT, RECEIVED_FACTOR, REPLACEMENT_TIMEOUT, ROUND_LIMIT,
    STATE_BYTES, VALUE_BYTES,
};
use super::{Catalog, Filter, Health, Service};
use crate::limits::Amount::{Bytes, Count};
use crate::limits::{Amount, Limit, Section};

/// The limits of the catalog, of states and of shared values.
pub(crate) fn stated_limits() -> [Section; 3] {
    [
        Section { title: "Catalog of services", limits: catalog() },
        Section { title: "State of members", limits: state() },
        Section { title: "Shared values", limits: shared() },
    ]
}

fn catalog() -> Vec<Limit> {
    const NAMES: &[&str] = &["services_have_names_that_dns_can_ask_for"];
    vec![
        Limit::new("name of a service", Bytes(Service::NAME_LIMIT as u64), "the service is refused", NAMES),
        Limit::new("a tag, kind or capability", Bytes(Service::WORD_LIMIT as u64), "it is refused", NAMES),
        Limit::new("tags of a service", Count(Service::TAG_LIMIT as u64), "further ones are refused", NAMES),
        Limit::new(
            "reason of a warning or a critical state",
            Bytes(Health::REASON_LIMIT as u64),
            "its end is left out",
            &["a_reason_is_cut_at_its_limit_and_has_no_control_characters"],
        ),
        Limit::new(
            "a filter",
            Bytes(Filter::LIMIT as u64),
            "it is refused",
            &["texts_that_are_no_filters_are_refused_with_the_part_that_is_wrong"],
        ),
        Limit::new(
            "changes kept for readers that fall behind",
            Count(Catalog::CHANGE_LIMIT as u64),
            "the reader is told how many it has missed, and gets all instances",
            &[
                "changes_are_numbered_and_a_reader_that_falls_behind_is_told_what_it_missed",
                "a_slow_reader_is_told_what_it_missed_and_gets_a_snapshot",
            ],
        ),
        Limit::new(
            "descriptions of members that are not known yet",
            Count(Catalog::EARLY_LIMIT as u64),
            "that of the member with the lowest id is dropped",
            &["a_description_that_comes_before_its_member_is_used_when_that_is_known_and_few_are_kept"],
        ),
    ]
}

fn state() -> Vec<Limit> {
    const TEXTS: &[&str] =
        &["keys_and_values_have_longest_lengths", "versions_and_texts_that_no_owner_writes_are_refused"];
    const WHOLE: &[&str] = &["a_copy_outgrows_a_state_by_the_factor_and_is_then_received_as_a_whole"];
    let texts = "the write is refused, and so is a payload with it";
    let write = "the write is refused";
    let whole = "the state is received again as a whole, beside the copy until it is newer";
    vec![
        Limit::new("a key", Bytes(KEY_BYTES as u64), texts, TEXTS),
        Limit::new("a value", Bytes(VALUE_BYTES as u64), texts, TEXTS),
        Limit::new(
            "time to live of a value",
            Amount::micros(LONGEST_TTL.as_micros()),
            texts,
            &["times_to_live_have_a_longest_and_are_not_zero", "a_time_to_live_is_read_up_to_the_longest"],
        ),
        Limit::new("keys of a member", Count(KEY_LIMIT as u64), write, &["a_state_has_a_largest_number_of_keys"]),
        Limit::new(
            "keys and values of a member",
            Bytes(STATE_BYTES as u64),
            write,
            &["a_state_has_a_largest_number_of_bytes"],
        ),
        Limit::new("keys of a copy, deletions included", Count((KEY_LIMIT * RECEIVED_FACTOR) as u64), whole, WHOLE),
        Limit::new("keys and values of a copy", Bytes((STATE_BYTES * RECEIVED_FACTOR) as u64), whole, WHOLE),
        Limit::new(
            "time without progress of a state that is received as a whole",
            Amount::micros(REPLACEMENT_TIMEOUT.as_micros()),
            "the part that was received is dropped",
            &["a_replacement_that_does_not_grow_is_given_up"],
        ),
        Limit::new(
            "deletions that an owner remembers",
            Count(DELETION_LIMIT as u64),
            "the oldest is forgotten; a copy that has missed it receives the whole state",
            &["deletions_are_remembered_up_to_the_limit"],
        ),
        Limit::new(
            "time for which an owner remembers a deletion",
            Amount::micros(DELETION_MEMORY.as_micros()),
            "it is forgotten; a copy that has missed it receives the whole state",
            &["a_deletion_is_remembered_for_a_time"],
        ),
        Limit::new(
            "members whose states are kept",
            Count(MEMBER_LIMIT as u64),
            "the state of one more is not kept",
            &["states_of_members_are_kept_up_to_the_limit"],
        ),
        Limit::new(
            "changes that wait for their reader",
            Count(CHANGE_LIMIT as u64),
            "the oldest is dropped, and the reader is told how many were",
            &["changes_wait_up_to_the_limit_and_the_reader_is_told_of_more"],
        ),
        Limit::new(
            "payload of a datagram: the smallest `mtu`",
            Bytes(*ExchangeConfig::MTU.start() as u64),
            "a smaller one is refused",
            &["parameters_out_of_range_are_refused_by_their_names"],
        ),
        Limit::new(
            "payload of a datagram: the largest `mtu`",
            Bytes(*ExchangeConfig::MTU.end() as u64),
            "a larger one is refused",
            &["parameters_out_of_range_are_refused_by_their_names"],
        ),
        Limit::new(
            "bytes that are sent in answer to one byte",
            Count(ANSWER_FACTOR as u64),
            "the rest waits for the next request. The one partner of a member's own repair gets a request of the size of \
             a third of a datagram, or of its digests of parts, for its answer of 11 or 20 bytes",
            &[
                "an_answer_is_at_most_three_times_as_long_as_the_request",
                "a_digest_that_nobody_asked_for_is_not_answered_with_more",
            ],
        ),
        Limit::new(
            "digests of parts in a payload",
            Count(PART_LIMIT as u64),
            "the payload is refused",
            &["digests_of_parts_are_read_up_to_the_limit"],
        ),
        Limit::new(
            "requests for parts in one repair",
            Count(ROUND_LIMIT.into()),
            "the next repair goes on",
            &["a_round_goes_on_as_often_as_the_limit_says"],
        ),
        Limit::new(
            "repairs that a member begins from one check of contents to the next",
            Count(CONTENT_CHECK_EVERY.into()),
            "the digest of contents goes to the same member",
            &["contents_are_checked_with_every_fifteenth_repair_and_cost_twenty_bytes"],
        ),
        Limit::new(
            "members of which a missed change is remembered",
            Count(BEHIND_LIMIT as u64),
            "repair finds the others",
            &["missed_changes_are_remembered_of_as_many_members_as_the_limit_says"],
        ),
    ]
}

fn shared() -> Vec<Limit> {
    const LENGTHS: &[&str] = &["names_items_and_values_have_longest_lengths"];
    let refused = "the write is refused";
    vec![
        Limit::new("name of a value or a set", Bytes(NAME_BYTES as u64), refused, LENGTHS),
        Limit::new("a value", Bytes(Register::VALUE_BYTES as u64), refused, LENGTHS),
        Limit::new("item of a set", Bytes(ITEM_BYTES as u64), refused, LENGTHS),
        Limit::new(
            "values and items of sets, with the removed ones that are remembered",
            Count(ENTRY_LIMIT as u64),
            "one more is refused; those that other members write at the same time are taken up to twice the limit, in the \
             order of their names",
            &[
                "values_and_items_are_written_up_to_the_limits_and_observed_beyond",
                "which_of_too_many_entries_stay_does_not_depend_on_the_order_in_which_they_arrive",
            ],
        ),
        Limit::new(
            "bytes of them all, as they are carried",
            Bytes(BYTE_LIMIT as u64),
            "the write is refused; those of other members at the same time are taken up to twice the limit, in the order of \
             their names",
            &["all_values_have_a_most_bytes"],
        ),
        Limit::new(
            "members that carry a value for all",
            Count(KEEPERS as u64),
            "the next ones take the place of those that die",
            &["a_value_reaches_all_and_is_carried_by_its_keepers_alone"],
        ),
        Limit::new(
            "time for which a removal is remembered",
            Amount::micros(REMOVAL_MEMORY.as_micros()),
            "a member that was apart for longer brings back what was removed meanwhile",
            &["what_was_removed_while_a_part_was_away_stays_removed_for_a_day"],
        ),
        Limit::new(
            "time by which a stamp is ahead of the wall clock",
            Amount::micros(HybridClock::LARGEST_LEAD.as_micros()),
            "the write is merged once it is not",
            &[
                "a_stamp_too_far_ahead_is_refused_and_draws_no_clock_along",
                "a_write_from_a_clock_too_far_ahead_is_taken_once_it_is_not",
            ],
        ),
        Limit::new(
            "members whose additions of an item are kept",
            Count(ObservedItem::WRITER_LIMIT as u64),
            "the earliest addition no longer counts",
            &["of_an_item_the_additions_of_the_latest_writers_are_kept_and_an_earlier_one_does_not_come_back"],
        ),
    ]
}
