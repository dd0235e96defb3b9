//! A whole trial: one member crashes, 60 simulated seconds. Throughput counts events: its inverse is the time per
//! event.

mod common;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use swimlab::protocol::Span;
use swimlab::sim::run_swim;
use swimlab_selectors::{DynSelector, Shuffle};

const DURATION: Span = Span::from_secs(60);

fn trial(criterion: &mut Criterion) {
    let (config, strategy) = (common::config(), DynSelector::new("shuffle", Shuffle));
    let mut group = criterion.benchmark_group("trial");
    for members in [100, 1000] {
        let setup = common::setup(members, DURATION, Some(common::victim(members)));
        let run = || run_swim(&setup, &config, &strategy, &mut ());
        group.throughput(Throughput::Elements(run().events));
        group.bench_function(BenchmarkId::new("crash", members), |bencher| bencher.iter(|| black_box(run())));
    }
    group.finish();
}

criterion_group! {
    name = world;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = trial
}
criterion_main!(world);
