//! Data about a peer that selectors use: id, location, zone path and site.

use crate::location::Location;
use crate::rng::mix;

/// Index of a peer in one member's table. The same peer may have another slot in another member's table.
pub type Slot = u32;

/// Peer as selectors see it.
///
/// ```
/// use swimlab_selectors::{Location, Peer, ZonePath};
///
/// let peer = Peer {
///     location: Some(Location::Globe { lat: 47.4, lon: 8.5 }),
///     zone: ZonePath::parse("europe/zurich"),
///     ..Peer::new(0x5eed)
/// };
/// assert_eq!(peer.site, None);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Peer {
    /// Unique, stable id; spread over the whole range, as the metrics over ids assume.
    pub id: u64,
    /// Location, if known.
    pub location: Option<Location>,
    /// Region, zone and rack, as far as known.
    pub zone: ZonePath,
    /// Row in the matrix of measured round-trip times, if there is one. Peers of one site have the same latencies.
    pub site: Option<u32>,
}

impl Peer {
    /// Peer of which only the id is known.
    pub fn new(id: u64) -> Self {
        Self { id, location: None, zone: ZonePath::default(), site: None }
    }
}

/// Path from the largest area to the smallest, `region/zone/rack`, as hashes of the names: paths are only compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ZonePath {
    levels: [u32; Self::LEVELS],
    depth: u8,
}

impl ZonePath {
    /// Number of levels: region, zone, rack.
    pub const LEVELS: usize = 3;

    /// Reads `region/zone/rack`. Missing levels are unknown, levels beyond the third are ignored.
    ///
    /// ```
    /// use swimlab_selectors::ZonePath;
    /// let (a, b) = (ZonePath::parse("eu/eu-1/r7"), ZonePath::parse("eu/eu-2/r7"));
    /// assert_eq!(a.shared_levels(&b), 1);
    /// assert_eq!(a.shared_levels(&a), 3);
    /// ```
    pub fn parse(path: &str) -> Self {
        let mut zone = Self::default();
        for name in path.split('/').filter(|name| !name.is_empty()).take(Self::LEVELS) {
            // The hash includes the parent: rack r7 of one zone is not rack r7 of another.
            let parent = if zone.depth == 0 { 0 } else { zone.levels[zone.depth as usize - 1] };
            let hash = name.bytes().fold(mix(u64::from(parent)), |hash, byte| mix(hash ^ u64::from(byte)));
            zone.levels[zone.depth as usize] = hash as u32;
            zone.depth += 1;
        }
        zone
    }

    /// Path of the hashes that [`ZonePath::levels`] returned, as read from the wire.
    pub fn from_levels(levels: &[u32]) -> Self {
        let mut zone = Self::default();
        for &level in levels.iter().take(Self::LEVELS) {
            zone.levels[zone.depth as usize] = level;
            zone.depth += 1;
        }
        zone
    }

    /// Hashes of the known levels, largest area first.
    #[inline]
    pub fn levels(&self) -> &[u32] {
        &self.levels[..self.depth as usize]
    }

    /// Number of leading levels that two paths share: 0 in different regions, 3 in the same rack.
    #[inline]
    pub fn shared_levels(&self, other: &Self) -> usize {
        self.levels().iter().zip(other.levels()).take_while(|(a, b)| a == b).count()
    }

    /// Hash of the region, if known.
    #[inline]
    pub fn region(&self) -> Option<u32> {
        self.levels().first().copied()
    }
}
