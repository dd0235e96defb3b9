//! EventKind an index over a roster costs, and what it costs to ask it: `cargo bench -p swimlab-selectors --bench metrics`.
//!
//! The index of `vivaldi` knows nothing but the order that breaks ties; what a member learns beside it is measured, too.

mod common;

use common::{AllAlive, briefly, context, scattered};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use swimlab_selectors::coordinate::Vivaldi;
use swimlab_selectors::registry::Spec;
use swimlab_selectors::rng::{Purpose, below, stream};
use swimlab_selectors::{Context, Coordinate, Observation, build_selector, metric, metrics, selectors};

const METRICS: [&str; 9] =
    ["ring", "xor", "finger", "euclid", "euclid;width=1000;height=1000", "great-circle", "rtt", "hierarchy", "vivaldi"];

fn indexes(c: &mut Criterion) {
    let mut group = c.benchmark_group("index");
    for n in [1_000, 10_000, 100_000] {
        for label in METRICS {
            let metric = metric::build_metric(&metrics(), label, &context()).unwrap();
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
            let metric = metric::build_metric(&metrics(), label, &context()).unwrap();
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

fn moving(c: &mut Criterion) {
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

/// A ping, its answer with coordinate and tip, and a ping from another.
fn learning(c: &mut Criterion) {
    let mut group = c.benchmark_group("a period of learning, 16 neighbours");
    let peers = &coordinates();
    for n in [1_000, 10_000, 100_000] {
        let view = AllAlive(scattered(n, false));
        let spec = Spec::parse("neighborhood:metric=vivaldi").unwrap();
        let strategy = build_selector(&selectors(), &spec, &context()).unwrap();
        let mut rng = stream(1, Purpose::Selector, 0);
        let mut ctx = Context { view: &view, period: 0, shared_period: 0, has_updates: false, rng: &mut rng };
        let mut selector = strategy.build_index(&view.0).new_state(&mut ctx);
        let mut picks = Vec::with_capacity(4);
        let mut luck = stream(2, Purpose::Network, 0);
        let mut one_period = move || {
            ctx.period += 1;
            picks.clear();
            selector.targets(&mut ctx, 1, &mut picks);
            let (pinged, other, tip) = (picks[0], 1 + below(&mut luck, n - 1), 1 + below(&mut luck, n - 1));
            let at = |slot: u32| peers[slot as usize % peers.len()];
            let happens = [
                Observation::Coordinate(pinged, at(pinged)),
                Observation::Rtt(pinged, 200 + pinged * 7919 % 100_000),
                Observation::NeighborHint(tip, below(&mut luck, 100_000)),
                Observation::Coordinate(other, at(other)),
            ];
            happens.into_iter().for_each(|what| selector.observe(&mut ctx, what));
            selector.neighbor_hint(&mut ctx, other)
        };
        for _ in 0..1000 {
            one_period();
        }
        group.bench_function(BenchmarkId::from_parameter(n), |b| b.iter(&mut one_period));
    }
}

/// Members scattered over 100 ms.
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
    config = briefly();
    targets = indexes, queries, moving, learning
}
criterion_main!(benches);
