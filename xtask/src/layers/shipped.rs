//! The program that is shipped has no feature that is for tests (`docs/testing.md`, "Crashes").

use std::path::Path;

use crate::cargo;
use crate::failure::{Failure, Finding};

/// The package of the program.
const PROGRAM: &str = "motet-cli";
/// Features for tests alone: places to die at, and the hooks of the constant-time harness.
const FOR_TESTS: [&str; 3] = ["failpoints", "ct-hooks", "count-operations"];

pub(super) fn check(root: &Path) -> Result<Vec<Finding>, Failure> {
    let tree = ["tree", "--package", PROGRAM, "--edges", "normal,build,features", "--prefix", "none", "--locked"];
    let tree = cargo::output(&mut cargo::cargo(root, &tree))?;
    Ok(for_tests(&String::from_utf8_lossy(&tree)))
}

/// The lines of the tree that stand for such a feature.
fn for_tests(tree: &str) -> Vec<Finding> {
    let is_one = |line: &&str| FOR_TESTS.iter().any(|feature| line.contains(&format!("feature \"{feature}\"")));
    tree.lines()
        .filter(is_one)
        .map(|line| Finding::new(PROGRAM, format!("is built with {line}, for tests only")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree of a package with a feature that is off by default, and of another that turns it on.
    fn tree(package: &str) -> String {
        let manifest = |name: &str, rest: &str| {
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{rest}")
        };
        let root = crate::tree::fixtures::tree(&[
            ("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"a\", \"b\", \"c\"]\n"),
            ("a/Cargo.toml", &manifest("a", "[features]\nfailpoints = []\n")),
            ("b/Cargo.toml", &manifest("b", "[dependencies]\na = { path = \"../a\" }\n")),
            ("c/Cargo.toml", &manifest("c", "[dependencies]\na = { path = \"../a\", features = [\"failpoints\"] }\n")),
            ("a/src/lib.rs", ""),
            ("b/src/lib.rs", ""),
            ("c/src/lib.rs", ""),
        ]);
        let arguments = ["tree", "--offline", "--package", package, "--edges", "normal,features", "--prefix", "none"];
        String::from_utf8(cargo::output(&mut cargo::cargo(root.path(), &arguments)).unwrap()).unwrap()
    }

    #[test]
    fn a_feature_for_tests_is_found_in_what_is_shipped_and_not_in_its_neighbour() {
        assert_eq!(for_tests(&tree("b")), []);
        assert_eq!(for_tests(&tree("c")).len(), 1);
    }
}
