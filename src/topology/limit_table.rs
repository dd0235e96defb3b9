//! The limits of topologies, for docs/limits.md.

use super::MAX_SITES;
use crate::limits::Amount::Count;
use crate::limits::{Limit, Section};

/// The limits of topologies.
pub(crate) fn stated_limits() -> Vec<Section> {
    let sites = Limit::new(
        "sites with a table of delays",
        Count(MAX_SITES as u64),
        "more are refused",
        &["a_users_topology_has_a_largest_number_of_sites"],
    );
    vec![
        Section { title: "Topologies", limits: vec![sites] },
        #[cfg(feature = "experiments")]
        super::kinds::csv_limits(),
    ]
}
