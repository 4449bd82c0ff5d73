//! Types blocks of commands into shells, side by side, and says what went wrong.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::expect;
use crate::failure::Failure;
use crate::page::Block;

/// How long the commands of a scene may take together.
pub(super) const PATIENCE: Duration = Duration::from_secs(180);

/// How a page calls our program before it is installed.
const UNINSTALLED: &str = "cargo run --release -- ";

/// How often we look whether they have ended.
const LOOK: Duration = Duration::from_millis(20);

/// A shell that types the commands of one block.
struct Terminal<'a> {
    block: &'a Block,
    shell: Child,
    ended: Option<ExitStatus>,
}

/// Runs the blocks; for each that failed, what is wrong with it and what it printed.
pub(super) fn play<'a>(programs: &Path, blocks: &'a [Block]) -> Result<Vec<(&'a Block, String)>, Failure> {
    let folder = tempfile::tempdir().map_err(|error| Failure::file(&std::env::temp_dir(), error))?;
    let mut terminals = Vec::new();
    for (block, number) in blocks.iter().zip(0..) {
        terminals.push(open(programs, folder.path(), block, number)?);
    }
    let mut looks = PATIENCE.as_millis() / LOOK.as_millis();
    while looks > 0 && terminals.iter_mut().any(|terminal| !ended(terminal)) {
        std::thread::sleep(LOOK);
        looks -= 1;
    }
    let mut problems = Vec::new();
    for (mut terminal, number) in terminals.into_iter().zip(0..) {
        if terminal.ended.is_none() {
            close(&mut terminal.shell);
        }
        let log = log(folder.path(), number);
        let printed = std::fs::read_to_string(&log).map_err(|error| Failure::file(&log, error))?;
        problems.extend(
            problem(&terminal, &printed).map(|problem| (terminal.block, format!("{problem}; it printed:\n{printed}"))),
        );
    }
    Ok(problems)
}

/// What is typed: the shell shows each command and stops at the first that fails.
fn script(block: &Block) -> String {
    let ours = |command: &str| match command.strip_prefix(UNINSTALLED) {
        Some(arguments) => format!("motet {arguments}"),
        None => command.to_owned(),
    };
    std::iter::once("set -eu".to_owned()).chain(block.commands().map(ours)).collect::<Vec<_>>().join("\n")
}

fn log(folder: &Path, number: usize) -> std::path::PathBuf {
    folder.join(format!("terminal-{number}.log"))
}

fn open<'a>(programs: &Path, folder: &Path, block: &'a Block, number: usize) -> Result<Terminal<'a>, Failure> {
    let log = log(folder, number);
    let out = File::create(&log).map_err(|error| Failure::file(&log, error))?;
    let errors = out.try_clone().map_err(|error| Failure::file(&log, error))?;
    let mut path = OsString::from(programs);
    path.extend(std::env::var_os("PATH").map(|rest| [OsString::from(":"), rest]).into_iter().flatten());
    let mut shell = Command::new("sh");
    shell.args(["-c", &script(block)]).current_dir(folder).env("HOME", folder).env("PATH", path);
    shell.env_remove("XDG_DATA_HOME").env_remove("XDG_CONFIG_HOME");
    // A group of its own, so that whatever the shell started ends with it.
    shell.stdin(Stdio::null()).stdout(out).stderr(errors).process_group(0);
    let shell = shell.spawn().map_err(|source| Failure::Start { line: "sh".to_owned(), source })?;
    Ok(Terminal { block, shell, ended: None })
}

fn ended(terminal: &mut Terminal<'_>) -> bool {
    if terminal.ended.is_none() {
        terminal.ended = terminal.shell.try_wait().ok().flatten();
    }
    terminal.ended.is_some()
}

/// Ends the shell and all that it started.
fn close(shell: &mut Child) {
    let group = format!("-{}", shell.id());
    let killed = Command::new("kill").args(["-9", "--", &group]).status();
    if !killed.is_ok_and(|status| status.success()) {
        println!("    a process of group {} may be left over", shell.id());
    }
    if let Err(error) = shell.wait() {
        println!("    {error}");
    }
}

fn problem(terminal: &Terminal<'_>, printed: &str) -> Option<String> {
    match terminal.ended {
        None => Some(format!("not done after {} s", PATIENCE.as_secs())),
        Some(status) if !status.success() => Some(format!("a command failed ({status})")),
        Some(_) => expect::missing(terminal.block.output(), printed).map(|line| format!("`{line}` does not come out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(lines: &[&str]) -> Block {
        Block {
            page: "README.md".to_owned(),
            line: 1,
            language: "console".to_owned(),
            comment: None,
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    fn problems(blocks: &[Block]) -> Vec<String> {
        play(Path::new("/nowhere"), blocks).unwrap().into_iter().map(|(_, problem)| problem).collect()
    }

    #[test]
    fn commands_run_one_after_the_other_in_one_folder() {
        assert_eq!(
            problems(&[block(&["$ echo one > file", "$ cat file", "one", "$ echo $HOME", "…"])]),
            Vec::<String>::new()
        );
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
}
