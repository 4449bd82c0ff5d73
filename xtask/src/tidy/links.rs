//! Links between our pages lead somewhere, and every page of `docs/` is listed in `docs/README.md`.

use std::path::Path;

use crate::finding::Finding;
use crate::tree::TextFile;

const INDEX: &str = "docs/README.md";

pub(super) fn check(root: &Path, pages: &[TextFile]) -> Vec<Finding> {
    let mut findings: Vec<_> = pages.iter().flat_map(|page| dangling(root, page)).collect();
    if let Some(index) = pages.iter().find(|page| page.path == INDEX) {
        findings.extend(unlisted(index, pages));
    }
    findings
}

/// Links to files that are not there.
fn dangling(root: &Path, page: &TextFile) -> Vec<Finding> {
    let folder = root.join(&page.path).parent().map(Path::to_owned).unwrap_or_default();
    let mut findings = Vec::new();
    for (line, number) in prose(&page.text) {
        for target in targets(line) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !folder.join(file).exists() {
                findings.push(Finding::at(&page.path, number, format!("links to {target}, which is not there")));
            }
        }
    }
    findings
}

/// The lines outside of fenced blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut fenced = false;
    text.lines().zip(1..).filter(move |(line, _)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The targets of `[text](target)` that are paths.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let after = line.split("](").skip(1);
    let target = after.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.trim());
    target.filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
}

/// Pages of `docs/` that the index does not link.
fn unlisted(index: &TextFile, pages: &[TextFile]) -> Vec<Finding> {
    let linked: Vec<_> =
        prose(&index.text).flat_map(|(line, _)| targets(line).map(str::to_owned).collect::<Vec<_>>()).collect();
    let own = pages.iter().filter(|page| page.path != INDEX);
    let missing =
        own.filter_map(|page| page.path.strip_prefix("docs/")).filter(|path| !linked.iter().any(|link| link == path));
    missing.map(|path| Finding::new(INDEX, format!("does not list {path}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{files, fixtures::tree};

    fn found(pages: &[(&str, &str)]) -> Vec<String> {
        let (_sh, root) = tree(pages);
        let read = files(root.path(), &["md"]).unwrap();
        check(root.path(), &read).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_link_to_nowhere_is_found() {
        let text = "See [a](docs/a.md#x), [b](docs/b.md), [c](https://c.org/d.md), [e](#here).\n```\n[f](g.md)\n```\n";
        let pages = [("README.md", text), ("docs/a.md", "# a")];
        assert_eq!(found(&pages), ["README.md:1: links to docs/b.md, which is not there"]);
    }

    #[test]
    fn an_unlisted_page_is_found() {
        let pages =
            [("docs/README.md", "[a](a.md)"), ("docs/a.md", "# a"), ("docs/adr/0001-b.md", "# b"), ("c.md", "")];
        assert_eq!(found(&pages), ["docs/README.md: does not list adr/0001-b.md"]);
    }
}
