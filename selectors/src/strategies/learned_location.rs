//! Where a member finds itself to be that nobody told: for its card, so that all agree on it.

use crate::coordinate::{Coordinate, DIMENSIONS, Vivaldi};
use crate::peer::{Location, Peer, Slot};
use crate::rng::Rng;
use crate::view::{Context, View};

/// A coordinate that is learnt in the open for a while, and then told in one's card.
///
/// At first pings and acks carry coordinates, and all members move towards each other ([`Vivaldi`]). At some ages a member
/// that is elsewhere than its card says writes a new one. Since all write at once, all that is news to everybody, so these
/// ages are far between. After the second, messages carry coordinates no more: from then on the cards of others are what a
/// member measures itself by. So what is learnt costs nothing in the long run, and it cannot drift, since nobody moves but
/// by a new card.
#[derive(Debug)]
pub(super) struct LearnedLocation {
    vivaldi: Vivaldi,
    /// Who told its coordinate last. An answer's comes just before the round trip that it ended.
    told: Option<(Slot, Coordinate)>,
    /// Whether anybody else learns: nobody does in an old group on one network.
    in_company: bool,
    /// In periods.
    age: u64,
}

/// After so many periods a member first says where it is. Sooner, it hardly knows; later, a group of hundreds has waited
/// longer for a first idea than that idea takes to spread.
const FIRST: u64 = 64;
/// It may correct itself when it is so many times as old, and so on.
const LATER: u64 = 6;
/// From this age on its messages carry no coordinate.
const GROWN: u64 = FIRST * LATER;
/// Who moved less, in microseconds of round trip, has not moved. On one network nobody ever has, nor says so.
const MOVED_US: f64 = 5_000.0;
/// Three axes hold a place on a card: with eight, the same coordinates fall apart into areas of one or two members.
const AXES: usize = 3;
/// The relative error of a card's place: that of members who have learnt for as long as it takes to be on one.
const CARD_ERROR: f32 = 0.2;

impl LearnedLocation {
    /// For a member whose card says nothing of zone or place.
    pub fn begin(view: &dyn View) -> Option<Box<Self>> {
        let node = view.peer(view.me());
        let vivaldi = Vivaldi::of_dimensions(AXES);
        (node.zone.levels().is_empty() && node.location.is_none())
            .then(|| Box::new(Self { vivaldi, told: None, in_company: false, age: 0 }))
    }

    /// So many periods have passed since it began.
    pub fn is_aged(&mut self, period: u64) {
        self.age = period;
    }

    /// Whether it is one of those who learn together and have not had the time to say where they are.
    pub fn is_new(&self) -> bool {
        self.in_company && self.age < FIRST
    }

    /// EventKind its messages carry.
    pub fn coordinate(&self) -> Option<Coordinate> {
        (self.age < GROWN).then(|| self.vivaldi.coordinate())
    }

    /// A peer told its coordinate.
    pub fn told(&mut self, slot: Slot, at: Coordinate) {
        self.told = Some((slot, at));
        self.in_company = true;
    }

    /// A ping took so long.
    pub fn measured(&mut self, view: &dyn View, slot: Slot, us: u32, rng: &mut Rng) {
        let told = self.told.take().filter(|told| told.0 == slot).map(|told| told.1);
        if let Some(at) = told.or_else(|| on_card(view.peer(slot))) {
            self.vivaldi.update(&at, us, rng);
        }
    }

    /// EventKind the card should say from now on, should it say anything else.
    pub fn place(&self, ctx: &Context<'_>) -> Option<Location> {
        if !is_time(ctx.period) {
            return None;
        }
        let here = self.vivaldi.coordinate().vector;
        let there = on_card(ctx.view.peer(ctx.view.me())).map_or([0.0; DIMENSIONS], |at| at.vector);
        let moved: f64 = here.iter().zip(there).map(|(a, b)| f64::from(a - b) * f64::from(a - b)).sum();
        // Numbers beyond the range of an axis become its ends.
        let axis = |i: usize| libm::roundf(here[i] / Location::STEP_US) as i16;
        (moved > MOVED_US * MOVED_US).then(|| Location::Learned { at: std::array::from_fn(axis) })
    }
}

/// Whether a member of this age may tell where it is: at 64, 384, 2,304, ... periods.
fn is_time(period: u64) -> bool {
    let mut time = FIRST;
    while time < period {
        time = time.saturating_mul(LATER);
    }
    time == period
}

fn on_card(peer: &Peer) -> Option<Coordinate> {
    let Some(Location::Learned { at }) = peer.location else { return None };
    let mut vector = [0.0; DIMENSIONS];
    vector.iter_mut().zip(at).for_each(|(number, steps)| *number = f32::from(steps) * Location::STEP_US);
    Some(Coordinate { vector, height: 0.0, adjustment: 0.0, error: CARD_ERROR })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, below, stream};

    /// EventKind a member knows of a group in which `tell` has put members onto a line.
    struct Line<'a>(&'a [Peer], Slot);

    impl View for Line<'_> {
        fn me(&self) -> Slot {
            self.1
        }
        fn slots(&self) -> u32 {
            self.0.len() as u32
        }
        fn indexed(&self) -> u32 {
            self.slots()
        }
        fn peer(&self, slot: Slot) -> &Peer {
            &self.0[slot as usize]
        }
        fn pingable(&self, slot: Slot) -> bool {
            slot != self.1
        }
        fn suspect(&self, _: Slot) -> bool {
            false
        }
        fn pingable_count(&self) -> u32 {
            self.slots() - 1
        }
    }

    /// So many members, this far from each other, for so many periods; how often somebody has told where it is.
    fn live(members: u32, apart_us: u32, periods: u64) -> (Vec<Peer>, u32) {
        let mut peers: Vec<Peer> = (0..members).map(|id| Peer::new(id.into())).collect();
        let mut all: Vec<_> =
            (0..members).map(|me| LearnedLocation::begin(&Line(&peers, me)).expect("it has no place")).collect();
        let (mut rng, mut told) = (stream(3, Purpose::Selector, 0), 0);
        for period in 0..periods {
            for me in 0..members {
                let to = (me + 1 + below(&mut rng, members - 1)) % members;
                let at = all[to as usize].coordinate();
                let learned_location = &mut all[me as usize];
                learned_location.is_aged(period);
                if let Some(at) = at {
                    learned_location.told(to, at);
                }
                learned_location.measured(&Line(&peers, me), to, 300 + me.abs_diff(to) * apart_us, &mut rng);
                let mut luck = stream(3, Purpose::Selector, 1);
                let view = Line(&peers, me);
                let ctx = Context { view: &view, period, shared_period: period, has_updates: false, rng: &mut luck };
                if let Some(place) = learned_location.place(&ctx) {
                    peers[me as usize].location = Some(place);
                    told += 1;
                }
            }
        }
        (peers, told)
    }

    #[test]
    fn members_on_a_line_tell_places_that_are_as_far_apart_as_they_are() {
        let (peers, told) = live(20, 10_000, 2000);
        assert!((20..=40).contains(&told), "{told} cards");
        let at = |slot: usize| on_card(&peers[slot]).expect("it has told").vector;
        for (a, b) in [(0, 19), (3, 12), (5, 6)] {
            let apart: f32 = at(a).iter().zip(at(b)).map(|(x, y)| (x - y) * (x - y)).sum::<f32>().sqrt();
            let truth = 10_000.0 * (b - a) as f32;
            assert!((apart - truth).abs() < 0.15 * truth + 3_000.0, "{a} and {b}: {apart} us for {truth}");
        }
    }

    #[test]
    fn on_one_network_nobody_has_anything_to_tell() {
        assert_eq!(live(20, 10, 2000).1, 0);
    }

    #[test]
    fn a_member_that_was_told_where_it_is_learns_nothing() {
        let zoned = Peer { zone: crate::ZonePath::parse("eu"), ..Peer::new(1) };
        let placed = Peer { location: Some(Location::Plane { x: 0.0, y: 0.0 }), ..Peer::new(2) };
        for peer in [zoned, placed] {
            assert!(LearnedLocation::begin(&Line(&[peer], 0)).is_none());
        }
    }

    #[test]
    fn it_is_time_at_64_periods_and_each_time_that_is_six_times_as_late() {
        let times: Vec<u64> = (0..10_000).filter(|&period| is_time(period)).collect();
        assert_eq!(times, [64, 384, 2304]);
    }
}
