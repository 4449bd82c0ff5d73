//! Criterion benches of engines on one core, in sessions a second: `cargo bench -p motet-benches --bench
//! session_engine`. Where a session's time goes is in a line of `cargo xtask bench-sessions`.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use motet_benches::session::directory::Full;
use motet_benches::session::engines::Engines;
use std::time::Duration;

/// Whole sessions of n engines, all on this thread.
fn sessions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine/session");
    for signers in [2, 3, 5, 10, 15] {
        let mut engines = Engines::new(signers);
        group.bench_function(BenchmarkId::from_parameter(signers), |bencher| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| engines.sign().total).sum());
        });
    }
    group.finish();
}

/// Fifteen signers found among 4,096.
fn find(criterion: &mut Criterion) {
    let mut full = Full::new();
    criterion.bench_function("engine/find", |bencher| {
        bencher.iter_custom(|rounds| (0..rounds).map(|_| full.find()).sum::<Duration>());
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = sessions, find
}
criterion_main!(benches);
