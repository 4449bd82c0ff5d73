//! A library that is measured in another process, because it cannot be linked into this one.

use super::{Operation, Peer};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The helper process `musig2-k256-peer`.
#[derive(Debug)]
pub struct Remote {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Remote {
    /// Starts the helper and waits until it is set up.
    ///
    /// # Errors
    ///
    /// What went wrong, in words.
    pub fn start(path: &str, signers: usize) -> Result<Self, String> {
        let mut process = Command::new(path)
            .arg(signers.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{path}: {error}"))?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(format!("{path}: no pipes"));
        };
        let mut remote = Self { process, input: Some(input), output: BufReader::new(output) };
        match remote.line() {
            Some(line) if line == "ready" => Ok(remote),
            _ => Err(format!("{path} did not start")),
        }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.output.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    }

    fn ask(&mut self, operation: Operation) -> Option<Duration> {
        writeln!(self.input.as_mut()?, "{}", operation.name()).ok()?;
        self.line()?.parse().ok().map(Duration::from_nanos)
    }
}

impl Peer for Remote {
    fn name(&self) -> &'static str {
        "musig2_k256"
    }

    #[expect(clippy::panic, reason = "a measurement without one of its parties is none")]
    fn measure(&mut self, operation: Operation) -> Duration {
        self.ask(operation).unwrap_or_else(|| panic!("musig2-k256-peer went away at {}", operation.name()))
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // The helper ends when its standard input closes.
        self.input = None;
        let _ = self.process.wait();
    }
}
