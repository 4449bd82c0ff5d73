//! Output for people and programs: a timeline of lines, or one JSON object a line.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};

use motet_core_crypto::PublicKey;
use motet_node::Lagged;
use motet_node::event::{AbortCause, Event};
use motet_wire::AddressScope;
use motet_wire::{Channel, MonotonicMs, RequestId};
use serde::Serialize;
use serde_json::Value;

use crate::exit::Failed;
use crate::text::{self, printable};

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
    names: BTreeMap<PublicKey, String>,
    origin: MonotonicMs,
    colour: bool,
    /// The request that the command is about.
    followed: Option<RequestId>,
}

impl Output {
    pub(crate) fn new(format: Format, origin: MonotonicMs) -> Self {
        let colour = format == Format::Text && std::io::stdout().is_terminal();
        Self { format, names: BTreeMap::new(), origin, colour, followed: None }
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
    fn mark(&self, event: &Event) -> String {
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
        if !name.is_empty() {
            self.names.insert(signer, name.to_owned());
        }
    }

    /// A signer for people: its nickname and the beginning of its key.
    pub(crate) fn name(&self, signer: &PublicKey) -> String {
        let key = signer.to_string();
        let short = key.get(..12).unwrap_or(&key);
        self.names
            .get(signer)
            .map_or_else(|| format!("{short}…"), |name| format!("{} ({short}…)", text::nickname(name)))
    }

    pub(crate) fn names(&self, signers: &[PublicKey]) -> String {
        signers.iter().map(|signer| self.name(signer)).collect::<Vec<_>>().join(", ")
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
        if let Event::SignerAdvertised(found) | Event::SignerDiscovered(found) = event {
            self.learn(found.advertisement.delegation.signer, &found.advertisement.metadata.nickname);
        }
        if let Some(alarm) = self.alarm(event) {
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
                if let Some((text, channel)) = self.sentence(event) {
                    let channel = channel.map(|channel| format!("  [{}]", channel_name(channel))).unwrap_or_default();
                    let (bold, plain) = if self.colour { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
                    let node = text::nickname(node);
                    let mark = self.mark(event);
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

    /// A warning that must be seen at once: two processes contradict each other.
    fn alarm(&self, event: &Event) -> Option<String> {
        if let Event::IdentityConflict { signer, .. } = event {
            return Some(format!("another process speaks for {}; stop one of the two", self.name(signer)));
        }
        let Event::PeerIdConflict { address, .. } = event else { return None };
        Some(format!(
            "another node has this node's identity, at {}; stop one of the two, and give one of them a data directory of its own",
            printable(&address.to_string())
        ))
    }

    /// The line for people about an event; `None` for events that do not concern them.
    fn sentence(&self, event: &Event) -> Option<(String, Option<Channel>)> {
        Some(match event {
            Event::Listening { address } => (format!("listens on {}", printable(&address.to_string())), None),
            Event::ListeningEnded { address, reason } => (
                format!("does not listen on {} any more: {}", printable(&address.to_string()), printable(reason)),
                None,
            ),
            Event::AddressesChanged { scope, left_out, addresses } => {
                (reachable(*scope, addresses.len(), *left_out)?, None)
            }
            Event::SignerUnreachable { signer, reason } => {
                (format!("cannot reach {}: {}", self.name(signer), printable(reason)), None)
            }
            Event::PeerUnreachable { address, reason } => (
                format!("cannot use {}: {}; it is tried again", printable(&address.to_string()), printable(reason)),
                None,
            ),
            Event::IdentityConflict { .. } | Event::PeerIdConflict { .. } => (self.alarm(event)?, None),
            Event::ReachabilityChanged { reachable } => (reachability(*reachable).to_owned(), None),
            Event::DiversityFell { networks, before } => (diversity(*networks, *before), None),
            Event::ClocksDiffer { peer, seconds } => (clocks(&peer.to_string(), *seconds), None),
            Event::SignerAdvertised(_) => ("advertises its signer".to_owned(), None),
            Event::SignerDiscovered(found) => {
                let signer = &found.advertisement.delegation.signer;
                (format!("discovers {}", self.name(signer)), Some(found.channel))
            }
            Event::SignerUnavailable(gone) => (format!("hears that {} is gone", self.name(&gone.signer)), None),
            Event::SigningRequestCreated(requested) => {
                let (items, keys) = (requested.request.items.len(), requested.request.keys.len());
                (format!("asks {keys} signers to sign {items} item(s)"), Some(requested.channel))
            }
            Event::SigningRequestReceived(requested) => {
                let creator = self.name(&requested.request.creator.signer);
                (format!("receives the request of {creator}"), Some(requested.channel))
            }
            Event::ParticipantJoined(joined) => {
                (format!("sees {} join", self.name(&joined.signer)), Some(joined.channel))
            }
            Event::ParticipantDeclined { participation, reason } => {
                let who = self.name(&participation.signer);
                (format!("hears {who} decline: {}", printable(reason)), Some(participation.channel))
            }
            Event::SessionReady { .. } => ("session ready: all have joined".to_owned(), None),
            Event::SessionNonceCommitmentsComplete(_) => ("all nonce commitments are in".to_owned(), None),
            Event::SessionNoncesComplete(_) => ("all nonces are in".to_owned(), None),
            Event::SessionPartialSigsComplete(_) => ("all partial signatures are in".to_owned(), None),
            Event::SessionComplete(_) => ("has the signature, verified".to_owned(), None),
            Event::SessionTimeout(out) => {
                let next = out.next.map(|next| format!("; attempt {} follows", next.0 + 1)).unwrap_or_default();
                (format!("waited too long for {} of {}{next}", out.phase, self.names(&out.signers)), None)
            }
            Event::SessionAborted(aborted) => {
                let open = if aborted.may_complete.is_empty() {
                    String::new()
                } else {
                    format!("; it may still be completed by {}", self.names(&aborted.may_complete))
                };
                (format!("session ended: {}{open}", self.cause(&aborted.cause)), None)
            }
            Event::SessionError { detail, .. } => (format!("error: {}", printable(detail)), None),
            Event::SignerWithdrawn(_)
            | Event::SigningRequestJoined(_)
            | Event::CoordinatorElected { .. }
            | Event::NonceReceived(_)
            | Event::PartialSigReceived(_)
            | Event::SessionClosed { .. }
            | Event::PeerConnected { .. }
            | Event::PeerDisconnected { .. }
            | Event::DhtReady
            | _ => return None,
        })
    }

    /// The reason of a session's end, the signer at fault, and the next step.
    pub(crate) fn cause(&self, cause: &AbortCause) -> String {
        cause.explain(|signer| self.name(signer), printable)
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

/// The reach of a node's addresses, if it is not the internet or if some are left out.
fn reachable(scope: AddressScope, told: usize, left_out: usize) -> Option<String> {
    match scope {
        AddressScope::Internet if left_out == 0 => None,
        AddressScope::Internet => {
            Some(format!("tells others {told} of its {} addresses: there is no room for more", told + left_out))
        }
        AddressScope::Network => Some(
            "can be reached from its own network only; to be reached from the internet, name a relay with --relay"
                .to_owned(),
        ),
        AddressScope::Machine => Some("can be reached from this machine only; it has no other address".to_owned()),
        AddressScope::Nowhere => {
            Some("cannot be reached: it has no address; others reach it only while it is connected".to_owned())
        }
    }
}

/// The answer to the question whether other nodes can open connections to this one.
const fn reachability(reachable: Option<bool>) -> &'static str {
    match reachable {
        Some(true) => "other nodes can open connections to this one",
        Some(false) => "other nodes reach this one through relays alone",
        None => "it is not known any more whether other nodes can open connections to this one",
    }
}

/// The warning that a node may be cut off, with the remedy.
fn diversity(networks: usize, before: usize) -> String {
    format!(
        "its peers are in {networks} networks, and were in {before}: it may be cut off from honest nodes; name a node that you trust with \
         --peer"
    )
}

/// The warning that clocks differ, with the remedy.
fn clocks(peer: &str, seconds: i64) -> String {
    let way = if seconds > 0 { "ahead of" } else { "behind" };
    let by = duration(seconds.unsigned_abs());
    format!(
        "the clock of peer {peer} is {by} {way} this machine's, so that they drop what the other announces; check this machine's \
         clock"
    )
}

/// So many seconds in the two largest units that are needed.
fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let mut left = seconds;
    let parts: Vec<String> = UNITS
        .iter()
        .filter_map(|(length, unit)| {
            let count = left / length;
            left %= length;
            (count > 0).then(|| format!("{count} {unit}"))
        })
        .take(2)
        .collect();
    parts.join(" ")
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
