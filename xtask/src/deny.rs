//! `cargo xtask deny`: licences, bans and sources of all dependencies, as `deny.toml` says; `cargo xtask advisories`: known
//! vulnerabilities, from the RustSec database. Both are cargo-deny's work.
//!
//! The database is fetched over the network and is as new as the day. So `advisories` is no part of `ci`, whose verdict
//! depends on the change alone. Floors for versions with known remote crashes are bans in `deny.toml`.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::outcome::{Outcome, has};

const MISSING: &str = "cargo-deny is not installed (`cargo install cargo-deny --locked`); nothing was checked";

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    if !has(sh, "deny") {
        return Ok(Outcome::Skipped(MISSING.into()));
    }
    cmd!(sh, "cargo deny --locked --all-features check bans licenses sources").run()?;
    Ok(Outcome::Passed("licences, bans and sources of all packages".into()))
}

pub(crate) fn advisories(sh: &Shell) -> Result<Outcome> {
    if !has(sh, "deny") {
        return Ok(Outcome::Skipped(MISSING.into()));
    }
    if cmd!(sh, "cargo deny --locked fetch db").run().is_err() {
        return Ok(Outcome::Skipped("the advisory database cannot be fetched from here; nothing was checked".into()));
    }
    cmd!(sh, "cargo deny --locked --all-features check --disable-fetch advisories").run()?;
    Ok(Outcome::Passed("no advisory that we do not know".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::fixtures::tree;

    /// Findings of our own rules about a workspace that uses these packages: name, version, the rest of the manifest.
    fn refused(what: &str, used: &Used<'_>) -> String {
        let manifest = |name: &str, version: &str, rest: &str| {
            format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\n{rest}\n")
        };
        let (sh, _root) = tree(&[("deny.toml", include_str!("../../deny.toml")), ("src/lib.rs", "")]);
        let mut ours = manifest("ours", "0.1.0", MIT) + "[workspace]\nexclude = [\"others\"]\n[dependencies]\n";
        for (name, version, rest) in used {
            let (key, folder) = (format!("{name}-{version}").replace('.', "-"), format!("others/{name}-{version}"));
            ours += &format!("{key}.package = \"{name}\"\n{key}.path = \"{folder}\"\n");
            sh.write_file(format!("{folder}/Cargo.toml"), manifest(name, version, rest)).unwrap();
            sh.write_file(format!("{folder}/src/lib.rs"), "").unwrap();
        }
        sh.write_file("Cargo.toml", ours).unwrap();
        cmd!(sh, "cargo generate-lockfile").quiet().ignore_stderr().run().unwrap();
        let deny = cmd!(sh, "cargo deny --offline check {what}").quiet().ignore_status().output().unwrap();
        if deny.status.success() { String::new() } else { String::from_utf8(deny.stderr).unwrap() }
    }

    type Used<'a> = [(&'a str, &'a str, &'a str)];

    const MIT: &str = "license = \"MIT\"";
    const GPL: &str = "license = \"MIT AND GPL-3.0-only\"";
    const EITHER: &str = "license = \"GPL-3.0 OR MIT\"";
    /// The crates of the exceptions, which have to be used.
    const HEX: (&str, &str, &str) = ("hex_lit", "0.1.1", "license = \"MITNFA\"");
    const HTTP: (&str, &str, &str) = ("attohttpc", "0.24.1", "license = \"MPL-2.0\"");
    const ROOTS: (&str, &str, &str) = ("webpki-roots", "1.0.0", "license = \"CDLA-Permissive-2.0\"");

    #[test]
    fn our_rules_refuse_what_they_name_and_nothing_else() {
        if !has(&Shell::new().unwrap(), "deny") {
            eprintln!("skipped: {MISSING}");
            return;
        }
        let (used_git, folder) =
            tree(&[("Cargo.toml", "[package]\nname = \"used\"\nversion = \"1.0.0\"\n"), ("src/lib.rs", "")]);
        cmd!(used_git, "git init --quiet").quiet().run().unwrap();
        cmd!(used_git, "git add .").quiet().run().unwrap();
        cmd!(used_git, "git -c user.name=a -c user.email=a@example.org commit --quiet --message a")
            .quiet()
            .run()
            .unwrap();
        let from_git = format!("{MIT}\n[dependencies]\nused.git = \"file://{}\"", folder.path().display());
        let cases: [(&str, &Used<'_>, &str); 9] = [
            ("licenses", &[("used", "1.0.0", EITHER), HEX, HTTP, ROOTS], ""),
            ("licenses", &[("used", "1.0.0", GPL), HEX, HTTP, ROOTS], "rejected"),
            ("licenses", &[("used", "1.0.0", ""), HEX, HTTP, ROOTS], "unlicensed"),
            ("bans", &[("used", "1.0.0", MIT), ("used", "2.0.0", MIT), ("yamux", "0.13.10", MIT)], ""),
            ("bans", &[("openssl-sys", "0.9.0", MIT)], "banned"),
            ("bans", &[("yamux", "0.13.9", MIT)], "banned"),
            ("bans", &[("bincode", "1.3.3", MIT), ("bincode", "2.0.1", MIT)], "duplicate"),
            ("sources", &[("used", "1.0.0", MIT)], ""),
            ("sources", &[("middle", "1.0.0", &from_git)], "source-not-allowed"),
        ];
        for (what, used, code) in cases {
            let found = refused(what, used);
            assert!(if code.is_empty() { found.is_empty() } else { found.contains(code) }, "{used:?}: {found}");
        }
    }
}
