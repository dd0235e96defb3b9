//! Behavior of the strategy `schedule`: each member is pinged once per period, small differences between views have
//! small effects, and no member depends on a single other.

use std::collections::BTreeSet;

use swimlab_selectors::laws::{Group, Member, Status};
use swimlab_selectors::rng::mix;
use swimlab_selectors::{Coordinate, DynSelector, Location, Observation, Peer, Slot, View, ZonePath};

fn built(label: &str) -> DynSelector {
    label.parse().unwrap()
}

/// `each` peers in each of `zones` zones, in turns.
fn in_zones(zones: u32, each: u32) -> Vec<Peer> {
    let zone = |i: u32| ZonePath::parse(&format!("region{}/zone{}", i % zones / 3, i % zones));
    (0..zones * each).map(|i| Peer { zone: zone(i), ..Peer::new(mix(i.into())) }).collect()
}

/// Target of a member in a period.
fn ping(member: &mut Member, period: u64, has_updates: bool) -> Slot {
    member.set_period(period);
    member.has_updates = has_updates;
    member.ping(1)[0]
}

/// Gives a member the new location of a peer in a period.
fn observe_move(member: &mut Member, slot: Slot, location: Location, period: u64) {
    member.set_period(period);
    member.group.set_location(slot, location);
    member.observe(Observation::Moved(slot));
}

fn all_members(label: &str, roster: &[Peer]) -> Vec<Member> {
    (0..roster.len() as u32).map(|me| Member::new(&built(label), Group::new(roster.to_vec(), me), 7)).collect()
}

#[test]
fn members_with_equal_views_are_pinged_exactly_once_per_period() {
    for (zones, each, dead) in [(1, 40, 0), (9, 12, 0), (9, 12, 30), (12, 9, 100), (2, 3, 0), (30, 2, 25)] {
        for label in ["auto", "schedule:least=2,escape=0.25", "schedule:least=1,escape=0.5,hold=3"] {
            let roster = in_zones(zones, each);
            let mut all = all_members(label, &roster);
            // Some are dead, and all members know it.
            let dead_slots: BTreeSet<Slot> = (0..dead).map(|i| (mix(i) % roster.len() as u64) as Slot).collect();
            all.iter_mut().for_each(|member| dead_slots.iter().for_each(|&slot| member.dies(slot)));
            let alive: Vec<Slot> = (0..roster.len() as u32).filter(|slot| !dead_slots.contains(slot)).collect();
            for period in 0..200 {
                let pinged: BTreeSet<Slot> =
                    alive.iter().map(|&slot| ping(&mut all[slot as usize], period, false)).collect();
                assert_eq!(pinged, alive.iter().copied().collect(), "{label}, {zones} zones, period {period}");
            }
        }
    }
}

#[test]
fn a_sixth_of_the_pings_leaves_the_zone() {
    let roster = in_zones(30, 10);
    let mut all = all_members("auto", &roster);
    let mut beyond = 0;
    for period in 0..600 {
        for (me, member) in all.iter_mut().enumerate() {
            let target = ping(member, period, false);
            beyond += u32::from(roster[me].zone != roster[target as usize].zone);
        }
    }
    // A sixth of 180,000 pings, of which one in thirty meets its own zone by chance.
    assert!((28_000..30_000).contains(&beyond), "{beyond}");
}

/// Share of the pings to other regions in calm periods, of `auto`, with this number of members in each of nine regions.
fn far_share(each: u32) -> f64 {
    let zone = |i: u32| ZonePath::parse(&format!("region-{}", i % 9));
    let roster: Vec<Peer> = (0..9 * each).map(|i| Peer { zone: zone(i), ..Peer::new(mix(i.into())) }).collect();
    let mut all = all_members("auto", &roster);
    let periods = 300;
    let mut far = 0;
    for period in 0..periods {
        let mut pinged = BTreeSet::new();
        for (me, member) in all.iter_mut().enumerate() {
            let target = ping(member, period, false);
            far += u64::from(roster[me].zone != roster[target as usize].zone);
            pinged.insert(target);
        }
        assert_eq!(pinged.len(), roster.len(), "{each} per region, period {period}");
    }
    far as f64 / (periods * roster.len() as u64) as f64
}

#[test]
fn a_sixth_of_the_pings_leaves_the_region_in_regions_of_any_size_from_two_members_on() {
    // With one member per region there is nothing near.
    assert_eq!(far_share(1), 1.0);
    for each in 2..=20 {
        let share = far_share(each);
        // Of the pings that escape, one in nine meets its own region by chance; small rings escape less evenly.
        assert!((0.12..0.18).contains(&share), "{share:.3} with {each} per region");
    }
}

#[test]
fn a_region_that_appears_is_a_neighborhood_of_its_own_from_the_next_epoch_on() {
    let roster = in_zones(12, 25);
    let newcomers: Vec<Peer> =
        (0..3).map(|i| Peer { zone: ZonePath::parse("new"), ..Peer::new(mix(1000 + i)) }).collect();
    let mut all = all_members("auto", &roster);
    for me in 0..3 {
        let group = Group::new([roster.clone(), newcomers.clone()].concat(), 300 + me);
        all.push(Member::new(&built("auto"), group, 7));
    }
    for member in &mut all[..300] {
        ping(member, 10, false);
        newcomers.iter().for_each(|peer| {
            member.joins(peer.clone());
        });
    }
    let mut far = 0;
    for period in 64..128 {
        let targets: Vec<Slot> = all.iter_mut().map(|member| ping(member, period, false)).collect();
        assert_eq!(targets.iter().collect::<BTreeSet<_>>().len(), 303, "period {period}");
        far += targets[300..].iter().filter(|&&target| target < 300).count();
    }
    assert!(far <= 64, "{far} of 192 pings of the new region leave it");
}

#[test]
fn members_ping_most_others_in_the_long_run() {
    let roster = in_zones(10, 10);
    let mut all = all_members("auto", &roster);
    for member in &mut all[..10] {
        let pinged: BTreeSet<Slot> = (0..6000).map(|period| ping(member, period, false)).collect();
        // A thousand escapes to one of 90 others each; the rings are drawn again after 64 periods.
        assert!(pinged.len() > 90, "{} of 99", pinged.len());
    }
}

/// Mean number of members per period whose target differs if they know `d` more members.
fn changed_pings(label: &str, d: u32, reindex: bool) -> f64 {
    let roster = in_zones(12, 25);
    let joiners = in_zones(12, 30).split_off(300);
    let (mut all, mut knowing_more) = (all_members(label, &roster), all_members(label, &roster));
    for member in &mut knowing_more {
        for peer in &joiners[..d as usize] {
            member.joins(peer.clone());
        }
        if reindex {
            member.reindex();
        }
    }
    let periods = 120;
    let differ = |period| {
        let pairs = all.iter_mut().zip(&mut knowing_more);
        pairs.filter_map(|(a, b)| (ping(a, period, false) != ping(b, period, false)).then_some(())).count()
    };
    (0..periods).map(differ).sum::<usize>() as f64 / periods as f64
}

#[test]
fn members_that_only_some_know_change_few_pings() {
    for reindex in [false, true] {
        for d in [1, 5, 20] {
            let changed = changed_pings("auto", d, reindex);
            println!("{d} more, reindexed {reindex}: {changed:.1} of 300 pings change");
            // For each, 2.5 members before it in its ring in the mean, and those that escape in their place.
            assert!(changed <= 4.0 * f64::from(d), "{d} more change {changed} pings");
        }
    }
}

#[test]
fn members_are_pinged_soon_although_their_pingers_are_dead() {
    let roster = in_zones(10, 12);
    let mut all = all_members("auto", &roster);
    // The pingers of one period are dead, and no other member knows it.
    for victim in 0..120u32 {
        let pingers: Vec<Slot> =
            (0..120).filter(|&slot| slot != victim && ping(&mut all[slot as usize], 3, false) == victim).collect();
        let alive = |slot: &u32| !pingers.contains(slot);
        let next = (4..).find(|&period| {
            let mut others = (0..120).filter(|slot| *slot != victim).filter(alive);
            others.any(|slot| ping(&mut all[slot as usize], period, false) == victim)
        });
        assert!(next.unwrap() <= 6, "{victim} waits until period {next:?}");
    }
}

#[test]
fn members_of_a_dead_zone_are_pinged_by_other_zones() {
    let roster = in_zones(10, 12);
    let mut all = all_members("auto", &roster);
    let zone = |slot: Slot| roster[slot as usize].zone;
    let mut waiting: BTreeSet<Slot> = (0..120).filter(|&slot| zone(slot) == zone(0)).collect();
    let survivors: Vec<Slot> = (0..120).filter(|&slot| zone(slot) != zone(0)).collect();
    for period in 0..12 {
        // After two periods updates are waiting.
        for &slot in &survivors {
            waiting.remove(&ping(&mut all[slot as usize], period, period > 2));
        }
    }
    assert!(waiting.is_empty(), "not pinged after two turns of escapes: {waiting:?}");
}

#[test]
fn pings_with_updates_go_across_the_group_and_only_random_periods_repeat_targets() {
    let roster = in_zones(10, 30);
    // Of eight periods, those with random targets, and those with pings across the group.
    for (shares, random, spreads) in [
        ("random=0", [false; 8], [true; 8]),
        ("random=0.75", [false, true, true, true, false, true, true, true], [true; 8]),
        ("random=1", [true; 8], [true; 8]),
        (
            "random=0.5,news=0.5",
            [false, false, false, true, false, false, false, true],
            [false, true, false, true, false, true, false, true],
        ),
    ] {
        let mut all = all_members(&format!("schedule:escape=0.001,{shares}"), &roster);
        for period in 0..48 {
            let pings: Vec<Slot> = all.iter_mut().map(|member| ping(member, period, true)).collect();
            let beyond = pings.iter().enumerate().filter(|&(me, &slot)| roster[me].zone != roster[slot as usize].zone);
            let (beyond, distinct) = (beyond.count(), pings.iter().collect::<BTreeSet<_>>().len());
            let at = (period % 8) as usize;
            // Nine tenths of the others are in other zones; in other periods a few members escape.
            let expected = if spreads[at] { 241..301 } else { 0..5 };
            assert!(expected.contains(&beyond), "{shares}, period {period}: {beyond} of 300 leave their zone");
            if random[at] {
                // 300 (1 - 1/e) members are pinged, with a standard deviation of 5.
                assert!((165..215).contains(&distinct), "{shares}, period {period}: {distinct} of 300 are pinged");
            } else {
                // All members but the few that escape are part of one permutation.
                assert!(distinct >= 296, "{shares}, period {period}: {distinct} of 300 are pinged");
            }
        }
    }
}

#[test]
fn a_member_that_starts_alone_joins_the_schedule_of_the_others() {
    let roster = in_zones(6, 10);
    let mut whole = all_members("auto", &roster);
    let mut late = Member::new(&built("auto"), Group::new(roster[..1].to_vec(), 0), 7);
    for peer in &roster[1..] {
        late.joins(peer.clone());
    }
    for period in 0..300 {
        assert_eq!(ping(&mut late, period, false), ping(&mut whole[0], period, false), "period {period}");
    }
}

#[test]
fn a_joiner_in_a_reused_slot_has_its_own_position() {
    let roster = in_zones(6, 20);
    let mut all = all_members("auto", &roster);
    let joiner = Peer { zone: roster[0].zone, ..Peer::new(mix(1000)) };
    for member in &mut all {
        member.dies(60);
        if member.group.me() != 60 {
            member.group.set_status(60, Status::Vacant);
            let slot = member.group.join(joiner.clone());
            assert_eq!(slot, 60);
            member.observe(Observation::Joined(slot));
        }
    }
    let others: Vec<Slot> = (0..120).filter(|&slot| slot != 60).collect();
    for period in 0..200 {
        let mut pinged: Vec<Slot> = others.iter().map(|&slot| ping(&mut all[slot as usize], period, false)).collect();
        pinged.sort_unstable();
        pinged.dedup();
        // The joiner itself does not ping in this test, so that one of 120 is not pinged.
        assert_eq!(pinged.len(), 119, "period {period}");
    }
}

/// Peers with an id only.
fn id_only(count: u32) -> Vec<Peer> {
    (0..count).map(|i| Peer::new(mix(i.into()))).collect()
}

/// Location in one of ten towns, each 50 ms wide and some hundred milliseconds from the next.
fn in_town(seed: u64) -> Location {
    let town = mix(seed % 10);
    let axis = |i: u32| (town >> (16 * i)) as i16 / 40 + (mix(seed) >> (16 * i)) as i16 / 320;
    Location::Learned { at: [axis(0), axis(1), axis(2)] }
}

/// Members of which all advertised a location in period 100, received by all others in the periods that follow.
fn all_located(count: u32) -> Vec<Member> {
    let mut all = all_members("schedule:learn=true", &id_only(count));
    for (me, member) in all.iter_mut().enumerate() {
        (0..count)
            .for_each(|slot| observe_move(member, slot, in_town(slot.into()), 100 + (me as u64 + u64::from(slot)) % 7));
    }
    all
}

#[test]
fn members_that_know_all_learned_locations_are_pinged_exactly_once_per_period() {
    let mut all = all_located(300);
    let town = |slot: usize| slot % 10;
    let (mut pings, mut in_town) = (0, 0);
    for period in 107..400 {
        let pinged: Vec<Slot> = all.iter_mut().map(|member| ping(member, period, false)).collect();
        let distinct: BTreeSet<Slot> = pinged.iter().copied().collect();
        assert_eq!(distinct.len(), 300, "period {period}");
        // New locations count from the next sixteenth period on.
        if period >= 112 {
            pings += 300;
            in_town += pinged.iter().enumerate().filter(|&(me, &slot)| town(me) == town(slot as usize)).count();
        }
    }
    // A sixth of the pings escapes, and one in ten of these stays in town by chance.
    let share = in_town as f64 / f64::from(pings);
    assert!((0.80..=0.87).contains(&share), "{share} of the pings stay in town");
}

#[test]
fn learning_members_ping_many_others_and_each_is_still_pinged_exactly_once_per_period() {
    let mut all = all_members("schedule:learn=true", &id_only(100));
    let coordinate = Coordinate { vector: [0.0; 8], height: 10.0, adjustment: 0.0, error: 1.5 };
    for (me, member) in all.iter_mut().enumerate() {
        member.observe(Observation::Coordinate { slot: (me as Slot + 1) % 100, coordinate });
        (0..30).for_each(|i| member.dies(3 * i));
    }
    let alive: BTreeSet<Slot> = (0..100).filter(|slot| *slot >= 90 || slot % 3 != 0).collect();
    let mut pinged_by_first = BTreeSet::new();
    for period in 0..64 {
        let pings: Vec<Slot> = alive.iter().map(|&slot| ping(&mut all[slot as usize], period, false)).collect();
        assert_eq!(pings.iter().copied().collect::<BTreeSet<Slot>>(), alive, "period {period}");
        pinged_by_first.insert(pings[0]);
    }
    assert!(pinged_by_first.len() > 35, "one member pinged {} of 69 others", pinged_by_first.len());
}

#[test]
fn locations_that_only_some_know_leave_few_members_unpinged() {
    for d in [1_u32, 5, 20] {
        let mut all = all_located(300);
        for member in &mut all {
            ping(member, 120, false);
        }
        // Half of the members learn that d members have moved to another town.
        for (_, member) in all.iter_mut().enumerate().filter(|(me, _)| me % 2 == 0) {
            (0..d).for_each(|i| observe_move(member, i * 7, in_town(u64::from(i * 7 + 3)), 121));
        }
        let unpinged = |all: &mut Vec<Member>, period| {
            300 - all.iter_mut().map(|member| ping(member, period, false)).collect::<BTreeSet<Slot>>().len()
        };
        assert!((121..128).all(|period| unpinged(&mut all, period) == 0), "a partition stays for sixteen periods");
        let left_out = (128..328).map(|period| unpinged(&mut all, period)).sum::<usize>() as f64 / 200.0;
        println!("{d} of 300 moved, known to half of them: {left_out:.1} unpinged per period");
        assert!(left_out <= 2.0 * f64::from(d), "{d} moved, {left_out} unpinged");
        // The others learn it, too.
        for (_, member) in all.iter_mut().enumerate().filter(|(me, _)| me % 2 == 1) {
            (0..d).for_each(|i| observe_move(member, i * 7, in_town(u64::from(i * 7 + 3)), 330));
        }
        assert!((336..500).all(|period| unpinged(&mut all, period) == 0), "{d} moved, known to all");
    }
}

#[test]
fn members_that_reindex_after_moves_keep_the_common_schedule() {
    let mut all = all_located(120);
    for member in &mut all {
        ping(member, 120, false);
    }
    for member in all.iter_mut().step_by(3) {
        member.reindex();
    }
    for period in 121..300 {
        let pinged: BTreeSet<Slot> = all.iter_mut().map(|member| ping(member, period, false)).collect();
        assert_eq!(pinged.len(), 120, "period {period}");
    }
}
