//! What a session is in the logs: one `tracing` span, from its request to its closing (`docs/operations.md`, Logs).
//!
//! The span holds the request's id, and the attempt, the phase and the awaited signers as they are at the moment. Whatever
//! an engine does for a session, it does inside; the driver asks [`Engine::span_of`] for it. A span is a label for what
//! is logged anyway: the engine decides nothing by it, and without a subscriber it costs a comparison.

use core::fmt::{self, Write as _};

use motet_wire::{Attempt, RequestId, SignerIndex, Validated};
use tracing::{Span, field};

use super::Engine;
use super::input::{Command, Input};
use super::session::Session;
use crate::event::Phase;
use crate::job::JobOutcome;
use crate::signer::SignerAnswer;

/// Signers that are named in a span; of more, their number is told.
const NAMED: usize = 8;

/// The span of a session, and what it says.
#[derive(Debug)]
pub(crate) struct Trace {
    span: Span,
    shown: Option<(Phase, Attempt, Vec<SignerIndex>)>,
}

impl Trace {
    /// The span of a new session. It has no parent: whatever brought the request has nothing to do with what follows.
    pub(crate) fn new(request: &RequestId) -> Self {
        let span = tracing::error_span!(
            target: "motet_coordinator::session",
            parent: None,
            "session",
            %request,
            attempt = field::Empty,
            phase = field::Empty,
            awaiting = field::Empty,
        );
        Self { span, shown: None }
    }
}

/// Whom a session waits for: places and the beginnings of keys, in one word.
struct Awaited<'a>(&'a Session, &'a [SignerIndex]);

impl fmt::Display for Awaited<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.1.is_empty() {
            return f.write_str("nobody");
        }
        for (position, index) in self.1.iter().take(NAMED).enumerate() {
            if position > 0 {
                f.write_char(',')?;
            }
            let key = self.0.key(*index).map(ToString::to_string).unwrap_or_default();
            write!(f, "{}:{}", index.0, key.get(..8).unwrap_or_default())?;
        }
        match self.1.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, ",+{more}"),
        }
    }
}

impl Session {
    /// Brings its span up to date.
    pub(crate) fn refresh_span(&mut self) {
        if self.trace.span.is_disabled() {
            return;
        }
        let now = (self.phase(), self.attempt.number, self.awaiting());
        if self.trace.shown.as_ref() == Some(&now) {
            return;
        }
        let before = self.trace.shown.as_ref().map(|(phase, attempt, _)| (*phase, *attempt));
        let span = self.trace.span.clone();
        span.record("attempt", now.1.0);
        span.record("phase", field::debug(now.0));
        span.record("awaiting", field::display(Awaited(self, &now.2)));
        if before != Some((now.0, now.1)) {
            span.in_scope(|| tracing::debug!("phase changed"));
        }
        self.trace.shown = Some(now);
    }
}

impl Engine {
    /// The span of a session, also of one that the last step has closed; a disabled one if there is no such session.
    pub fn span_of(&self, request: &RequestId) -> Span {
        let open = self.sessions.get(request).map(|session| &session.trace.span);
        open.or_else(|| self.closed.get(request)).cloned().unwrap_or_else(Span::none)
    }

    /// Does something for a session inside its span, and brings the span up to date.
    pub(super) fn within<R>(&mut self, request: &RequestId, work: impl FnOnce(&mut Self) -> R) -> R {
        let entered = self.span_of(request).entered();
        let result = work(self);
        if let Some(session) = self.sessions.get_mut(request) {
            session.refresh_span();
        }
        drop(entered);
        result
    }

    /// Lets the span of a session that is being forgotten live until the next step: what this step says of it is yet to be
    /// logged.
    pub(super) fn keep_span(&mut self, session: &Session) {
        self.closed.insert(session.id, session.trace.span.clone());
    }

    /// The session that an input is about. Messages are looked at one by one, when they are handled.
    pub(super) fn subject_of(&self, input: &Input) -> Option<RequestId> {
        match input {
            Input::Message(_)
            | Input::PersistFailed { .. }
            | Input::Malformed { .. }
            | Input::PeerConnected { .. }
            | Input::PeerUnreachable { .. }
            | Input::Addresses(_)
            | Input::Tick => None,
            Input::Command(_, command) => match command {
                Command::Join { request, .. }
                | Command::Decline { request, .. }
                | Command::Abort { request, .. }
                | Command::Close { request }
                | Command::StartNonceCommitment { request }
                | Command::StartRound1 { request }
                | Command::StartRound2 { request }
                | Command::Note { request }
                | Command::Retry { request, .. } => Some(*request),
                Command::AddSigner { .. }
                | Command::RemoveSigner { .. }
                | Command::Advertise { .. }
                | Command::Withdraw { .. }
                | Command::Find(_)
                | Command::Announce(_)
                | Command::Reputation { .. }
                | Command::Status { .. }
                | Command::Sessions
                | Command::Results
                | Command::Proofs
                | Command::AnnounceResource(_)
                | Command::FindResources { .. }
                | Command::Resources => None,
            },
            Input::SignerAnswered(answer) => match answer {
                SignerAnswer::Delegated { .. } => None,
                SignerAnswer::Nonces { nonce_id, .. } | SignerAnswer::Signed { nonce_id, .. } => Some(nonce_id.request),
            },
            Input::Computed(outcome) => match outcome {
                JobOutcome::Aggregated { session, .. } | JobOutcome::Verified { session, .. } => {
                    self.sessions.request_of(session)
                }
                JobOutcome::Minted { .. } => None,
            },
            Input::PolicyDecided { request, .. } | Input::PersonAsked { request, .. } => Some(*request),
        }
    }

    /// The session that a message is about, if it is known. A request makes its own.
    pub(super) fn subject_of_message(&self, message: &Validated) -> Option<RequestId> {
        self.sessions.request_about(message.message().subject())
    }
}
