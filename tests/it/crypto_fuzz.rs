//! Replays what the fuzzer once found interesting in the signing crate, with the stable compiler.

use std::fs;
use std::path::PathBuf;

use motet_tests::fuzz_crypto::{TARGETS, Target, seeds};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

#[track_caller]
fn replay((name, run): Target) {
    let corpus = folder().join("corpus").join(name);
    let mut inputs = 0;
    for entry in fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display())) {
        run(&fs::read(entry.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0, "{name} has no corpus");
}

#[test]
fn every_crypto_target_takes_its_seeds() {
    for (name, run) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty());
        for (number, seed) in seeds.iter().enumerate() {
            run(seed);
            if std::env::var_os("MOTET_BLESS").is_some() {
                let corpus = folder().join("corpus").join(name);
                fs::create_dir_all(&corpus).unwrap();
                fs::write(corpus.join(format!("seed-{number:02}")), seed).unwrap();
            }
        }
    }
}

#[test]
fn every_crypto_target_is_a_program_and_has_a_corpus() {
    for (name, _) in TARGETS {
        assert!(folder().join("fuzz_targets").join(format!("{name}.rs")).is_file());
    }
    TARGETS.into_iter().for_each(replay);
}
