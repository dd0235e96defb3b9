//! Fallback of the strategy `auto` to shuffled order where clocks do not agree, and its return to the schedule.

use swimlab_selectors::laws::{Group, Member};
use swimlab_selectors::rng::{Purpose, Rng, below, mix, stream};
use swimlab_selectors::{Observation, Peer, Slot, ZonePath};

/// A group whose members see the same, each with a clock of its own.
struct World {
    members: Vec<Member>,
    /// Periods by which each clock is ahead.
    ahead: Vec<u64>,
    /// Probability that a member also gets a ping that is no part of the schedule.
    odd: f64,
    period: u64,
    rng: Rng,
}

impl World {
    /// `each` members in each of `regions` regions; with one region, they have no zones.
    fn new(regions: u32, each: u32) -> Self {
        let zone = |i: u32| if regions > 1 { format!("region-{}", i % regions) } else { String::new() };
        let peer = |i: u32| Peer { zone: ZonePath::parse(&zone(i)), ..Peer::new(mix(i.into())) };
        let roster: Vec<Peer> = (0..regions * each).map(peer).collect();
        let auto = "auto".parse().unwrap();
        let member = |me| Member::new(&auto, Group::new(roster.clone(), me), 7);
        let members: Vec<Member> = (0..regions * each).map(member).collect();
        let ahead = vec![0; members.len()];
        Self { members, ahead, odd: 0.0, period: 1000, rng: stream(5, Purpose::Selector, 0) }
    }

    /// Sets each clock to a random error of up to this many periods.
    fn spread_clocks(&mut self, periods: u32) {
        let Self { ahead, rng, .. } = self;
        ahead.iter_mut().for_each(|ahead| *ahead = below(rng, periods + 1).into());
    }

    /// Runs one period, in a random order, and returns the pings.
    fn run_period(&mut self) -> Vec<(Slot, Slot)> {
        let n = self.members.len() as u32;
        let first = below(&mut self.rng, n);
        let mut pings = Vec::new();
        for member in (0..n).map(|i| (first + i) % n) {
            self.set_clock(member);
            let target = self.members[member as usize].ping(1)[0];
            pings.push((member, target));
            self.observe(target, member);
            if f64::from(below(&mut self.rng, 1000)) < 1000.0 * self.odd {
                let other = (member + 1 + below(&mut self.rng, n - 1)) % n;
                self.observe(member, other);
            }
        }
        self.period += 1;
        pings
    }

    fn set_clock(&mut self, member: Slot) {
        self.members[member as usize].set_period(self.period + self.ahead[member as usize]);
    }

    fn observe(&mut self, member: Slot, sender: Slot) {
        self.set_clock(member);
        self.members[member as usize].observe(Observation::Pinged(sender));
    }

    fn fallen_back(&self) -> Vec<Slot> {
        (0..self.members.len() as u32).filter(|&slot| self.members[slot as usize].has_fallen_back()).collect()
    }

    /// Runs periods until `is_true`, at most `most`; returns their number.
    fn run_until(&mut self, most: u64, is_true: impl Fn(&Self) -> bool) -> u64 {
        let begun = self.period;
        while !is_true(self) {
            assert!(self.period - begun < most, "after {most} periods: {} have fallen back", self.fallen_back().len());
            self.run_period();
        }
        self.period - begun
    }
}

#[test]
fn members_whose_clocks_agree_follow_the_schedule_though_a_sixth_of_the_pings_is_no_part_of_it() {
    for (regions, each) in [(1, 3), (1, 9), (1, 60), (6, 2), (9, 7), (5, 30), (25, 4), (40, 2)] {
        let mut world = World::new(regions, each);
        world.odd = 0.2;
        for _ in 0..600 {
            world.run_period();
            assert_eq!(world.fallen_back(), [0; 0], "{regions} regions of {each}, period {}", world.period);
        }
    }
}

#[test]
fn members_with_random_clocks_fall_back_within_some_periods_and_return_when_clocks_agree() {
    for (regions, each) in [(1, 12), (1, 60), (9, 12), (5, 40), (25, 4), (40, 2)] {
        let mut world = World::new(regions, each);
        world.spread_clocks(10_000);
        let n = world.members.len();
        let most = world.run_until(400, |world| world.fallen_back().len() * 10 > 9 * n);
        println!("{regions} regions of {each}: {most} periods until nine tenths have fallen back");
        world.ahead.fill(0);
        let most = world.run_until(600, |world| world.fallen_back().is_empty());
        println!("{regions} regions of {each}: {most} periods until all have returned");
        for _ in 0..300 {
            world.run_period();
            assert!(world.fallen_back().is_empty(), "{:?} in period {}", world.fallen_back(), world.period);
        }
    }
}

#[test]
fn a_member_that_has_fallen_back_pings_every_other_in_bounded_time() {
    let mut world = World::new(5, 8);
    world.spread_clocks(10_000);
    world.run_until(200, |world| world.fallen_back().len() == 40);
    let mut last = vec![world.period; 40];
    for _ in 0..400 {
        for (member, target) in world.run_period() {
            if member == 3 {
                // Two traversals of 39 others, in sixteen of seventeen periods.
                assert!(world.period - last[target as usize] <= 2 * 39 * 17 / 16 + 2);
                last[target as usize] = world.period;
            }
        }
        assert!(world.members[3].has_fallen_back());
    }
}

#[test]
fn a_single_clock_that_differs_makes_only_its_own_member_fall_back() {
    let mut world = World::new(6, 20);
    // In another epoch of the rings: within one, pings repeat every four periods.
    world.ahead[17] = 10_000;
    world.run_until(100, |world| world.fallen_back() == [17]);
    for _ in 0..300 {
        world.run_period();
        assert_eq!(world.fallen_back(), [17]);
    }
    world.ahead[17] = 0;
    world.run_until(400, |world| world.fallen_back().is_empty());
}
