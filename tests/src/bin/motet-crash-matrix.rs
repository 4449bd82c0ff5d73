//! The crash matrix, many times over: every named place, every node. It prints a table, and what did not hold.
//!
//! `motet-crash-matrix [RUNS] [JOBS]`: how often each cell, and how many at a time.
#![expect(clippy::print_stdout, reason = "its report is its output")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use motet_node::CrashPoint;
use motet_tests::crash::{Ending, NODES, run_cell};

type Cell = (usize, usize);

#[derive(Default)]
struct Report {
    endings: BTreeMap<(Cell, Ending), u32>,
    breaches: Vec<String>,
}

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let runs = numbers.next().and_then(Result::ok).unwrap_or(20);
    let jobs = numbers.next().and_then(Result::ok).unwrap_or(4);
    let program = std::env::current_exe().ok().and_then(|path| Some(path.parent()?.join("motet-crash-node")));
    let Some(program) = program else {
        println!("the node's program is not beside this one");
        return ExitCode::FAILURE;
    };
    let report = Mutex::new(Report::default());
    let next = AtomicUsize::new(0);
    let cells = CrashPoint::ALL.len() * NODES;
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| work(&program, cells, runs, &next, &report));
        }
    });
    let Ok(report) = report.into_inner() else { return ExitCode::FAILURE };
    print(&report);
    if report.breaches.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn work(program: &Path, cells: usize, runs: usize, next: &AtomicUsize, report: &Mutex<Report>) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= cells * runs {
            return;
        }
        let cell @ (place, victim) = ((number / NODES) % CrashPoint::ALL.len(), number % NODES);
        let Some(name) = CrashPoint::ALL.get(place).map(|place| place.name()) else { return };
        let result = tempfile::tempdir()
            .map_err(|error| error.to_string())
            .and_then(|folder| run_cell(program, folder.path(), name, victim));
        let Ok(mut report) = report.lock() else { return };
        match result {
            Ok(ending) => *report.endings.entry((cell, ending)).or_default() += 1,
            Err(breach) => report.breaches.push(format!("{name}, node {victim}: {breach}")),
        }
    }
}

fn print(report: &Report) {
    println!("| where it dies | the creator | the second | the third | breaches |");
    println!("|---|---|---|---|---|");
    for (place, point) in CrashPoint::ALL.iter().enumerate() {
        let count = |victim: usize, ending| report.endings.get(&((place, victim), ending)).copied().unwrap_or(0);
        let cell = |victim| match (count(victim, Ending::Signed), count(victim, Ending::GivenUp)) {
            (signed, 0) => format!("{signed} signed"),
            (signed, given_up) => format!("{signed} signed, {given_up} given up"),
        };
        let breaches = report.breaches.iter().filter(|breach| breach.starts_with(&format!("{}, ", point.name())));
        println!("| {} | {} | {} | {} | {} |", point.name(), cell(0), cell(1), cell(2), breaches.count());
    }
    for breach in &report.breaches {
        println!("breach: {breach}");
    }
}
