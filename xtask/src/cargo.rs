//! Runs cargo and other programs: the line is shown first, their output goes where ours goes.

use std::ffi::OsStr;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// The cargo that started us, so that every step uses one toolchain.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root).stdin(Stdio::null());
    command
}

/// What a person would type to run this.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program).chain(command.get_args()).map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Runs the command to its end. Its error stream joins our standard output, so that the closing lines of a test runner
/// that reports there (nextest does) are part of one log in the right order.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let line = line(command);
    println!("    $ {line}");
    let start = |source| Failure::Start { line: line.clone(), source };
    std::io::stdout().flush().map_err(start)?;
    let errors = std::io::stdout().as_fd().try_clone_to_owned().map_err(start)?;
    let status = command.stderr(errors).status().map_err(start)?;
    if status.success() { Ok(()) } else { Err(Failure::Command { line, status }) }
}

/// Runs the command silently and hands back what it wrote; its error stream is shown when it fails.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let line = line(command);
    let output = command.output().map_err(|source| Failure::Start { line: line.clone(), source })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    println!("{}", String::from_utf8_lossy(&output.stderr));
    Err(Failure::Command { line, status: output.status })
}

/// Where cargo has put the program of that name, from what it prints with `--message-format json-render-diagnostics`.
pub(crate) fn executable(messages: &[u8], name: &str) -> Option<PathBuf> {
    String::from_utf8_lossy(messages)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message.pointer("/target/name").is_some_and(|is| is == name))
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
}

/// Whether cargo knows this subcommand (`nextest`, `deny`, `fuzz`): whether it is installed.
pub(crate) fn has(root: &Path, subcommand: &str) -> bool {
    cargo(root, &[subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_subcommand_is_not_there() {
        assert!(has(Path::new("."), "clippy"));
        assert!(!has(Path::new("."), "no-such-subcommand-of-cargo"));
    }

    #[test]
    fn the_program_is_where_cargo_says() {
        let messages = b"{\"target\":{\"name\":\"lib\"},\"executable\":null}\nnoise\n{\"target\":{\"name\":\"a\"},\"executable\":\"/b/a\"}";
        assert_eq!(executable(messages, "a"), Some(PathBuf::from("/b/a")));
        assert_eq!(executable(messages, "lib"), None);
    }

    #[test]
    fn a_failing_command_is_named() {
        let failure = run(&mut cargo(Path::new("."), &["no-such-subcommand-of-cargo"])).unwrap_err();
        assert!(failure.to_string().contains("cargo no-such-subcommand-of-cargo"), "{failure}");
    }
}
