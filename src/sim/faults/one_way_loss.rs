//! `one-way-loss`: [`Loss`] of packets to members, by default.

use swimlab_selectors::Registry;

use super::fault::Fault;
use super::loss::Loss;
use super::params::{build, common_and, direction, lasts, rate};

pub(super) fn register(registry: &mut Registry<Fault>) {
    registry.register(
        "one-way-loss",
        "Packets to the targets (direction = \"in\") or from them (\"out\") are lost at random.",
        common_and(&[lasts(), rate(), direction("in")]),
        |p, ()| build(p, Loss::of(p)?),
    );
}
