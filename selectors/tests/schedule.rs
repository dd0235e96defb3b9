//! EventKind a schedule promises: everyone is pinged by one other, small differences of opinion stay small, nobody depends on
//! one other.

use std::collections::BTreeSet;

use swimlab_selectors::laws::{Group, Member, Standing};
use swimlab_selectors::registry::Spec;
use swimlab_selectors::rng::mix;
use swimlab_selectors::{
    BuildContext, DynSelector, Location, Observation, Peer, Slot, View, ZonePath, build_selector, selectors,
};

fn built(label: &str) -> DynSelector {
    build_selector(&selectors(), &Spec::parse(label).unwrap(), &BuildContext::default()).unwrap()
}

/// So many peers in each of so many zones, by turns.
fn in_zones(zones: u32, each: u32) -> Vec<Peer> {
    let zone = |i: u32| ZonePath::parse(&format!("region{}/zone{}", i % zones / 3, i % zones));
    (0..zones * each).map(|i| Peer { zone: zone(i), ..Peer::new(mix(i.into())) }).collect()
}

/// Whom it pings in this period.
fn ping(member: &mut Member, period: u64, news: bool) -> Slot {
    member.is_in(period);
    member.news = news;
    member.ping(1)[0]
}

/// It hears in this period where a peer is.
fn hears_of(member: &mut Member, slot: Slot, place: Location, period: u64) {
    member.is_in(period);
    member.group.moves(slot, place);
    member.observe(Observation::Moved(slot));
}

fn everybody(label: &str, roster: &[Peer]) -> Vec<Member> {
    (0..roster.len() as u32).map(|me| Member::new(&built(label), Group::new(roster.to_vec(), me), 7)).collect()
}

#[test]
fn while_all_see_the_same_each_is_pinged_exactly_once_per_period() {
    for (zones, each, dead) in [(1, 40, 0), (9, 12, 0), (9, 12, 30), (12, 9, 100), (2, 3, 0), (30, 2, 25)] {
        for label in ["auto", "schedule:least=2,escape=0.25", "schedule:least=1,escape=0.5,hold=3"] {
            let roster = in_zones(zones, each);
            let mut all = everybody(label, &roster);
            // Some are dead, and all know it.
            let gone: BTreeSet<Slot> = (0..dead).map(|i| (mix(i) % roster.len() as u64) as Slot).collect();
            all.iter_mut().for_each(|member| gone.iter().for_each(|&slot| member.dies(slot)));
            let alive: Vec<Slot> = (0..roster.len() as u32).filter(|slot| !gone.contains(slot)).collect();
            for period in 0..200 {
                let pinged: BTreeSet<Slot> =
                    alive.iter().map(|&slot| ping(&mut all[slot as usize], period, false)).collect();
                assert_eq!(pinged, alive.iter().copied().collect(), "{label}, {zones} zones, period {period}");
            }
        }
    }
}

#[test]
fn a_sixth_of_the_pings_escapes_and_the_others_stay_in_the_zone() {
    let roster = in_zones(30, 10);
    let mut all = everybody("auto", &roster);
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

#[test]
fn everybody_meets_most_others_in_time() {
    let roster = in_zones(10, 10);
    let mut all = everybody("auto", &roster);
    for member in &mut all[..10] {
        let met: BTreeSet<Slot> = (0..6000).map(|period| ping(member, period, false)).collect();
        // A thousand escapes to one of 90 others each, drawn anew after 64 periods.
        assert!(met.len() > 90, "{} of 99", met.len());
    }
}

/// How many do something else when they know some members more, and how many when they know some dead.
fn disturbed(label: &str, d: u32, reindex: bool) -> f64 {
    let roster = in_zones(12, 25);
    let joiners = in_zones(12, 30).split_off(300);
    let (mut all, mut knowing) = (everybody(label, &roster), everybody(label, &roster));
    for member in &mut knowing {
        for peer in &joiners[..d as usize] {
            member.joins(peer.clone());
        }
        if reindex {
            member.reindex();
        }
    }
    let periods = 120;
    let differ = |period| {
        let pairs = all.iter_mut().zip(&mut knowing);
        pairs.filter_map(|(a, b)| (ping(a, period, false) != ping(b, period, false)).then_some(())).count()
    };
    (0..periods).map(differ).sum::<usize>() as f64 / periods as f64
}

#[test]
fn members_whom_only_some_know_disturb_the_pings_of_a_few_others() {
    for reindex in [false, true] {
        for d in [1, 5, 20] {
            let disturbed = disturbed("auto", d, reindex);
            println!("{d} more, reindexed {reindex}: {disturbed:.1} of 300 pings");
            // Two and a half before each in its ring, in the mean; and those who escape in their stead.
            assert!(disturbed <= 4.0 * f64::from(d), "{d} more disturb {disturbed}");
        }
    }
}

#[test]
fn nobody_stays_unpinged_because_others_are_dead_and_not_known_to_be() {
    let roster = in_zones(10, 12);
    let mut all = everybody("auto", &roster);
    // Nobody knows; so many pings of the dead are not made.
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
fn a_whole_zone_that_is_dead_is_pinged_by_the_others() {
    let roster = in_zones(10, 12);
    let mut all = everybody("auto", &roster);
    let zone = |slot: Slot| roster[slot as usize].zone;
    let mut waiting: BTreeSet<Slot> = (0..120).filter(|&slot| zone(slot) == zone(0)).collect();
    let survivors: Vec<Slot> = (0..120).filter(|&slot| zone(slot) != zone(0)).collect();
    for period in 0..12 {
        // After two periods there is news.
        for &slot in &survivors {
            waiting.remove(&ping(&mut all[slot as usize], period, period > 2));
        }
    }
    assert!(waiting.is_empty(), "two turns of escapes have left {waiting:?}");
}

#[test]
fn news_goes_across_the_group_and_in_the_periods_that_are_not_random_no_two_members_meet() {
    let roster = in_zones(10, 30);
    // Of eight periods, which are random, and which are of news at all?
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
        let mut all = everybody(&format!("schedule:escape=0.001,{shares}"), &roster);
        for period in 0..48 {
            let pings: Vec<Slot> = all.iter_mut().map(|member| ping(member, period, true)).collect();
            let beyond = pings.iter().enumerate().filter(|&(me, &slot)| roster[me].zone != roster[slot as usize].zone);
            let (beyond, distinct) = (beyond.count(), pings.iter().collect::<BTreeSet<_>>().len());
            let at = (period % 8) as usize;
            // Nine in ten of all others are in other zones; a few members escape there.
            let expected = if spreads[at] { 241..301 } else { 0..5 };
            assert!(expected.contains(&beyond), "{shares}, period {period}: {beyond} of 300 go across");
            if random[at] {
                // 300 (1 - 1/e) are pinged by chance, with a standard deviation of 5.
                assert!((165..215).contains(&distinct), "{shares}, period {period}: {distinct} of 300 are pinged");
            } else {
                // All but those few whose turn it is to escape are part of one permutation.
                assert!(distinct >= 296, "{shares}, period {period}: {distinct} of 300 are pinged");
            }
        }
    }
}

#[test]
fn a_member_that_begins_alone_takes_its_place_among_those_it_hears_of() {
    let roster = in_zones(6, 10);
    let mut whole = everybody("auto", &roster);
    let mut late = Member::new(&built("auto"), Group::new(roster[..1].to_vec(), 0), 7);
    for peer in &roster[1..] {
        late.joins(peer.clone());
    }
    for period in 0..300 {
        assert_eq!(ping(&mut late, period, false), ping(&mut whole[0], period, false), "period {period}");
    }
}

#[test]
fn who_takes_a_forgotten_members_slot_takes_a_place_of_its_own() {
    let roster = in_zones(6, 20);
    let mut all = everybody("auto", &roster);
    let joiner = Peer { zone: roster[0].zone, ..Peer::new(mix(1000)) };
    for member in &mut all {
        member.dies(60);
        if member.group.me() != 60 {
            member.group.mark(60, Standing::Vacant);
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
        // The joiner itself does not ping here: one of 120 goes without.
        assert_eq!(pinged.len(), 119, "period {period}");
    }
}

/// So many peers of whom nothing is known.
fn nowhere(count: u32) -> Vec<Peer> {
    (0..count).map(|i| Peer::new(mix(i.into()))).collect()
}

/// A place in one of ten towns, 50 ms wide; towns are some hundred milliseconds apart.
fn in_town(luck: u64) -> Location {
    let town = mix(luck % 10);
    let axis = |i: u32| (town >> (16 * i)) as i16 / 40 + (mix(luck) >> (16 * i)) as i16 / 320;
    Location::Learned { at: [axis(0), axis(1), axis(2)] }
}

/// Everybody tells where it is in period 100, and all hear it in the periods that follow.
fn all_settled(count: u32) -> Vec<Member> {
    let mut all = everybody("schedule:learn=true", &nowhere(count));
    for (me, member) in all.iter_mut().enumerate() {
        (0..count)
            .for_each(|slot| hears_of(member, slot, in_town(slot.into()), 100 + (me as u64 + u64::from(slot)) % 7));
    }
    all
}

#[test]
fn where_all_have_heard_where_members_are_each_is_pinged_exactly_once_per_period() {
    let mut all = all_settled(300);
    let town = |slot: usize| slot % 10;
    let (mut pings, mut in_town) = (0, 0);
    for period in 107..400 {
        let pinged: Vec<Slot> = all.iter_mut().map(|member| ping(member, period, false)).collect();
        let distinct: BTreeSet<Slot> = pinged.iter().copied().collect();
        assert_eq!(distinct.len(), 300, "period {period}");
        // EventKind was heard counts from the next sixteenth period on.
        if period >= 112 {
            pings += 300;
            in_town += pinged.iter().enumerate().filter(|&(me, &slot)| town(me) == town(slot as usize)).count();
        }
    }
    // A sixth escapes, and of those who escape one in ten meets its own town.
    let share = in_town as f64 / f64::from(pings);
    assert!((0.80..=0.87).contains(&share), "{share} of the pings stay in town");
}

#[test]
fn while_all_learn_they_meet_many_others_and_each_is_still_pinged_exactly_once_per_period() {
    let mut all = everybody("schedule:learn=true", &nowhere(100));
    let at = swimlab_selectors::Coordinate { vector: [0.0; 8], height: 10.0, adjustment: 0.0, error: 1.5 };
    for (me, member) in all.iter_mut().enumerate() {
        member.observe(Observation::Coordinate((me as Slot + 1) % 100, at));
        (0..30).for_each(|i| member.dies(3 * i));
    }
    let alive: BTreeSet<Slot> = (0..100).filter(|slot| *slot >= 90 || slot % 3 != 0).collect();
    let mut met = BTreeSet::new();
    for period in 0..64 {
        let pings: Vec<Slot> = alive.iter().map(|&slot| ping(&mut all[slot as usize], period, false)).collect();
        assert_eq!(pings.iter().copied().collect::<BTreeSet<Slot>>(), alive, "period {period}");
        met.insert(pings[0]);
    }
    assert!(met.len() > 35, "one has met {} of 69 others", met.len());
}

#[test]
fn what_only_some_have_heard_of_others_places_disturbs_the_pings_of_a_few() {
    for d in [1_u32, 5, 20] {
        let mut all = all_settled(300);
        for member in &mut all {
            ping(member, 120, false);
        }
        // Half of the members hear that d have gone to another town.
        for (_, member) in all.iter_mut().enumerate().filter(|(me, _)| me % 2 == 0) {
            (0..d).for_each(|i| hears_of(member, i * 7, in_town(u64::from(i * 7 + 3)), 121));
        }
        let unpinged = |all: &mut Vec<Member>, period| {
            300 - all.iter_mut().map(|member| ping(member, period, false)).collect::<BTreeSet<Slot>>().len()
        };
        assert!((121..128).all(|period| unpinged(&mut all, period) == 0), "a division stands for sixteen periods");
        let left_out = (128..328).map(|period| unpinged(&mut all, period)).sum::<usize>() as f64 / 200.0;
        println!("{d} of 300 have moved, as half of them know: {left_out:.1} go unpinged per period");
        assert!(left_out <= 2.0 * f64::from(d), "{d} disturb {left_out}");
        // The others hear of it, too.
        for (_, member) in all.iter_mut().enumerate().filter(|(me, _)| me % 2 == 1) {
            (0..d).for_each(|i| hears_of(member, i * 7, in_town(u64::from(i * 7 + 3)), 330));
        }
        assert!((336..500).all(|period| unpinged(&mut all, period) == 0), "{d} moved, and all know");
    }
}

#[test]
fn who_surveys_anew_while_places_become_known_does_not_fall_out_of_step() {
    let mut all = all_settled(120);
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
