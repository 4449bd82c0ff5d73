//! The toy: a copy of the tree in which points are numbers, so that the protocol runs in a fraction of the time.
//!
//! It is no feature of the signing crate, which nobody could then build with it by mistake: the files of `tests/toy` take
//! the place of those of the crate where scalars become points and points are added, in a copy below the target folder.

use std::path::{Path, PathBuf};

use crate::copy::{copy_of, synchronize};
use crate::failure::Failure;

/// Files of `tests/toy`, and what they take the place of.
const FILES: [(&str, &str); 4] = [
    ("comb.rs", "crates/core-crypto/src/comb.rs"),
    ("hash.rs", "crates/core-crypto/src/hash.rs"),
    ("vartime.rs", "crates/core-crypto/src/vartime.rs"),
    ("judge.rs", "tests/src/sim/judge.rs"),
];

/// Makes the copy, and says where it is.
pub(crate) fn copy(root: &Path) -> Result<PathBuf, Failure> {
    let copy = copy_of(root, "toy")?;
    // What is changed below is left alone here, so that cargo does not take it for new.
    let mut changed: Vec<(PathBuf, String)> = Vec::new();
    for (from, to) in FILES {
        // One that takes no file's place would change nothing.
        read(&root.join(to))?;
        changed.push((copy.join(to), read(&root.join("tests/toy").join(from))?));
    }
    // Nobody uses the curve any more.
    let library = "crates/core-crypto/src/lib.rs";
    let text = read(&root.join(library))?;
    changed.push((copy.join(library), text.replacen("\n#![no_std]", "\n#![allow(dead_code)]\n#![no_std]", 1)));
    let kept: Vec<PathBuf> = changed.iter().map(|(path, _)| path.clone()).collect();
    synchronize(root, &copy, &kept)?;
    for (path, text) in changed {
        if std::fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            std::fs::write(&path, text).map_err(|error| Failure::file(&path, error))?;
        }
    }
    Ok(copy)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))
}
