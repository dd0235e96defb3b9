//! What members learn of distances in a world: with the protocol's own pings, and nothing else.

use std::sync::{Arc, Mutex};

use swimlab::protocol::{Kit, Settings, Span};
use swimlab::sim::{self, Phases, Setup, Start};
use swimlab::topology::{Base, Placement, topologies};
use swimlab::wire::Compact;
use swimlab_selectors::registry::Spec;
use swimlab_selectors::strategies::{Beyond, Neighborhood, NeighborhoodState, Neighborhoods};
use swimlab_selectors::{
    Bound, Coordinate, Observation, Peer, Selector, Slot, Strategy, Surroundings, Turn, helpers, metric, metrics,
};

/// A neighbourhood by some metric, and a log of what its members do after the warm-up.
struct Watched {
    inner: Neighborhood,
    warmup: u64,
    log: Arc<Mutex<Log>>,
}

/// By member; its slot in the roster that all share is its number.
#[derive(Default)]
struct Log {
    at: Vec<Option<Coordinate>>,
    pings: Vec<(Slot, Slot)>,
}

impl Selector for Watched {
    type Survey = Neighborhoods;
    type State = NeighborhoodState;

    fn survey(&self, roster: &[Peer]) -> Neighborhoods {
        self.inner.survey(roster)
    }

    fn enroll(&self, around: &Neighborhoods, turn: &mut Turn<'_>) -> NeighborhoodState {
        self.inner.enroll(around, turn)
    }

    fn targets(
        &self,
        around: &Neighborhoods,
        state: &mut NeighborhoodState,
        turn: &mut Turn<'_>,
        want: usize,
        picks: &mut Vec<Slot>,
    ) {
        let first = picks.len();
        self.inner.targets(around, state, turn, want, picks);
        if turn.period >= self.warmup {
            let (me, mut log) = (turn.view.me(), self.log.lock().unwrap());
            log.pings.extend(picks[first..].iter().map(|&slot| (me, slot)));
            if log.at.len() <= me as usize {
                log.at.resize(me as usize + 1, None);
            }
            log.at[me as usize] = self.inner.coordinate(state);
        }
    }

    fn observe(&self, around: &Neighborhoods, state: &mut NeighborhoodState, turn: &mut Turn<'_>, what: Observation) {
        self.inner.observe(around, state, turn, what);
    }

    fn coordinate(&self, state: &NeighborhoodState) -> Option<Coordinate> {
        self.inner.coordinate(state)
    }

    fn tip(&self, state: &NeighborhoodState, turn: &mut Turn<'_>, to: Slot) -> Option<(Slot, u32)> {
        self.inner.tip(state, turn, to)
    }

    fn bound(&self, n: u32, direct: u32) -> Bound {
        self.inner.bound(n, direct)
    }
}

/// Pings of a minute after 300 periods of warm-up, and the coordinates at its end.
fn run(topology: &str, members: u32, metric: &str, radius: u32, escape: f64) -> (Arc<Placement>, Log) {
    let topology = topologies().build(&Spec::parse(topology).unwrap(), &Base::default()).unwrap();
    let placement = Arc::new(topology.place(members, 0, 7));
    let setup = Setup {
        placement: Arc::clone(&placement),
        members,
        seed: 7,
        start: Start::Joined,
        phases: Phases::Random,
        period: Span::from_secs(1),
        loss: 0.0,
        warmup: Span::from_secs(300),
        duration: Span::from_secs(60),
        faults: vec![],
    };
    let metric = metric::build_metric(&metrics(), metric, &placement.surroundings()).unwrap();
    let inner = Neighborhood::new(metric, radius, 1, escape, Beyond::Shuffle);
    let log = Arc::default();
    let strategy = Strategy::new("watched", Watched { inner, warmup: 300, log: Arc::clone(&log) });
    let helpers = helpers().build(&Spec::of("uniform"), &Surroundings::default()).unwrap();
    let kit = Arc::new(Kit { settings: Settings::of("swim"), helpers, sizer: Arc::new(Compact) });
    sim::swim::run(&setup, &kit, &strategy, &mut ());
    let log = std::mem::take(&mut *log.lock().unwrap());
    (placement, log)
}

fn mean_rtt_ms((placement, log): &(Arc<Placement>, Log)) -> f64 {
    let rtt = |&(from, to): &(Slot, Slot)| f64::from(placement.rtt_us(from, to)) / 1e3;
    log.pings.iter().map(rtt).sum::<f64>() / log.pings.len() as f64
}

/// Quartiles of |estimate - truth| / truth over all ordered pairs of members.
fn relative_errors((placement, log): &(Arc<Placement>, Log)) -> [f64; 3] {
    let members = log.at.len() as u32;
    let at: Vec<Coordinate> = log.at.iter().map(|at| at.expect("everybody learns")).collect();
    let pairs = (0..members).flat_map(|a| (0..members).map(move |b| (a, b))).filter(|(a, b)| a != b);
    let mut errors: Vec<f64> = pairs
        .map(|(a, b)| {
            let truth = f64::from(placement.rtt_us(a, b));
            (f64::from(at[a as usize].rtt_us(&at[b as usize])) - truth).abs() / truth
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| errors[errors.len() * quarter / 4])
}

#[test]
fn scan() {
    for (topology, n) in [("planetlab", 490), ("aws", 330)] {
        for (radius, escape) in [(8, 0.1), (8, 0.2), (16, 0.1), (16, 0.2)] {
            let learned = run(topology, n, "vivaldi", radius, escape);
            let told = run(topology, n, "rtt", radius, escape);
            let mut heads = vec![0; n as usize];
            learned.1.pings.iter().for_each(|p| heads[p.1 as usize] += 1);
            let mut headt = vec![0; n as usize];
            told.1.pings.iter().for_each(|p| headt[p.1 as usize] += 1);
            let busy = |h: &[u32]| format!("max {} min {}", *h.iter().max().unwrap() as f64 / 60., *h.iter().min().unwrap() as f64 / 60.);
            println!("{topology} {radius} {escape} {:.1} {:.1} ms {:.3?} | {} | {}", mean_rtt_ms(&learned), mean_rtt_ms(&told), relative_errors(&learned), busy(&heads), busy(&headt));
        }
        let learned = run(topology, n, "vivaldi", 0, 0.2);
        println!("{topology} shuffle {:.1} {:.3?}", mean_rtt_ms(&learned), relative_errors(&learned));
    }
}
