//! Criterion benches of the rounds of a MuSig2 session, ours alone: `cargo bench -p motet-benches`.
//!
//! What an operation covers says [`Operation`]. For peers side by side see `cargo xtask bench-peers`.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use motet_benches::peer::motet::Motet;
use motet_benches::peer::{Operation, Peer};
use std::time::Duration;

fn signing_rounds(criterion: &mut Criterion) {
    for operation in Operation::ALL {
        let mut group = criterion.benchmark_group(operation.name());
        for signers in [2, 3, 10, 15, 100] {
            let mut peer = Motet::new(signers);
            group.bench_function(BenchmarkId::from_parameter(signers), |bencher| {
                bencher.iter_custom(|rounds| (0..rounds).map(|_| peer.measure(operation)).sum::<Duration>());
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    targets = signing_rounds
}
criterion_main!(benches);
