//! Every command that a page tells its reader to type is known to work (`crate::page` says how that is written down).

use crate::finding::Finding;
use crate::page::{Block, CONSOLE, Proof, blocks};
use crate::tree::TextFile;

/// Languages of blocks with commands that are not written the way that can be checked.
const SHELLS: [&str; 4] = ["sh", "bash", "shell", "zsh"];

pub(super) fn check(pages: &[TextFile], ci: &[String]) -> Vec<Finding> {
    let all = pages.iter().flat_map(blocks);
    let complaint = |block: Block| complaint(&block, ci).map(|message| Finding::at(&block.page, block.line, message));
    all.filter_map(complaint).collect()
}

fn complaint(block: &Block, ci: &[String]) -> Option<String> {
    let language = block.language.as_str();
    if language.is_empty() {
        return Some("name the block's language; `text` for what is no code, `console` for commands".to_owned());
    }
    if SHELLS.contains(&language) {
        return Some("commands stand in blocks fenced as `console`, each after `$ `".to_owned());
    }
    if language != CONSOLE {
        return None;
    }
    if block.commands().next().is_none() {
        return Some("no line of this `console` block starts with `$ `".to_owned());
    }
    match &block.proof {
        None => Some(
            "nobody runs these commands; write <!-- run -->, <!-- run: NAME -->, <!-- ci --> or <!-- by hand: WHY --> above"
                .to_owned(),
        ),
        Some(Proof::Ci) => {
            let other = block.commands().find(|command| !is_task(command, ci));
            other.map(|command| format!("`{command}` is no part of `cargo xtask ci`"))
        }
        Some(Proof::ByHand) if block.page.ends_with("README.md") => {
            Some("a README holds no command that only people try".to_owned())
        }
        Some(Proof::Run(_) | Proof::ByHand) => None,
    }
}

fn is_task(command: &str, ci: &[String]) -> bool {
    let name = command.strip_prefix("cargo xtask ").unwrap_or_default();
    name == "ci" || ci.iter().any(|step| step == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_is_not_known_to_work_is_found() {
        for (findings, page, mark, language, line) in [
            (0, "docs/a.md", "<!-- run -->", "console", "$ motet demo"),
            (1, "docs/a.md", "", "console", "$ motet demo"),
            (1, "docs/a.md", "", "sh", "motet demo"),
            (1, "docs/a.md", "", "", "motet demo"),
            (1, "docs/a.md", "<!-- run -->", "console", "motet demo"),
            (0, "docs/a.md", "", "text", "motet demo"),
            (0, "README.md", "<!-- ci -->", "console", "$ cargo xtask test"),
            (1, "README.md", "<!-- ci -->", "console", "$ cargo xtask fuzz"),
            (1, "README.md", "<!-- ci -->", "console", "$ motet demo"),
            (0, "docs/a.md", "<!-- by hand: takes a day -->", "console", "$ cargo xtask fuzz"),
            (1, "crates/wire/README.md", "<!-- by hand: takes a day -->", "console", "$ cargo xtask fuzz"),
        ] {
            let text = format!("{mark}\n```{language}\n{line}\n```\n");
            let found = check(&[TextFile::new(page, text)], &["test".to_owned()]);
            assert_eq!(found.len(), findings, "{page} {mark} {language} {line}: {found:?}");
        }
    }
}
