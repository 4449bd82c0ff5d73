//! Decisions (`docs/adr/`): numbered without gaps, each with the same headings, so that a reader finds what was rejected.

use crate::finding::Finding;
use crate::tree::TextFile;

const FOLDER: &str = "docs/adr/";
const WANTED: [&str; 5] = ["\nStatus: ", "\n## Context\n", "\n## Decision\n", "\n## Rejected\n", "\n## Consequences\n"];

pub(super) fn check(pages: &[TextFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    // 0000 is the template.
    for (position, page) in pages.iter().filter(|page| page.path.starts_with(FOLDER)).enumerate() {
        let number = format!("{FOLDER}{position:04}-");
        if !page.path.starts_with(&number) {
            findings.push(Finding::new(&page.path, format!("should be called {number}..: without gaps or repeats")));
        }
        let missing = WANTED.iter().filter(|line| position > 0 && !page.text.contains(**line));
        findings.extend(missing.map(|line| Finding::new(&page.path, format!("needs a line `{}`", line.trim()))));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_missing_lines_are_found() {
        let found = |second: &str, text: &str| {
            let pages = [("docs/adr/0000-template.md", ""), (second, text), ("docs/style.md", "")];
            check(&pages.map(|(path, text)| TextFile::new(path, text))).len()
        };
        let whole = WANTED.concat();
        assert_eq!(found("docs/adr/0001-a.md", &whole), 0);
        assert_eq!(found("docs/adr/0002-a.md", &whole), 1);
        assert_eq!(found("docs/adr/0001-a.md", &whole.replace("## Rejected", "").replace("Status", "State")), 2);
    }
}
