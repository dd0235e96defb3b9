//! What a pick costs, and what an index costs: `cargo bench -p swimlab-selectors`.

use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use swimlab_selectors::registry::Spec;
use swimlab_selectors::rng::{Purpose, below, mix, stream, unit};
use swimlab_selectors::{
    Peer, Place, RttSource, Slot, Surroundings, Turn, View, ZonePath, build_selector, metric, metrics, selectors,
};

/// A view in which everybody lives.
struct AllAlive(Vec<Peer>);

impl View for AllAlive {
    fn me(&self) -> Slot {
        0
    }

    fn slots(&self) -> u32 {
        self.0.len() as u32
    }

    fn surveyed(&self) -> u32 {
        self.slots()
    }

    fn peer(&self, slot: Slot) -> &Peer {
        &self.0[slot as usize]
    }

    fn pingable(&self, slot: Slot) -> bool {
        slot != 0
    }

    fn suspect(&self, _: Slot) -> bool {
        false
    }

    fn pingable_count(&self) -> u32 {
        self.slots() - 1
    }
}

/// Sixty sites on a line.
struct Line;

impl RttSource for Line {
    fn rtt_us(&self, from: &Peer, to: &Peer) -> Option<u32> {
        Some(self.between(from.site?, to.site?))
    }

    fn sites(&self) -> u32 {
        60
    }

    fn between(&self, from: u32, to: u32) -> u32 {
        300 + 1000 * from.abs_diff(to)
    }
}

fn surroundings() -> Surroundings {
    Surroundings { rtt: Some(Arc::new(Line)) }
}

/// Peers scattered over the plane or the globe, in sixty sites and as many zones.
fn scattered(n: u32, globe: bool) -> Vec<Peer> {
    let mut rng = stream(1, Purpose::Placement, 0);
    let mut peer = |i: u32| {
        let (a, b) = (unit(&mut rng), unit(&mut rng));
        let place = if globe {
            Place::Globe { lat: 180.0 * a - 90.0, lon: 360.0 * b - 180.0 }
        } else {
            Place::Plane { x: 1000.0 * a, y: 1000.0 * b }
        };
        let site = below(&mut rng, 60);
        let zone = ZonePath::parse(&format!("{}/{site}/{}", site / 3, i % 10));
        Peer { id: mix(i.into()), place: Some(place), zone, site: Some(site) }
    };
    (0..n).map(&mut peer).collect()
}

fn targets(c: &mut Criterion) {
    let mut group = c.benchmark_group("targets");
    let labels = [
        "uniform",
        "shuffle",
        "bucket:buckets=2,metric=ring",
        "bucket:buckets=8,metric=ring",
        "bucket:buckets=2,metric=euclid",
        "neighborhood:metric=euclid",
        "neighborhood:beyond=bucket,metric=euclid",
    ];
    for n in [1_000, 100_000] {
        let view = AllAlive(scattered(n, false));
        for label in labels {
            let strategy = build_selector(&selectors(), &Spec::parse(label).unwrap(), &surroundings()).unwrap();
            let mut rng = stream(1, Purpose::Strategy, 0);
            let mut period = 0;
            let mut turn = Turn { view: &view, period, shared_period: period, news: false, rng: &mut rng };
            let mut chooser = strategy.survey(&view.0).enroll(&mut turn);
            let mut picks = Vec::with_capacity(4);
            group.bench_function(BenchmarkId::new(label, n), |b| {
                b.iter(|| {
                    picks.clear();
                    period += 1;
                    chooser.targets(
                        &mut Turn { view: &view, period, shared_period: period, news: false, rng: &mut rng },
                        1,
                        &mut picks,
                    );
                    picks.len()
                });
            });
        }
    }
}

const METRICS: [&str; 8] =
    ["ring", "xor", "finger", "euclid", "euclid;width=1000;height=1000", "great-circle", "rtt", "hierarchy"];

fn indexes(c: &mut Criterion) {
    let mut group = c.benchmark_group("index");
    for n in [1_000, 10_000, 100_000] {
        for label in METRICS {
            let metric = metric::build_metric(&metrics(), label, &surroundings()).unwrap();
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
            let metric = metric::build_metric(&metrics(), label, &surroundings()).unwrap();
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

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    targets = targets, indexes, queries
}
criterion_main!(benches);
