//! What the page shows of a cell before anything happens: its names, times and places.

use serde::Serialize;
use swimlab::experiment::Cell;
use swimlab::sim::Setup;
use swimlab_selectors::Location;

/// One of the link's cells.
#[derive(Debug, Serialize)]
pub(crate) struct WorldView {
    topology: String,
    selector: String,
    profile: String,
    loss: f64,
    scenario: String,
    /// Varied keys and their values.
    swept: Vec<(String, String)>,
    /// What distinguishes it, in one line.
    title: String,
    /// Where the data of the topology come from, if they ask for it.
    attribution: Option<String>,
    members: u32,
    /// Members at the start and joiners.
    hosts: u32,
    seed: u64,
    period_us: u64,
    warmup_us: u64,
    duration_us: u64,
    /// The faults as labels, those of the link last.
    faults: Vec<String>,
    /// Whether members can be looked into.
    has_views: bool,
    places: Vec<Place>,
}

/// A member's place: coordinates on the globe or in the plane, if the topology has any.
#[derive(Debug, Serialize)]
struct Place {
    site: String,
    zone: Option<String>,
    region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    globe: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plane: Option<[f64; 2]>,
}

impl WorldView {
    /// A cell with the setup of its trial, the labels of its faults, and whether its members can be looked into.
    pub(crate) fn of(cell: &Cell, setup: &Setup, faults: Vec<String>, has_views: bool) -> Self {
        let placement = &setup.placement;
        let area = |names: Option<&[String]>, area: u16| names?.get(usize::from(area)).cloned();
        let place = |member: u32| {
            let location = placement.peers[member as usize].location;
            Place {
                site: placement.site_name(placement.site_of(member)),
                zone: area(placement.zones(), placement.zone_of(member)),
                region: area(placement.regions(), placement.region_of(member)),
                globe: match location {
                    Some(Location::Globe { lat, lon }) => Some([lat, lon]),
                    _ => None,
                },
                plane: match location {
                    Some(Location::Plane { x, y }) => Some([x, y]),
                    _ => None,
                },
            }
        };
        Self {
            topology: cell.key.topology.clone(),
            selector: cell.key.selector.clone(),
            profile: cell.key.profile.clone(),
            loss: cell.key.loss,
            scenario: cell.key.scenario.clone(),
            swept: cell.key.swept.clone(),
            title: placement.title().to_owned(),
            attribution: placement.attribution().map(str::to_owned),
            members: setup.members,
            hosts: placement.members(),
            seed: setup.seed,
            period_us: setup.period.as_micros(),
            warmup_us: setup.warmup.as_micros(),
            duration_us: setup.duration.as_micros(),
            faults,
            has_views,
            places: (0..placement.members()).map(place).collect(),
        }
    }
}
