//! Replays what the fuzzer once found interesting, with the stable compiler; `MOTET_BLESS` writes the seeds that it starts from.

use std::fs;
use std::panic::{catch_unwind, resume_unwind};
use std::path::PathBuf;

use motet_tests::fuzz_coordinator::engine::play;
use motet_tests::fuzz_wire::Target;
use motet_tests::sim::Tally;
use motet_tests::{fuzz_coordinator, fuzz_crypto, fuzz_transactions, fuzz_wire};

/// A target takes its seeds and its corpus, and is a program that the fuzzer can run.
#[track_caller]
fn replay((name, run): Target, seeds: Vec<Vec<u8>>) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    assert!(folder.join("fuzz_targets").join(format!("{name}.rs")).is_file());
    let corpus = folder.join("corpus").join(name);
    assert!(!seeds.is_empty());
    for (number, seed) in seeds.iter().enumerate() {
        run(seed);
        if std::env::var_os("MOTET_BLESS").is_some() {
            fs::create_dir_all(&corpus).unwrap();
            fs::write(corpus.join(format!("seed-{number:02}")), seed).unwrap();
        }
    }
    let mut inputs = 0;
    for entry in fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display())) {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        if let Err(panic) = catch_unwind(|| run(&input)) {
            eprintln!("{} fails", path.display());
            resume_unwind(panic);
        }
        inputs += 1;
    }
    assert!(inputs > 0, "{name} has no corpus");
}

#[test]
fn nothing_makes_the_signing_crate_panic_or_contradict_itself() {
    for target in fuzz_crypto::TARGETS {
        replay(target, fuzz_crypto::seeds(target.0));
    }
}

#[test]
fn no_bytes_make_the_wire_format_panic_or_contradict_itself() {
    for target in fuzz_wire::TARGETS {
        replay(target, fuzz_wire::seeds(target.0));
    }
}

#[test]
fn no_bytes_make_a_transaction_or_its_check_panic_or_contradict_themselves() {
    for target in fuzz_transactions::TARGETS {
        replay(target, fuzz_transactions::seeds(target.0));
    }
}

#[track_caller]
fn replay_of_coordinator(name: &str) {
    let target = fuzz_coordinator::TARGETS.into_iter().find(|(known, _)| *known == name).unwrap();
    replay(target, fuzz_coordinator::seeds(name));
}

#[test]
fn scripts_of_engines_hold_every_invariant() {
    replay_of_coordinator("engine_script");
}

#[test]
fn evidence_out_of_true_and_false_parts_convicts_the_guilty_only() {
    replay_of_coordinator("evidence_session");
}

#[test]
fn damaged_files_are_refused_or_hold_what_was_stored() {
    replay_of_coordinator("store_file");
}

#[test]
fn strange_records_are_refused_or_read() {
    replay_of_coordinator("store_records");
}

#[test]
fn scripts_reach_every_end_and_every_fault() {
    let mut all = Tally::default();
    for script in fuzz_coordinator::seeds("engine_script") {
        all.add(play(&script, false).unwrap().tally);
    }
    for end in ["complete", "aborted: Convicted", "aborted: Refused", "aborted: Unresponsive"] {
        assert!(all.ends.get(end).is_some_and(|count| *count > 0), "{end}: {:?}", all.ends);
    }
    for fault in ["crash", "clone", "disk full", "decline", "wall clock jumps"] {
        assert!(all.faults.contains_key(fault), "{fault}: {:?}", all.faults);
    }
    assert!(all.deeds.len() > 15, "{:?}", all.deeds);
}
