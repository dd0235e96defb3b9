//! Sites, their names, zones and regions, and the delays between them.

use std::collections::BTreeMap;

use swimlab_selectors::{Location, RttSource, ZonePath};

use super::jitter::Jitter;
use super::latency::{Latency, MAX_SITES};
use super::lattice::Lattice;
use super::table::RttTable;

/// A location of members.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Site {
    /// Its name.
    pub name: String,
    /// Its location, if known.
    pub location: Option<Location>,
    /// The region it belongs to. Either all sites of a topology have one or none has.
    pub region: Option<String>,
    /// The zone in that region. Either all sites of a topology have one or none has.
    pub zone: Option<String>,
    /// The rack in that zone.
    pub rack: Option<String>,
    /// Its share of the members, in any unit; 0 keeps it empty. A member goes to the site with the least
    /// `(assigned + 1/2) / weight` (Webster's method), so when the weights add up to the number of members, each site
    /// gets exactly its weight.
    pub weight: u32,
}

/// Sites and the delays between them.
#[derive(Debug)]
pub struct SiteMap {
    /// Empty where the latency model itself knows the sites (a lattice).
    names: Vec<String>,
    places: Vec<Option<Location>>,
    paths: Vec<ZonePath>,
    weights: Vec<u32>,
    regions: Areas,
    zones: Areas,
    latency: Latency,
    jitter: Jitter,
}

/// Named areas, and the one in which each site lies. Both empty where there are none.
#[derive(Debug, Default)]
struct Areas {
    names: Vec<String>,
    of_site: Vec<u16>,
}

impl Site {
    /// A site of which only the name is known, with weight 1. Change the public fields for anything else.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), location: None, region: None, zone: None, rack: None, weight: 1 }
    }

    fn path(&self, levels: usize) -> String {
        let names = [&self.region, &self.zone, &self.rack];
        names.into_iter().take(levels).flatten().map(String::as_str).collect::<Vec<_>>().join("/")
    }
}

impl SiteMap {
    /// Sites and the round-trip times between them: `rtt_us[i * sites + j]`, the diagonal within a site.
    ///
    /// The two directions are averaged, as both measured the same round trip. One way is half of it.
    ///
    /// # Errors
    /// If the table has not `sites` squared entries or one is negative or not finite; if there are no sites or more
    /// than [`MAX_SITES`], or all have weight 0; if some sites have a region or zone and others have none; if a site's
    /// location is not on the globe or not finite.
    pub fn from_rtt(sites: Vec<Site>, rtt_us: &[f64]) -> Result<Self, String> {
        let n = sites.len();
        if n > MAX_SITES {
            return Err(format!("{n} sites are more than {MAX_SITES}, the most that are possible"));
        }
        if rtt_us.len() != n * n {
            return Err(format!("{n} sites need {} round-trip times, not {}", n * n, rtt_us.len()));
        }
        if sites.iter().all(|site| site.weight == 0) {
            return Err("there is no site for members to be at".to_owned());
        }
        for site in &sites {
            let checked = site.location.as_ref().map_or(Ok(()), Location::validate);
            checked.map_err(|error| format!("site \"{}\": {error}", site.name))?;
        }
        if let Some(rtt) = rtt_us.iter().find(|rtt| !rtt.is_finite() || **rtt < 0.0) {
            return Err(format!("{rtt} us is no round-trip time"));
        }
        let with = |has: fn(&Site) -> bool| sites.iter().filter(|site| has(site)).count();
        if [with(|site| site.region.is_some()), with(|site| site.zone.is_some())].iter().any(|&k| k != 0 && k != n) {
            return Err("a region, like a zone, is for all sites or for none".to_owned());
        }
        Ok(Self::assemble(sites, Latency::matrix(n, rtt_us)))
    }

    /// Sites of a shipped table; blank cells take the value of the other direction, the diagonal is `local_ms`.
    pub(super) fn from_table(sites: Vec<Site>, table: &RttTable, local_ms: f64) -> Self {
        Self::assemble(sites, Latency::matrix(table.len(), &table.filled_us(local_ms)))
    }

    /// Sites and a latency model with the same numbering.
    pub(super) fn assemble(sites: Vec<Site>, latency: Latency) -> Self {
        debug_assert_eq!(sites.len(), latency.sites() as usize);
        Self {
            regions: Areas::of(&sites, |site| site.region.as_ref().map(|_| site.path(1))),
            zones: Areas::of(&sites, |site| site.zone.as_ref().map(|_| site.path(2))),
            paths: sites.iter().map(|site| ZonePath::parse(&site.path(3))).collect(),
            places: sites.iter().map(|site| site.location).collect(),
            weights: sites.iter().map(|site| site.weight).collect(),
            names: sites.into_iter().map(|site| site.name).collect(),
            latency,
            jitter: Jitter::None,
        }
    }

    /// The positions of a lattice, which need no list.
    pub(super) fn lattice(lattice: Lattice) -> Self {
        let (regions, zones) = (Areas::default(), Areas::default());
        let latency = Latency::Lattice(lattice);
        let (names, places, paths, weights) = (vec![], vec![], vec![], vec![]);
        Self { names, places, paths, weights, regions, zones, latency, jitter: Jitter::None }
    }

    /// The same sites with another jitter.
    pub(super) fn jittered(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// A site's name.
    pub fn name(&self, site: u32) -> String {
        match &self.latency {
            Latency::Lattice(lattice) => lattice.name(site),
            _ => self.names[site as usize].clone(),
        }
    }

    /// The location of a site, if known.
    pub fn location(&self, site: u32) -> Option<Location> {
        match &self.latency {
            Latency::Lattice(lattice) => Some(lattice.location(site)),
            _ => self.places[site as usize],
        }
    }

    /// The site's region, zone and rack, as far as it has them.
    pub fn path(&self, site: u32) -> ZonePath {
        self.paths.get(site as usize).copied().unwrap_or_default()
    }

    pub(super) fn weights(&self) -> &[u32] {
        &self.weights
    }

    pub(super) fn latency(&self) -> &Latency {
        &self.latency
    }

    pub(super) fn jitter(&self) -> &Jitter {
        &self.jitter
    }

    pub(super) fn regions(&self) -> &[String] {
        &self.regions.names
    }

    pub(super) fn zones(&self) -> &[String] {
        &self.zones.names
    }

    #[inline]
    pub(super) fn region_of(&self, site: u32) -> u16 {
        self.regions.of_site.get(site as usize).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn zone_of(&self, site: u32) -> u16 {
        self.zones.of_site.get(site as usize).copied().unwrap_or(0)
    }
}

impl Areas {
    /// The areas in the order of their first site.
    fn of(sites: &[Site], area: impl Fn(&Site) -> Option<String>) -> Self {
        let mut areas = Self::default();
        let mut known = BTreeMap::new();
        for name in sites.iter().filter_map(area) {
            let index = *known.entry(name).or_insert_with_key(|name| {
                areas.names.push(name.clone());
                areas.names.len() - 1
            });
            areas.of_site.push(u16::try_from(index).expect("at most MAX_SITES areas"));
        }
        debug_assert!(areas.of_site.is_empty() || areas.of_site.len() == sites.len(), "all sites in areas, or none");
        areas
    }
}

impl RttSource for SiteMap {
    fn sites(&self) -> u32 {
        self.latency.sites()
    }

    fn between(&self, from: u32, to: u32) -> u32 {
        self.latency.one_way_us(from, to).saturating_mul(2)
    }
}
