//! `cargo xtask no-std`: the signing crate builds without the standard library, as a device would build it.
//!
//! Four looks: it builds without its default features; its tests pass so, since some of its arithmetic is another then; none of its
//! dependencies has a feature `std` on; and it builds for every target without an operating system that rustup has installed.
//! That its own source names nothing of `std` is `layers`' and clippy's to see.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::cargo;
use crate::failure::{Failure, Finding};
use crate::step::{Outcome, Step};

pub(crate) const STEP: Step = Step { name: "no-std", run };

const PACKAGE: &str = "motet-core-crypto";

fn run(root: &Path) -> Result<Outcome, Failure> {
    let bare = ["--package", PACKAGE, "--no-default-features", "--locked"];
    cargo::run(&mut cargo::cargo(root, &[&["build"][..], &bare].concat()))?;
    cargo::run(&mut cargo::cargo(root, &[&["test", "--quiet", "--lib", "--test", "it"][..], &bare].concat()))?;
    let tree = [&["tree", "--edges", "normal,features", "--prefix", "none"][..], &bare].concat();
    let tree = cargo::output(&mut cargo::cargo(root, &tree))?;
    let findings = with_std(&String::from_utf8_lossy(&tree));
    if !findings.is_empty() {
        return Err(Failure::Findings(findings));
    }
    let targets = bare_metal(&installed());
    for target in &targets {
        cargo::run(&mut cargo::cargo(root, &[&["build", "--target", target][..], &bare].concat()))?;
    }
    let where_ = if targets.is_empty() {
        "no target without an operating system is installed (`rustup target add thumbv7em-none-eabihf`)".to_owned()
    } else {
        format!("built for {}", targets.join(", "))
    };
    Ok(Outcome::Passed(format!("tests pass; no dependency wants std; {where_}")))
}

/// The lines of the tree that stand for a feature `std`.
fn with_std(tree: &str) -> Vec<Finding> {
    let lines = tree.lines().filter(|line| line.contains("feature \"std\""));
    lines.map(|line| Finding::new(PACKAGE, format!("wants {line} without its default features"))).collect()
}

/// What rustup has installed; nothing where there is no rustup.
fn installed() -> String {
    let output = Command::new("rustup")
        .args(["target", "list", "--installed"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// Those without an operating system: `none` stands where others name one.
fn bare_metal(installed: &str) -> Vec<String> {
    let bare = |target: &&str| target.split('-').any(|part| part == "none");
    installed.lines().map(str::trim).filter(bare).map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_without_an_operating_system_are_told_by_their_name() {
        let installed =
            "x86_64-unknown-linux-gnu\nthumbv7em-none-eabihf\nriscv32imc-unknown-none-elf\nwasm32-unknown-unknown\n";
        assert_eq!(bare_metal(installed), ["thumbv7em-none-eabihf", "riscv32imc-unknown-none-elf"]);
    }

    #[test]
    fn a_dependency_with_std_is_found() {
        let tree = "motet-core-crypto v0.1.0\nk256 feature \"alloc\"\nk256 v0.14.0\n";
        assert_eq!(with_std(tree), []);
        assert_eq!(with_std(&format!("{tree}k256 feature \"std\"\n")).len(), 1);
    }
}
