//! `cargo xtask advisories`: known vulnerabilities of all dependencies, from the RustSec database.
//!
//! The database is fetched over the network by cargo-deny, and is as new as the day. So this is no part of `ci`, whose verdict
//! depends on the change alone, and it says when it could not run. Floors for versions with known remote crashes are bans
//! in `deny.toml`, which hold everywhere.

use std::path::Path;

use crate::cargo;
use crate::deny::{CONFIG, Config};
use crate::failure::Failure;
use crate::step::{Outcome, Step};
use crate::tree;

pub(crate) const STEP: Step = Step { name: "advisories", run };

fn run(root: &Path) -> Result<Outcome, Failure> {
    let file = tree::file(root, CONFIG)?.ok_or_else(|| Failure::unreadable(CONFIG, "not there"))?;
    for ignored in Config::parse(&file.text)?.advisories.ignore {
        println!("    known and lived with: {}: {}", ignored.id, ignored.reason);
    }
    if !cargo::has(root, "deny") {
        let why = "cargo-deny is not installed (`cargo install cargo-deny --locked`); nothing was checked";
        return Ok(Outcome::Skipped(why.into()));
    }
    if cargo::run(&mut cargo::cargo(root, &["deny", "--locked", "fetch", "db"])).is_err() {
        return Ok(Outcome::Skipped("the advisory database cannot be fetched from here; nothing was checked".into()));
    }
    let check = ["deny", "--locked", "--all-features", "check", "--disable-fetch", "advisories"];
    cargo::run(&mut cargo::cargo(root, &check))?;
    Ok(Outcome::Passed("no advisory that we do not know".into()))
}
