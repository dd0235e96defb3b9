//! The limits of experiments, for docs/limits.md.

use super::discovery::{MOST_CLIENTS, MOST_DISCOVERY_MEMBERS};
use super::limits::{LONGEST_S, MOST_CELLS, MOST_FAULTS, MOST_MEMBERS, MOST_TRIALS};
use super::{challenge, link, ping_map, toml_source};
use crate::limits::Amount::{Bytes, Count};
use crate::limits::{Amount, Limit, Section};

/// The limits of experiments.
pub(crate) fn stated_limits() -> [Section; 1] {
    let refused = "the file is refused, with its line";
    let limits = vec![
        Limit::new(
            "an experiment file",
            Bytes(toml_source::LONGEST),
            "it is refused",
            &["an_experiment_file_is_read_up_to_the_longest"],
        ),
        Limit::new(
            "cells of an experiment",
            Count(MOST_CELLS as u64),
            "the file is refused",
            &["an_experiment_has_as_many_cells_as_the_limit_and_no_more"],
        ),
        Limit::new(
            "values of a list",
            Count(MOST_CELLS as u64),
            refused,
            &["a_list_has_as_many_values_as_an_experiment_cells"],
        ),
        Limit::new(
            "faults of all cells together",
            Count(MOST_FAULTS as u64),
            "the file is refused",
            &["cells_have_as_many_faults_together_as_the_limit_and_no_more"],
        ),
        Limit::new(
            "members of a world",
            Count(MOST_MEMBERS.into()),
            refused,
            &["members_trials_and_times_have_limits_of_their_own"],
        ),
        Limit::new(
            "members of a world with joiners included",
            Count(MOST_MEMBERS.into()),
            "the file is refused, with its scenario",
            &["joiners_count_as_members_of_the_largest_world"],
        ),
        Limit::new(
            "trials of a cell",
            Count(MOST_TRIALS.into()),
            refused,
            &["members_trials_and_times_have_limits_of_their_own"],
        ),
        Limit::new(
            "warm-up and duration of a trial",
            Amount::micros((LONGEST_S * 1e6) as u64),
            refused,
            &["members_trials_and_times_have_limits_of_their_own"],
        ),
        Limit::new(
            "members of a world with services, joiners included",
            Count(MOST_DISCOVERY_MEMBERS.into()),
            refused,
            &["a_world_with_services_has_as_many_members_as_can_be_followed"],
        ),
        Limit::new(
            "clients of a world with services",
            Count(MOST_CLIENTS.into()),
            refused,
            &["values_out_of_range_are_refused_with_their_line"],
        ),
        Limit::new(
            "bars of a challenge",
            Count(challenge::MOST_BARS as u64),
            refused,
            &["a_challenge_has_as_many_bars_and_characters_as_the_limits_and_no_more"],
        ),
        Limit::new(
            "characters of a challenge's title",
            Count(challenge::LONGEST_TITLE as u64),
            refused,
            &["a_challenge_has_as_many_bars_and_characters_as_the_limits_and_no_more"],
        ),
        Limit::new(
            "characters of a challenge's hints, each",
            Count(challenge::LONGEST_HINT as u64),
            refused,
            &["a_challenge_has_as_many_bars_and_characters_as_the_limits_and_no_more"],
        ),
        Limit::new(
            "members of a world that is drawn as a map",
            Count(ping_map::MOST_MEMBERS.into()),
            "larger worlds have no map",
            &["worlds_beyond_the_largest_have_no_map"],
        ),
        Limit::new(
            "areas of a map",
            Count(ping_map::MOST_NODES as u64),
            "the map has distances and no areas",
            &["a_map_has_as_many_areas_as_are_legible"],
        ),
        Limit::new(
            "a link to a trial",
            Bytes(link::LONGEST_LINK as u64),
            "the link is refused",
            &["a_link_has_a_longest_length_and_most_cells_and_faults"],
        ),
        Limit::new(
            "the experiment in a link, with its files, decompressed",
            Bytes(link::LONGEST_TEXT as u64),
            "the link is refused",
            &["a_small_link_cannot_expand_without_bound"],
        ),
        Limit::new(
            "cells that a link shows",
            Count(link::MOST_SHOWN as u64),
            "the link is refused",
            &["a_link_has_a_longest_length_and_most_cells_and_faults"],
        ),
        Limit::new(
            "faults that a link adds",
            Count(link::MOST_ADDED as u64),
            "the link is refused",
            &["a_link_has_a_longest_length_and_most_cells_and_faults"],
        ),
    ];
    [Section { title: "Experiments", limits }]
}
