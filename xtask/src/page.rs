//! Fenced blocks in our pages, and what is known about the commands in them.
//!
//! Commands that a reader is told to type stand in blocks fenced as `console`, each after `$ `; other lines of the block are
//! what comes out. The line before the fence says how we know that the commands work:
//!
//! - `<!-- run -->`: `cargo xtask commands` runs them, one after the other;
//! - `<!-- run: NAME -->`: so does it, all blocks of the page with that name at the same time, like terminals side by side;
//! - `<!-- ci -->`: they are tasks of ours that `cargo xtask ci` consists of;
//! - `<!-- by hand: WHY -->`: nobody runs them for us. Not in a README.

use crate::tree::TextFile;

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// The page.
    pub(crate) page: String,
    /// The line of the opening fence, counted from 1.
    pub(crate) line: usize,
    /// What stands behind the opening fence.
    pub(crate) language: String,
    /// How we know that its commands work, or nothing where the line before the fence does not say.
    pub(crate) proof: Option<Proof>,
    /// What the block holds.
    pub(crate) lines: Vec<String>,
}

/// How we know that the commands of a block work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// They are run, together with the other blocks of this name if there is one.
    Run(Option<String>),
    /// `cargo xtask ci` is made of them.
    Ci,
    /// They are not tested.
    ByHand,
}

/// The language of blocks with commands.
pub(crate) const CONSOLE: &str = "console";

/// What stands before a command.
const PROMPT: &str = "$ ";

impl Block {
    /// The commands, without their prompts.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| line.strip_prefix(PROMPT))
    }

    /// What the page says comes out of them.
    pub(crate) fn output(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str).filter(|line| !line.starts_with(PROMPT) && !line.is_empty())
    }
}

/// All fenced blocks of a page.
pub(crate) fn blocks(page: &TextFile) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    let mut before = "";
    for (line, number) in page.text.lines().zip(1..) {
        let fence = line.trim_start().strip_prefix("```");
        match (fence, &mut open) {
            (Some(language), None) => {
                open = Some(Block {
                    page: page.path.clone(),
                    line: number,
                    language: language.trim().to_owned(),
                    proof: proof(before),
                    lines: Vec::new(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
        before = line;
    }
    blocks.extend(open);
    blocks
}

/// The proof that a line before a fence names.
fn proof(line: &str) -> Option<Proof> {
    let comment = line.trim().strip_prefix("<!--")?.strip_suffix("-->")?.trim();
    match comment.split_once(": ") {
        None if comment == "run" => Some(Proof::Run(None)),
        None if comment == "ci" => Some(Proof::Ci),
        Some(("run", name)) => Some(Proof::Run(Some(name.to_owned()))),
        Some(("by hand", _)) => Some(Proof::ByHand),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_with_their_proofs() {
        let page = "# Page\n<!-- run: pair -->\n```console\n$ a\nsigned …\n\n$ b\n```\n```text\n$ not a command\n```\n";
        let found = blocks(&TextFile::new("README.md", page));
        let [console, text] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((console.line, console.language.as_str()), (3, "console"));
        assert_eq!(console.commands().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(console.output().collect::<Vec<_>>(), ["signed …"]);
        assert_eq!((text.language.as_str(), &text.proof), ("text", &None));
        for (comment, expected) in [
            ("run", Some(Proof::Run(None))),
            ("run: pair", Some(Proof::Run(Some("pair".to_owned())))),
            ("ci", Some(Proof::Ci)),
            ("by hand: needs a day", Some(Proof::ByHand)),
            ("runs", None),
            ("by hand", None),
            ("ci: later", None),
        ] {
            assert_eq!(proof(&format!("<!-- {comment} -->")), expected, "{comment}");
        }
    }
}
