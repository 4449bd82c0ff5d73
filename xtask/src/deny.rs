//! `cargo xtask deny`: licences, bans and sources of all dependencies, as `deny.toml` says; `cargo xtask advisories`: known
//! vulnerabilities, from the RustSec database. Both are cargo-deny's work.
//!
//! The database is fetched over the network and is as new as the day. So `advisories` is no part of `ci`, whose verdict
//! depends on the change alone. Floors for versions with known remote crashes are bans in `deny.toml`.

use std::path::Path;
use std::process::Command;

use crate::cargo;
use crate::failure::Failure;
use crate::step::{Outcome, Step};

pub(crate) const STEP: Step = Step { name: "deny", run };
pub(crate) const ADVISORIES: Step = Step { name: "advisories", run: advisories };

const MISSING: &str = "cargo-deny is not installed (`cargo install cargo-deny --locked`); nothing was checked";

fn run(root: &Path) -> Result<Outcome, Failure> {
    if !cargo::has(root, "deny") {
        return Ok(Outcome::Skipped(MISSING.into()));
    }
    cargo::run(&mut check(root, &["bans", "licenses", "sources"]))?;
    Ok(Outcome::Passed("licences, bans and sources of all packages".into()))
}

fn advisories(root: &Path) -> Result<Outcome, Failure> {
    if !cargo::has(root, "deny") {
        return Ok(Outcome::Skipped(MISSING.into()));
    }
    if cargo::run(&mut cargo::cargo(root, &["deny", "--locked", "fetch", "db"])).is_err() {
        return Ok(Outcome::Skipped("the advisory database cannot be fetched from here; nothing was checked".into()));
    }
    cargo::run(&mut check(root, &["--disable-fetch", "advisories"]))?;
    Ok(Outcome::Passed("no advisory that we do not know".into()))
}

fn check(root: &Path, what: &[&str]) -> Command {
    cargo::cargo(root, &[&["deny", "--locked", "--all-features", "check"], what].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::fixtures::tree;

    /// What our own rules say about a workspace that uses these packages: name, version, licence.
    fn refused(what: &str, used: &[(&str, &str, &str)]) -> Option<String> {
        if !cargo::has(Path::new("."), "deny") {
            eprintln!("skipped: {MISSING}");
            return None;
        }
        let manifest = |name: &str, version: &str, licence: &str| {
            format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\n{licence}\n")
        };
        let rules = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deny.toml")).unwrap();
        let mut ours =
            manifest("ours", "0.1.0", "license = \"MIT\"") + "[workspace]\nexclude = [\"others\"]\n[dependencies]\n";
        let mut files = vec![("deny.toml".to_owned(), rules), ("src/lib.rs".to_owned(), String::new())];
        for (name, version, licence) in used {
            let (key, folder) = (format!("{name}-{version}").replace('.', "-"), format!("others/{name}-{version}"));
            ours += &format!("{key}.package = \"{name}\"\n");
            ours += &format!("{key}.path = \"{folder}\"\n");
            files.push((format!("{folder}/Cargo.toml"), manifest(name, version, licence)));
            files.push((format!("{folder}/src/lib.rs"), String::new()));
        }
        files.push(("Cargo.toml".to_owned(), ours));
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let root = tree(&files);
        let output = |arguments: &[&str]| cargo::cargo(root.path(), arguments).output().unwrap();
        assert!(output(&["generate-lockfile"]).status.success());
        let output = output(&["deny", "--offline", "check", what]);
        Some(if output.status.success() { String::new() } else { String::from_utf8(output.stderr).unwrap() })
    }

    fn must_refuse(what: &str, used: &[(&str, &str, &str)], code: &str) {
        assert!(refused(what, used).is_none_or(|found| found.contains(code)), "{used:?}");
    }

    const MIT: &str = "license = \"MIT\"";

    #[test]
    fn what_the_rules_allow_passes() {
        let written =
            ["MIT", "GPL-3.0 OR MIT", "(MIT OR ISC) AND Apache-2.0", "Apache-2.0 WITH LLVM-exception OR GPL-2.0"];
        for licence in written {
            let used = [("used", "1.0.0", format!("license = \"{licence}\""))];
            let used = used.each_ref().map(|(name, version, licence)| (*name, *version, licence.as_str()));
            assert!(refused("licenses", &used).is_none_or(|found| found.is_empty()), "{licence}");
        }
        let twice =
            [("used", "1.0.0", MIT), ("used", "2.0.0", MIT), ("yamux", "0.13.10", MIT), ("bincode", "2.0.1", MIT)];
        assert!(refused("bans", &twice).is_none_or(|found| found.is_empty()));
    }

    #[test]
    fn a_planted_licence_is_found() {
        must_refuse("licenses", &[("used", "1.0.0", "license = \"GPL-3.0-only\"")], "rejected");
        must_refuse("licenses", &[("used", "1.0.0", "license = \"MIT AND GPL-3.0-only\"")], "rejected");
        must_refuse("licenses", &[("used", "1.0.0", "")], "unlicensed");
    }

    #[test]
    fn a_planted_package_an_old_version_and_a_second_one_are_found() {
        must_refuse("bans", &[("openssl-sys", "0.9.0", MIT)], "banned");
        must_refuse("bans", &[("yamux", "0.13.9", MIT)], "banned");
        must_refuse("bans", &[("bincode", "1.3.3", MIT), ("bincode", "2.0.1", MIT)], "duplicate");
    }

    #[test]
    fn a_planted_source_is_found() {
        let used = tree(&[("Cargo.toml", "[package]\nname = \"used\"\nversion = \"1.0.0\"\n"), ("src/lib.rs", "")]);
        for arguments in [
            &["init", "--quiet"][..],
            &["add", "."],
            &["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", "a"],
        ] {
            assert!(Command::new("git").current_dir(&used).args(arguments).status().unwrap().success());
        }
        let from_git = format!("git = \"file://{}\"", used.path().display());
        let manifest = format!("{MIT}\n[dependencies]\nused.{from_git}");
        must_refuse("sources", &[("middle", "1.0.0", &manifest)], "source-not-allowed");
    }
}
