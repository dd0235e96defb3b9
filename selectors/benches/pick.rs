//! What a pick costs: `cargo bench -p swimlab-selectors --bench pick`.

mod common;

use common::{AllAlive, briefly, scattered, surroundings};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use swimlab_selectors::registry::Spec;
use swimlab_selectors::rng::{Purpose, stream};
use swimlab_selectors::{Turn, build_selector, selectors};

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

criterion_group! {
    name = benches;
    config = briefly();
    targets = targets
}
criterion_main!(benches);
