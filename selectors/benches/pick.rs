//! EventKind a pick costs: `cargo bench -p swimlab-selectors --bench pick`.

mod common;

use common::{AllAlive, briefly, context, scattered};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use swimlab_selectors::registry::Spec;
use swimlab_selectors::rng::{Purpose, stream};
use swimlab_selectors::{Context, build_selector, selectors};

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
            let strategy = build_selector(&selectors(), &Spec::parse(label).unwrap(), &context()).unwrap();
            let mut rng = stream(1, Purpose::Selector, 0);
            let mut period = 0;
            let mut ctx = Context { view: &view, period, shared_period: period, has_updates: false, rng: &mut rng };
            let mut selector = strategy.build_index(&view.0).new_state(&mut ctx);
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
    config = briefly();
    targets = targets
}
criterion_main!(benches);
