//! The limits of topologies from CSV files, for docs/limits.md.

use super::{LONGEST, LONGEST_US, MOST_MEMBERS, MOST_UNEQUAL};
use crate::limits::Amount::{Bytes, Count};
use crate::limits::{Amount, Limit, Section};
use crate::topology::MAX_SITES;

/// The limits of topologies from CSV files.
pub(crate) fn csv_limits() -> Section {
    let limits = vec![
        Limit::new("a file", Bytes(LONGEST), "it is refused", &["a_file_is_read_up_to_the_longest"]),
        Limit::new(
            "sites of a table",
            Count(MAX_SITES as u64),
            "it is refused",
            &["a_table_has_as_many_sites_as_are_possible_and_no_more"],
        ),
        Limit::new(
            "a round-trip time",
            Amount::micros(LONGEST_US as u64),
            "it is refused, with file, row and column",
            &["a_round_trip_takes_an_hour_at_most_and_a_site_has_a_billion_members_at_most"],
        ),
        Limit::new(
            "ratio of the round-trip times of a pair of sites, measured in both directions",
            Count(MOST_UNEQUAL as u64),
            "a notice says so; their mean is used",
            &["directions_may_differ_by_the_factor_without_a_notice"],
        ),
        Limit::new(
            "weight of a site: the column `members`",
            Count(MOST_MEMBERS.into()),
            "it is refused, with file, row and column",
            &["a_round_trip_takes_an_hour_at_most_and_a_site_has_a_billion_members_at_most"],
        ),
    ];
    Section { title: "Topologies from CSV files", limits }
}
