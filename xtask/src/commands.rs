//! `cargo xtask commands`: the commands that our pages tell their readers to type do what the pages say.
//!
//! Each block marked `<!-- run -->` (see [`crate::page`]) is typed into a shell, line by line, in an empty folder that is
//! also the home of its user; blocks of one name run side by side. Every command must end with exit code 0, and what the page
//! shows as output must come out, in that order; `…` on the page stands for anything.
//!
//! `cargo run --release -- ..` runs as the `motet` of this build: a second, optimised build would tell nothing more about the
//! command and take minutes. It is the only liberty taken.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::cargo;
use crate::failure::{Failure, Finding};
use crate::page::{Block, CONSOLE, Proof, blocks};
use crate::step::{Outcome, Step, verdict};
use crate::tree;

pub(crate) const STEP: Step = Step { name: "commands", run };

/// How long blocks that run side by side may take until the first has ended, and from each end to the next.
const PATIENCE: Duration = Duration::from_secs(180);
/// How a page calls our program before it is installed.
const UNINSTALLED: &str = "cargo run --release -- ";
/// Stands for anything within a line of output.
const ANYTHING: char = '…';

fn run(root: &Path) -> Result<Outcome, Failure> {
    let pages = tree::files(root, &["md"])?;
    let scenes = scenes(pages.iter().flat_map(blocks));
    let programs = build(root)?;
    let mut findings = Vec::new();
    let mut commands = 0;
    for scene in &scenes {
        commands += scene.iter().flat_map(Block::commands).count();
        for (block, problem) in play(&programs, scene)? {
            findings.push(Finding::at(&block.page, block.line, problem));
        }
    }
    verdict(findings, format!("{commands} commands of {} blocks", scenes.iter().map(Vec::len).sum::<usize>()))
}

/// The blocks that are to run: those that run side by side together, in the order of the pages.
fn scenes(blocks: impl Iterator<Item = Block>) -> Vec<Vec<Block>> {
    let mut scenes: Vec<(Option<String>, Vec<Block>)> = Vec::new();
    for block in blocks.filter(|block| block.language == CONSOLE) {
        let name = match block.proof() {
            Some(Proof::Run) => None,
            Some(Proof::Together(name)) => Some(format!("{}: {name}", block.page)),
            Some(Proof::Ci | Proof::ByHand(_)) | None => continue,
        };
        match scenes.iter_mut().find(|(other, _)| name.is_some() && *other == name) {
            Some((_, scene)) => scene.push(block),
            None => scenes.push((name, vec![block])),
        }
    }
    scenes.into_iter().map(|(_, scene)| scene).collect()
}

/// Builds `motet` and says in which folder it is.
fn build(root: &Path) -> Result<PathBuf, Failure> {
    let arguments = ["build", "--package", "motet-cli", "--locked", "--message-format", "json-render-diagnostics"];
    let messages = cargo::output(&mut cargo::cargo(root, &arguments))?;
    let program = cargo::executable(&messages, "motet");
    let folder = program.and_then(|program| program.parent().map(Path::to_owned));
    folder.ok_or_else(|| Failure::unreadable("cargo build", "it made no program"))
}

/// Runs the blocks side by side; for each that failed, what is wrong with it and what it printed.
fn play<'a>(programs: &Path, blocks: &'a [Block]) -> Result<Vec<(&'a Block, String)>, Failure> {
    let folder = tempfile::tempdir().map_err(|error| Failure::file(&std::env::temp_dir(), error))?;
    let log = |number: usize| folder.path().join(format!("terminal-{number}.log"));
    let mut path = OsString::from(programs);
    path.extend(std::env::var_os("PATH").map(|rest| [OsString::from(":"), rest]).into_iter().flatten());
    let (sender, ends) = channel();
    let mut groups = Vec::new();
    for (block, number) in blocks.iter().zip(0..) {
        let file = |error| Failure::file(&log(number), error);
        let out = File::create(log(number)).map_err(file)?;
        let mut shell = Command::new("sh");
        shell.args(["-c", &script(block)]).current_dir(&folder).env("HOME", folder.path()).env("PATH", &path);
        shell.env_remove("XDG_DATA_HOME").env_remove("XDG_CONFIG_HOME");
        shell.stdin(Stdio::null()).stderr(out.try_clone().map_err(file)?).stdout(out);
        // A group of its own, so that whatever the shell started ends with it.
        let shell = shell.process_group(0).spawn();
        let mut shell = shell.map_err(|source| Failure::Start { line: "sh".to_owned(), source })?;
        groups.push(format!("-{}", shell.id()));
        let sender = sender.clone();
        std::thread::spawn(move || sender.send((number, shell.wait())));
    }
    let ended: BTreeMap<_, _> = blocks.iter().map_while(|_| ends.recv_timeout(PATIENCE).ok()).collect();
    let mut problems = Vec::new();
    for ((block, number), group) in blocks.iter().zip(0..).zip(&groups) {
        let printed = fs::read_to_string(log(number)).map_err(|error| Failure::file(&log(number), error))?;
        let problem = match ended.get(&number) {
            None => {
                drop(Command::new("kill").args(["-9", "--", group]).status());
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
        blocks(&TextFile { path: "README.md".to_owned(), text }).remove(0)
    }

    fn problems(blocks: &[Block]) -> Vec<String> {
        play(Path::new("/nowhere"), blocks).unwrap().into_iter().map(|(_, problem)| problem).collect()
    }

    #[test]
    fn blocks_of_one_name_and_page_run_side_by_side() {
        let text = "<!-- run: a -->\n```console\n$ 1\n```\n<!-- run -->\n```console\n$ 2\n```\n<!-- run: a -->\n```console\n$ 3\n```\n\
            <!-- run -->\n```console\n$ 4\n```\n<!-- ci -->\n```console\n$ 5\n```\n```text\n$ 6\n```\n";
        let pages = ["a.md", "b.md"].map(|path| TextFile { path: path.to_owned(), text: text.to_owned() });
        let commands = |scene: Vec<Block>| scene.iter().flat_map(Block::commands).collect::<Vec<_>>().join("+");
        let found: Vec<_> = scenes(pages.iter().flat_map(blocks)).into_iter().map(commands).collect();
        assert_eq!(found, ["1+3", "2", "4", "1+3", "2", "4"]);
    }

    #[test]
    fn commands_run_one_after_the_other_in_one_folder() {
        let lines = ["$ echo one > file", "$ cat file", "one", "$ echo $HOME", "…"];
        assert_eq!(problems(&[block(&lines)]), Vec::<String>::new());
    }

    #[test]
    fn a_failing_command_ends_its_block_and_is_told_with_its_output() {
        let found = problems(&[block(&["$ echo before", "$ false", "$ echo after"])]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("failed") && found[0].contains("before") && !found[0].contains("after"), "{found:?}");
    }

    #[test]
    fn output_that_the_page_invents_is_found() {
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
    fn the_ellipsis_stands_for_anything() {
        for (pattern, line) in
            [("signature …", "signature 00ff"), ("… of … nodes", "3 of 3 nodes"), ("…", ""), ("a", "a")]
        {
            assert!(fits(pattern, line), "{pattern}");
        }
        for (pattern, line) in [("signature …", "no signature 00ff"), ("… nodes", "3 nodes agree"), ("as", "as here")]
        {
            assert!(!fits(pattern, line), "{pattern}");
        }
    }

    #[test]
    fn lines_come_in_order_with_others_between() {
        assert_eq!(missing(["a", "c"], "a\nb\nc\n"), None);
        assert_eq!(missing(["c", "a"], "a\nb\nc\n"), Some("a"));
        assert_eq!(missing(["a", "a"], "a\nb\n"), Some("a"));
    }
}
