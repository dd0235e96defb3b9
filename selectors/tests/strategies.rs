//! Behavior of the strategies beyond the laws: frequency, distance and order of pings.

use std::sync::Arc;

use swimlab_selectors::laws::{Group, Member, Status};
use swimlab_selectors::rng::{Purpose, mix, stream};
use swimlab_selectors::{
    Bound, BuildContext, Context, DynSelector, Location, Metric, Neighborhood, NeighborhoodConfig, Observation, Peer,
    Slot, View, ZonePath, build_metric, helpers_named, metrics,
};

fn built(label: &str) -> DynSelector {
    label.parse().unwrap()
}

fn metric(label: &str) -> Arc<dyn Metric> {
    build_metric(&metrics(), label, &BuildContext::default()).unwrap()
}

/// `n` peers in a square, `row` to a row.
fn square(n: u32, row: u32) -> Vec<Peer> {
    let place = |i: u32| Location::Plane { x: f64::from(i % row), y: f64::from(i / row) };
    (0..n).map(|i| Peer { location: Some(place(i)), ..Peer::new(mix(i.into())) }).collect()
}

fn member(strategy: &DynSelector, roster: Vec<Peer>, me: Slot) -> Member {
    Member::new(strategy, Group::new(roster, me), 1)
}

/// Pings per slot in `periods` periods of one ping.
fn counts(member: &mut Member, periods: u32) -> Vec<u32> {
    let mut counts = vec![0; member.group.slots() as usize];
    (0..periods).for_each(|_| member.ping(1).iter().for_each(|&slot| counts[slot as usize] += 1));
    counts
}

#[test]
fn bounds_are_the_published_ones() {
    // SWIM's 2n - 1 with n others, and go-swim's figures for 127 others.
    assert_eq!(built("shuffle").bound(128, 1), Bound::Periods(253));
    assert_eq!(built("shuffle").bound(128, 2), Bound::Periods(127));
    assert_eq!(built("shuffle").bound(3, 2), Bound::Periods(1));
    assert_eq!(built("bucket:buckets=2,metric=ring").bound(128, 1), Bound::Periods(2 * 169));
    assert_eq!(built("bucket:buckets=8,metric=ring").bound(128, 1), Bound::Periods(889));
    assert_eq!(built("uniform").bound(101, 2), Bound::PerPeriod(0.02));
    // A quarter of the pings goes through two traversals of 127 others.
    assert_eq!(built("neighborhood:metric=ring").bound(128, 1), Bound::Periods(4 * 253));
    // And no share at all without a neighborhood.
    assert_eq!(built("neighborhood:metric=ring,radius=0").bound(128, 1), Bound::Periods(253));
    assert_eq!(built("neighborhood:metric=ring,picks=1").bound(128, 3), Bound::Periods(113));
}

#[test]
fn the_bound_of_a_round_robin_is_tight() {
    let mut longest = 0;
    for me in 0..8 {
        let mut member = member(&built("shuffle"), square(8, 8), me);
        let mut last = [0; 8];
        for period in 0..4000u64 {
            for slot in member.ping(1) {
                longest = longest.max(period - std::mem::replace(&mut last[slot as usize], period));
            }
        }
    }
    assert_eq!(Bound::Periods(longest), built("shuffle").bound(8, 1));
}

#[test]
fn joiners_are_inserted_at_a_random_position_of_the_traversal() {
    // A peer joins ten members after half of a traversal. For half of the seeds its position is still ahead.
    let mut waits = [0; 10];
    for seed in 0..2000 {
        let mut roster = square(11, 4);
        roster.iter_mut().for_each(|peer| peer.id = mix(peer.id ^ seed));
        let mut member = Member::new(&built("shuffle"), Group::new(roster, 0), seed);
        (0..15).for_each(|_| drop(member.ping(1)));
        let slot = member.joins(Peer::new(seed));
        let wait = (0..).find(|_| member.ping(1).contains(&slot)).unwrap();
        waits[usize::min(wait, 9)] += 1;
    }
    let soon: u32 = waits[..=5].iter().sum();
    assert!((900..1200).contains(&soon), "{soon} of 2000 joiners were pinged within the traversal: {waits:?}");
    assert!(waits[..5].iter().all(|&count| count > 100), "{waits:?}");
}

#[test]
fn members_that_learn_of_all_peers_at_once_ping_them_in_separate_orders() {
    // A new member is alone and then receives 40 others at once. If many members start together, their pings must not
    // go to one of them in the same period.
    let mut waits = [[0; 2]; 4];
    for seed in 0..2000 {
        let mut member = Member::new(&built("shuffle"), Group::new(vec![Peer::new(0)], 0), seed);
        let slots: Vec<Slot> = (1..=40).map(|id| member.joins(Peer::new(id))).collect();
        let order: Vec<Slot> = (0..80).flat_map(|_| member.ping(1)).collect();
        let wait = |slot| order.iter().position(|&pinged| pinged == slot).unwrap();
        // Wait of the first and the last of the received peers for their first ping, in tens of periods.
        for (i, slot) in [slots[0], slots[39]].into_iter().enumerate() {
            waits[usize::min(wait(slot) / 10, 3)][i] += 1;
        }
    }
    // Five hundred each, give or take five standard deviations.
    assert!(waits.as_flattened().iter().all(|count| (400..600).contains(count)), "{waits:?}");
}

#[test]
fn near_buckets_are_pinged_more_often() {
    let roster = square(128, 16);
    let index = metric("ring").index(&roster);
    let mut member = member(&built("bucket:buckets=4,metric=ring"), roster.clone(), 5);
    // Sixty-eight rounds of four buckets of 8, 17, 34 and 68: a whole number of each.
    let counts = counts(&mut member, 10 * 4 * 68);
    let mut order = Vec::new();
    index.nearest(&roster[5], 127, &mut |slot| slot != 5, &mut order);
    let pings_of =
        |ranks: std::ops::Range<usize>| -> u32 { order[ranks].iter().map(|&slot| counts[slot as usize]).sum() };
    for ranks in [0..8, 8..25, 25..59, 59..127] {
        assert!(pings_of(ranks.clone()).abs_diff(680) <= 1, "{ranks:?}: {}", pings_of(ranks.clone()));
    }
}

#[test]
fn three_quarters_of_the_pings_go_to_neighbors_and_a_quarter_beyond() {
    let (roster, me) = (square(400, 20), 210);
    let index = metric("euclid").index(&roster);
    let mut near = Vec::new();
    index.nearest(&roster[me], 8, &mut |slot| slot as usize != me, &mut near);
    // The eight around it.
    assert!(near.iter().all(|&slot| index.distance(&roster[me], &roster[slot as usize]) <= 1414));
    let mut member = member(&built("neighborhood:metric=euclid,radius=8"), roster, me as Slot);
    let counts = counts(&mut member, 4000);
    let to_near: u32 = near.iter().map(|&slot| counts[slot as usize]).sum();
    // An escape goes to a neighbor only if it has not been pinged as one in the current traversal.
    assert!((3000..3060).contains(&to_near), "{to_near}");
    assert!(near.iter().all(|&slot| (350..410).contains(&counts[slot as usize])), "{counts:?}");
    assert!((0..400).filter(|slot| *slot != me).all(|slot| counts[slot] >= 2));
}

#[test]
fn neighbors_are_pinged_within_the_near_bound() {
    for (escape, direct, picks) in [(0.25, 1, 1), (0.6, 1, 1), (0.1, 3, 2), (0.5, 2, 2)] {
        let mut config = NeighborhoodConfig::default();
        (config.radius, config.picks, config.escape) = (5, picks, escape);
        let selector = Neighborhood::new(metric("ring"), config);
        let bound = selector.near_bound(100, direct).unwrap();
        let roster = square(100, 10);
        let mut near = Vec::new();
        metric("ring").index(&roster).nearest(&roster[0], 5, &mut |slot| slot != 0, &mut near);
        let mut member = member(&DynSelector::new("n", selector), roster, 0);
        let mut last = [0; 100];
        let mut longest = 0;
        for period in 1..20_000u64 {
            for slot in member.ping(direct as usize) {
                let gap = period - std::mem::replace(&mut last[slot as usize], period);
                longest = if near.contains(&slot) { longest.max(gap) } else { longest };
            }
        }
        assert!(longest <= bound && 2 * longest > bound, "escape {escape}: {longest} of {bound} periods");
    }
    let mut no_neighbors = NeighborhoodConfig::default();
    no_neighbors.radius = 0;
    assert_eq!(Neighborhood::new(metric("ring"), no_neighbors).near_bound(100, 1), None);
}

#[test]
fn neighborhoods_follow_deaths_joins_and_returns() {
    let roster = square(100, 10);
    let mut member = member(&built("neighborhood:metric=euclid,radius=4,escape=0.001"), roster, 55);
    // A peer that is pinged more than ten times in eighty periods is a neighbor.
    let neighbors = |member: &mut Member| -> Vec<Slot> {
        let counts = counts(member, 80);
        (0..).zip(counts).filter(|(_, count)| *count > 10).map(|(slot, _)| slot).collect()
    };
    assert_eq!(neighbors(&mut member), [45, 54, 56, 65]);
    // After a death the next nearest, one of the four at the corners, becomes a neighbor.
    member.dies(45);
    let replaced = neighbors(&mut member);
    assert!(
        replaced.len() == 4 && replaced.iter().filter(|slot| [44, 46, 64, 66].contains(slot)).count() == 1,
        "{replaced:?}"
    );
    // A joiner close by replaces the farthest neighbor; one far away does not.
    let at = |x, y, id| Peer { location: Some(Location::Plane { x, y }), ..Peer::new(id) };
    let far = member.joins(at(0.0, 0.0, 1));
    let close_by = member.joins(at(5.0, 5.25, 2));
    assert_eq!((far, close_by), (100, 101));
    assert_eq!(neighbors(&mut member), [54, 56, 65, 101]);
    // The dead one returns, a new neighbor dies, and a near joiner takes the slot of a forgotten one.
    member.group.set_status(45, Status::Alive);
    member.observe(Observation::Joined(45));
    member.dies(101);
    assert_eq!(neighbors(&mut member), [45, 54, 56, 65]);
    member.dies(0);
    member.group.set_status(0, Status::Vacant);
    let reused = member.joins(at(5.1, 5.0, 3));
    assert_eq!(reused, 0);
    assert!(neighbors(&mut member).contains(&0));
    // Joiners are also found when neighbors are missing, and after reindexing.
    member.dies(54);
    member.dies(56);
    member.group.set_status(101, Status::Alive);
    member.observe(Observation::Joined(101));
    assert_eq!(neighbors(&mut member), [0, 45, 65, 101]);
    member.reindex();
    assert_eq!(neighbors(&mut member), [0, 45, 65, 101]);
}

#[test]
fn a_member_that_starts_alone_pings_all_joiners() {
    for label in ["neighborhood:metric=euclid,radius=4,escape=0.1", "bucket:metric=euclid", "shuffle"] {
        let mut member = member(&built(label), square(1, 10), 0);
        assert_eq!(member.ping(2), []);
        for peer in square(60, 10).drain(1..) {
            member.joins(peer);
            assert_eq!(member.ping(1).len(), 1, "{label}");
        }
        let Bound::Periods(bound) = built(label).bound(60, 1) else { panic!("{label} promises periods") };
        let counts = counts(&mut member, 2 * bound as u32);
        assert!(counts[1..].iter().all(|&count| count >= 1), "{label}: {counts:?}");
    }
}

#[test]
fn spatial_pings_follow_the_power_law_with_and_without_a_bag() {
    // On a line of ten, the member at the end; weights 1, 1/4, 1/9, ... of a sum of 1.5398.
    let line: Vec<Peer> = square(10, 10);
    for bag in [false, true] {
        let label = format!("spatial:bag={bag},exponent=2,metric=euclid");
        let mut member = member(&built(&label), line.clone(), 0);
        let counts = counts(&mut member, 40_000);
        // A bag holds whole draws: multiples of the least weight, rounded up.
        let weight = |d: u32| if bag { (81.0 / f64::from(d * d)).ceil() } else { 1.0 / f64::from(d * d) };
        let sum: f64 = (1..10).map(weight).sum();
        for d in 1..10 {
            let expected = 40_000.0 * weight(d) / sum;
            let off = (f64::from(counts[d as usize]) - expected).abs();
            // Four standard deviations; with a bag the error of the last bag, which is not emptied.
            let most = if bag { weight(d) } else { 4.0 * expected.sqrt() };
            assert!(off <= most, "{label}: {counts:?}");
        }
    }
}

#[test]
fn each_bag_pings_peers_in_proportion_to_their_weights() {
    // Weights 1, 1/2, 1/3, 1/4: a bag of 4 + 2 + 2 + 1 draws.
    let mut member = member(&built("spatial:bag=true,exponent=1,metric=euclid"), square(5, 5), 0);
    for _ in 0..50 {
        assert_eq!(counts(&mut member, 9), [0, 4, 2, 2, 1]);
    }
}

#[test]
fn joiners_enter_the_bag_at_once_and_the_dead_are_not_drawn() {
    let mut member = member(&built("spatial:bag=true,exponent=3,metric=euclid"), square(100, 10), 55);
    member.ping(1);
    let at = |x, y, id| Peer { location: Some(Location::Plane { x, y }), ..Peer::new(id) };
    let close_by = member.joins(at(5.0, 5.25, 2));
    assert!(counts(&mut member, 200)[close_by as usize] > 0);
    member.dies(close_by);
    member.dies(54);
    let counts = counts(&mut member, 2000);
    assert_eq!((counts[54], counts[close_by as usize]), (0, 0));
}

fn helpers_of(kind: &str, group: &Group, targets: &[Slot], want: usize, seed: u64) -> Vec<Slot> {
    let helpers = helpers_named(kind).unwrap();
    let mut rng = stream(seed, Purpose::Selector, 0);
    let mut picks = Vec::new();
    helpers.helpers(
        &mut Context { view: group, period: 0, shared_period: 0, has_updates: false, rng: &mut rng },
        targets,
        want,
        &mut picks,
    );
    picks
}

#[test]
fn diverse_helpers_are_in_other_regions_than_prober_and_target() {
    // Five regions of three zones; most members are in the prober's region.
    let zone = |i: u32| match i {
        0..300 => "a/a1".to_owned(),
        300..350 => format!("b/b{}", i % 3),
        350..355 => format!("c/c{}", i % 3),
        355..358 => format!("d/d{}", i % 3),
        _ => "e/e1".to_owned(),
    };
    let roster = (0..360).map(|i| Peer { zone: ZonePath::parse(&zone(i)), ..Peer::new(mix(i.into())) }).collect();
    let group = Group::new(roster, 7);
    for seed in 0..200 {
        let one = helpers_of("diverse", &group, &[310], 1, seed);
        assert!(one[0] >= 350, "{one:?} is in the region of the prober or the target");
        let three = helpers_of("diverse", &group, &[310], 3, seed);
        let mut zones: Vec<_> = three.iter().map(|&slot| group.peer(slot).zone).collect();
        zones.sort();
        zones.dedup();
        assert_eq!(zones.len(), 3, "{three:?}");
    }
}

#[test]
fn diverse_helpers_are_at_other_sites_if_there_are_no_zones() {
    let roster = (0..40).map(|i| Peer { site: Some(i % 4), ..Peer::new(mix(i.into())) }).collect();
    let group = Group::new(roster, 0);
    for seed in 0..100 {
        let sites: Vec<_> = helpers_of("diverse", &group, &[1], 2, seed).iter().map(|slot| slot % 4).collect();
        assert!(sites == [2, 3] || sites == [3, 2], "{sites:?}");
    }
}

/// Ten members in each of nine regions with the places of data centers, and a prober among the first ten.
fn nine_regions() -> Group {
    let places = [
        (38.9, -77.4),
        (37.4, -121.9),
        (-23.5, -46.6),
        (53.3, -6.3),
        (50.1, 8.7),
        (19.1, 72.9),
        (1.3, 103.9),
        (35.7, 139.7),
        (-33.9, 151.2),
    ];
    let peer = |i: u32| {
        let (lat, lon) = places[i as usize / 10];
        let zone = ZonePath::parse(&format!("region-{}/zone-{}", i / 10, i % 3));
        Peer { zone, location: Some(Location::Globe { lat, lon }), ..Peer::new(mix(i.into())) }
    };
    Group::new((0..90).map(peer).collect(), 3)
}

#[test]
fn regional_helpers_of_a_near_target_are_near_and_in_other_zones_where_there_are_some() {
    let group = nine_regions();
    for seed in 0..200 {
        let helpers = helpers_of("regional", &group, &[4], 3, seed);
        assert!(helpers.iter().all(|&slot| slot < 10), "{helpers:?}");
        // Prober and target are in the zones 0 and 1.
        assert_eq!(helpers[0] % 3, 2, "{helpers:?}");
    }
}

#[test]
fn regional_helpers_of_a_far_target_are_on_the_way() {
    let group = nine_regions();
    // From Virginia to Tokyo: a helper in Europe, India or Australia would double the way.
    for seed in 0..200 {
        let helpers = helpers_of("regional", &group, &[75], 3, seed);
        assert!(helpers.iter().all(|slot| [0, 1, 7].contains(&(slot / 10))), "{helpers:?}");
    }
}

#[test]
fn without_zones_and_locations_regional_helpers_are_the_uniform_ones() {
    let group = Group::new((0..50).map(|i| Peer::new(mix(i))).collect(), 3);
    for seed in 0..50 {
        assert_eq!(helpers_of("regional", &group, &[4], 3, seed), helpers_of("uniform", &group, &[4], 3, seed));
    }
}

#[test]
fn in_a_region_of_two_regional_helpers_come_from_other_regions() {
    let zone = |i: u32| ZonePath::parse(&format!("region-{}", i / 2));
    let roster = (0..20).map(|i| Peer { zone: zone(i), ..Peer::new(mix(i.into())) }).collect();
    let group = Group::new(roster, 0);
    let helpers = helpers_of("regional", &group, &[1], 3, 7);
    assert_eq!(helpers.len(), 3);
    assert!(helpers.iter().all(|&slot| slot > 1));
}
