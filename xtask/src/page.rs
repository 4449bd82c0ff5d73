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
    /// The comment on the line before the fence, without its arrows.
    pub(crate) comment: Option<String>,
    /// What the block holds.
    pub(crate) lines: Vec<String>,
}

/// How we know that the commands of a block work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// They are run alone.
    Run,
    /// They are run together with the other blocks of this name.
    Together(String),
    /// `cargo xtask ci` is made of them.
    Ci,
    /// They are not; why.
    ByHand(String),
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

    /// How we know that the commands work, or nothing where the page does not say.
    pub(crate) fn proof(&self) -> Option<Proof> {
        let comment = self.comment.as_deref()?;
        match comment.split_once(": ") {
            None if comment == "run" => Some(Proof::Run),
            None if comment == "ci" => Some(Proof::Ci),
            Some(("run", name)) => Some(Proof::Together(name.to_owned())),
            Some(("by hand", why)) => Some(Proof::ByHand(why.to_owned())),
            _ => None,
        }
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
                    comment: comment(before),
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

fn comment(line: &str) -> Option<String> {
    let inner = line.trim().strip_prefix("<!--")?.strip_suffix("-->")?;
    Some(inner.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# Page
<!-- run: pair -->
```console
$ motet demo
signed …

$ motet verify
```
```text
$ not a command
```
";

    #[test]
    fn blocks_are_read_with_their_comments() {
        let found = blocks(&TextFile::new("README.md", PAGE));
        let [console, text] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((console.line, console.language.as_str()), (3, "console"));
        assert_eq!(console.proof(), Some(Proof::Together("pair".to_owned())));
        assert_eq!(console.commands().collect::<Vec<_>>(), ["motet demo", "motet verify"]);
        assert_eq!(console.output().collect::<Vec<_>>(), ["signed …"]);
        assert_eq!((text.language.as_str(), text.proof()), ("text", None));
    }

    #[test]
    fn only_known_proofs_count() {
        let proof = |comment: &str| {
            let text = format!("<!-- {comment} -->\n```console\n```\n");
            blocks(&TextFile::new("README.md", text))[0].proof()
        };
        assert_eq!(proof("run"), Some(Proof::Run));
        assert_eq!(proof("ci"), Some(Proof::Ci));
        assert_eq!(proof("by hand: needs a day"), Some(Proof::ByHand("needs a day".to_owned())));
        for unknown in ["runs", "by hand", "tested", "ci: later"] {
            assert_eq!(proof(unknown), None, "{unknown}");
        }
    }
}
