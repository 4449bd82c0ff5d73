//! Copies of the tree below cargo's target folder, in which something is changed and built.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::Shell;

use crate::tree;

/// Makes the copy of this name what the tree is, but for the files that have another text here, and says where it is. Files
/// that are the same are left alone, so that cargo builds again only what differs.
pub(crate) fn of_tree(sh: &Shell, name: &str, other: &BTreeMap<PathBuf, String>) -> Result<PathBuf> {
    let root = sh.current_dir();
    let target = sh.var("CARGO_TARGET_DIR").map_or_else(|_| root.join("target"), |folder| root.join(folder));
    synchronize(sh, &root, &target.join(name), other)?;
    Ok(target.join(name))
}

fn synchronize(sh: &Shell, from: &Path, to: &Path, other: &BTreeMap<PathBuf, String>) -> Result<()> {
    for path in tree::paths(from)? {
        let text = match other.get(&path) {
            Some(text) => text.clone().into_bytes(),
            None => sh.read_binary_file(from.join(&path))?,
        };
        if sh.read_binary_file(to.join(&path)).ok().as_ref() != Some(&text) {
            sh.write_file(to.join(&path), text)?;
        }
    }
    Ok(())
}

/// Files of `tests/toy`, and what they take the place of.
const TOYS: [(&str, &str); 4] = [
    ("comb.rs", "crates/core-crypto/src/comb.rs"),
    ("hash.rs", "crates/core-crypto/src/hash.rs"),
    ("vartime.rs", "crates/core-crypto/src/vartime.rs"),
    ("judge.rs", "tests/src/sim/judge.rs"),
];

/// Makes the toy: a copy in which points are numbers, so that the protocol runs in a fraction of the time.
///
/// It is no feature of the signing crate, which nobody could then build with it by mistake: the files of `tests/toy` take the
/// place of those of the crate where scalars become points and points are added.
pub(crate) fn toy(sh: &Shell) -> Result<PathBuf> {
    let mut other = BTreeMap::new();
    for (from, to) in TOYS {
        anyhow::ensure!(sh.path_exists(to), "{to} is not there: tests/toy/{from} would change nothing");
        other.insert(to.into(), sh.read_file(format!("tests/toy/{from}"))?);
    }
    // The toy uses none of the curve.
    let library = "crates/core-crypto/src/lib.rs";
    let text = sh.read_file(library)?.replacen("\n#![no_std]", "\n#![allow(dead_code)]\n#![no_std]", 1);
    other.insert(library.into(), text);
    of_tree(sh, "toy", &other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::fixtures::tree;

    #[test]
    fn a_copy_is_what_the_tree_is_but_for_what_is_changed() {
        let (_, from) = tree(&[("src/a.rs", "one"), ("src/b/c.rs", "two"), ("target/x", "no")]);
        let (sh, to) = tree(&[("src/a.rs", "changed")]);
        for (other, text) in
            [(BTreeMap::from([("src/a.rs".into(), "toy".to_owned())]), "toy"), (BTreeMap::new(), "one")]
        {
            synchronize(&sh, from.path(), to.path(), &other).unwrap();
            assert_eq!(sh.read_file("src/a.rs").unwrap(), text);
            assert_eq!(sh.read_file("src/b/c.rs").unwrap(), "two");
            assert!(!sh.path_exists("target"));
        }
    }
}
