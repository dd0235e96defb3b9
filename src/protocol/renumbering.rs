//! New slots of a table's members, after its changes were folded into a roster that others share.

use swimlab_selectors::Slot;

/// The new slot of each old one.
#[derive(Debug)]
pub(super) struct Renumbering(Vec<Slot>);

/// New slot of one that nobody occupied.
const VACANT: Slot = Slot::MAX;

impl Renumbering {
    /// `order`: the old slots in their new order.
    pub(super) fn new(slots: u32, order: impl Iterator<Item = Slot>) -> Self {
        let mut new_slots = vec![VACANT; slots as usize];
        for (new, old) in (0..).zip(order) {
            new_slots[old as usize] = new;
        }
        Self(new_slots)
    }

    /// The new slot of the occupant of an old one; `None` if it had none, or was forgotten.
    pub(super) fn slot(&self, old: Slot) -> Option<Slot> {
        self.0.get(old as usize).copied().filter(|&slot| slot != VACANT)
    }
}
