//! Three processes that sign together, one of which dies at a named place and is started again: a cell of the crash matrix.
//!
//! What must hold: no nonce was ever used twice (each process has written down every use before it happened), and the session
//! either completes for everybody with the same valid signature, or ends with words that say whom it waited for.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use motet_core_crypto::{KeyAggContext, PublicKey, SecretKey, Signature, schnorr};

/// Processes in a cell.
pub const NODES: usize = 3;
/// Who asks the others.
const CREATOR: usize = 0;
/// Their secret keys, each byte of them.
const SECRETS: [u8; NODES] = [1, 2, 3];
/// A hang guard: nothing is timed here, but nothing may hang for ever either.
const GUARD: Duration = Duration::from_secs(100);

/// How a session with a crash ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Everybody has the same valid signature.
    Signed,
    /// It was given up, and the reason names somebody.
    GivenUp,
}

/// A node in a process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Process {
    fn start(
        program: &Path,
        folder: &Path,
        secret: u8,
        crash: Option<&str>,
        variables: &[(&str, String)],
    ) -> Result<Self, String> {
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        // The signal of a file that has become too long is not to kill it: the write fails, as on a full disk.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
        command.arg(program).arg(folder).arg(format!("{secret:02x}").repeat(32));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("MOTET_CRASH_AT");
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        if let Some(crash) = crash {
            command.env("MOTET_CRASH_AT", crash);
        }
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let (input, output) = child.stdin.take().zip(child.stdout.take()).ok_or("no pipes")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, input, lines, seen: Vec::new() })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Gives it a command.
    pub fn say(&mut self, line: &str) {
        // It may have crashed already; whoever waits for it will see.
        drop(writeln!(self.input, "{line}"));
    }

    /// Forgets what it has said so far.
    pub fn forget(&mut self) {
        while let Ok(line) = self.lines.try_recv() {
            self.seen.push(line);
        }
        self.seen.clear();
    }

    /// The first line with this beginning, now or later.
    ///
    /// # Errors
    ///
    /// What it said instead, if nothing like it comes.
    pub fn wait(&mut self, start: &str) -> Result<String, String> {
        self.wait_any(&[start])
    }

    /// The first line with one of these beginnings, now or later.
    ///
    /// # Errors
    ///
    /// What it said instead, if nothing like it comes.
    pub fn wait_any(&mut self, starts: &[&str]) -> Result<String, String> {
        loop {
            let found = self.seen.iter().find(|line| starts.iter().any(|start| line.starts_with(start))).cloned();
            if let Some(found) = found {
                return Ok(found);
            }
            let line = self.lines.recv_timeout(GUARD);
            self.seen.push(line.map_err(|_| format!("never said any of {starts:?}; it said {:?}", self.seen))?);
        }
    }

    fn address(&mut self) -> Result<String, String> {
        Ok(self.wait("listening ")?.trim_start_matches("listening ").to_owned())
    }

    fn await_crash(&mut self) -> Result<(), String> {
        // Its output ends when it dies.
        loop {
            match self.lines.recv_timeout(GUARD) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => return Err(format!("it did not crash; it said {:?}", self.seen)),
            }
        }
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.success() { Err("it stopped instead of crashing".to_owned()) } else { Ok(()) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Three processes on loopback, each with a folder of its own.
#[derive(Debug)]
pub struct Cell {
    program: PathBuf,
    base: PathBuf,
    /// The processes; the first is the creator.
    pub nodes: Vec<Process>,
    addresses: Vec<String>,
}

impl Cell {
    /// Starts three processes, which crash where `crash` says.
    ///
    /// # Errors
    ///
    /// What does not work.
    pub fn start<'a>(program: &Path, folder: &Path, crash: impl Fn(usize) -> Option<&'a str>) -> Result<Self, String> {
        Self::start_with(program, folder, crash, |_| &[])
    }

    /// The same, with variables in their environment.
    ///
    /// # Errors
    ///
    /// What does not work.
    pub fn start_with<'a, 'b>(
        program: &Path,
        folder: &Path,
        crash: impl Fn(usize) -> Option<&'a str>,
        variables: impl Fn(usize) -> &'b [(&'b str, String)],
    ) -> Result<Self, String> {
        let (program, base) = (program.to_owned(), folder.to_owned());
        let mut cell = Self { program, base, nodes: Vec::new(), addresses: Vec::new() };
        for (node, secret) in SECRETS.iter().enumerate() {
            let mut process = Process::start(&cell.program, &cell.folder(node), *secret, crash(node), variables(node))?;
            cell.addresses.push(process.address()?);
            cell.nodes.push(process);
        }
        Ok(cell)
    }

    /// The folder of a node.
    pub fn folder(&self, node: usize) -> PathBuf {
        self.base.join(node.to_string())
    }

    /// Lets all connect, advertise, and hear of each other.
    ///
    /// # Errors
    ///
    /// What does not work.
    pub fn meet(&mut self) -> Result<(), String> {
        for (node, process) in self.nodes.iter_mut().enumerate() {
            for address in self.addresses.iter().take(node) {
                process.say(&format!("connect {address}"));
            }
            if node > 0 {
                process.wait("connected")?;
            }
            process.say("advertise");
        }
        for process in &mut self.nodes {
            process.wait("advertised-all")?;
        }
        Ok(())
    }

    /// Lets the first ask all for a signature.
    ///
    /// # Errors
    ///
    /// That it is not there.
    pub fn announce(&mut self) -> Result<(), String> {
        let list: Vec<String> = keys()?.iter().map(ToString::to_string).collect();
        let creator = self.nodes.first_mut().ok_or("no creator")?;
        creator.say(&format!("announce {}", list.join(",")));
        Ok(())
    }

    /// Starts a node again on the data of its earlier process.
    ///
    /// # Errors
    ///
    /// What does not work.
    pub fn restart(&mut self, node: usize) -> Result<(), String> {
        let again = self.also(&self.folder(node), node)?;
        let slot = self.nodes.get_mut(node).ok_or("no such node")?;
        *slot = again;
        Ok(())
    }

    /// Starts one more process for a signer, on this data, and connects it to the others.
    ///
    /// # Errors
    ///
    /// What does not work.
    pub fn also(&self, folder: &Path, node: usize) -> Result<Process, String> {
        let secret = SECRETS.get(node).ok_or("no such node")?;
        let mut process = Process::start(&self.program, folder, *secret, None, &[])?;
        process.address()?;
        for (_, address) in self.addresses.iter().enumerate().filter(|(other, _)| *other != node) {
            process.say(&format!("connect {address}"));
        }
        process.say("advertise");
        Ok(process)
    }

    /// Every public nonce of every process's life was used with one set of nonces, messages and keys at most.
    ///
    /// # Errors
    ///
    /// Where one was used twice.
    pub fn nonces_are_used_once(&self, others: &[PathBuf]) -> Result<(), String> {
        let mut used = BTreeMap::new();
        for folder in (0..NODES).map(|node| self.folder(node)).chain(others.iter().cloned()) {
            let ledger = std::fs::read_to_string(folder.join("ledger")).unwrap_or_default();
            for (own, with) in ledger.lines().filter_map(|line| line.split_once(' ')) {
                // A copy of a folder has the lines of before, too: they are the same use.
                let before = used.insert(own.to_owned(), (folder.clone(), with.to_owned()));
                if before.is_some_and(|(place, before)| place == folder || before != with) {
                    return Err(format!("a nonce was used twice: {}", folder.display()));
                }
            }
        }
        Ok(())
    }

    /// Everybody has the same valid signature, or none and somebody is named; and no nonce was used twice.
    ///
    /// # Errors
    ///
    /// What does not hold.
    pub fn judge(&self, ends: &[String]) -> Result<Ending, String> {
        self.nonces_are_used_once(&[])?;
        let signatures: Vec<&str> = ends.iter().filter_map(|end| end.strip_prefix("complete ")).collect();
        if signatures.is_empty() {
            let named = ends.iter().all(|end| !end.contains("signers: []"));
            return if named { Ok(Ending::GivenUp) } else { Err(format!("nobody is named: {ends:?}")) };
        }
        let context = KeyAggContext::new(&keys()?).map_err(|error| error.to_string())?;
        for signature in &signatures {
            let signature: Signature = signature.parse().map_err(|_| "no signature".to_owned())?;
            schnorr::verify(&context.aggregate_key(), b"crash", &signature).map_err(|error| error.to_string())?;
        }
        if signatures.len() == ends.len() { Ok(Ending::Signed) } else { Err(format!("not everybody has it: {ends:?}")) }
    }
}

fn keys() -> Result<Vec<PublicKey>, String> {
    let key = |secret: &u8| SecretKey::from_bytes(&[*secret; 32]).map(|key| key.public_key());
    SECRETS.iter().map(key).collect::<Result<_, _>>().map_err(|error| error.to_string())
}

/// Runs one cell of the matrix once. `program` is `motet-crash-node`; `folder` is empty, and its caller's to delete.
///
/// # Errors
///
/// What does not hold, in words.
pub fn run_cell(program: &Path, folder: &Path, place: &str, victim: usize) -> Result<Ending, String> {
    let mut cell = Cell::start(program, folder, |node| (node == victim).then_some(place))?;
    cell.meet()?;
    cell.announce()?;
    let process = cell.nodes.get_mut(victim).ok_or("no such node")?;
    process.await_crash()?;
    let promised = victim != CREATOR || process.seen.iter().any(|line| line == "announced");
    cell.restart(victim)?;
    if !promised {
        // Nobody was told that the request was out, and it may not have been: its user asks again.
        cell.nodes.get_mut(victim).ok_or("no such node")?.wait("advertised-all")?;
        cell.announce()?;
    }
    let mut ends = Vec::new();
    for (node, process) in cell.nodes.iter_mut().enumerate() {
        let end = process.wait_any(&["complete ", "aborted "]);
        ends.push(end.map_err(|error| format!("node {node} of {place}/{victim}: {error}"))?);
    }
    cell.judge(&ends)
}
