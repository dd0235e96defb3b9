//! The members that a fault affects.

use rand::seq::SliceRandom;
use swimlab_selectors::rng::{Rng, below};
use swimlab_selectors::{did_you_mean, nearest_names};

use crate::sim::observer::MemberIndex;
use crate::topology::Placement;

/// The members that a fault affects.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// This number of running members, at random.
    Random(u32),
    /// A share of all running members, at random; at least one.
    Share(f64),
    /// These members, by index.
    Members(Vec<MemberIndex>),
    /// All members of one zone; a random one if no name is given.
    Zone(Option<String>),
    /// All members of one region; a random one if no name is given.
    Region(Option<String>),
}

impl Target {
    /// Parses a target; `count` is for a random one.
    pub(super) fn parse(text: &str, count: u32) -> Result<Self, String> {
        let name = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (word, rest) = text.split_once(':').unwrap_or((text, ""));
        match word {
            "random" if rest.is_empty() => Ok(Self::Random(count)),
            "zone" => Ok(Self::Zone(name(rest))),
            "region" => Ok(Self::Region(name(rest))),
            "share" => match rest.parse::<f64>() {
                Ok(share) if share > 0.0 && share <= 1.0 => Ok(Self::Share(share)),
                _ => Err(format!("target share must be above 0 and at most 1, not \"{rest}\"")),
            },
            _ => text
                .split(',')
                .map(|number| number.trim().parse().ok())
                .collect::<Option<Vec<u32>>>()
                .map(Self::Members)
                .ok_or_else(|| {
                    format!("target must be random, share:S, zone, region or member numbers, not \"{text}\"")
                }),
        }
    }

    /// The most members this can mean, in a group of `members`.
    pub(super) fn most(&self, members: u32) -> u32 {
        match self {
            Self::Random(count) => *count,
            Self::Share(share) => libm::ceil(share * f64::from(members)) as u32,
            Self::Members(list) => list.len() as u32,
            Self::Zone(_) | Self::Region(_) => members,
        }
    }

    /// Chooses among `candidates`, which are in ascending order, as is the result (members named by index: in the order
    /// given).
    pub(super) fn choose(&self, candidates: &[MemberIndex], placement: &Placement, rng: &mut Rng) -> Vec<MemberIndex> {
        let mut sample = |count: usize| {
            let mut from = candidates.to_vec();
            from.shuffle(rng);
            from.truncate(count);
            from.sort_unstable();
            from
        };
        match self {
            Self::Random(count) => sample(*count as usize),
            Self::Share(share) => sample(libm::round(share * candidates.len() as f64).max(1.0) as usize),
            Self::Members(list) => {
                list.iter().copied().filter(|member| candidates.binary_search(member).is_ok()).collect()
            }
            Self::Zone(name) => {
                let areas = Areas { names: placement.zones(), of: &|member| placement.zone_of(member) };
                areas.choose(candidates, name.as_deref(), rng)
            }
            Self::Region(name) => {
                let areas = Areas { names: placement.regions(), of: &|member| placement.region_of(member) };
                areas.choose(candidates, name.as_deref(), rng)
            }
        }
    }

    /// Checks that it exists in this placement, in a group of `members` at the start.
    pub(super) fn check(&self, placement: &Placement, members: u32) -> Result<(), String> {
        match self {
            Self::Members(list) => match list.iter().find(|&&member| member >= members) {
                Some(beyond) => Err(format!("there is no member {beyond} among {members} (they count from 0)")),
                None => Ok(()),
            },
            Self::Zone(name) => check_area("zone", placement.zones(), name.as_deref()),
            Self::Region(name) => check_area("region", placement.regions(), name.as_deref()),
            Self::Random(_) | Self::Share(_) => Ok(()),
        }
    }
}

/// The zones or the regions of a placement.
struct Areas<'a> {
    names: Option<&'a [String]>,
    of: &'a dyn Fn(MemberIndex) -> u16,
}

impl Areas<'_> {
    /// The candidates in the area of this name, or in a random one.
    fn choose(&self, candidates: &[MemberIndex], name: Option<&str>, rng: &mut Rng) -> Vec<MemberIndex> {
        if candidates.is_empty() {
            return Vec::new();
        }
        let named = |area: u16, name: &str| {
            self.names.unwrap_or_default().get(area as usize).is_some_and(|full| is_named(full, name))
        };
        match name {
            Some(name) => candidates.iter().copied().filter(|&member| named((self.of)(member), name)).collect(),
            None => {
                // Every area that has a candidate is equally likely.
                let mut areas: Vec<u16> = candidates.iter().map(|&member| (self.of)(member)).collect();
                areas.sort_unstable();
                areas.dedup();
                let chosen = areas[below(rng, areas.len() as u32) as usize];
                candidates.iter().copied().filter(|&member| (self.of)(member) == chosen).collect()
            }
        }
    }
}

fn check_area(what: &str, names: Option<&[String]>, name: Option<&str>) -> Result<(), String> {
    match (names, name) {
        (None, _) => Err(format!("the topology has no {what}s")),
        (Some(names), Some(name)) if !names.iter().any(|full| is_named(full, name)) => {
            let near = nearest_names(name, names.iter().map(String::as_str));
            Err(format!("there is no {what} \"{name}\"{}", did_you_mean(&near)))
        }
        _ => Ok(()),
    }
}

/// Whether a zone goes by this name: its full path or its last part.
fn is_named(full: &str, name: &str) -> bool {
    full == name || full.rsplit('/').next() == Some(name)
}
