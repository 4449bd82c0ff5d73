//! Output for people and programs: a timeline of lines, or one JSON object a line.

use std::io::{IsTerminal as _, Write as _};

use motet_core_crypto::PublicKey;
use motet_node::Lagged;
use motet_node::event::{AbortCause, Event};
use motet_wire::{Channel, MonotonicMs, RequestId};
use serde::Serialize;
use serde_json::Value;

use crate::exit::Failed;
use crate::names::Names;
use crate::text;
use crate::timeline::Told;

/// Lines for people or objects for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

impl Format {
    pub(crate) const fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

/// Writes to standard output. Names of signers are learned on the way.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
    names: Names,
    origin: MonotonicMs,
    colour: bool,
    /// The request that the command is about.
    followed: Option<RequestId>,
}

impl Output {
    pub(crate) fn new(format: Format, origin: MonotonicMs) -> Self {
        let colour = format == Format::Text && std::io::stdout().is_terminal();
        Self { format, names: Names::default(), origin, colour, followed: None }
    }

    /// The output of a command that has no node.
    pub(crate) fn without_node(json: bool) -> Self {
        Self::new(Format::of(json), MonotonicMs::default())
    }

    /// From here on, events of other requests are marked in the timeline.
    pub(crate) fn follow(&mut self, request: RequestId) {
        self.followed = Some(request);
    }

    /// Marks an event of another request than the one that the command is about.
    fn mark(&self, event: &Told) -> String {
        match (self.followed, event.request()) {
            (Some(followed), Some(request)) if *request != followed => {
                let id = request.to_string();
                format!("  (of another request, {}…)", id.get(..8).unwrap_or(&id))
            }
            _ => String::new(),
        }
    }

    /// Learns the nickname of a signer.
    pub(crate) fn learn(&mut self, signer: PublicKey, name: &str) {
        self.names.learn(signer, name);
    }

    /// A signer for people: its nickname and the beginning of its key.
    pub(crate) fn name(&self, signer: &PublicKey) -> String {
        self.names.name(signer)
    }

    pub(crate) fn names(&self, signers: &[PublicKey]) -> String {
        self.names.list(signers)
    }

    /// A line of the conversation with people; nothing for programs. It may be lost, since the person may have gone.
    pub(crate) fn say(&self, line: &str) {
        if self.format == Format::Text {
            drop(write(line));
        }
    }

    /// The result of the command: lines for people, or an object for programs. Without lines, people are shown nothing.
    ///
    /// # Errors
    ///
    /// [`Failed`] if it could not be written: then the command has not succeeded.
    pub(crate) fn result(&self, lines: &str, object: &Value) -> Result<(), Failed> {
        match self.format {
            Format::Json => write(&text::json(&object.to_string())),
            Format::Text if lines.is_empty() => Ok(()),
            Format::Text => write(lines),
        }
    }

    /// An event, as a line of the timeline or an object. Programs rely on each object; people may close the
    /// timeline and keep the program.
    ///
    /// # Errors
    ///
    /// [`Failed`] if an object could not be written.
    pub(crate) fn event(&mut self, node: &str, at: MonotonicMs, event: &Event) -> Result<(), Failed> {
        let told = Told::of(event)?;
        self.heard(node, at, &told, event)
    }

    /// The same of an event in its JSON form.
    ///
    /// # Errors
    ///
    /// [`Failed`] if an object could not be written.
    pub(crate) fn heard(
        &mut self,
        node: &str,
        at: MonotonicMs,
        told: &Told,
        event: &impl Serialize,
    ) -> Result<(), Failed> {
        if let Told::SignerAdvertised { signer, nickname } | Told::SignerDiscovered { signer, nickname, .. } = told {
            self.learn(*signer, nickname);
        }
        if let Some(alarm) = told.alarm(&self.names) {
            // A user that reads neither the timeline nor the objects sees this, too: no later result of this node is
            // reliable.
            drop(std::io::stderr().lock().write_all(format!("error: {alarm}\n").as_bytes()));
        }
        let milliseconds = at.0.saturating_sub(self.origin.0);
        match self.format {
            Format::Json => {
                let line = Line { event, node, ms: milliseconds };
                write(&text::json(&serde_json::to_string(&line).map_err(Failed::here)?))
            }
            Format::Text => {
                if let Some((text, channel)) = told.sentence(&self.names) {
                    let channel = channel.map(|channel| format!("  [{}]", channel_name(channel))).unwrap_or_default();
                    let (bold, plain) = if self.colour { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
                    let node = text::nickname(node);
                    let mark = self.mark(told);
                    self.say(&format!("{milliseconds:>7} ms  {bold}{node:<8}{plain} {text}{channel}{mark}"));
                }
                Ok(())
            }
        }
    }

    /// Events that were lost, since this program or its reader was too slow: a line of the timeline or an object, and a line on
    /// standard error.
    ///
    /// # Errors
    ///
    /// [`Failed`] if an object could not be written.
    pub(crate) fn lost(&self, node: &str, at: MonotonicMs, lagged: Lagged) -> Result<(), Failed> {
        let Lagged(lost) = lagged;
        note(&format!("{lost} events were lost, since what this program writes was not read in time"));
        let milliseconds = at.0.saturating_sub(self.origin.0);
        match self.format {
            Format::Json => {
                let line = Line { event: &lagged, node, ms: milliseconds };
                write(&text::json(&serde_json::to_string(&line).map_err(Failed::here)?))
            }
            Format::Text => {
                self.say(&format!("{milliseconds:>7} ms  {:<8} {lost} events were lost", text::nickname(node)));
                Ok(())
            }
        }
    }

    /// The reason of a session's end, the signer at fault, and the next step.
    pub(crate) fn cause(&self, cause: &AbortCause) -> String {
        self.names.cause(cause)
    }
}

/// An event as an object: what it says itself, and which node said it when.
#[derive(Serialize)]
struct Line<'a, E> {
    #[serde(flatten)]
    event: &'a E,
    node: &'a str,
    ms: u64,
}

/// Writes lines to standard output, all of them and at once.
fn write(lines: &str) -> Result<(), Failed> {
    let mut output = std::io::stdout().lock();
    let written = output.write_all(format!("{lines}\n").as_bytes()).and_then(|()| output.flush());
    written.map_err(unwritten)
}

/// The failure when standard output does not take a result.
pub(crate) fn unwritten(error: std::io::Error) -> Failed {
    Failed::here(format!("the result could not be written to standard output: {error}"))
}

/// Says on standard error why a command has failed. If that is not possible, the exit code has to do.
pub(crate) fn complain(failed: &Failed) {
    note(&failed.to_string());
}

/// Says something on standard error, if it can be written.
pub(crate) fn note(text: &str) {
    drop(std::io::stderr().lock().write_all(format!("motet: {text}\n").as_bytes()));
}

const fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Gossip => "gossip",
        Channel::Direct => "direct",
        Channel::Dht => "DHT",
        Channel::Sync => "handed on",
        Channel::Own => "own",
        Channel::Store => "store",
    }
}
