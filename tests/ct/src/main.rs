//! Whether what is secret decides a branch or an address: the signing crate under memcheck, and a second opinion by time.
//!
//! `valgrind motet-ct memcheck` runs every scenario with its secrets marked undefined. Memcheck then reports each branch
//! and address that depends on one, until the crate declassifies a value: it calls [`passed`] with a site of its own list,
//! and the scenario says which sites it may pass. `valgrind motet-ct control` runs what must be reported.
//! `motet-ct remains` looks for what secrets leave behind in memory. `motet-ct dudect [samples]` measures. Exit code 0 means
//! that all is as it should be.

mod dudect;
mod memcheck;
mod remains;
mod scenarios;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Mutex;

use motet_core_crypto::declassify::{self, Site};

#[global_allocator]
static ALLOCATOR: remains::Watching = remains::Watching;

static PASSED: Mutex<BTreeSet<Site>> = Mutex::new(BTreeSet::new());

/// Called by the crate wherever a value becomes public.
fn passed(site: Site, start: *mut u8, length: usize) {
    memcheck::reveal(start, length);
    if let Ok(mut sites) = PASSED.lock() {
        sites.insert(site);
    }
    dudect::passed(site);
}

fn take_passed() -> BTreeSet<Site> {
    PASSED.lock().map(|mut sites| std::mem::take(&mut *sites)).unwrap_or_default()
}

/// Every scenario without an error, past its own sites and no others; all sites together are all that there are.
fn memcheck() -> bool {
    let mut all = BTreeSet::new();
    let mut right = true;
    for (name, scenario, expected) in scenarios::SCENARIOS {
        let before = memcheck::errors();
        scenario();
        let errors = memcheck::errors() - before;
        let sites = take_passed();
        let expected: BTreeSet<Site> = expected.iter().copied().collect();
        let verdict = if errors == 0 && sites == expected { "ok" } else { "WRONG" };
        right &= verdict == "ok";
        println!("{verdict:<6} {errors:>3} errors  {name}");
        if sites != expected {
            println!("       passed {sites:?}, and should pass {expected:?}");
        }
        all.extend(sites);
    }
    let unused: Vec<Site> = Site::ALL.into_iter().filter(|site| !all.contains(site)).collect();
    if !unused.is_empty() {
        println!("WRONG  nobody passes {unused:?}");
    }
    right && unused.is_empty()
}

/// Every control with an error.
fn control() -> bool {
    scenarios::CONTROLS.iter().fold(true, |right, (name, control)| {
        let before = memcheck::errors();
        control();
        let errors = memcheck::errors() - before;
        println!("{:<6} {errors:>3} errors  {name}", if errors > 0 { "found" } else { "MISSED" });
        right && errors > 0
    })
}

fn main() -> ExitCode {
    declassify::register(passed);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let right = match arguments[..] {
        ["memcheck" | "control"] if !memcheck::is_watching() => {
            println!("run this under valgrind: `cargo xtask ct` does");
            false
        }
        ["memcheck"] => memcheck(),
        ["control"] => control(),
        ["remains"] => remains::run(),
        ["dudect"] => dudect::run(50_000),
        ["dudect", samples] => samples.parse().is_ok_and(dudect::run),
        _ => {
            println!("motet-ct memcheck | control | remains | dudect [samples]");
            false
        }
    };
    if right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
