//! What machines do to processes: they are stopped and go on, disks fill up, data is copied, a second process is started.

use std::path::Path;
use std::process::Command;

use motet_tests::crash::{Cell, NODES};

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_motet-crash-node"))
}

fn signal(pid: u32, signal: &str) {
    let status = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

/// Three processes, of which the last stands still at this place until it is woken; the others have this many attempts.
fn standing_still(folder: &Path, place: &str, attempts: u32) -> Cell {
    let attempts = ("MOTET_ATTEMPTS", attempts.to_string());
    let all = [attempts.clone()];
    let last = [attempts, ("MOTET_STOP_AT", place.to_owned())];
    let variables = |node: usize| if node == NODES - 1 { &last[..] } else { &all[..] };
    Cell::start_with(program(), folder, |_| None, variables).unwrap()
}

/// A process that stands still when it is asked to sign is awaited and named. When it goes on, it makes the signature, and then
/// everybody gets it; or it hears first that the others have gone on, and ends. No nonce is used twice.
#[test]
fn who_stands_still_is_named_and_what_it_signs_afterwards_is_everybodys() {
    let folder = tempfile::tempdir().unwrap();
    let mut cell = standing_still(folder.path(), "signing", 3);
    cell.meet().unwrap();
    cell.announce().unwrap();
    for node in [0, 1] {
        let end = cell.nodes[node].wait("aborted ").unwrap();
        assert!(end.starts_with("aborted open 1 Unresponsive") && !end.contains("signers: []"), "{end}");
    }
    signal(cell.nodes[2].pid(), "CONT");
    let last = cell.nodes[2].wait_any(&["complete ", "aborted "]).unwrap();
    if last.starts_with("complete ") {
        let ends: Vec<String> = (0..NODES).map(|node| cell.nodes[node].wait("complete ").unwrap()).collect();
        cell.judge(&ends).unwrap();
    }
    cell.nonces_are_used_once(&[]).unwrap();
}

/// A process that stands still when it has signed, before that leaves, completes the session when it goes on. The others
/// have given it up, have said that it may be completed, and are told of the signature.
#[test]
fn a_signature_of_a_signer_that_stood_still_is_told_to_all_that_have_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut cell = standing_still(folder.path(), "spent", 1);
    cell.meet().unwrap();
    cell.announce().unwrap();
    for node in [0, 1] {
        let end = cell.nodes[node].wait("aborted ").unwrap();
        assert!(end.starts_with("aborted open 1 Unresponsive"), "{end}");
    }
    signal(cell.nodes[2].pid(), "CONT");
    let ends: Vec<String> = (0..NODES).map(|node| cell.nodes[node].wait("complete ").unwrap()).collect();
    cell.judge(&ends).unwrap();
}

/// Nothing leaves a node whose disk is full, it says so, and when there is room again it signs.
#[test]
fn a_full_disk_ends_the_session_and_room_again_lets_the_next_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let mut cell = Cell::start(program(), folder.path(), |_| None).unwrap();
    cell.meet().unwrap();
    limit_files(cell.nodes[1].pid(), Some(4096));
    cell.announce().unwrap();
    let end = cell.nodes[1].wait("aborted ").unwrap();
    assert!(end.contains("the store failed"), "{end}");
    limit_files(cell.nodes[1].pid(), None);
    for node in [0, 2] {
        let end = cell.nodes[node].wait_any(&["complete ", "aborted "]).unwrap();
        assert!(end.starts_with("aborted "), "nothing was signed without a record: {end}");
    }
    for node in &mut cell.nodes {
        node.forget();
    }
    cell.announce().unwrap();
    let ends: Vec<String> =
        cell.nodes.iter_mut().map(|node| node.wait_any(&["complete ", "aborted "]).unwrap()).collect();
    assert!(ends.iter().all(|end| end.starts_with("complete ")), "{ends:?}");
    cell.judge(&ends).unwrap();
}

fn limit_files(pid: u32, bytes: Option<u64>) {
    let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
    let soft = format!("--fsize={limit}:unlimited");
    let status = Command::new("prlimit").args(["--pid", &pid.to_string(), &soft]).status().unwrap();
    assert!(status.success());
}

/// The store belongs to one process.
#[test]
fn a_second_process_on_the_same_data_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let cell = Cell::start(program(), folder.path(), |_| None).unwrap();
    let second = Command::new(program()).arg(cell.folder(0)).arg("01".repeat(32)).output().unwrap();
    assert!(!second.status.success());
    let words = String::from_utf8_lossy(&second.stderr).to_lowercase();
    assert!(words.contains("inuse"), "{words}");
}

/// A copy of a node's data runs beside it: one of the two stops, and no nonce is used twice.
#[test]
fn of_a_node_and_a_copy_of_its_data_only_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut cell = Cell::start(program(), folder.path(), |_| None).unwrap();
    cell.meet().unwrap();
    cell.announce().unwrap();
    cell.nodes[1].wait("nonces").unwrap();
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(cell.folder(1)).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let mut twin = cell.also(&copy, 1).unwrap();
    let ends: Vec<String> =
        (0..NODES).map(|node| cell.nodes[node].wait_any(&["complete ", "aborted "]).unwrap()).collect();
    // The copy has something to say only if it was taken before the end was stored.
    twin.say("stop");
    cell.nonces_are_used_once(&[copy]).unwrap();
    let others: Vec<String> = [&ends[0], &ends[2]].into_iter().cloned().collect();
    cell.judge(&others).unwrap();
}

/// The wall clock goes forward and back by an hour in the middle of everything; the monotonic one does not care.
#[test]
fn jumps_of_the_wall_clock_cost_an_attempt_at_most() {
    let library =
        ["/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"];
    let Some(library) = library.iter().find(|path| Path::new(path).exists()) else {
        eprintln!("skipped: libfaketime is not installed (Debian: apt install libfaketime)");
        return;
    };
    for jump in ["+1h", "-1h"] {
        let folder = tempfile::tempdir().unwrap();
        let clock = folder.path().join("clock");
        std::fs::write(&clock, "+0").unwrap();
        let variables = [
            ("LD_PRELOAD", (*library).to_owned()),
            ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
        ];
        let mut cell =
            Cell::start_with(program(), folder.path(), |_| None, |node| if node == 1 { &variables } else { &[] })
                .unwrap();
        cell.meet().unwrap();
        cell.announce().unwrap();
        cell.nodes[1].wait("joined").unwrap();
        std::fs::write(&clock, jump).unwrap();
        let ends: Vec<String> =
            cell.nodes.iter_mut().map(|node| node.wait_any(&["complete ", "aborted "]).unwrap()).collect();
        assert!(ends.iter().all(|end| end.starts_with("complete ")), "{jump}: {ends:?}");
        cell.judge(&ends).unwrap();
    }
}
