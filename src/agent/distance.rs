//! Near and far members, to count the bytes that are sent to each.

use std::collections::HashMap;

use swimlab_selectors::View;

use crate::protocol::{Address, Member};

/// Distance of the receiver of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Distance {
    /// In the selector's neighborhood. With a selector that has none: in the same region, the first name of the zone
    /// path.
    Near,
    /// Not near.
    Far,
    /// Neither the selector nor zone paths say it, or no member is known at the address.
    Unknown,
}

/// The distances of members, by address.
#[derive(Default)]
pub(super) struct Distances(HashMap<Address, Distance>);

impl Distance {
    /// All distances, in the order of their discriminants.
    pub const ALL: [Self; 3] = [Self::Near, Self::Far, Self::Unknown];

    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Far => "far",
            Self::Unknown => "unknown",
        }
    }
}

impl Distances {
    /// The distances of all members that a member knows. Those that are not known take no memory.
    pub(super) fn from(member: &Member) -> Self {
        let table = member.table();
        let me = table.me();
        let region = member.node().peer.zone.region();
        let has_neighborhood = member.is_near(me).is_some();
        if !has_neighborhood && region.is_none() {
            return Self::default();
        }
        let others = (0..table.slots()).filter(|&slot| table.pingable(slot));
        let known = others.filter_map(|slot| {
            let same_region = || Some(table.node(slot).peer.zone.region()? == region?);
            let is_near = if has_neighborhood { member.is_near(slot) } else { same_region() };
            Some((table.node(slot).address, if is_near? { Distance::Near } else { Distance::Far }))
        });
        Self(known.collect())
    }

    /// The distance of the member at an address.
    pub(super) fn of(&self, address: Address) -> Distance {
        self.0.get(&address).copied().unwrap_or(Distance::Unknown)
    }
}
