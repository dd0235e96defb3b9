//! What members learn of distances in a world: with the protocol's own pings, and nothing else.

use std::sync::{Arc, Mutex};

use swimlab::protocol::{Kit, Settings, Span};
use swimlab::sim::{self, Setup};
use swimlab::topology::{Base, Placement, topologies};
use swimlab::wire::Compact;
use swimlab_selectors::registry::Spec;
use swimlab_selectors::strategies::{Beyond, Neighborhood, NeighborhoodState, Neighborhoods};
use swimlab_selectors::{
    Bound, Coordinate, Observation, Peer, Selector, Slot, Strategy, Surroundings, Turn, helpers, metric, metrics,
};

const WARMUP: u64 = 300;

/// A neighbourhood by some metric, and a log of what its members do after the warm-up.
struct Watched {
    inner: Neighborhood,
    /// The first so many members lie about where they and others are.
    liars: Slot,
    log: Arc<Mutex<Log>>,
}

struct Own {
    me: Slot,
    state: NeighborhoodState,
}

/// By member; its slot in the roster that all share is its number.
#[derive(Default)]
struct Log {
    at: Vec<Option<Coordinate>>,
    pings: Vec<(Slot, Slot)>,
}

impl Selector for Watched {
    type Survey = Neighborhoods;
    type State = Own;

    fn survey(&self, roster: &[Peer]) -> Neighborhoods {
        self.inner.survey(roster)
    }

    fn enroll(&self, around: &Neighborhoods, turn: &mut Turn<'_>) -> Own {
        Own { me: turn.view.me(), state: self.inner.enroll(around, turn) }
    }

    fn targets(&self, around: &Neighborhoods, own: &mut Own, turn: &mut Turn<'_>, want: usize, picks: &mut Vec<Slot>) {
        let first = picks.len();
        self.inner.targets(around, &mut own.state, turn, want, picks);
        if turn.period >= WARMUP {
            let (me, mut log) = (turn.view.me(), self.log.lock().unwrap());
            log.pings.extend(picks[first..].iter().map(|&slot| (me, slot)));
            if log.at.len() <= me as usize {
                log.at.resize(me as usize + 1, None);
            }
            log.at[me as usize] = self.inner.coordinate(&own.state);
        }
    }

    fn observe(&self, around: &Neighborhoods, own: &mut Own, turn: &mut Turn<'_>, what: Observation) {
        self.inner.observe(around, &mut own.state, turn, what);
    }

    fn coordinate(&self, own: &Own) -> Option<Coordinate> {
        let at = self.inner.coordinate(&own.state)?;
        if own.me >= self.liars {
            return Some(at);
        }
        // Far away, very sure of it, and each elsewhere; or what no member can say, though the wire lets it through.
        let far = std::array::from_fn(|axis| if own.me >> (axis % 3) & 1 == 0 { 1e6 } else { -1e6 });
        let beyond = Coordinate { vector: [f32::MAX; 8], ..at };
        Some(if own.me.is_multiple_of(4) { beyond } else { Coordinate { vector: far, error: 1e-6, ..at } })
    }

    fn tip(&self, own: &Own, turn: &mut Turn<'_>, to: Slot) -> Option<(Slot, u32)> {
        if own.me < self.liars {
            return Some(((to + 100) % turn.view.slots(), 0));
        }
        self.inner.tip(&own.state, turn, to)
    }

    fn bound(&self, n: u32, direct: u32) -> Bound {
        self.inner.bound(n, direct)
    }
}

type Ran = (Arc<Placement>, Log);

/// The pings of the minute that follows five minutes of warm-up, and the coordinates at their end.
fn run(topology: &str, members: u32, metric: &str, radius: u32, liars: Slot) -> Ran {
    let topology = topologies().build(&Spec::parse(topology).unwrap(), &Base::default()).unwrap();
    let setup = Setup { warmup: Span::from_secs(WARMUP), ..Setup::new(&topology, members, 7, vec![]) };
    let placement = Arc::clone(&setup.placement);
    let metric = metric::build_metric(&metrics(), metric, &placement.surroundings()).unwrap();
    let inner = Neighborhood::new(metric, radius, 1, 0.2, Beyond::Shuffle);
    let log = Arc::default();
    let strategy = Strategy::new("watched", Watched { inner, liars, log: Arc::clone(&log) });
    let helpers = helpers().build(&Spec::of("uniform"), &Surroundings::default()).unwrap();
    let kit = Arc::new(Kit { settings: Settings::of("swim"), helpers, sizer: Arc::new(Compact) });
    sim::swim::run(&setup, &kit, &strategy, &mut ());
    let log = std::mem::take(&mut *log.lock().unwrap());
    (placement, log)
}

/// Of the pings of all members from number `first` on.
fn mean_rtt_ms((placement, log): &Ran, first: Slot) -> f64 {
    let rtts = log.pings.iter().filter(|ping| ping.0 >= first).map(|&(from, to)| placement.rtt_us(from, to));
    let (sum, count) = rtts.fold((0.0, 0.0), |(sum, count), us| (sum + f64::from(us) / 1e3, count + 1.0));
    sum / count
}

/// The median of |estimate - truth| / truth over all pairs of members from number `first` on. Estimates are those of
/// coordinates alone, truth is the topology's round trip.
fn median_error((placement, log): &Ran, first: Slot) -> f64 {
    let at: Vec<Coordinate> = log.at.iter().map(|at| at.expect("everybody learns")).collect();
    let all = first..at.len() as Slot;
    let pairs = all.clone().flat_map(|a| all.clone().map(move |b| (a, b))).filter(|(a, b)| a < b);
    let mut errors: Vec<f64> = pairs
        .map(|(a, b)| {
            let truth = f64::from(placement.rtt_us(a, b));
            (f64::from(at[a as usize].rtt_us(&at[b as usize])) - truth).abs() / truth
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    errors[errors.len() / 2]
}

#[test]
fn after_five_minutes_members_know_round_trips_to_15_percent_in_the_median() {
    for (topology, members) in [("planetlab", 490), ("aws", 330)] {
        // With a neighbourhood most samples are of near peers; without one (radius 0) of everybody.
        for radius in [0, 8, 16] {
            let error = median_error(&run(topology, members, "vivaldi", radius, 0), 0);
            assert!(error <= 0.15, "{topology}, radius {radius}: {error}");
        }
    }
}

#[test]
fn after_five_minutes_pings_are_nearly_as_short_as_with_measured_round_trips() {
    for (topology, members) in [("planetlab", 490), ("aws", 330)] {
        for radius in [8, 16] {
            let rtt = |metric| mean_rtt_ms(&run(topology, members, metric, radius, 0), 0);
            let (learned, measured) = (rtt("vivaldi"), rtt("rtt"));
            // 6 to 12 % longer as measured; a plain round robin's are three times as long and more.
            assert!(learned <= 1.15 * measured, "{topology}, radius {radius}: {learned} of {measured} ms");
        }
    }
}

#[test]
fn members_that_lie_about_their_places_do_little_harm_to_the_others() {
    let liars = 24;
    let (honest, lied) = (run("planetlab", 490, "vivaldi", 16, 0), run("planetlab", 490, "vivaldi", 16, liars));
    let (error, spoilt) = (median_error(&honest, liars), median_error(&lied, liars));
    assert!(spoilt <= error + 0.02, "the error grows from {error} to {spoilt}");
    let (rtt, longer) = (mean_rtt_ms(&honest, liars), mean_rtt_ms(&lied, liars));
    assert!(longer <= 1.15 * rtt, "pings grow from {rtt} to {longer} ms");
}

#[test]
fn what_is_learnt_is_the_same_each_time() {
    let (first, second) = (run("aws", 100, "vivaldi", 8, 10).1, run("aws", 100, "vivaldi", 8, 10).1);
    assert_eq!(first.pings, second.pings);
    assert_eq!(first.at, second.at);
}
