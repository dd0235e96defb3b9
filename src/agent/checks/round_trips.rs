//! Round trips that contradict zone paths, or that nobody has described by zones and places.

use std::collections::BTreeMap;

use super::measurements::Measurements;
use super::warning::Warning;
use crate::agent::zone_names::label;
use crate::protocol::{NodeInfo, Span};

/// The least number of measured members of an area that others are compared with.
const ENOUGH: usize = 2;

/// The least number of measured members of an area of which one may be an exception.
const EXCEPTION_OF: usize = 4;

/// The least number of measured members of a group without locations.
const SPREAD_OF: usize = 8;

/// A member with the round trip to it.
#[derive(Clone, Copy)]
struct Measured<'a> {
    node: &'a NodeInfo,
    rtt_us: u32,
}

/// Compares the round trips to members of the agent's own areas with those to others. `lacks_locations`: the selector
/// would use locations if there were any.
pub(super) fn check(
    me: &NodeInfo,
    lacks_locations: bool,
    alive: &[&NodeInfo],
    measurements: &Measurements,
) -> Vec<Warning> {
    let measured = |node: &&'_ NodeInfo| measurements.of(node.peer.id)?.rtt_us;
    let all: Vec<Measured<'_>> =
        alive.iter().filter_map(|node| Some(Measured { node, rtt_us: measured(node)? })).collect();
    for level in 0..me.peer.zone.levels().len() {
        let found = at_level(me, level, &all);
        if !found.is_empty() {
            return found;
        }
    }
    let is_unlocated = |node: &&NodeInfo| node.peer.location.is_none() && node.peer.zone.levels().is_empty();
    let has_no_locations = lacks_locations && alive.iter().all(is_unlocated);
    if has_no_locations { spread(&all).into_iter().collect() } else { Vec::new() }
}

/// Compares areas of one level that belong to the same larger one.
fn at_level(me: &NodeInfo, level: usize, all: &[Measured<'_>]) -> Vec<Warning> {
    let own = &me.peer.zone.levels()[..=level];
    let mut areas: BTreeMap<&[u32], Vec<Measured<'_>>> = BTreeMap::new();
    for &measured in all {
        let levels = measured.node.peer.zone.levels();
        if levels.len() > level && levels[..level] == own[..level] {
            areas.entry(&levels[..=level]).or_default().push(measured);
        }
    }
    if let Some(found) = own_area(me, level, &areas) {
        return vec![found];
    }
    let exceptions = areas.iter().filter(|(_, members)| members.len() >= EXCEPTION_OF).flat_map(|(area, members)| {
        let others = median(members);
        members.iter().filter_map(move |&Measured { node, rtt_us }| {
            let is_odd = if *area == own { is_longer(rtt_us, others) } else { is_longer(others, rtt_us) };
            let zone = label(node, level + 1);
            let (rtt, others) = (span(rtt_us), span(others));
            let name = node.name.to_string();
            is_odd.then_some(Warning::OtherRoundTrip { id: node.peer.id, name, zone, rtt, others })
        })
    });
    exceptions.collect()
}

/// Compares the agent's own area with the nearest other one.
fn own_area(me: &NodeInfo, level: usize, areas: &BTreeMap<&[u32], Vec<Measured<'_>>>) -> Option<Warning> {
    let own = &me.peer.zone.levels()[..=level];
    let rtt_us = areas.get(own).filter(|members| members.len() >= ENOUGH).map(|members| median(members))?;
    let others = areas.iter().filter(|(area, members)| **area != own && members.len() >= ENOUGH);
    let (nearer_us, nearer) =
        others.map(|(_, members)| (median(members), members[0].node)).min_by_key(|other| other.0)?;
    is_longer(rtt_us, nearer_us).then(|| Warning::OwnRoundTrips {
        zone: label(me, level + 1),
        rtt: span(rtt_us),
        nearer: label(nearer, level + 1),
        nearer_rtt: span(nearer_us),
    })
}

/// Finds round trips that differ by far more than chance.
fn spread(all: &[Measured<'_>]) -> Option<Warning> {
    let mut sorted: Vec<u32> = all.iter().map(|measured| measured.rtt_us).collect();
    sorted.sort_unstable();
    let (nearest, farthest) = (*sorted.get(all.len() / 10)?, *sorted.get((all.len() - 1) * 9 / 10)?);
    (all.len() >= SPREAD_OF && is_longer(farthest, nearest.saturating_mul(2)))
        .then(|| Warning::NoLocations { nearest: span(nearest), farthest: span(farthest) })
}

/// Whether a round trip is more than twice as long as another one, and 5 ms.
fn is_longer(us: u32, other_us: u32) -> bool {
    const LEAST_US: u64 = 5_000;
    u64::from(us) > 2 * u64::from(other_us) + LEAST_US
}

fn median(members: &[Measured<'_>]) -> u32 {
    let mut all: Vec<u32> = members.iter().map(|measured| measured.rtt_us).collect();
    let middle = all.len() / 2;
    *all.select_nth_unstable(middle).1
}

/// A round trip in tenths of a millisecond.
fn span(us: u32) -> Span {
    Span::from_micros(u64::from(us.next_multiple_of(100)))
}

#[cfg(test)]
mod tests {
    use swimlab_selectors::{Peer, ZonePath};

    use super::*;
    use crate::agent::zone_names::ZoneNames;
    use crate::protocol::Address;

    /// The warnings of member 0, which is in `zone`, about others with these zones and round trips in milliseconds.
    fn found(zone: &str, others: &[(&str, u64)]) -> Vec<String> {
        let node = |(id, zone): (u64, &str)| {
            let peer = Peer { zone: ZonePath::parse(zone), ..Peer::new(id) };
            let meta = ZoneNames::parse(zone).beside(b"");
            let name = format!("m{id}").into();
            NodeInfo { name, meta: meta.into(), ..NodeInfo::new(peer, Address { ip: [0; 16], port: 1 }) }
        };
        let nodes: Vec<NodeInfo> =
            (0..).zip([zone].into_iter().chain(others.iter().map(|other| other.0))).map(node).collect();
        let mut measurements = Measurements::default();
        for (id, &(_, ms)) in (1..).zip(others) {
            measurements.note_rtt(id, Span::from_millis(ms));
        }
        let found = check(&nodes[0], true, &nodes.iter().collect::<Vec<_>>(), &measurements);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn round_trips_that_agree_with_zones_are_no_finding() {
        assert_eq!(found("eu", &[("eu", 1), ("eu", 2), ("us", 80), ("us", 82)]), [""; 0]);
        assert_eq!(found("eu/a", &[("eu/a", 1), ("eu/a", 1), ("eu/b", 1), ("eu/b", 1), ("us/a", 80)]), [""; 0]);
        assert_eq!(found("eu", &[("eu", 40), ("eu", 50), ("us", 30), ("us", 30)]), [""; 0]);
        assert_eq!(found("eu", &[("eu", 80), ("us", 1)]), [""; 0]);
    }

    #[test]
    fn a_member_whose_own_zone_is_far_from_it_says_so() {
        let warning =
            "this member's zone eu is probably wrong: round trips to its members take 80ms, to those of us 1ms";
        assert_eq!(found("eu", &[("eu", 80), ("eu", 80), ("us", 1), ("us", 1), ("ap", 200), ("ap", 210)]), [warning]);
    }

    #[test]
    fn another_member_that_is_far_from_its_zone_is_named() {
        let far = "zone eu of m4 is probably wrong: round trips to it take 80ms, to the others there 1ms";
        assert_eq!(found("eu", &[("eu", 1), ("eu", 1), ("eu", 1), ("eu", 80), ("us", 80), ("us", 80)]), [far]);
        let near = "zone us of m5 is probably wrong: round trips to it take 1ms, to the others there 80ms";
        assert_eq!(found("eu", &[("eu", 1), ("us", 80), ("us", 80), ("us", 80), ("us", 1)]), [near]);
    }

    #[test]
    fn long_and_short_round_trips_without_locations_are_a_finding() {
        let group = |far| (0..10).map(|n| ("", if n < 4 { 1 } else { far })).collect::<Vec<_>>();
        let warning = "no member has a zone or a place, and round trips take from 1ms to 90ms: with --zone or --place on \
                       each member, most pings would stay near";
        assert_eq!(found("", &group(90)), [warning]);
        assert_eq!(found("", &group(5)), [""; 0]);
        assert_eq!(found("", &group(90)[..7]), [""; 0]);
        let mut placed = group(90);
        placed[0].0 = "eu";
        assert_eq!(found("", &placed), [""; 0]);
    }
}
