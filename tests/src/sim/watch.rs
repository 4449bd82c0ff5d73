//! The invariants, watched from outside: what honest nodes say, send and decide, event by event.

use std::collections::{BTreeMap, BTreeSet};

use motet_core_crypto::{PublicKey, Signature};
use motet_node::event::{AbortCause, Completed, Contribution, Event, Requested, Round};
use motet_wire::{
    Attempt, AttemptId, Commitments, Evidence, Kind, Message, NetworkId, RequestId, SessionAbort, SignerIndex,
    SigningRequest, Subject, Validated, peek,
};

use super::invariant::{Breach, Invariant};
use super::judge;
use super::tally::{Stage, Tally};

/// How a session ended on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// In signatures.
    Complete,
    /// Without.
    Aborted(AbortCause),
}

/// The last word of a node to its user about a request, in any of its lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastWord {
    /// The signatures.
    Signatures,
    /// That there are none; and whether others may still make them.
    NoSignatures {
        /// Whether the node has said that others may complete it.
        open: bool,
        /// When it said so, in the world's milliseconds.
        at: u64,
    },
}

/// What is known of a session on one node, in one of its lives.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When it was opened, in the node's monotonic milliseconds.
    pub opened: u64,
    /// Where it is.
    pub stage: Stage,
    /// In which attempt.
    pub attempt: Attempt,
    /// How far it came.
    pub reached: Stage,
    /// Of which contributions the user has been told.
    pub told: BTreeSet<(Attempt, Stage, SignerIndex)>,
    /// How it ended.
    pub end: Option<End>,
    /// How it had ended before others completed it.
    pub given_up: Option<End>,
    /// Since when the user has the signatures, in the world's milliseconds.
    pub completed: Option<u64>,
    /// When the node gave its memory back, in the world's milliseconds.
    pub closed: Option<u64>,
}

/// What is known of a request.
#[derive(Debug, Clone)]
pub struct Known {
    /// The request, as its creator sealed it.
    pub request: SigningRequest,
    /// The keys, by libsecp256k1 where it can, else by our own arithmetic.
    pub keys: Vec<[u8; 32]>,
}

/// The observers of a world.
#[derive(Debug)]
pub struct Watch {
    network: NetworkId,
    /// The world's milliseconds.
    pub time: u64,
    /// The keys of honest signers.
    honest: BTreeSet<PublicKey>,
    all_honest: bool,
    /// Requests that honest signers have made.
    pub announced: BTreeSet<RequestId>,
    /// Requests that an honest node has seen.
    pub requests: BTreeMap<RequestId, Known>,
    sessions: BTreeMap<AttemptId, RequestId>,
    /// Requests whose sessions the step opens that is being looked at.
    pub opening: BTreeSet<RequestId>,
    /// Requests whose announcement was refused, by host.
    unannounced: BTreeSet<(usize, RequestId)>,
    /// Signatures that a life has told again, though an earlier one had told them, by host.
    retold: BTreeSet<(usize, RequestId)>,
    /// By host.
    pub seen: Vec<BTreeMap<RequestId, Seen>>,
    /// By host.
    pub last_words: Vec<BTreeMap<RequestId, LastWord>>,
    /// Whether every signer is one process on one sound disk: what it does not know of, nobody does in its name.
    pub all_single: bool,
    signatures: BTreeMap<AttemptId, Vec<Signature>>,
    judged_evidence: BTreeSet<[u8; 32]>,
    /// What did not hold.
    pub breaches: Vec<Breach>,
}

impl Watch {
    /// Watches honest signers of a network.
    pub fn new(network: NetworkId, honest: BTreeSet<PublicKey>, all_honest: bool, all_single: bool) -> Self {
        Self {
            network,
            time: 0,
            honest,
            all_honest,
            announced: BTreeSet::new(),
            requests: BTreeMap::new(),
            sessions: BTreeMap::new(),
            seen: Vec::new(),
            unannounced: BTreeSet::new(),
            retold: BTreeSet::new(),
            opening: BTreeSet::new(),
            last_words: Vec::new(),
            all_single,
            signatures: BTreeMap::new(),
            judged_evidence: BTreeSet::new(),
            breaches: Vec::new(),
        }
    }

    /// The requests of a host whose announcement was refused by its disk.
    pub fn unannounced(&self, host: usize) -> Vec<RequestId> {
        self.unannounced.iter().filter(|(of, _)| *of == host).map(|(_, request)| *request).collect()
    }

    /// Something did not hold.
    pub fn breach(&mut self, invariant: Invariant, detail: impl Into<String>) {
        self.breaches.push(Breach { invariant, detail: detail.into() });
    }

    /// Which request a session is of.
    pub fn request_of(&self, session: &AttemptId) -> Option<RequestId> {
        self.sessions.get(session).copied()
    }

    /// Where a session is on a host.
    pub fn stage(&self, host: usize, request: &RequestId) -> Stage {
        self.seen.get(host).and_then(|seen| seen.get(request)).map_or(Stage::Unknown, |seen| seen.stage)
    }

    /// How far a session has come on a host before it ended.
    pub fn stage_reached(&self, host: usize, request: &RequestId) -> Stage {
        self.seen.get(host).and_then(|seen| seen.get(request)).map_or(Stage::Joining, |seen| seen.reached)
    }

    /// A host has started, anew or again.
    pub fn on_start(&mut self, host: usize) {
        while self.seen.len() <= host {
            self.seen.push(BTreeMap::new());
            self.last_words.push(BTreeMap::new());
        }
        self.seen[host].clear();
        self.unannounced.retain(|(of, _)| *of != host);
        self.retold.retain(|(of, _)| *of != host);
    }

    /// An honest host tells its user something.
    pub fn on_event(&mut self, host: usize, mono: u64, event: &Event, tally: &mut Tally) {
        if event.request().is_some_and(|request| self.unannounced.contains(&(host, *request))) {
            // The outbox tells nobody; a node that talks of it after that is found by what it knows of it.
            return;
        }
        match event {
            Event::SigningRequestCreated(requested) | Event::SigningRequestReceived(requested) => {
                self.on_opened(host, mono, requested);
            }
            Event::ParticipantJoined(by) => {
                let known = self.requests.get(&by.request);
                if known.is_none_or(|known| known.request.keys.get(by.index.as_usize()) != Some(&by.signer)) {
                    let detail = format!("host {host} takes {} for signer {} of {}", by.signer, by.index.0, by.request);
                    self.breach(Invariant::Binding, detail);
                }
            }
            Event::SessionReady { request, .. } => {
                self.step(host, request, "ready", Stage::Joining, Stage::Commitments)
            }
            Event::SessionNonceCommitmentsComplete(round) => {
                self.on_round(host, round, "commitments complete", Stage::Commitments, Stage::Nonces);
            }
            Event::NonceReceived(by) => self.on_contribution(host, by, "nonce", Stage::Nonces),
            Event::SessionNoncesComplete(round) => {
                self.on_round(host, round, "nonces complete", Stage::Nonces, Stage::Partials);
            }
            Event::PartialSigReceived(by) => self.on_contribution(host, by, "partial", Stage::Partials),
            Event::SessionPartialSigsComplete(round) => {
                self.on_round(host, round, "partials complete", Stage::Partials, Stage::Partials);
            }
            Event::SessionTimeout(out) => {
                self.open(host, &out.request, "a timeout");
            }
            Event::SessionComplete(completed) => self.on_complete(host, completed, tally),
            Event::SessionAborted(aborted) => {
                if let AbortCause::Convicted { culprit, charge } = &aborted.cause
                    && self.honest.contains(culprit)
                {
                    self.breach(
                        Invariant::Innocence,
                        format!("host {host} convicts the honest {culprit} of {charge:?}"),
                    );
                }
                let word = LastWord::NoSignatures { open: !aborted.may_complete.is_empty(), at: self.time };
                self.last_words[host].insert(aborted.request, word);
                // A request of one's own may end before it comes back: nothing was opened then.
                let unopened = !self.seen[host].contains_key(&aborted.request);
                if unopened && aborted.cause == AbortCause::Expired && self.announced.contains(&aborted.request) {
                    return;
                }
                self.end(host, &aborted.request, Stage::Aborted, End::Aborted(aborted.cause.clone()), tally);
            }
            Event::SessionClosed { request } => {
                if let Some(seen) = self.seen[host].get_mut(request) {
                    seen.closed = Some(self.time);
                }
            }
            _ => {}
        }
    }

    /// What was to be told is not: the disk has refused what goes before it.
    pub fn on_untold(&mut self, host: usize, event: &Event) {
        let request = match event {
            Event::SigningRequestCreated(requested) => {
                self.unannounced.insert((host, requested.id));
                self.seen[host].remove(&requested.id);
                return;
            }
            // The user has been told in an earlier life.
            Event::SessionComplete(completed) if self.retold.contains(&(host, completed.request)) => return,
            Event::SessionComplete(completed) => completed.request,
            // Signatures that have come since are told for themselves.
            Event::SessionAborted(aborted)
                if self.last_words[host].get(&aborted.request) == Some(&LastWord::Signatures) =>
            {
                return;
            }
            Event::SessionAborted(aborted) => aborted.request,
            _ => return,
        };
        self.last_words[host].remove(&request);
        if let Some(seen) = self.seen[host].get_mut(&request) {
            seen.end = None;
            seen.stage = seen.reached;
        }
    }

    fn on_opened(&mut self, host: usize, mono: u64, requested: &Requested) {
        let request = &requested.request;
        let known = self.requests.entry(requested.id).or_insert_with(|| {
            let key = |item| {
                let ours = || request.items.iter().find(|other| *other == item)?.verification_key(&request.keys).ok();
                judge::key_of(&request.keys, item).or_else(|| ours().map(|key| key.to_bytes())).unwrap_or_default()
            };
            Known { request: request.as_ref().clone(), keys: request.items.iter().map(key).collect() }
        });
        let shown: Vec<[u8; 32]> = requested.keys.iter().map(|key| key.to_bytes()).collect();
        // The creator's certificate and the proof of work are not part of what the id stands for.
        let same = known.request.terms().ok() == request.terms().ok();
        let right = known.keys == shown;
        for attempt in 0..16 {
            self.sessions.insert(AttemptId::derive(&requested.id, Attempt(attempt)), requested.id);
        }
        let creator = request.creator.signer;
        if self.honest.contains(&creator) && !self.announced.contains(&requested.id) {
            self.breach(Invariant::Binding, format!("host {host} believes that {creator} asks for {}", requested.id));
        }
        let distinct: BTreeSet<&PublicKey> = request.keys.iter().collect();
        if distinct.len() != request.keys.len() {
            self.breach(Invariant::Binding, format!("host {host} is asked by a request that names a signer twice"));
        }
        if !same {
            self.breach(Invariant::Binding, format!("two requests have the id {}", requested.id));
        }
        if !right {
            self.breach(Invariant::Signatures, format!("{} is shown with a wrong key", requested.id));
        }
        let fresh = Seen {
            opened: mono,
            stage: Stage::Joining,
            reached: Stage::Joining,
            attempt: Attempt::FIRST,
            told: BTreeSet::new(),
            end: None,
            given_up: None,
            completed: None,
            closed: None,
        };
        if self.seen[host].insert(requested.id, fresh).is_some() {
            self.breach(Invariant::Monotone, format!("host {host} opens {} again", requested.id));
        }
    }

    /// The session, which must be going on.
    fn open(&mut self, host: usize, request: &RequestId, what: &str) -> Option<&mut Seen> {
        let going_on = self.seen[host].get(request).is_some_and(|seen| seen.end.is_none());
        if !going_on {
            self.breach(Invariant::Monotone, format!("host {host}: {what} of {request}, which does not go on"));
            return None;
        }
        self.seen[host].get_mut(request)
    }

    fn step(&mut self, host: usize, request: &RequestId, what: &str, from: Stage, to: Stage) {
        let off = self.is_without_commitments(request);
        let Some(seen) = self.open(host, request, what) else { return };
        if seen.stage != from {
            let detail = format!("host {host}: {what} of {request} at {:?}", seen.stage);
            return self.breach(Invariant::Monotone, detail);
        }
        seen.stage = if off && to == Stage::Commitments { Stage::Nonces } else { to };
        seen.reached = seen.reached.max(seen.stage);
    }

    fn on_round(&mut self, host: usize, round: &Round, what: &str, from: Stage, to: Stage) {
        let off = self.is_without_commitments(&round.request);
        if AttemptId::derive(&round.request, round.attempt) != round.session {
            self.breach(Invariant::Binding, format!("host {host}: {what} of a session that is not of its attempt"));
        }
        let Some(seen) = self.open(host, &round.request, what) else { return };
        if round.attempt > seen.attempt {
            seen.attempt = round.attempt;
            seen.stage = if off { Stage::Nonces } else { Stage::Commitments };
        }
        if round.attempt < seen.attempt {
            return self.breach(Invariant::Monotone, format!("host {host}: {what} of an earlier attempt"));
        }
        self.step(host, &round.request, what, from, to);
    }

    /// What a signer contributes is told of once, in its phase.
    fn on_contribution(&mut self, host: usize, by: &Contribution, what: &str, stage: Stage) {
        self.on_round(host, &by.round, what, stage, stage);
        let Some(seen) = self.seen[host].get_mut(&by.round.request) else { return };
        if !seen.told.insert((by.round.attempt, stage, by.index)) {
            let detail = format!("host {host}: {what} of signer {} of {} again", by.index.0, by.round.request);
            self.breach(Invariant::Monotone, detail);
        }
    }

    fn is_without_commitments(&self, request: &RequestId) -> bool {
        self.requests.get(request).is_some_and(|known| known.request.options.commitments == Commitments::Off)
    }

    fn on_complete(&mut self, host: usize, completed: &Completed, tally: &mut Tally) {
        let id = completed.request;
        let Some(known) = self.requests.get(&id).cloned() else {
            return self.breach(Invariant::Signatures, format!("host {host} completes {id}, which nobody asked for"));
        };
        let signatures: Vec<Signature> = completed.items.iter().map(|item| item.signature).collect();
        if completed.items.len() != known.request.items.len() {
            self.breach(Invariant::Signatures, format!("{id} has other items than were asked for"));
        }
        for ((signed, item), key) in completed.items.iter().zip(&known.request.items).zip(&known.keys) {
            tally.judged += 1;
            let right = signed.message == item.message && signed.aggregate_key.to_bytes() == *key;
            if !right || !judge::verifies(key, &item.message, &signed.signature) {
                self.breach(Invariant::Signatures, format!("host {host}: a signature of {id} does not verify"));
            }
        }
        let first = self.signatures.entry(completed.session).or_insert_with(|| signatures.clone());
        // Which attempt a signature is of, nothing in it says: a rogue can name another one.
        if *first != signatures && self.all_honest {
            self.breach(
                Invariant::Signatures,
                format!("host {host}: other signatures of {} than others", completed.session),
            );
        }
        match self.last_words[host].insert(id, LastWord::Signatures) {
            // It had given up, perhaps in an earlier life, and said that this may come.
            Some(LastWord::NoSignatures { open, .. }) => {
                if !open && self.all_single {
                    let detail = format!("host {host} said that there is no signature of {id}, and there is one");
                    self.breach(Invariant::Claims, detail);
                }
                *tally.ends.entry("complete after an end without signatures".to_owned()).or_default() += 1;
                if let Some(seen) = self.seen[host].get_mut(&id) {
                    seen.given_up = seen.end.take();
                    (seen.stage, seen.end) = (Stage::Complete, Some(End::Complete));
                }
            }
            // A copy of a node, or one whose disk has lost its end, goes on listening for what was given up before it was one;
            // and what was to be told when a node crashed is told again.
            Some(LastWord::Signatures) if !self.seen[host].contains_key(&id) => {
                self.retold.insert((host, id));
            }
            None if !self.seen[host].contains_key(&id) => {}
            Some(LastWord::Signatures) | None => self.end(host, &id, Stage::Complete, End::Complete, tally),
        }
        if let Some(seen) = self.seen[host].get_mut(&id) {
            seen.completed = seen.completed.or(Some(self.time));
        }
    }

    fn end(&mut self, host: usize, request: &RequestId, stage: Stage, end: End, tally: &mut Tally) {
        let name = match &end {
            End::Complete => "complete".to_owned(),
            End::Aborted(cause) => cause_name(cause),
        };
        *tally.ends.entry(name).or_default() += 1;
        if let Some(seen) = self.open(host, request, "an end") {
            seen.stage = stage;
            seen.end = Some(end);
        }
    }

    /// An honest host wants a frame to leave.
    pub fn on_sent(&mut self, host: usize, frame: &[u8]) {
        let Some(peek) = peek(frame) else {
            return self.breach(Invariant::Binding, format!("host {host} sends what is no message"));
        };
        if matches!(peek.kind, Kind::NonceCommit | Kind::NonceShare | Kind::PartialSigShare) {
            let session =
                frame.get(55..87).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).map(AttemptId::from_bytes);
            let Some(request) = session.and_then(|session| self.request_of(&session)) else {
                return self.breach(Invariant::Binding, format!("host {host} speaks in a session that nobody knows"));
            };
            // An engine that has not heard yet that its announcement was refused goes on; its outbox lets nothing of that leave.
            let begins = self.opening.contains(&request) || self.unannounced.contains(&(host, request));
            let over = self.seen[host].get(&request).map_or(!begins, |seen| seen.end.is_some());
            if over {
                let detail = format!("host {host} sends {} after the end of {request}", peek.kind.name());
                self.breach(Invariant::Monotone, detail);
            }
        }
    }

    /// A participant says that a session is over, perhaps with evidence. Evidence is judged whoever made it.
    pub fn on_abort(&mut self, id: [u8; 32], abort: &SessionAbort) {
        if let Some(evidence) = &abort.evidence
            && self.judged_evidence.insert(id)
        {
            self.on_evidence(evidence);
        }
    }

    /// Evidence that somebody has made.
    pub fn on_evidence(&mut self, evidence: &Evidence) {
        if let Ok(conviction) = evidence.verify(&self.network)
            && self.honest.contains(&conviction.signer)
        {
            let detail = format!("{:?} of the honest {} verifies", conviction.charge, conviction.signer);
            self.breach(Invariant::Innocence, detail);
        }
    }

    /// The request that a message is about, if it is known.
    pub fn request_of_message(&self, message: &Validated) -> Option<RequestId> {
        match (message.message().subject(), message.message()) {
            (Subject::Request(request), _) => Some(request),
            (Subject::Attempt(session), _) => self.request_of(&session),
            (Subject::NewRequest, Message::SigningRequest(request)) => request.id(&self.network).ok(),
            (Subject::NewRequest | Subject::Directory | Subject::Application, _) => None,
        }
    }
}

fn cause_name(cause: &AbortCause) -> String {
    let text = format!("aborted: {cause:?}");
    text.split(['{', '(']).next().unwrap_or_default().trim().to_owned()
}
