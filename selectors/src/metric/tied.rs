//! Peers that may be equally near, in the order that breaks ties: by hashed id.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use crate::peer::{Peer, Slot};
use crate::rng::mix;

/// Hashed id and slot of a peer.
pub(super) type Hashed = (u64, Slot);

/// Slots in numbered groups, each group in the order of hashed ids.
pub(super) struct Groups {
    members: Vec<Hashed>,
    /// Group i is `members[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
}

impl Groups {
    /// Sorts `(group, peer's id, slot)` into `count` groups.
    pub(super) fn new(count: usize, members: impl Iterator<Item = (u32, u64, Slot)>) -> Self {
        let mut sorted: Vec<(u32, Hashed)> = members.map(|(group, id, slot)| (group, (mix(id), slot))).collect();
        sorted.sort_unstable();
        let starts = (0..=count as u32).map(|group| sorted.partition_point(|entry| entry.0 < group) as u32).collect();
        Self { members: sorted.into_iter().map(|entry| entry.1).collect(), starts }
    }

    /// Members of a group.
    pub(super) fn group(&self, group: usize) -> &[Hashed] {
        &self.members[self.starts[group] as usize..self.starts[group + 1] as usize]
    }

    /// Members of all groups, as one group.
    pub(super) fn united(&self) -> Vec<Hashed> {
        let mut all = self.members.clone();
        all.sort_unstable();
        all
    }
}

/// Visits the members of all these groups in the order of [`tie_break`](super::distance::tie_break).
pub(super) fn visit_tied(
    groups: &[&[Hashed]],
    from: &Peer,
    visit: &mut dyn FnMut(Slot) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let own = mix(from.id);
    if let [group] = groups {
        return clockwise(group, own).try_for_each(|(_, slot)| visit(slot));
    }
    let mut walks: Vec<_> = groups.iter().map(|group| clockwise(group, own)).collect();
    let mut heads = BinaryHeap::new();
    for (i, walk) in walks.iter_mut().enumerate() {
        heads.extend(walk.next().map(|head| Reverse((head, i))));
    }
    while let Some(Reverse(((_, slot), i))) = heads.pop() {
        visit(slot)?;
        heads.extend(walks[i].next().map(|head| Reverse((head, i))));
    }
    ControlFlow::Continue(())
}

/// Returns a group from the member's own hash on, once around, each entry with the distance of its hash from that.
fn clockwise(group: &[Hashed], own: u64) -> impl Iterator<Item = Hashed> + '_ {
    let first = group.partition_point(|member| member.0 < own);
    let (before, after) = group.split_at(first);
    after.iter().chain(before).map(move |&(hash, slot)| (hash.wrapping_sub(own), slot))
}
