//! `metadata`: members change their metadata.

use swimlab_selectors::{Param, Registry};

use super::activation::Activation;
use super::fault::{Fault, FaultKind};
use super::params::{build, common_and};
use crate::protocol::NodeInfo;

/// Lets each target replace its metadata. No fault by itself: each change is an update with a new incarnation, which all
/// members must learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// Length of the new metadata, in bytes; at most [`NodeInfo::META_LIMIT`].
    pub bytes: u32,
}

impl Metadata {
    /// New metadata of this length.
    pub const fn of(bytes: u32) -> Self {
        Self { bytes }
    }
}

impl FaultKind for Metadata {
    fn activate(&self, activation: &mut Activation<'_>) {
        for member in activation.choose_targets() {
            activation.set_meta(member, self.bytes);
        }
    }
}

pub(super) fn register(registry: &mut Registry<Fault>) {
    let bytes = Param::count("bytes", 0, NodeInfo::META_LIMIT as u32, 16, "length of the new metadata").unit("bytes");
    registry.register(
        "metadata",
        "Members change their metadata, as a load; detectors that are not SWIM have none.",
        common_and(&[bytes]),
        |p, ()| build(p, Metadata { bytes: p.count("bytes")? }),
    );
}
