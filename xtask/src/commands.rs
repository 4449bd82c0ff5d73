//! `cargo xtask commands`: the commands that our pages tell their readers to type do what the pages say.
//!
//! Each block marked `<!-- run -->` (see [`crate::page`]) is typed into a shell, line by line, in an empty folder that is
//! also the home of its user; blocks of one name run side by side. Every command must end with exit code 0 within
//! [`scene::PATIENCE`], and what the page shows as output must come out, in that order; `…` on the page stands for anything.
//!
//! `cargo run --release -- ..` runs as the `motet` of this build: a second, optimised build would tell nothing more about the
//! command and take minutes. It is the only liberty taken.

mod expect;
mod scene;

use std::path::{Path, PathBuf};

use crate::cargo;
use crate::failure::{Failure, Finding};
use crate::page::{Block, CONSOLE, Proof, blocks};
use crate::step::{Outcome, Step, verdict};
use crate::tree;

pub(crate) const STEP: Step = Step { name: "commands", run };

/// Blocks that run side by side.
struct Scene {
    page: String,
    line: usize,
    blocks: Vec<Block>,
}

fn run(root: &Path) -> Result<Outcome, Failure> {
    let pages = tree::files(root, &["md"])?;
    let scenes = scenes(pages.iter().flat_map(blocks));
    if scenes.is_empty() {
        return Ok(Outcome::Passed("no page has commands to run".into()));
    }
    let programs = build(root)?;
    let mut findings = Vec::new();
    let mut commands = 0;
    for scene in &scenes {
        println!("    {}:{}: {} side by side", scene.page, scene.line, scene.blocks.len());
        commands += scene.blocks.iter().flat_map(Block::commands).count();
        for (block, problem) in scene::play(&programs, &scene.blocks)? {
            findings.push(Finding::at(&scene.page, block.line, problem));
        }
    }
    verdict(
        findings,
        format!("{commands} commands of {} blocks", scenes.iter().map(|scene| scene.blocks.len()).sum::<usize>()),
    )
}

/// Groups the blocks that are to run, in the order of the pages.
fn scenes(blocks: impl Iterator<Item = Block>) -> Vec<Scene> {
    let mut scenes: Vec<(Option<String>, Scene)> = Vec::new();
    for block in blocks.filter(|block| block.language == CONSOLE) {
        let name = match block.proof() {
            Some(Proof::Run) => None,
            Some(Proof::Together(name)) => Some(name),
            Some(Proof::Ci | Proof::ByHand(_)) | None => continue,
        };
        match scenes.iter_mut().find(|(other, scene)| name.is_some() && *other == name && scene.page == block.page) {
            Some((_, scene)) => scene.blocks.push(block),
            None => scenes.push((name, Scene { page: block.page.clone(), line: block.line, blocks: vec![block] })),
        }
    }
    scenes.into_iter().map(|(_, scene)| scene).collect()
}

/// Builds `motet` and says in which folder it is.
fn build(root: &Path) -> Result<PathBuf, Failure> {
    let arguments = ["build", "--package", "motet-cli", "--locked", "--message-format", "json-render-diagnostics"];
    let bytes = cargo::output(&mut cargo::cargo(root, &arguments))?;
    let text = String::from_utf8_lossy(&bytes);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let program = messages.filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from)).next_back();
    let folder = program.and_then(|program| program.parent().map(Path::to_owned));
    folder.ok_or_else(|| Failure::unreadable("cargo build", "it made no program"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TextFile;

    #[test]
    fn blocks_of_one_name_and_page_run_side_by_side() {
        let text = "<!-- run: a -->\n```console\n$ 1\n```\n<!-- run -->\n```console\n$ 2\n```\n<!-- run: a -->\n```console\n$ 3\n```\n\
            <!-- run -->\n```console\n$ 4\n```\n<!-- ci -->\n```console\n$ 5\n```\n```text\n$ 6\n```\n";
        let pages = ["a.md", "b.md"].map(|path| TextFile { path: path.to_owned(), text: text.to_owned() });
        let scenes = scenes(pages.iter().flat_map(blocks));
        let commands = |scene: &Scene| scene.blocks.iter().flat_map(Block::commands).collect::<Vec<_>>().join("+");
        assert_eq!(scenes.iter().map(commands).collect::<Vec<_>>(), ["1+3", "2", "4", "1+3", "2", "4"]);
    }
}
