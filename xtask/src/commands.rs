//! `cargo xtask commands`: the commands that our pages tell their readers to type do what the pages say.
//!
//! Each block marked `<!-- run -->` (see [`crate::page`]) is typed into a shell, line by line, in an empty folder that is
//! also the home of its user; blocks of one name run side by side. Every command must end with exit code 0, and what the page
//! shows as output must come out, in that order; `…` on the page stands for anything.
//!
//! `cargo run --release -- ..` runs as the `motet` of this build: a second, optimised build would tell nothing more about the
//! command and take minutes. It is the only liberty taken.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::finding::{Finding, none_of};
use crate::outcome::Outcome;
use crate::page::{Block, CONSOLE, Proof, blocks};
use crate::programs::built;
use crate::tree;

/// How long blocks that run side by side may take until the first has ended, and from each end to the next.
const PATIENCE: Duration = Duration::from_secs(180);
/// How a page calls our program before it is installed.
const UNINSTALLED: &str = "cargo run --release -- ";
/// Stands for anything within a line of output.
const ANYTHING: char = '…';

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    let pages = tree::files(&sh.current_dir(), &["md"])?;
    let scenes = scenes(pages.iter().flat_map(blocks));
    let program = built(sh, "motet", "--package motet-cli --locked")?;
    let folder = program.parent().context("a program lies in a folder")?;
    let mut findings = Vec::new();
    for scene in &scenes {
        let problems = play(sh, folder, scene)?.into_iter();
        findings.extend(problems.map(|(block, problem)| Finding::at(&block.page, block.line, problem)));
    }
    none_of(findings)?;
    let commands = scenes.iter().flatten().flat_map(Block::commands).count();
    Ok(Outcome::Passed(format!("{commands} commands of {} blocks", scenes.iter().map(Vec::len).sum::<usize>())))
}

/// The blocks that are to run: those that run side by side together, in the order of the pages.
fn scenes(blocks: impl Iterator<Item = Block>) -> Vec<Vec<Block>> {
    let mut scenes: Vec<(Option<String>, Vec<Block>)> = Vec::new();
    for block in blocks.filter(|block| block.language == CONSOLE) {
        let Some(Proof::Run(name)) = &block.proof else { continue };
        let name = name.as_ref().map(|name| format!("{}: {name}", block.page));
        match scenes.iter_mut().find(|(other, _)| name.is_some() && *other == name) {
            Some((_, scene)) => scene.push(block),
            None => scenes.push((name, vec![block])),
        }
    }
    scenes.into_iter().map(|(_, scene)| scene).collect()
}

/// Runs the blocks side by side; for each that failed, what is wrong with it and what it printed.
fn play<'a>(sh: &Shell, programs: &Path, blocks: &'a [Block]) -> Result<Vec<(&'a Block, String)>> {
    let folder = sh.create_temp_dir()?;
    let log = |number: usize| folder.path().join(format!("terminal-{number}.log"));
    let path = format!("{}:{}", programs.display(), sh.var("PATH")?);
    let (sender, ends) = channel();
    let mut groups = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        let out = File::create(log(number))?;
        let mut shell = Command::new("sh");
        shell.args(["-c", &script(block)]).current_dir(folder.path()).env("HOME", folder.path()).env("PATH", &path);
        shell.env_remove("XDG_DATA_HOME").env_remove("XDG_CONFIG_HOME");
        shell.stdin(Stdio::null()).stderr(out.try_clone()?).stdout(out);
        // A group of its own, so that whatever the shell started ends with it.
        let mut shell = shell.process_group(0).spawn()?;
        groups.push(format!("-{}", shell.id()));
        let sender = sender.clone();
        std::thread::spawn(move || sender.send((number, shell.wait())));
    }
    let ended: BTreeMap<_, _> = blocks.iter().map_while(|_| ends.recv_timeout(PATIENCE).ok()).collect();
    let mut problems = Vec::new();
    for (number, (block, group)) in blocks.iter().zip(groups).enumerate() {
        let printed = fs::read_to_string(log(number))?;
        let problem = match ended.get(&number) {
            None => {
                cmd!(sh, "kill -9 -- {group}").quiet().ignore_status().run()?;
                Some("not done in time".to_owned())
            }
            Some(Ok(status)) if status.success() => {
                missing(block.output(), &printed).map(|line| format!("`{line}` does not come out"))
            }
            Some(end) => Some(format!("a command failed ({end:?})")),
        };
        problems.extend(problem.map(|problem| (block, format!("{problem}; it printed:\n{printed}"))));
    }
    Ok(problems)
}

/// What is typed: the shell stops at the first command that fails.
fn script(block: &Block) -> String {
    let ours = |command: &str| match command.strip_prefix(UNINSTALLED) {
        Some(arguments) => format!("motet {arguments}"),
        None => command.to_owned(),
    };
    std::iter::once("set -eu".to_owned()).chain(block.commands().map(ours)).collect::<Vec<_>>().join("\n")
}

/// The first line of `expected` that does not come out, in order, in `actual`.
fn missing<'a>(expected: impl IntoIterator<Item = &'a str>, actual: &str) -> Option<&'a str> {
    let mut lines = actual.lines();
    expected.into_iter().find(|wanted| !lines.any(|line| fits(wanted.trim(), line.trim())))
}

/// Whether the line is the pattern, with anything for each `…`.
fn fits(pattern: &str, line: &str) -> bool {
    let Some((start, rest)) = pattern.split_once(ANYTHING) else { return pattern == line };
    let Some(line) = line.strip_prefix(start) else { return false };
    let ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
    ends.filter_map(|at| line.get(at..)).any(|tail| fits(rest, tail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TextFile;

    fn block(lines: &[&str]) -> Block {
        let text = format!("```console\n{}\n```\n", lines.join("\n"));
        blocks(&TextFile::new("README.md", text)).remove(0)
    }

    fn problems(blocks: &[Block]) -> Vec<String> {
        let sh = Shell::new().unwrap();
        play(&sh, Path::new("/nowhere"), blocks).unwrap().into_iter().map(|(_, problem)| problem).collect()
    }

    #[test]
    fn blocks_of_one_name_and_page_run_side_by_side() {
        let marked = ["run: a", "run", "run: a", "run", "ci", "by hand: why", ""].into_iter().zip(1..);
        let text: String =
            marked.map(|(mark, number)| format!("<!-- {mark} -->\n```console\n$ {number}\n```\n")).collect();
        let pages = ["a.md", "b.md"].map(|path| TextFile::new(path, text.as_str()));
        let commands = |scene: Vec<Block>| scene.iter().flat_map(Block::commands).collect::<Vec<_>>().join("+");
        let found: Vec<_> = scenes(pages.iter().flat_map(blocks)).into_iter().map(commands).collect();
        assert_eq!(found, ["1+3", "2", "4", "1+3", "2", "4"]);
    }

    #[test]
    fn commands_run_one_after_the_other_in_one_folder_and_stop_where_one_fails() {
        let lines = ["$ echo one > file", "$ cat file", "one", "$ echo $HOME", "…"];
        assert_eq!(problems(&[block(&lines)]), Vec::<String>::new());
        let found = problems(&[block(&["$ echo before", "$ false", "$ echo after"])]);
        assert!(found[0].contains("failed") && found[0].contains("before") && !found[0].contains("after"), "{found:?}");
        let found = problems(&[block(&["$ echo one", "two"])]);
        assert!(found[0].starts_with("`two` does not come out"), "{found:?}");
    }

    #[test]
    fn blocks_of_a_scene_run_at_the_same_time() {
        // Each waits for the other: run one after the other, neither would end.
        let one = block(&["$ mkfifo ping pong || true", "$ touch ready", "$ echo hello > ping", "$ cat pong", "world"]);
        let two = block(&["$ until test -e ready; do :; done", "$ cat ping", "hello", "$ echo world > pong"]);
        assert_eq!(problems(&[one, two]), Vec::<String>::new());
    }

    #[test]
    fn our_program_runs_from_this_build() {
        assert_eq!(script(&block(&["$ cargo run --release -- demo"])), "set -eu\nmotet demo");
    }

    #[test]
    fn lines_come_in_order_with_anything_for_each_ellipsis() {
        for (pattern, line) in [("a …", "a 00ff"), ("… of … nodes", "3 of 3 nodes"), ("…", ""), ("a", "a")] {
            assert!(fits(pattern, line), "{pattern}");
        }
        for (pattern, line) in [("a …", "no a 00ff"), ("… nodes", "3 nodes agree"), ("as", "as here")] {
            assert!(!fits(pattern, line), "{pattern}");
        }
        assert_eq!(missing(["a", "c"], "a\nb\nc\n"), None);
        assert_eq!(missing(["c", "a"], "a\nb\nc\n"), Some("a"));
        assert_eq!(missing(["a", "a"], "a\nb\n"), Some("a"));
    }
}
