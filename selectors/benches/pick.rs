//! Time of a pick: `cargo bench -p swimlab-selectors --bench pick`.

mod common;

use common::{AllAlive, scattered, short};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use swimlab_selectors::rng::{Purpose, stream};
use swimlab_selectors::{Context, DynSelector};

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
        "neighborhood:metric=vivaldi",
    ];
    for n in [1_000, 100_000] {
        let view = AllAlive(scattered(n, false));
        for label in labels {
            let selector = label.parse::<DynSelector>().unwrap();
            let mut rng = stream(1, Purpose::Selector, 0);
            let mut period = 0;
            let mut ctx = Context { view: &view, period, shared_period: period, has_updates: false, rng: &mut rng };
            let mut selector = selector.build_index(&view.0).new_state(&mut ctx);
            let mut picks = Vec::with_capacity(4);
            group.bench_function(BenchmarkId::new(label, n), |b| {
                b.iter(|| {
                    picks.clear();
                    period += 1;
                    selector.targets(
                        &mut Context { view: &view, period, shared_period: period, has_updates: false, rng: &mut rng },
                        1,
                        &mut picks,
                    );
                    picks.len()
                });
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = short();
    targets = targets
}
criterion_main!(benches);
