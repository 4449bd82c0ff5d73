//! Decisions (`docs/adr/`): numbered without gaps, each with the same headings, so that a reader finds what was rejected.

use crate::finding::Finding;
use crate::tree::TextFile;

const FOLDER: &str = "docs/adr/";
const TEMPLATE: &str = "docs/adr/0000-template.md";
const HEADINGS: [&str; 4] = ["## Context", "## Decision", "## Rejected", "## Consequences"];

pub(super) fn check(pages: &[TextFile]) -> Vec<Finding> {
    let decisions = pages.iter().filter(|page| page.path.starts_with(FOLDER));
    decisions.zip(0..).flat_map(|(page, position)| decision(page, position)).collect()
}

fn decision(page: &TextFile, position: usize) -> Vec<Finding> {
    let mut messages = Vec::new();
    let number = format!("{position:04}-");
    if !page.path.trim_start_matches(FOLDER).starts_with(&number) {
        messages.push(format!("its name should start with {number}: decisions are numbered without gaps or repeats"));
    }
    if page.path != TEMPLATE && !page.text.lines().any(|line| line.starts_with("Status: ")) {
        messages.push("needs a line `Status: ` with its date".to_owned());
    }
    let missing = HEADINGS.iter().filter(|heading| !page.text.lines().any(|line| line == **heading));
    messages.extend(missing.map(|heading| format!("needs a heading `{heading}`")));
    messages.into_iter().map(|message| Finding::new(&page.path, message)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "# Title\n\nStatus: accepted, 2026-11-21\n\n## Context\n\n## Decision\n\n## Rejected\n\n## Consequences\n";

    fn found(pages: &[(&str, &str)]) -> Vec<String> {
        let page = |(path, text): &(&str, &str)| TextFile { path: (*path).to_owned(), text: (*text).to_owned() };
        check(&pages.iter().map(page).collect::<Vec<_>>()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn whole_decisions_in_order_pass() {
        let pages = [("docs/adr/0000-template.md", GOOD), ("docs/adr/0001-a.md", GOOD), ("docs/style.md", "")];
        assert_eq!(found(&pages), Vec::<String>::new());
    }

    #[test]
    fn gaps_and_missing_headings_are_found() {
        let short = GOOD.replace("## Rejected\n", "").replace("Status: ", "State: ");
        let pages = [("docs/adr/0000-template.md", GOOD), ("docs/adr/0002-a.md", short.as_str())];
        assert_eq!(found(&pages).len(), 3, "{:?}", found(&pages));
    }
}
