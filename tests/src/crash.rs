//! One cell of the crash matrix: three processes, one of which dies at a named place and is started again.
//!
//! What must hold: no nonce was ever used twice (each process has written down every use before it happened), and the session
//! either completes for everybody with the same valid signature, or ends with words that say whom it waited for.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use motet_core_crypto::{KeyAggContext, PublicKey, SecretKey, Signature, schnorr};

/// Processes in a cell; the first is the creator.
pub const NODES: usize = 3;
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
struct Process {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Process {
    fn start(program: &Path, folder: &Path, secret: u8, crash: Option<&str>) -> Result<Self, String> {
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.arg(folder).arg(format!("{secret:02x}").repeat(32));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("MOTET_CRASH_AT");
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

    fn say(&mut self, line: &str) {
        // It may have crashed already; whoever waits for it will see.
        drop(writeln!(self.input, "{line}"));
    }

    /// The first line with this beginning, now or later; what follows the beginning.
    fn wait(&mut self, start: &str) -> Result<String, String> {
        self.wait_any(&[start])
    }

    fn wait_any(&mut self, starts: &[&str]) -> Result<String, String> {
        loop {
            let found = self
                .seen
                .iter()
                .find_map(|line| starts.iter().any(|start| line.starts_with(start)).then(|| line.clone()));
            if let Some(found) = found {
                return Ok(found);
            }
            let line = self.lines.recv_timeout(GUARD);
            self.seen.push(line.map_err(|_| format!("never said any of {starts:?}; it said {:?}", self.seen))?);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs one cell once. `program` is `motet-crash-node`; `folder` is empty, and its caller's to delete.
///
/// # Errors
///
/// What does not hold, in words.
pub fn run_cell(program: &Path, folder: &Path, place: &str, victim: usize) -> Result<Ending, String> {
    let secrets: [u8; NODES] = [1, 2, 3];
    let keys: Vec<PublicKey> = secrets
        .iter()
        .map(|secret| SecretKey::from_bytes(&[*secret; 32]).map(|key| key.public_key()))
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let folders: Vec<PathBuf> = (0..NODES).map(|node| folder.join(node.to_string())).collect();
    let start = |node: usize, crash| {
        let (folder, secret) = folders.get(node).zip(secrets.get(node)).ok_or("no such node")?;
        Process::start(program, folder, *secret, crash)
    };
    let mut nodes = Vec::new();
    let mut addresses: Vec<String> = Vec::new();
    for node in 0..NODES {
        let mut process = start(node, (node == victim).then_some(place))?;
        addresses.push(address(&mut process)?);
        for address in addresses.iter().take(node) {
            process.say(&format!("connect {address}"));
        }
        if node > 0 {
            process.wait("connected")?;
        }
        process.say("advertise");
        nodes.push(process);
    }
    for process in &mut nodes {
        process.wait("advertised-all")?;
    }
    let list: Vec<String> = keys.iter().map(ToString::to_string).collect();
    let creator = nodes.first_mut().ok_or("no creator")?;
    creator.say(&format!("announce {}", list.join(",")));
    let crashed = nodes.get_mut(victim).ok_or("no such node")?;
    await_crash(crashed)?;
    let mut again = start(victim, None)?;
    address(&mut again)?;
    for (_, address) in addresses.iter().enumerate().filter(|(node, _)| *node != victim) {
        again.say(&format!("connect {address}"));
    }
    again.say("advertise");
    if let Some(slot) = nodes.get_mut(victim) {
        *slot = again;
    }
    let mut ends = Vec::new();
    for (node, process) in nodes.iter_mut().enumerate() {
        // Whoever had stored the end has nothing to say any more.
        if node != victim || place != "after-ended" {
            let end = process.wait_any(&["complete ", "aborted "]);
            ends.push(end.map_err(|error| format!("node {node} of {place}/{victim}: {error}"))?);
        }
    }
    drop(nodes);
    nonces_are_used_once(&folders)?;
    judge(&keys, &ends)
}

fn address(process: &mut Process) -> Result<String, String> {
    Ok(process.wait("listening ")?.trim_start_matches("listening ").to_owned())
}

fn await_crash(process: &mut Process) -> Result<(), String> {
    // Its output ends when it dies.
    loop {
        match process.lines.recv_timeout(GUARD) {
            Ok(line) => process.seen.push(line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                return Err(format!("it did not crash; it said {:?}", process.seen));
            }
        }
    }
    let status = process.child.wait().map_err(|error| error.to_string())?;
    if status.success() { Err("it stopped instead of crashing".to_owned()) } else { Ok(()) }
}

/// Every public nonce of every process's life was used with one set of nonces, messages and keys at most.
fn nonces_are_used_once(folders: &[PathBuf]) -> Result<(), String> {
    for folder in folders {
        let ledger = std::fs::read_to_string(folder.join("ledger")).unwrap_or_default();
        let mut used = BTreeMap::new();
        for (own, with) in ledger.lines().filter_map(|line| line.split_once(' ')) {
            if used.insert(own.to_owned(), with.to_owned()).is_some() {
                return Err(format!("a nonce was used twice: {}", folder.display()));
            }
        }
    }
    Ok(())
}

fn judge(keys: &[PublicKey], ends: &[String]) -> Result<Ending, String> {
    let signatures: Vec<&str> = ends.iter().filter_map(|end| end.strip_prefix("complete ")).collect();
    if signatures.is_empty() {
        let named = ends.iter().all(|end| !end.contains("signers: []"));
        return if named { Ok(Ending::GivenUp) } else { Err(format!("nobody is named: {ends:?}")) };
    }
    let context = KeyAggContext::new(keys).map_err(|error| error.to_string())?;
    for signature in &signatures {
        let signature: Signature = signature.parse().map_err(|_| "no signature".to_owned())?;
        schnorr::verify(&context.aggregate_key(), b"crash", &signature).map_err(|error| error.to_string())?;
    }
    if signatures.len() == ends.len() { Ok(Ending::Signed) } else { Err(format!("not everybody has it: {ends:?}")) }
}
