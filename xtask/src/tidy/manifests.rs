//! The manifests: what a package takes from the workspace. That each version of a dependency is chosen once is cargo-deny's to see
//! (`deny.toml`), and that a published crate says what it is, clippy's (`cargo_common_metadata`).

use crate::finding::Finding;
use crate::tree::TextFile;

/// Lines of every package.
const INHERITED: [&str; 5] = [
    "[lints]\nworkspace = true",
    "version.workspace = true",
    "edition.workspace = true",
    "rust-version.workspace = true",
    "license.workspace = true",
];
/// Lines of a published package besides.
const PUBLISHED: [&str; 3] = ["authors.workspace = true", "repository.workspace = true", "homepage.workspace = true"];

/// Checks the manifests of these texts that are of a package in the workspace, and not of the root.
pub(super) fn check(texts: &[TextFile]) -> Vec<Finding> {
    let of_package = |text: &&TextFile| text.path.ends_with("/Cargo.toml") && !text.text.contains("[workspace]");
    texts.iter().filter(of_package).flat_map(package).collect()
}

fn package(manifest: &TextFile) -> Vec<Finding> {
    let published = !manifest.text.contains("\npublish = false\n");
    let wanted = INHERITED.iter().chain(PUBLISHED.iter().filter(|_| published));
    let missing = wanted.filter(|lines| !manifest.text.contains(&format!("\n{lines}\n")));
    missing.map(|lines| Finding::new(&manifest.path, format!("needs `{}`", lines.replace('\n', " ")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_that_is_taken_from_the_workspace_is_needed() {
        let found =
            |path: &str, lines: &[&str]| check(&[TextFile::new(path, format!("\n{}\n", lines.join("\n")))]).len();
        let whole = [&INHERITED[..], &PUBLISHED].concat();
        for line in &whole {
            let without: Vec<_> = whole.iter().copied().filter(|kept| kept != line).collect();
            assert_eq!(found("crates/a/Cargo.toml", &without), 1, "{line}");
        }
        assert_eq!(found("crates/a/Cargo.toml", &whole), 0);
        assert_eq!(found("tests/Cargo.toml", &[&["publish = false"], &INHERITED[..]].concat()), 0);
        assert_eq!(found("tests/fuzz/Cargo.toml", &["[workspace]"]), 0);
    }
}
