//! The toy: a copy of the tree in which points are numbers, so that the protocol runs in a fraction of the time.
//!
//! It is no feature of the signing crate, which nobody could then build with it by mistake: the files of `tests/toy` take
//! the place of a few of the crate's in a copy below the target folder, and the names of k256's points are changed to
//! theirs.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::planted::{copy_of, synchronize};

/// Files of `tests/toy`, and where they go.
const FILES: [(&str, &str); 3] = [
    ("group.rs", "crates/core-crypto/src/toy.rs"),
    ("vartime.rs", "crates/core-crypto/src/vartime.rs"),
    ("judge.rs", "tests/src/sim/judge.rs"),
];

/// What else changes: in which file, what, into what. Each is there exactly once.
const CHANGES: [(&str, &str, &str); 6] = [
    ("lib.rs", "mod vartime;", "mod toy;\nmod vartime;"),
    ("schnorr.rs", "use k256::{ProjectivePoint, Scalar};", "use crate::toy::ProjectivePoint;\nuse k256::Scalar;"),
    ("nonce.rs", "use k256::{ProjectivePoint, Scalar};", "use crate::toy::ProjectivePoint;\nuse k256::Scalar;"),
    ("adaptor.rs", "use k256::{ProjectivePoint, Scalar};", "use crate::toy::ProjectivePoint;\nuse k256::Scalar;"),
    (
        "scalar.rs",
        "use k256::{FieldBytes, ProjectivePoint, Scalar};",
        "use crate::toy::ProjectivePoint;\nuse k256::{FieldBytes, Scalar};",
    ),
    ("point.rs", "use k256::AffinePoint;", "use crate::toy::AffinePoint;"),
];

/// Makes the copy, and says where it is.
pub(super) fn copy(root: &Path) -> Result<PathBuf, Failure> {
    let copy = copy_of(root, "toy")?;
    let crypto = Path::new("crates/core-crypto/src");
    // What is changed below is left alone here, so that cargo does not take it for new.
    let mut changed: Vec<(PathBuf, String)> = Vec::new();
    for (from, to) in FILES {
        changed.push((copy.join(to), read(&root.join("tests/toy").join(from))?));
    }
    for (file, old, new) in CHANGES {
        let text = read(&root.join(crypto).join(file))?;
        if text.matches(old).count() != 1 {
            return Err(Failure::unreadable(
                file,
                format!("`{old}` is not there exactly once; see xtask/src/sim/toy.rs"),
            ));
        }
        changed.push((copy.join(crypto).join(file), text.replace(old, new)));
    }
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
