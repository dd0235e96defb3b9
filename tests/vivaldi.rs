//! Distances that members of a world learn from the protocol's own pings alone.

use std::sync::{Arc, Mutex};

use swimlab::protocol::{Config, Event, EventKind, MemberConfig, Span, Time};
use swimlab::sim::{self, MemberIndex, Observer, Sent, Setup};
use swimlab::topology::{Placement, TopologyContext, topologies};
use swimlab::wire::PlainSizer;
use swimlab_selectors::{
    Bound, Context, Coordinate, DynSelector, NearPeer, Neighborhood, NeighborhoodConfig, NeighborhoodState,
    Neighborhoods, Observation, Peer, Selector, Slot, Spec, build_metric, build_selector, metrics, selectors,
};

const WARMUP: u64 = 300;

/// A neighborhood by a metric, and a log of its members' pings and coordinates after the warm-up.
struct Watched {
    inner: Neighborhood,
    /// The number of members, the first ones, that send false coordinates and hints.
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
    type RosterIndex = Neighborhoods;
    type State = Own;

    fn build_index(&self, roster: &[Peer]) -> Neighborhoods {
        self.inner.build_index(roster)
    }

    fn new_state(&self, around: &Neighborhoods, ctx: &mut Context<'_>) -> Own {
        Own { me: ctx.view.me(), state: self.inner.new_state(around, ctx) }
    }

    fn targets(
        &self,
        around: &Neighborhoods,
        own: &mut Own,
        ctx: &mut Context<'_>,
        want: usize,
        picks: &mut Vec<Slot>,
    ) {
        let first = picks.len();
        self.inner.targets(around, &mut own.state, ctx, want, picks);
        if ctx.period >= WARMUP {
            let (me, mut log) = (ctx.view.me(), self.log.lock().unwrap());
            log.pings.extend(picks[first..].iter().map(|&slot| (me, slot)));
            if log.at.len() <= me as usize {
                log.at.resize(me as usize + 1, None);
            }
            log.at[me as usize] = self.inner.coordinate(&own.state);
        }
    }

    fn observe(&self, around: &Neighborhoods, own: &mut Own, ctx: &mut Context<'_>, what: Observation) {
        self.inner.observe(around, &mut own.state, ctx, what);
    }

    fn coordinate(&self, own: &Own) -> Option<Coordinate> {
        let at = self.inner.coordinate(&own.state)?;
        if own.me >= self.liars {
            return Some(at);
        }
        // Far away, with a small error, in different directions; or beyond all real coordinates, but valid on the wire.
        let far = std::array::from_fn(|axis| if own.me >> (axis % 3) & 1 == 0 { 1e6 } else { -1e6 });
        let beyond = Coordinate { vector: [f32::MAX; 8], ..at };
        Some(if own.me.is_multiple_of(4) { beyond } else { Coordinate { vector: far, error: 1e-6, ..at } })
    }

    fn neighbor_hint(&self, own: &Own, ctx: &mut Context<'_>, to: Slot) -> Option<NearPeer> {
        if own.me < self.liars {
            return Some(NearPeer { slot: (to + 100) % ctx.view.slots(), rtt_us: 0 });
        }
        self.inner.neighbor_hint(&own.state, ctx, to)
    }

    fn bound(&self, n: u32, direct: u32) -> Bound {
        self.inner.bound(n, direct)
    }
}

type Ran = (Arc<Placement>, Log);

/// A minute that follows five minutes of warm-up.
fn setup(topology: &str, members: u32) -> Setup {
    let topology = topologies().build(&Spec::parse(topology).unwrap(), &TopologyContext::default()).unwrap();
    let mut setup = Setup::new(&topology, members, 7, vec![]);
    setup.warmup = Span::from_secs(WARMUP);
    setup
}

fn config() -> Arc<MemberConfig> {
    Arc::new(MemberConfig::new(Config::swim(), Arc::new(PlainSizer)).unwrap())
}

/// The pings of the minute, and the coordinates at its end.
fn run(topology: &str, members: u32, metric: &str, radius: u32, liars: Slot) -> Ran {
    let setup = setup(topology, members);
    let placement = Arc::clone(&setup.placement);
    let metric = build_metric(&metrics(), metric, &placement.context()).unwrap();
    let mut config = NeighborhoodConfig::default();
    (config.radius, config.escape) = (radius, 0.2);
    let inner = Neighborhood::new(metric, config);
    let log = Arc::default();
    let strategy = DynSelector::new("watched", Watched { inner, liars, log: Arc::clone(&log) });
    sim::run_swim(&setup, &self::config(), &strategy, &mut ());
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
    let at: Vec<Coordinate> = log.at.iter().map(|at| at.expect("every member learns")).collect();
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
        // With a neighborhood most samples are of near peers; without one (radius 0) of all peers.
        for radius in [0, 8, 16] {
            let error = median_error(&run(topology, members, "vivaldi", radius, 0), 0);
            println!("{topology}, {members} members, radius {radius}: {:.1} %", 100.0 * error);
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
            println!("{topology}, radius {radius}: pings of {learned:.1} ms, with all round trips {measured:.1} ms");
            // The measured excess is 6 to 12 %; the pings of plain round robin are at least three times as long.
            assert!(learned <= 1.15 * measured, "{topology}, radius {radius}: {learned} of {measured} ms");
        }
    }
}

#[test]
fn members_with_false_coordinates_do_little_harm_to_the_others() {
    let liars = 24;
    let (honest, with_liars) = (run("planetlab", 490, "vivaldi", 16, 0), run("planetlab", 490, "vivaldi", 16, liars));
    let (error, spoiled) = (median_error(&honest, liars), median_error(&with_liars, liars));
    println!("with liars: {:.1} % instead of {:.1} %", 100.0 * spoiled, 100.0 * error);
    assert!(spoiled <= error + 0.02, "the error grows from {error} to {spoiled}");
    let (rtt, longer) = (mean_rtt_ms(&honest, liars), mean_rtt_ms(&with_liars, liars));
    println!("with liars: pings of {longer:.1} ms instead of {rtt:.1} ms");
    assert!(longer <= 1.15 * rtt, "pings grow from {rtt} to {longer} ms");
}

#[test]
fn the_same_seed_leads_to_the_same_coordinates() {
    let (first, second) = (run("aws", 100, "vivaldi", 8, 10).1, run("aws", 100, "vivaldi", 8, 10).1);
    assert_eq!(first.pings, second.pings);
    assert_eq!(first.at, second.at);
}

/// The pings and bytes of one minute, and the times at which members published a learned location.
#[derive(Default)]
struct Minute {
    pings: Vec<(Slot, Slot)>,
    bytes: u64,
    published: Vec<(Time, MemberIndex)>,
}

impl Observer for Minute {
    fn sent(&mut self, sent: &Sent) {
        if sent.at >= Time::ZERO + Span::from_secs(WARMUP) {
            self.bytes += u64::from(sent.bytes);
            if sent.direct_ping {
                self.pings.push((sent.from, sent.to));
            }
        }
    }

    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        if event.kind == EventKind::Updated && event.source == swimlab::protocol::EventSource::Own {
            self.published.push((at, member));
        }
    }
}

fn scheduled(selector: &str, topology: &str, members: u32) -> (Arc<Placement>, Minute) {
    let setup = setup(topology, members);
    let spec = Spec::parse(selector).unwrap();
    let strategy = build_selector(&selectors(), &spec, &setup.placement.context()).unwrap();
    let mut minute = Minute::default();
    let outcome = sim::run_swim(&setup, &config(), &strategy, &mut minute);
    assert_eq!(outcome.violations, [""; 0]);
    (Arc::clone(&setup.placement), minute)
}

/// The mean round trip within neighborhoods of at least eight members that are built from all true round trips: groups
/// that are too small are merged with the one at the least mean distance, the nearest pair first.
fn within_neighborhoods_us(rtt_us: &impl Fn(Slot, Slot) -> f64, members: Slot) -> f64 {
    let mut groups: Vec<Vec<Slot>> = (0..members).map(|slot| vec![slot]).collect();
    // Sums over pairs.
    let mut apart: Vec<Vec<f64>> = (0..members).map(|a| (0..members).map(|b| rtt_us(a, b)).collect()).collect();
    loop {
        let mean = |a: usize, b: usize| apart[a][b] / (groups[a].len() * groups[b].len()) as f64;
        let small = (0..groups.len()).filter(|&a| groups[a].len() < 8);
        let pairs = small.flat_map(|a| (0..groups.len()).filter(move |&b| a != b).map(move |b| (a, b)));
        let Some((a, b)) = pairs.min_by(|&x, &y| mean(x.0, x.1).total_cmp(&mean(y.0, y.1))) else { break };
        let (a, b) = (a.min(b), a.max(b));
        let (moving, sums) = (groups.swap_remove(b), apart.swap_remove(b));
        groups[a].extend(moving);
        apart[a].iter_mut().zip(&sums).for_each(|(sum, more)| *sum += more);
        apart.iter_mut().for_each(|row| row[a] += row[b]);
        for row in &mut apart {
            row.swap_remove(b);
        }
    }
    let to_others = |group: &[Slot], a: Slot| {
        let others = group.iter().filter(|&&b| a != b);
        others.map(|&b| rtt_us(a, b)).sum::<f64>() / (group.len() - 1) as f64
    };
    let each = groups.iter().flat_map(|group| group.iter().map(|&a| to_others(group, a)));
    each.sum::<f64>() / f64::from(members)
}

#[test]
fn a_schedule_over_learned_locations_pings_near_members_and_each_once_per_period() {
    let members = 490;
    let (placement, minute) = scheduled("schedule:learn=true", "planetlab", members);
    let published = minute.published.len() as u32;
    assert!((members * 9 / 10..=members).contains(&published), "{published} have published a location");
    let mean = |pings: &mut dyn Iterator<Item = (Slot, Slot)>| {
        let (sum, count) =
            pings.fold((0.0, 0.0), |(sum, n), (a, b)| (sum + f64::from(placement.rtt_us(a, b)), n + 1.0));
        sum / count
    };
    let all = mean(&mut (0..members).flat_map(|a| (0..members).map(move |b| (a, b))).filter(|(a, b)| a != b));
    let ratio = mean(&mut minute.pings.iter().copied()) / all;
    let rtt_us = |a, b| f64::from(placement.rtt_us(a, b));
    let nearest = (0..members).map(|a| {
        let mut others: Vec<f64> = (0..members).filter(|&b| a != b).map(|b| rtt_us(a, b)).collect();
        others.sort_by(f64::total_cmp);
        others[..8].iter().sum::<f64>() / 8.0
    });
    let nearest = nearest.sum::<f64>() / f64::from(members) / all;
    let within = within_neighborhoods_us(&rtt_us, members) / all;
    let floor = |near: f64| 1.0 / 6.0 + 5.0 / 6.0 * near;
    println!("of the mean round trip: to the nearest eight {nearest:.3}, within neighborhoods {within:.3}");
    println!(
        "pings take {ratio:.3}; with known round trips they would take {:.3}, {:.3}",
        floor(nearest),
        floor(within)
    );
    assert!(floor(nearest) < floor(within) && floor(within) < ratio);
    assert!(ratio <= 0.65, "{ratio}");
    let mut times = vec![0; members as usize];
    minute.pings.iter().for_each(|ping| times[ping.1 as usize] += 1);
    let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    assert!(*least >= 58 && *most <= 62, "in 60 periods between {least} and {most} pings of a member");
}

#[test]
fn on_a_lan_members_publish_no_learned_location() {
    assert_eq!(scheduled("schedule:learn=true", "lan", 100).1.published, []);
}

#[test]
fn without_learning_members_publish_nothing_and_send_as_much_as_with_shuffle() {
    let [auto, shuffle] = ["auto", "shuffle"].map(|selector| scheduled(selector, "planetlab", 490).1);
    assert_eq!(auto.published, []);
    let ratio = auto.bytes as f64 / shuffle.bytes as f64;
    assert!((0.95..=1.05).contains(&ratio), "{ratio} of the bytes");
}
