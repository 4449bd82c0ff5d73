//! The session that an input or a message is about, and its span: the engine handles it inside of that span, and the driver
//! asks [`Engine::span_of`] for it.

use motet_wire::{RequestId, Validated};
use tracing::Span;

use super::Engine;
use super::input::{Command, Input};
use super::session::Session;
use crate::job::JobOutcome;
use crate::signer::SignerAnswer;

impl Engine {
    /// The span of a session, also of one that the last step has closed; a disabled one if there is no such session.
    pub fn span_of(&self, request: &RequestId) -> Span {
        let open = self.sessions.get(request).map(Session::span);
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
        self.closed.insert(session.id, session.span().clone());
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
