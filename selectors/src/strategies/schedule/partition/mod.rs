//! Partition of a roster into neighborhoods that all members derive alike from zone paths and locations.

mod point;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::peer::Peer;
use point::{Point, Space};

/// Neighborhoods of a roster.
///
/// Regions with several members are never joined with others, however small: a ping between them is what a neighborhood
/// is to save. A region is divided into zones and racks, and those into halves by location, as long as the parts have
/// `least` members. Smaller parts belong to the nearest of their siblings that is large enough; without siblings, they
/// stay together. So one member more or less changes the partition only where an area crosses that limit, and no
/// messages are needed to agree on it.
///
/// Members without a zone path, and those of regions with one member, are divided by location: cubes around the globe
/// that are wider than 1,600 km count as regions do.
///
/// Neighborhoods are numbered such that those within one area have consecutive numbers.
#[derive(Debug)]
pub(super) struct Partition {
    root: Node,
    len: u32,
}

/// An area of a partition.
#[derive(Debug)]
enum Node {
    /// A neighborhood, by its number.
    Neighborhood(u32),
    /// Areas by the names of one level of the zone path, and a place for members of none of them.
    Zones { level: usize, parts: Vec<Zone>, rest: Option<Box<Node>> },
    /// Members with a location in this space, and those without.
    Located { space: Space, located: Box<Node>, others: Box<Node> },
    /// Two sides of a plane through one axis.
    Halves { space: Space, axis: usize, plane: u32, below: Box<Node>, above: Box<Node> },
}

/// An area with a name.
#[derive(Debug)]
struct Zone {
    name: u32,
    /// The location of one of its members.
    at: Option<Point>,
    area: Node,
}

/// The properties of a peer that a partition depends on.
struct Resident<'a> {
    id: u64,
    levels: &'a [u32],
    at: Option<Point>,
}

/// The smallest region.
const REGION: usize = 2;

/// Halvings of each axis of the globe after which its cubes are no regions any more: three make them 1,600 km wide.
const REGIONAL_HALVINGS: usize = 3;

impl Partition {
    /// Returns the neighborhoods, of at least `least` members where regions have that many, and the neighborhood of each
    /// slot.
    pub(super) fn divide<'a>(peers: impl Iterator<Item = &'a Peer>, least: usize) -> (Self, Vec<u32>) {
        let residents: Vec<Resident<'a>> = peers.map(Resident::of).collect();
        let mut division = Division { least: least.max(1), neighborhoods: 0 };
        let root = division.zones(residents.iter().collect(), 0);
        let len = if residents.is_empty() { 0 } else { division.neighborhoods };
        let partition = Self { root, len };
        let by_slot = residents.iter().map(|resident| partition.root.neighborhood(resident)).collect();
        (partition, by_slot)
    }

    /// Number of neighborhoods.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// Returns the neighborhood of a peer that was not in the roster.
    pub(super) fn of(&self, peer: &Peer) -> u32 {
        self.root.neighborhood(&Resident::of(peer))
    }

    /// Whether the partition has no area for a peer's region, so that a partition with the peer may look different.
    pub(super) fn is_new_region(&self, peer: &Peer) -> bool {
        let Node::Zones { parts, .. } = &self.root else { return peer.zone.region().is_some() };
        peer.zone.region().is_some_and(|region| parts.binary_search_by_key(&region, |zone| zone.name).is_err())
    }
}

/// A partition in the making.
struct Division {
    least: usize,
    /// Number of neighborhoods so far.
    neighborhoods: u32,
}

impl Division {
    /// Divides by zone paths from this level on.
    fn zones(&mut self, residents: Vec<&Resident<'_>>, level: usize) -> Node {
        let least = if level == 0 { self.least.min(REGION) } else { self.least };
        let mut named: BTreeMap<u32, Vec<&Resident<'_>>> = BTreeMap::new();
        let mut rest = Vec::new();
        for resident in residents {
            match resident.levels.get(level) {
                Some(&name) => named.entry(name).or_default().push(resident),
                None => rest.push(resident),
            }
        }
        named.retain(|_, members| {
            let is_large = members.len() >= least;
            if !is_large {
                rest.append(members);
            }
            is_large
        });
        if named.is_empty() {
            return self.locations(rest);
        }
        // Without a location nobody is near another region.
        let is_separate = rest.len() >= self.least || level == 0 && rest.iter().any(|resident| resident.at.is_none());
        let rest = is_separate.then(|| Box::new(self.locations(rest)));
        let zone = |(name, members): (u32, Vec<&Resident<'_>>)| {
            let located = members.iter().filter(|resident| resident.at.is_some());
            let at = located.min_by_key(|resident| resident.id).and_then(|resident| resident.at);
            Zone { name, at, area: self.zones(members, level + 1) }
        };
        Node::Zones { level, parts: named.into_iter().map(zone).collect(), rest }
    }

    /// Divides by location.
    fn locations(&mut self, residents: Vec<&Resident<'_>>) -> Node {
        let located = |space| residents.iter().filter(|resident| resident.is_in(space)).count();
        let spaces = [Space::Learned, Space::Plane, Space::Globe];
        let (count, space) = spaces.map(|space| (located(space), space)).into_iter().max().expect("three spaces");
        if count < self.least_half(space, 0) {
            return self.neighborhood();
        }
        let (located, others): (Vec<_>, Vec<_>) = residents.into_iter().partition(|resident| resident.is_in(space));
        // One alone may as well belong to any.
        let others = (others.len() > 1).then(|| Box::new(self.neighborhood()));
        let located = self.halves(located, space, 0);
        match others {
            Some(others) => Node::Located { space, located: Box::new(located), others },
            None => located,
        }
    }

    /// Divides the residents of one cell of a space after this number of halvings.
    fn halves(&mut self, residents: Vec<&Resident<'_>>, space: Space, halvings: usize) -> Node {
        let (axis, halvings_of_axis) = (halvings % space.axes(), (halvings / space.axes()) as u32);
        let coordinate = |resident: &Resident<'_>| resident.at.map_or(0, |at| at.axes[axis]);
        let one_place = residents.iter().all(|resident| resident.at == residents[0].at);
        if one_place || halvings_of_axis == space.bits() {
            return self.neighborhood();
        }
        let bit = space.bits() - 1 - halvings_of_axis;
        let plane = (coordinate(residents[0]) >> bit | 1) << bit;
        let (below, above): (Vec<_>, Vec<_>) = residents.into_iter().partition(|resident| coordinate(resident) < plane);
        let least = self.least_half(space, halvings);
        // Learned locations are rough and sparse: a few members that are near each other are nearer than any others.
        let is_group = |half: &[&Resident<'_>]| space == Space::Learned && half.len() >= REGION;
        match [below.len() >= least, above.len() >= least] {
            [false, false] => self.neighborhood(),
            [true, false] if !is_group(&above) => self.halves(below, space, halvings + 1),
            [false, true] if !is_group(&below) => self.halves(above, space, halvings + 1),
            [is_below_large, is_above_large] => {
                let mut half = |residents, is_large| {
                    Box::new(if is_large { self.halves(residents, space, halvings + 1) } else { self.neighborhood() })
                };
                let (below, above) = (half(below, is_below_large), half(above, is_above_large));
                Node::Halves { space, axis, plane, below, above }
            }
        }
    }

    /// The least number of members of a half, of a cell after this number of halvings.
    fn least_half(&self, space: Space, halvings: usize) -> usize {
        let is_regional = space == Space::Globe && halvings / space.axes() < REGIONAL_HALVINGS;
        if is_regional { self.least.min(REGION) } else { self.least }
    }

    fn neighborhood(&mut self) -> Node {
        self.neighborhoods += 1;
        Node::Neighborhood(self.neighborhoods - 1)
    }
}

impl Node {
    /// The number of the neighborhood that a member belongs to.
    fn neighborhood(&self, resident: &Resident<'_>) -> u32 {
        match self {
            Self::Neighborhood(number) => *number,
            Self::Zones { level, parts, rest } => {
                let name = resident.levels.get(*level);
                let named = name.and_then(|name| parts.binary_search_by_key(name, |zone| zone.name).ok());
                let area = match (named, rest) {
                    (Some(at), _) => &parts[at].area,
                    (None, Some(rest)) => rest,
                    (None, None) => nearest(parts, resident),
                };
                area.neighborhood(resident)
            }
            Self::Located { space, located, others } => {
                let area = if resident.is_in(*space) { located } else { others };
                area.neighborhood(resident)
            }
            Self::Halves { space, axis, plane, below, above } => {
                let at = resident.at.filter(|at| at.space == *space);
                let area = if at.is_some_and(|at| at.axes[*axis] >= *plane) { above } else { below };
                area.neighborhood(resident)
            }
        }
    }
}

/// The nearest of several areas; the first one without a location.
fn nearest<'a>(parts: &'a [Zone], resident: &Resident<'_>) -> &'a Node {
    let distance = |zone: &Zone| match (zone.at, resident.at) {
        (Some(there), Some(here)) if there.space == here.space => there.squared_distance(&here),
        _ => u64::MAX,
    };
    &parts.iter().min_by_key(|zone| distance(zone)).expect("an area has parts").area
}

impl<'a> Resident<'a> {
    fn of(peer: &'a Peer) -> Self {
        Self { id: peer.id, levels: peer.zone.levels(), at: peer.location.map(Point::of) }
    }

    fn is_in(&self, space: Space) -> bool {
        self.at.is_some_and(|at| at.space == space)
    }
}
