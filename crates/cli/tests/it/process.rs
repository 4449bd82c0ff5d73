//! Processes of `motet` in a folder of their own, watched line by line.
//!
//! Nothing sleeps: whoever waits, waits for a line or for the end. The guard ends what would hang for ever.

use core::time::Duration;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use serde_json::Value;

use crate::shape;

/// The program.
pub(crate) const MOTET: &str = env!("CARGO_BIN_EXE_motet");

/// How long a process may say nothing before it counts as hung. Nothing is expected to come near it.
pub(crate) const GUARD: Duration = Duration::from_secs(120);

/// One test's corner of the machine: a folder that its processes take for the system's temporary directory, and names
/// that nobody else on this machine has.
pub(crate) struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `role`, made unique: multicast carries nicknames of all nodes with `--dev` from test to test.
    pub(crate) fn name(&self, role: &str) -> String {
        let folder = self.folder.path().file_name().unwrap().to_str().unwrap();
        format!("{role}-{}", folder.trim_start_matches(".tmp"))
    }

    /// Starts `motet` with these arguments.
    pub(crate) fn start(&self, arguments: &[&str]) -> Motet {
        self.start_with(arguments, &[])
    }

    /// Starts `motet` with these arguments and variables of the environment.
    pub(crate) fn start_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Motet {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied()).stdin(Stdio::piped());
        Motet::start(command, Stdio::piped(), Stdio::piped())
    }

    /// Starts `motet` with its standard output and its standard error going elsewhere than to this test.
    pub(crate) fn start_into(&self, output: impl Into<Stdio>, errors: impl Into<Stdio>, arguments: &[&str]) -> Motet {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped());
        Motet::start(command, output.into(), errors.into())
    }

    /// Starts another program, which becomes or has `motet`.
    pub(crate) fn start_other(&self, program: &str, arguments: &[&str]) -> Motet {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped());
        self.place(&mut command);
        Motet::start(command, Stdio::piped(), Stdio::piped())
    }

    /// Starts `motet` with these arguments and this standard input.
    pub(crate) fn start_reading(&self, input: impl Into<Stdio>, arguments: &[&str]) -> Motet {
        let mut command = self.command(arguments);
        command.stdin(input);
        Motet::start(command, Stdio::piped(), Stdio::piped())
    }

    /// `motet` with these arguments, in this corner of the machine.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(MOTET);
        command.args(arguments);
        self.place(&mut command);
        command
    }

    /// Runs a script of the shell to its end, without input. It finds `motet` in `$MOTET`.
    pub(crate) fn script(&self, script: &str) -> Ended {
        let mut command = Command::new("bash");
        command.args(["-c", script]).env("MOTET", MOTET).stdin(Stdio::piped());
        self.place(&mut command);
        let mut shell = Motet::start(command, Stdio::piped(), Stdio::piped());
        shell.close_input();
        shell.wait()
    }

    /// Lets a command see nothing of this machine but the scene's folder.
    fn place(&self, command: &mut Command) {
        command.current_dir(self.folder.path()).env("TMPDIR", self.folder.path()).env("HOME", self.folder.path());
        let ours =
            std::env::vars_os().map(|(name, _)| name).filter(|name| name.as_encoded_bytes().starts_with(b"MOTET_"));
        let others = ["XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "CREDENTIALS_DIRECTORY"];
        for variable in ours.chain(others.map(Into::into)) {
            command.env_remove(variable);
        }
    }

    /// Starts `motet` with these arguments under another program, which becomes it, such as `nsenter`.
    pub(crate) fn start_under(&self, program: &[String], arguments: &[&str]) -> Motet {
        let (first, rest) = program.split_first().unwrap();
        let arguments: Vec<&str> =
            rest.iter().map(String::as_str).chain([MOTET]).chain(arguments.iter().copied()).collect();
        self.start_other(first, &arguments)
    }

    /// Runs `motet` to its end, without input.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let mut motet = self.start(arguments);
        motet.close_input();
        motet.wait()
    }

    /// Where nodes with `--dev` of this user leave their addresses.
    pub(crate) fn meeting_place(&self) -> PathBuf {
        self.path(&format!("motet-dev-{}", std::fs::metadata(self.folder()).unwrap().uid()))
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A running process. It is killed when it goes out of scope.
pub(crate) struct Motet {
    what: String,
    child: Child,
    lines: Receiver<(Stream, String)>,
    output: Vec<String>,
    errors: String,
}

#[derive(Clone, Copy)]
enum Stream {
    Output,
    Errors,
}

/// What became of a process.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The lines on standard output.
    pub(crate) output: Vec<String>,
    /// All of standard error.
    pub(crate) errors: String,
}

impl Motet {
    fn start(mut command: Command, output: Stdio, errors: Stdio) -> Self {
        let what = format!("{command:?}");
        command.stdout(output).stderr(errors);
        let mut child = command.spawn().unwrap();
        // Whoever reads a pipe waits for its end, so this process may not hold the other side of one.
        drop(command);
        let (said, lines) = channel();
        let output = child.stdout.take().map(|output| (Stream::Output, Box::new(output) as Box<dyn Read + Send>));
        let errors = child.stderr.take().map(|errors| (Stream::Errors, Box::new(errors) as Box<dyn Read + Send>));
        for (stream, source) in output.into_iter().chain(errors) {
            let said = said.clone();
            std::thread::spawn(move || {
                let mut source = BufReader::new(source);
                loop {
                    let mut line = String::new();
                    // The receiver may have gone with its test.
                    if source.read_line(&mut line).unwrap_or(0) == 0 || said.send((stream, line)).is_err() {
                        break;
                    }
                }
            });
        }
        Self { what, child, lines, output: Vec::new(), errors: String::new() }
    }

    /// The next line of either stream; `None` when both have ended.
    fn next(&mut self, wanted: &str) -> Option<(Stream, String)> {
        match self.lines.recv_timeout(GUARD) {
            Ok((stream, line)) => {
                match stream {
                    Stream::Output => self.output.push(line.trim_end().to_owned()),
                    Stream::Errors => self.errors.push_str(&line),
                }
                Some((stream, line))
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("waited for {wanted} and nothing came\n{}", self.told()),
        }
    }

    /// Waits for an event on standard output with `--json`.
    pub(crate) fn event(&mut self, name: &str) -> Value {
        while let Some((stream, line)) = self.next(name) {
            if matches!(stream, Stream::Output) {
                let object = object(&line);
                if object["event"] == name {
                    return object;
                }
            }
        }
        panic!("ended without {name}\n{}", self.told());
    }

    /// Waits until this process says that it is ready, with `--json`; false if it ends without having said so.
    pub(crate) fn is_ready(&mut self) -> bool {
        while let Some((stream, line)) = self.next("ready or the end") {
            if matches!(stream, Stream::Output) && object(&line)["event"] == "ready" {
                return true;
            }
        }
        false
    }

    /// Waits until standard error has a line with this text.
    pub(crate) fn error_line(&mut self, text: &str) {
        while !self.errors.contains(text) {
            assert!(self.next(text).is_some(), "ended without {text:?} on standard error\n{}", self.told());
        }
    }

    /// Waits until standard error has had this text so many times.
    pub(crate) fn error_lines(&mut self, text: &str, count: usize) {
        while self.errors.matches(text).count() < count {
            assert!(self.next(text).is_some(), "ended without {text:?} {count} times\n{}", self.told());
        }
    }

    /// Waits until standard output has a line with this text.
    pub(crate) fn output_line(&mut self, text: &str) {
        while !self.output.iter().any(|line| line.contains(text)) {
            assert!(self.next(text).is_some(), "ended without {text:?} on standard output\n{}", self.told());
        }
    }

    /// Waits until standard output has a line with one of these texts; its place among them.
    pub(crate) fn output_line_of(&mut self, texts: &[&str]) -> usize {
        loop {
            let found = |text: &&str| self.output.iter().any(|line| line.contains(text));
            if let Some(place) = texts.iter().position(found) {
                return place;
            }
            assert!(self.next("a line on standard output").is_some(), "ended without {texts:?}\n{}", self.told());
        }
    }

    /// Waits for a line of either stream; false when both have ended.
    pub(crate) fn another_line(&mut self, wanted: &str) -> bool {
        self.next(wanted).is_some()
    }

    /// Kills the program that this shell runs. True if there was one.
    pub(crate) fn kill_child(&self) -> bool {
        let killed = Command::new("pkill").args(["-KILL", "-P", &self.child.id().to_string()]).status();
        killed.is_ok_and(|status| status.success())
    }

    /// The lines on standard output so far.
    pub(crate) fn output(&self) -> &[String] {
        &self.output
    }

    /// Waits for a question, and returns the digits that a yes names.
    pub(crate) fn question(&mut self) -> String {
        self.question_after(0)
    }

    /// Waits for the question after so many others, and returns the digits that a yes names.
    pub(crate) fn question_after(&mut self, others: usize) -> String {
        let before = "to sign, type: yes ";
        while self.errors.matches(before).count() <= others {
            assert!(self.next(before).is_some(), "ended without a question\n{}", self.told());
        }
        let (_, rest) = self.errors.rsplit_once(before).unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    }

    /// Waits until this process asks about a request, and answers with this word and the request's id.
    pub(crate) fn answer_request(&mut self, word: &str, request: &Value) {
        let id = request["request"].as_str().unwrap();
        self.error_line(&format!("request {id}"));
        self.error_line("to sign, type:");
        self.answer(&format!("{word} {id}"));
    }

    /// Types a line.
    pub(crate) fn answer(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Ends the input.
    pub(crate) fn close_input(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Kills it, by SIGKILL: it has no chance to say anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Sends it a signal by name, such as `INT`.
    pub(crate) fn signal(&mut self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end. Whatever its end is, no process may panic.
    pub(crate) fn wait(mut self) -> Ended {
        while self.next("the end").is_some() {}
        let status = self.child.wait().unwrap();
        let ended =
            Ended { status, output: core::mem::take(&mut self.output), errors: core::mem::take(&mut self.errors) };
        assert!(!ended.errors.contains("panicked"), "{ended}", ended = ended.told(&self.what));
        ended
    }

    /// All that the process has said so far.
    pub(crate) fn told(&self) -> String {
        told(&self.what, &self.output, &self.errors)
    }
}

impl Drop for Motet {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// The objects on standard output with `--json`: every line is one.
    pub(crate) fn objects(&self) -> Vec<Value> {
        self.output.iter().map(|line| object(line)).collect()
    }

    /// The last object with this name.
    pub(crate) fn last(&self, name: &str) -> Value {
        let found = self.objects().into_iter().rfind(|object| object["event"] == name);
        found.unwrap_or_else(|| panic!("no {name}\n{}", self.told("")))
    }

    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "signal {:?}\n{}", self.status.signal(), self.told(""));
        self
    }

    pub(crate) fn told(&self, what: &str) -> String {
        told(what, &self.output, &self.errors)
    }
}

fn told(what: &str, output: &[String], errors: &str) -> String {
    let mut text = format!("{what}\nstandard error:\n{errors}standard output:\n");
    for line in output {
        writeln!(text, "{}", line.get(..300).unwrap_or(line)).unwrap();
    }
    text
}

fn object(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?} is not JSON: {error}"));
    assert!(value.is_object(), "{line:?} is not an object");
    shape::check(&value);
    value
}

/// The strings of a JSON array.
pub(crate) fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}
