//! Location that a member without zone and location learns and advertises, so that all members agree on it.

use crate::coordinate::{Coordinate, Vivaldi};
use crate::location::Location;
use crate::peer::{Peer, Slot};
use crate::rng::Rng;
use crate::view::{Context, View};

/// Network coordinate that is first learned by exchange and then advertised as a [`Location::Learned`].
///
/// At first pings and acks carry coordinates, and all members adapt to each other ([`Vivaldi`]). At a few ages a member
/// whose coordinate differs from its advertised location advertises a new one. Members that start together do so at the
/// same time, and each advertisement is an update for the whole group, so these ages are far apart. After the second
/// one, messages carry no coordinates: a member then measures against the advertised locations of others. So learning
/// costs nothing in the long run, and locations cannot drift, since each one changes only by an advertisement.
#[derive(Debug)]
pub(super) struct LearnedLocation {
    vivaldi: Vivaldi,
    /// Id of the sender and value of the latest coordinate. That of an ack comes right before the round-trip time of its
    /// ping.
    latest: Option<(u64, Coordinate)>,
    /// Whether any other member has sent a coordinate: none does in an old group on one network.
    others_learn: bool,
    /// In periods.
    age: u64,
}

/// Age in periods of the first advertisement. Earlier, a coordinate is too inaccurate; later, a group of hundreds waits
/// longer for a first location than it takes to spread.
const FIRST: u64 = 64;
/// Factor between the ages of successive advertisements.
const LATER: u64 = 6;
/// Age in periods from which messages carry no coordinate.
const GROWN: u64 = FIRST * LATER;
/// Minimum distance to the advertised location, in microseconds of round trip, for a new advertisement. No member of a
/// single network ever reaches it.
const MOVED_US: f64 = 5_000.0;
/// Dimensions of an advertised location. With eight, the same coordinates fall apart into areas of one or two members.
const AXES: usize = 3;
/// Relative error assumed for an advertised location: that of members that have learned until their first
/// advertisement.
const ADVERTISED_ERROR: f32 = 0.2;

impl LearnedLocation {
    /// Initial state; `None` if the member has a zone or location.
    pub(super) fn begin(view: &dyn View) -> Option<Box<Self>> {
        let peer = view.peer(view.me());
        let vivaldi = Vivaldi::of_dimensions(AXES);
        (peer.zone.levels().is_empty() && peer.location.is_none())
            .then(|| Box::new(Self { vivaldi, latest: None, others_learn: false, age: 0 }))
    }

    /// Sets the number of periods since the member's start.
    pub(super) fn set_age(&mut self, periods: u64) {
        self.age = periods;
    }

    /// Whether the member learns together with others and has not reached its first advertisement.
    pub(super) fn is_new(&self) -> bool {
        self.others_learn && self.age < FIRST
    }

    /// Coordinate for the member's messages.
    pub(super) fn coordinate(&self) -> Option<Coordinate> {
        (self.age < GROWN).then(|| self.vivaldi.coordinate())
    }

    /// Takes the coordinate of a message's sender.
    pub(super) fn received(&mut self, id: u64, coordinate: Coordinate) {
        self.latest = Some((id, coordinate));
        self.others_learn = true;
    }

    /// Takes the round-trip time of a ping.
    pub(super) fn measured(&mut self, view: &dyn View, slot: Slot, rtt_us: u32, rng: &mut Rng) {
        let peer = view.peer(slot);
        let latest = self.latest.take().filter(|latest| latest.0 == peer.id).map(|latest| latest.1);
        if let Some(coordinate) = latest.or_else(|| advertised_by(peer)) {
            self.vivaldi.update(&coordinate, rtt_us, rng);
        }
    }

    /// Returns the location to advertise from now on, if it differs enough from the current one.
    pub(super) fn advertised(&self, ctx: &Context<'_>) -> Option<Location> {
        if !is_advertisement_age(ctx.period) {
            return None;
        }
        let learned = self.vivaldi.coordinate().vector;
        let current = advertised_by(ctx.view.peer(ctx.view.me()));
        let current = current.map_or([0.0; Coordinate::DIMENSIONS], |coordinate| coordinate.vector);
        let moved: f64 = learned.iter().zip(current).map(|(a, b)| f64::from(a - b) * f64::from(a - b)).sum();
        // The cast saturates: numbers beyond the range of an axis become its ends.
        let axis = |i: usize| libm::roundf(learned[i] / Location::STEP_US) as i16;
        (moved > MOVED_US * MOVED_US).then(|| Location::Learned { at: std::array::from_fn(axis) })
    }
}

/// Whether a member of this age may advertise a location: at 64, 384, 2,304, ... periods.
fn is_advertisement_age(period: u64) -> bool {
    let mut age = FIRST;
    while age < period {
        age = age.saturating_mul(LATER);
    }
    age == period
}

/// Returns the advertised location of a peer as a coordinate.
fn advertised_by(peer: &Peer) -> Option<Coordinate> {
    let Some(Location::Learned { at }) = peer.location else { return None };
    let mut vector = [0.0; Coordinate::DIMENSIONS];
    vector.iter_mut().zip(at).for_each(|(number, steps)| *number = f32::from(steps) * Location::STEP_US);
    Some(Coordinate { vector, height: 0.0, adjustment: 0.0, error: ADVERTISED_ERROR })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, below, stream};

    /// View of a group on a line.
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

    /// Runs members on a line, `step_us` apart, and returns them with the number of advertisements.
    fn run(members: u32, step_us: u32, periods: u64) -> (Vec<Peer>, u32) {
        let mut peers: Vec<Peer> = (0..members).map(|id| Peer::new(id.into())).collect();
        let begin = |me| LearnedLocation::begin(&Line(&peers, me)).expect("it has no location");
        let mut all: Vec<_> = (0..members).map(begin).collect();
        let (mut rng, mut advertisements) = (stream(3, Purpose::Selector, 0), 0);
        for period in 0..periods {
            for me in 0..members {
                let to = (me + 1 + below(&mut rng, members - 1)) % members;
                let coordinate = all[to as usize].coordinate();
                let location = &mut all[me as usize];
                location.set_age(period);
                if let Some(coordinate) = coordinate {
                    location.received(to.into(), coordinate);
                }
                location.measured(&Line(&peers, me), to, 300 + me.abs_diff(to) * step_us, &mut rng);
                let mut unused = stream(3, Purpose::Selector, 1);
                let view = Line(&peers, me);
                let ctx = Context { view: &view, period, shared_period: period, has_updates: false, rng: &mut unused };
                if let Some(advertised) = location.advertised(&ctx) {
                    peers[me as usize].location = Some(advertised);
                    advertisements += 1;
                }
            }
        }
        (peers, advertisements)
    }

    #[test]
    fn advertised_locations_on_a_line_have_the_true_distances() {
        let (peers, advertisements) = run(20, 10_000, 2000);
        assert!((20..=40).contains(&advertisements), "{advertisements} advertisements");
        let at = |slot: usize| advertised_by(&peers[slot]).expect("it has advertised").vector;
        for (a, b) in [(0, 19), (3, 12), (5, 6)] {
            let distance: f32 = at(a).iter().zip(at(b)).map(|(x, y)| (x - y) * (x - y)).sum::<f32>().sqrt();
            let truth = 10_000.0 * (b - a) as f32;
            assert!((distance - truth).abs() < 0.15 * truth + 3_000.0, "{a} and {b}: {distance} us for {truth}");
        }
    }

    #[test]
    fn members_of_one_network_advertise_nothing() {
        assert_eq!(run(20, 10, 2000).1, 0);
    }

    #[test]
    fn members_with_a_zone_or_location_learn_nothing() {
        let with_zone = Peer { zone: crate::ZonePath::parse("eu"), ..Peer::new(1) };
        let with_location = Peer { location: Some(Location::Plane { x: 0.0, y: 0.0 }), ..Peer::new(2) };
        for peer in [with_zone, with_location] {
            assert!(LearnedLocation::begin(&Line(&[peer], 0)).is_none());
        }
    }

    #[test]
    fn advertisement_ages_grow_by_a_factor_of_six() {
        let ages: Vec<u64> = (0..10_000).filter(|&period| is_advertisement_age(period)).collect();
        assert_eq!(ages, [64, 384, 2304]);
    }
}
