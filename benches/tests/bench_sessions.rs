//! `bench-sessions` in a run of seconds: every line that it promises is there, with every number, and every session
//! succeeds. How long anything takes is not looked at.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "output/json.rs"]
mod output;

use output::assert_positive;
use serde_json::Value;

fn lines(arguments: &[&str]) -> Vec<Value> {
    output::lines(env!("CARGO_BIN_EXE_bench-sessions"), arguments)
}

#[test]
fn a_session_is_measured_beside_its_floor() {
    let lines = lines(&["--only", "latency", "--n", "2,3", "--runs", "2"]);
    assert_eq!(lines.len(), 6, "two numbers of signers: in memory, on disk, without commitments");
    for (line, signers) in lines.iter().zip([2, 2, 2, 3, 3, 3]) {
        assert_eq!((&line["operation"], &line["n"]), (&"announce_to_signature".into(), &signers.into()));
        assert_positive(line, &["median_ns", "p95_ns", "p99_ns", "floor_ns", "chain_floor_ns", "ratio"]);
        assert_eq!((&line["runs"], &line["failed"]), (&2.into(), &0.into()));
        assert_eq!(line["syncs_ns"].as_u64() > Some(0), line["store"] == "redb", "only a disk has syncs: {line}");
    }
}

#[test]
fn many_sessions_at_once_are_counted() {
    let lines = lines(&["--only", "crowd", "--crowds", "2,4", "--runs", "1"]);
    assert_eq!(lines.len(), 6, "in memory and on disk: two crowds and their ratio");
    for of_store in lines.chunks(3) {
        let [few, many, ratio] = of_store else { panic!("three lines, not {of_store:?}") };
        for (line, sessions) in [(few, 2), (many, 4)] {
            assert_eq!((&line["operation"], &line["n"]), (&"concurrent_sessions".into(), &3.into()));
            assert_positive(line, &["sessions_per_second", "p50_ns", "p95_ns", "all_ns", "most_at_once"]);
            assert!(line["bytes_per_session"].is_u64());
            assert_eq!((&line["sessions"], &line["failed"]), (&sessions.into(), &0.into()));
        }
        assert_eq!(
            (&ratio["operation"], &ratio["fewest"], &ratio["most"]),
            (&"crowd_ratio".into(), &2.into(), &4.into())
        );
        assert_positive(ratio, &["most_to_fewest", "engine_alone_per_second", "most_to_engine_alone"]);
    }
}

#[test]
fn sessions_beside_requests_that_wait_are_counted() {
    let lines = lines(&["--only", "crowd", "--crowds", "2", "--waiting", "20", "--store", "memory", "--runs", "1"]);
    let [none, waiting, ratio, _] = lines.as_slice() else { panic!("four lines, not {lines:?}") };
    for (line, waiting) in [(none, 0), (waiting, 20)] {
        assert_eq!((&line["waiting"], &line["sessions"], &line["failed"]), (&waiting.into(), &2.into(), &0.into()));
    }
    assert_eq!((&ratio["operation"], &ratio["waiting"]), (&"waiting_ratio".into(), &20.into()));
    assert_positive(ratio, &["waiting_to_none"]);
}

#[test]
fn engines_alone_and_looking_up_are_measured() {
    let lines = lines(&["--only", "engine,find", "--n", "2,3", "--runs", "1"]);
    let [two, three, find] = lines.as_slice() else { panic!("three lines, not {lines:?}") };
    for (engine, signers) in [(two, 2), (three, 3)] {
        assert_eq!((&engine["operation"], &engine["n"]), (&"engine_alone".into(), &signers.into()));
        assert_positive(engine, &["fastest_ns", "sessions_per_second", "arithmetic_ns", "frames"]);
    }
    assert_positive(two, &["overhead_percent"]);
    assert_eq!(find["operation"], "find_available_signers");
    assert_positive(find, &["median_ns", "p99_ns", "signers"]);
}

#[test]
fn sessions_over_the_api_are_measured_beside_those_of_the_library() {
    let lines = lines(&["--only", "api", "--runs", "2"]);
    let [line] = lines.as_slice() else { panic!("one line, not {lines:?}") };
    assert_eq!((&line["operation"], &line["runs"]), (&"api".into(), &2.into()));
    assert_eq!(line["listeners"], 128, "each of two daemons has places for 64 of a thousand");
    let times = ["library_ns", "client_ns", "crowded_ns", "start_ns", "client_to_library", "crowded_to_library"];
    assert_positive(line, &times);
}

#[test]
fn the_check_of_a_transaction_is_measured_beside_the_sessions_that_sign_it() {
    let lines = lines(&["--only", "transactions", "--n", "2", "--runs", "1"]);
    let [line] = lines.as_slice() else { panic!("one line, not {lines:?}") };
    assert_eq!((&line["operation"], &line["n"], &line["inputs"]), (&"transaction".into(), &2.into(), &64.into()));
    let times = ["inspect_ns", "first_check_ns", "check_ns", "check_one_ns", "session_ns", "singles_ns", "bare_ns"];
    assert_positive(line, &times);
    assert_positive(line, &["check_to_session_percent", "check_one_to_single_percent", "session_to_singles"]);
}
