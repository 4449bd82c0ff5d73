//! Replays what the fuzzer once found interesting about the coordinator, with the stable compiler.

use std::fs;
use std::panic::{catch_unwind, resume_unwind};
use std::path::PathBuf;

use motet_tests::fuzz_coordinator::engine::play;
use motet_tests::fuzz_coordinator::{TARGETS, seeds};
use motet_tests::fuzz_wire::Target;
use motet_tests::sim::Tally;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

#[track_caller]
fn replay(name: &str) {
    let (_, run): Target = TARGETS.into_iter().find(|(known, _)| *known == name).unwrap();
    assert!(folder().join("fuzz_targets").join(format!("{name}.rs")).is_file());
    let corpus = folder().join("corpus").join(name);
    for (number, seed) in seeds(name).iter().enumerate() {
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
fn scripts_of_engines_hold_every_invariant() {
    replay("engine_script");
}

#[test]
fn evidence_out_of_true_and_false_parts_convicts_the_guilty_only() {
    replay("evidence_session");
}

#[test]
fn damaged_files_are_refused_or_hold_what_was_stored() {
    replay("store_file");
}

#[test]
fn strange_records_are_refused_or_read() {
    replay("store_records");
}

#[test]
fn scripts_reach_every_end_and_every_fault() {
    let mut all = Tally::default();
    for script in seeds("engine_script") {
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
