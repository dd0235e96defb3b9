//! `one-way-partition`: a [`Partition`] in one direction.

use swimlab_selectors::Registry;

use super::fault::Fault;
use super::params::{build, common_and, direction, lasts};
use super::partition::Partition;

pub(super) fn register(registry: &mut Registry<Fault>) {
    registry.register(
        "one-way-partition",
        "All packets from the other members to the targets (direction = \"in\") or in the other direction (\"out\") are lost.",
        common_and(&[lasts(), direction("in")]),
        |p, ()| build(p, Partition::of(p)?),
    );
}
