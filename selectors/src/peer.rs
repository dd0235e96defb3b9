//! EventKind a selector may know about a peer: its id, its place, its zone path, its site.

use crate::rng::mix;

/// A member's number in one member's own table. Slots are private: the same peer may have another slot elsewhere.
pub type Slot = u32;

/// A peer as selectors see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Peer {
    /// Unique and stable; spread over the whole range, so that metrics over ids make sense.
    pub id: u64,
    /// Coordinates, where the topology has any.
    pub location: Option<Location>,
    /// Region, zone and rack, as far as they are known.
    pub zone: ZonePath,
    /// The row of the measured RTT matrix, where there is one. Peers of one site are interchangeable for latency.
    pub site: Option<u32>,
}

impl Peer {
    /// A peer of which nothing but the id is known.
    pub fn new(id: u64) -> Self {
        Self { id, location: None, zone: ZonePath::default(), site: None }
    }
}

/// Where a peer stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Location {
    /// A point of the plane, in units of the topology's own (a grid's hops, a ring's steps).
    Plane {
        /// First axis.
        x: f64,
        /// Second axis.
        y: f64,
    },
    /// A point of the globe, in degrees (WGS84).
    Globe {
        /// Latitude, -90 to 90.
        lat: f64,
        /// Longitude, -180 to 180.
        lon: f64,
    },
    /// A point of the space in which distances are round trips, as the member learnt by itself.
    Learned {
        /// Three axes, each in steps of [`Location::STEP_US`].
        at: [i16; 3],
    },
}

impl Location {
    /// A step of a learnt place, in microseconds of round trip: an axis reaches sixteen seconds to either side.
    pub const STEP_US: f32 = 500.0;
}

/// Names from the largest area to the smallest (`region/zone/rack`), kept as hashes: comparing is all that is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ZonePath {
    levels: [u32; Self::LEVELS],
    depth: u8,
}

impl ZonePath {
    /// Levels that are kept: region, zone, rack.
    pub const LEVELS: usize = 3;

    /// Reads `region/zone/rack`; missing levels stay unknown, levels beyond the third are ignored.
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
            // The parent goes into the hash: rack r7 of one zone is not rack r7 of another.
            let parent = if zone.depth == 0 { 0 } else { zone.levels[zone.depth as usize - 1] };
            let hash = name.bytes().fold(mix(u64::from(parent)), |hash, byte| mix(hash ^ u64::from(byte)));
            zone.levels[zone.depth as usize] = hash as u32;
            zone.depth += 1;
        }
        zone
    }

    /// Rebuilds a path from the hashes that [`ZonePath::levels`] gave, as read from the wire.
    pub fn from_levels(levels: &[u32]) -> Self {
        let mut zone = Self::default();
        for &level in levels.iter().take(Self::LEVELS) {
            zone.levels[zone.depth as usize] = level;
            zone.depth += 1;
        }
        zone
    }

    /// The known levels, largest area first.
    pub fn levels(&self) -> &[u32] {
        &self.levels[..self.depth as usize]
    }

    /// How many leading levels two paths have in common: 0 for different regions, 3 for the same rack.
    pub fn shared_levels(&self, other: &Self) -> usize {
        self.levels().iter().zip(other.levels()).take_while(|(a, b)| a == b).count()
    }

    /// The region, where one is known.
    pub fn region(&self) -> Option<u32> {
        self.levels().first().copied()
    }
}
