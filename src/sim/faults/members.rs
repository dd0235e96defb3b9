//! A set of members, asked about for each packet.

use crate::sim::observer::MemberIndex;

/// A set of members with a constant-time test: one flag per host.
#[derive(Clone, Debug)]
pub(super) struct MemberSet(Box<[bool]>);

impl MemberSet {
    /// These members of a world of `hosts`.
    pub(super) fn new(members: &[MemberIndex], hosts: u32) -> Self {
        let mut flags = vec![false; hosts as usize];
        for &member in members {
            flags[member as usize] = true;
        }
        Self(flags.into())
    }

    /// Whether a member belongs to it.
    pub(super) fn contains(&self, member: MemberIndex) -> bool {
        self.0[member as usize]
    }
}
