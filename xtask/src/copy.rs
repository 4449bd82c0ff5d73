//! Copies of the tree below cargo's target folder, in which something is changed and built.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// What the copy needs none of.
const LEFT_OUT: [&str; 4] = ["target", ".git", "corpus", "artifacts"];

/// The folder of a copy of the tree, below cargo's target folder, where one build serves the next.
pub(crate) fn copy_of(root: &Path, name: &str) -> Result<PathBuf, Failure> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let copy = target.join(name);
    std::fs::create_dir_all(&copy).map_err(|error| Failure::file(&copy, error))?;
    Ok(copy)
}

/// Makes the copy what the tree is, but for these files of it. Files that are the same are left alone, so that cargo
/// builds again only what differs.
pub(crate) fn synchronize(from: &Path, to: &Path, kept: &[PathBuf]) -> Result<(), Failure> {
    let entries = std::fs::read_dir(from).map_err(|error| Failure::file(from, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Failure::file(from, error))?;
        let (path, name) = (entry.path(), entry.file_name());
        if LEFT_OUT.iter().any(|left_out| name == *left_out) {
            continue;
        }
        let copy = to.join(&name);
        if path.is_dir() {
            std::fs::create_dir_all(&copy).map_err(|error| Failure::file(&copy, error))?;
            synchronize(&path, &copy, kept)?;
        } else if !kept.contains(&copy) {
            let text = std::fs::read(&path).map_err(|error| Failure::file(&path, error))?;
            if std::fs::read(&copy).ok().as_ref() != Some(&text) {
                std::fs::write(&copy, text).map_err(|error| Failure::file(&copy, error))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::fixtures::tree;

    #[test]
    fn a_copy_is_what_the_tree_is() {
        let root = tree(&[("src/a.rs", "one"), ("src/b/c.rs", "two"), ("target/x", "no")]);
        let copy = tree(&[("src/a.rs", "changed")]);
        synchronize(root.path(), copy.path(), &[]).unwrap();
        assert_eq!(std::fs::read_to_string(copy.path().join("src/a.rs")).unwrap(), "one");
        assert_eq!(std::fs::read_to_string(copy.path().join("src/b/c.rs")).unwrap(), "two");
        assert!(!copy.path().join("target").exists());
    }
}
