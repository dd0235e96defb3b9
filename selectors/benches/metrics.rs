//! Time of building an index over a roster, and of querying it: `cargo bench -p swimlab-selectors --bench metrics`.
//!
//! The index of `vivaldi` contains only the order that breaks ties; the time that a member takes to learn distances is
//! measured separately.

mod common;

use std::sync::Arc;

use common::{AllAlive, scattered, short};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use swimlab_selectors::rng::{Purpose, below, stream};
use swimlab_selectors::{
    BuildContext, Context, Coordinate, DynSelector, Observation, RttSource, Vivaldi, build_metric, metrics,
};

const METRICS: [&str; 9] =
    ["ring", "xor", "finger", "euclid", "euclid;width=1000;height=1000", "great-circle", "rtt", "hierarchy", "vivaldi"];

/// Sixty sites on a line.
struct Line;

impl RttSource for Line {
    fn sites(&self) -> u32 {
        60
    }

    fn between(&self, from: u32, to: u32) -> u32 {
        300 + 1000 * from.abs_diff(to)
    }
}

/// Context with measured round-trip times.
fn context() -> BuildContext {
    BuildContext::with_rtt(Arc::new(Line))
}

fn indexes(c: &mut Criterion) {
    let mut group = c.benchmark_group("index");
    for n in [1_000, 10_000, 100_000] {
        for label in METRICS {
            let metric = build_metric(&metrics(), label, &context()).unwrap();
            let roster = scattered(n, label == "great-circle");
            group.bench_function(BenchmarkId::new(label, n), |b| {
                b.iter_batched(|| (), |()| metric.index(&roster), BatchSize::PerIteration);
            });
        }
    }
}

fn queries(c: &mut Criterion) {
    let mut group = c.benchmark_group("nearest 16");
    for n in [1_000, 10_000, 100_000] {
        for label in METRICS {
            let metric = build_metric(&metrics(), label, &context()).unwrap();
            let roster = scattered(n, label == "great-circle");
            let index = metric.index(&roster);
            let (mut me, mut found) = (0, Vec::new());
            group.bench_function(BenchmarkId::new(label, n), |b| {
                b.iter(|| {
                    me = (me + 7919) % n;
                    found.clear();
                    index.nearest(&roster[me as usize], 16, &mut |slot| slot != me, &mut found);
                    found.len()
                });
            });
        }
    }
}

fn moves(c: &mut Criterion) {
    let mut rng = stream(1, Purpose::Selector, 0);
    let peers = coordinates();
    let mut me = Vivaldi::default();
    let mut next = 0;
    c.bench_function("a coordinate moves", |b| {
        b.iter(|| {
            next = (next + 1) % peers.len();
            me.update(&peers[next], 10_000 + next as u32, &mut rng)
        });
    });
}

/// One period: a ping, its ack with a coordinate and a hint, and a ping from another member.
fn learning(c: &mut Criterion) {
    let mut group = c.benchmark_group("a period of learning, 16 neighbors");
    let peers = &coordinates();
    for n in [1_000, 10_000, 100_000] {
        let view = AllAlive(scattered(n, false));
        let selector: DynSelector = "neighborhood:metric=vivaldi".parse().unwrap();
        let mut rng = stream(1, Purpose::Selector, 0);
        let mut ctx = Context { view: &view, period: 0, shared_period: 0, has_updates: false, rng: &mut rng };
        let mut member = selector.build_index(&view.0).new_state(&mut ctx);
        let mut picks = Vec::with_capacity(4);
        let mut network = stream(2, Purpose::Network, 0);
        let mut one_period = move || {
            ctx.period += 1;
            picks.clear();
            member.targets(&mut ctx, 1, &mut picks);
            let pinged = picks[0];
            let (other, hinted) = (1 + below(&mut network, n - 1), 1 + below(&mut network, n - 1));
            let at = |slot: u32| peers[slot as usize % peers.len()];
            let observations = [
                Observation::Coordinate { slot: pinged, coordinate: at(pinged) },
                Observation::Rtt { slot: pinged, rtt_us: 200 + pinged * 7919 % 100_000 },
                Observation::NeighborHint { slot: hinted, rtt_us: below(&mut network, 100_000) },
                Observation::Coordinate { slot: other, coordinate: at(other) },
            ];
            observations.into_iter().for_each(|observation| member.observe(&mut ctx, observation));
            member.neighbor_hint(&mut ctx, other)
        };
        for _ in 0..1000 {
            one_period();
        }
        group.bench_function(BenchmarkId::from_parameter(n), |b| b.iter(&mut one_period));
    }
}

/// Random coordinates within 100 ms of each other.
fn coordinates() -> Vec<Coordinate> {
    let mut rng = stream(3, Purpose::Placement, 0);
    let mut number = |most: u32| below(&mut rng, most) as f32;
    let mut one = || Coordinate {
        vector: std::array::from_fn(|_| number(35_000)),
        height: number(2_000),
        adjustment: 0.0,
        error: 0.1,
    };
    (0..4096).map(|_| one()).collect()
}

criterion_group! {
    name = benches;
    config = short();
    targets = indexes, queries, moves, learning
}
criterion_main!(benches);
