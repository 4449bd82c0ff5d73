//! Links between our pages lead somewhere, and every page of `docs/` is listed in `docs/README.md`.

use std::path::Path;

use anyhow::Result;
use regex::Regex;

use crate::finding::Finding;
use crate::tree::TextFile;

const INDEX: &str = "docs/README.md";

pub(super) fn check(root: &Path, pages: &[TextFile]) -> Result<Vec<Finding>> {
    let target = Regex::new(r"\]\( *([^)# ]+)[^)]*\)")?;
    let mut findings = Vec::new();
    let mut listed = Vec::new();
    for page in pages {
        let folder = root.join(&page.path).parent().map(Path::to_owned).unwrap_or_default();
        let mut fenced = false;
        for (line, number) in page.text.lines().zip(1..) {
            fenced ^= line.trim_start().starts_with("```");
            let targets = target.captures_iter(line).map(|link| link.extract::<1>().1[0]);
            let paths = targets.filter(|target| !fenced && !target.contains("://") && !target.starts_with("mailto:"));
            for path in paths {
                if !folder.join(path).exists() {
                    findings.push(Finding::at(&page.path, number, format!("links to {path}, which is not there")));
                }
                listed.extend((page.path == INDEX).then(|| format!("docs/{path}")));
            }
        }
    }
    let of_docs = pages.iter().filter(|page| page.path.starts_with("docs/") && page.path != INDEX);
    let missing = of_docs.filter(|page| !listed.contains(&page.path));
    findings.extend(missing.map(|page| Finding::new(INDEX, format!("does not list {}", page.path))));
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::told;
    use crate::tree::{files, fixtures::tree};

    #[test]
    fn a_link_to_nowhere_and_an_unlisted_page_are_found() {
        let text = "See [a](docs/a.md#x), [b](docs/b.md), [c](https://c.org/d.md), [e](#here).\n```\n[f](g.md)\n```\n";
        let pages = [("README.md", text), ("docs/README.md", "[a](a.md)"), ("docs/a.md", ""), ("docs/adr/1.md", "")];
        let (_sh, root) = tree(&pages);
        let found = check(root.path(), &files(root.path(), &["md"]).unwrap()).unwrap();
        let expected =
            ["README.md:1: links to docs/b.md, which is not there", "docs/README.md: does not list docs/adr/1.md"];
        assert_eq!(told(&found), expected);
    }
}
