//! Index of every registered metric, compared with sorting by brute force.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::build_context::RttSource;
use crate::location::Location;
use crate::peer::{Peer, Slot, ZonePath};
use crate::rng::mix;

/// Seven sites on a line, two of them at one location; another site can be nearer than a peer of the same site.
struct Line;

impl RttSource for Line {
    fn sites(&self) -> u32 {
        7
    }

    fn between(&self, from: u32, to: u32) -> u32 {
        if from == to { 150 } else { 100 * (from.max(1).abs_diff(to.max(1))) }
    }
}

fn context() -> BuildContext {
    BuildContext::with_rtt(Arc::new(Line))
}

/// Every registered metric with its default parameters, and variants with other parameters.
fn all_metrics() -> Vec<(&'static str, Arc<dyn Metric>)> {
    let registry = metrics();
    let variants = ["euclid;width=16;height=16", "euclid;width=16", "euclid;height=3.5"];
    let labels = registry.entries().iter().map(|entry| entry.name).chain(variants);
    labels.map(|label| (label, build_metric(&registry, label, &context()).unwrap())).collect()
}

/// Peers with any combination of data, often at the same location as others.
fn any_peer() -> impl Strategy<Value = Peer> {
    let plane = prop_oneof![
        (0..16u8, 0..16u8).prop_map(|(x, y)| Location::Plane { x: x.into(), y: y.into() }),
        (-40.0..40.0, -40.0..40.0).prop_map(|(x, y)| Location::Plane { x, y }),
        Just(Location::Plane { x: -0.0, y: 0.0 }),
    ];
    let globe = prop_oneof![
        (-2..=2i8, -4..=4i8).prop_map(|(a, b)| Location::Globe { lat: f64::from(a) * 45.0, lon: f64::from(b) * 45.0 }),
        (-90.0..=90.0, -180.0..=180.0).prop_map(|(lat, lon)| Location::Globe { lat, lon }),
    ];
    let location = prop_oneof![4 => plane.prop_map(Some), 4 => globe.prop_map(Some), 1 => Just(None)];
    let zone = prop_oneof![
        (0..3u8, 0..3u8, 0..3u8).prop_map(|(a, b, c)| ZonePath::parse(&format!("{a}/{b}/{c}"))),
        (0..3u8, 0..3u8).prop_map(|(a, b)| ZonePath::parse(&format!("{a}/{b}"))),
        Just(ZonePath::default()),
    ];
    let id = prop_oneof![any::<u64>(), 0..500u64];
    (id, location, zone, proptest::option::of(0..9u32)).prop_map(|(id, location, zone, site)| Peer {
        id,
        location,
        zone,
        site,
    })
}

fn any_roster(len: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<Peer>> {
    prop::collection::vec(any_peer(), len).prop_map(|mut roster| {
        let mut ids = BTreeSet::new();
        roster.retain(|peer| ids.insert(peer.id));
        roster
    })
}

fn brute_force(index: &dyn MetricIndex, roster: &[Peer], from: &Peer, accept: impl Fn(Slot) -> bool) -> Vec<Slot> {
    let mut slots: Vec<Slot> = (0..roster.len() as Slot).filter(|&slot| accept(slot)).collect();
    slots.sort_by_key(|&slot| index.nearness(from, &roster[slot as usize]));
    slots
}

fn agrees_with_brute_force(roster: &[Peer], from: &Peer) {
    for (label, metric) in all_metrics() {
        let index = metric.index(roster);
        let other = |slot: Slot| roster[slot as usize].id != from.id;
        // All peers, and the nearest five when every third is refused.
        let mut found = Vec::new();
        index.nearest(from, roster.len(), &mut |slot| other(slot), &mut found);
        assert_eq!(found, brute_force(&*index, roster, from, other), "{label}");
        let fits = |slot: Slot| other(slot) && !slot.is_multiple_of(3);
        let mut found = vec![99];
        index.nearest(from, 5, &mut |slot| fits(slot), &mut found);
        let expected = brute_force(&*index, roster, from, fits).into_iter().take(5);
        assert!(found[1..].iter().copied().eq(expected), "{label}: the nearest five");
        // Ranks, where the metric supports them.
        let order = brute_force(&*index, roster, from, other);
        for (rank, &slot) in (0..).zip(&order) {
            if let Some(nearness) = index.at_rank(from, rank) {
                assert_eq!(nearness, index.nearness(from, &roster[slot as usize]), "{label}: rank {rank}");
            }
        }
        assert_eq!(index.at_rank(from, order.len() as u32), None, "{label}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn indexes_agree_with_sorting(roster in any_roster(0..120), outsider in any_peer()) {
        for from in roster.iter().take(4) {
            agrees_with_brute_force(&roster, from);
        }
        agrees_with_brute_force(&roster, &outsider);
    }

    #[test]
    fn indexes_over_tiny_rosters_agree_with_sorting(roster in any_roster(0..6), outsider in any_peer()) {
        for from in roster.iter().chain([&outsider]) {
            agrees_with_brute_force(&roster, from);
        }
    }

    #[test]
    fn indexes_agree_with_sorting_if_many_peers_share_a_coordinate(roster in any_roster(300..400), x in 0..3i8) {
        let column = |peer: &Peer| Peer {
            location: Some(Location::Plane { x: x.into(), y: (peer.id % 150) as f64 * 0.25 }),
            ..peer.clone()
        };
        let roster: Vec<Peer> = roster.iter().map(column).collect();
        agrees_with_brute_force(&roster, &roster[7]);
    }
}

#[test]
fn peers_at_one_location_are_in_equally_many_neighborhoods() {
    let zone = ZonePath::parse("a/b/c");
    let peer =
        |id| Peer { location: Some(Location::Plane { x: 1.0, y: 2.0 }), zone, site: Some(3), ..Peer::new(mix(id)) };
    let globe = |peer: &Peer| Peer { location: Some(Location::Globe { lat: 47.0, lon: 8.0 }), ..peer.clone() };
    let roster: Vec<Peer> = (0..1000).map(peer).collect();
    for (label, metric) in all_metrics() {
        if metric.compares_ids() {
            continue;
        }
        let roster: Vec<Peer> =
            if label == "great-circle" { roster.iter().map(globe).collect() } else { roster.clone() };
        let index = metric.index(&roster);
        let mut chosen = vec![0; roster.len()];
        for from in &roster {
            let mut found = Vec::new();
            index.nearest(from, 3, &mut |slot| roster[slot as usize].id != from.id, &mut found);
            found.iter().for_each(|&slot| chosen[slot as usize] += 1);
        }
        assert!(chosen.iter().all(|&times| times == 3), "{label}");
    }
}

#[test]
fn peers_without_data_are_the_farthest() {
    let (without, with) = (Peer::new(1), located_peer());
    for (label, metric) in all_metrics().into_iter().filter(|(_, metric)| !metric.compares_ids()) {
        let index = metric.index(&[]);
        assert_eq!(index.distance(&without, &with), UNKNOWN_DISTANCE, "{label}");
        assert_eq!(index.distance(&with, &without), UNKNOWN_DISTANCE, "{label}");
    }
}

fn located_peer() -> Peer {
    Peer {
        location: Some(Location::Plane { x: 0.0, y: 0.0 }),
        zone: ZonePath::parse("a/b"),
        site: Some(1),
        ..Peer::new(2)
    }
}

#[test]
fn errors_say_what_is_missing_or_wrong() {
    let refusal = |label| build_metric(&metrics(), label, &BuildContext::default()).err().unwrap();
    assert_eq!(
        refusal("rtt"),
        "rtt: no measured round-trip times here; use a topology that has them, or vivaldi, which learns them"
    );
    assert_eq!(refusal("rinng"), "unknown metric \"rinng\"; did you mean ring or finger?");
    assert_eq!(refusal("euclid;width=-1"), "euclid: width must be a number from 0 to 1000000000, not -1");
}
