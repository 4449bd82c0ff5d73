//! The way in: from bytes to messages, through the pipeline (`docs/protocol.md` §4).

use std::sync::Arc;

use motet_coordinator::Input;
use motet_core_crypto::PublicKey;
use motet_net::{Feedback, ReportToken};
use motet_wire::{
    Admitted, ApplicationMessage, Kind, Now, Peek, PeerClass, PeerId, Penalty, Rejection, Rule, Validated, Verdict,
    peek, verify_batch,
};
use tokio::sync::oneshot;

use super::Driver;
use super::arrived::{Arrived, Checked};
use super::echoes::Echo;
use super::input::DriverInput;
use crate::OsEntropy;
use crate::limits;

/// The peer that has delivered a frame, the gossip message to report on, and the frame, if it may come once more.
type Origin = (PeerId, Option<ReportToken>, Option<Echo>);

impl Driver {
    /// The cheap half here and now; the signatures, if they are many, on the pool.
    pub(crate) fn validate_batch(&mut self, arrivals: Vec<Arrived>, done: Option<oneshot::Sender<Vec<Validated>>>) {
        let now = self.clock.now();
        let mut admitted: Vec<(Admitted, Origin)> = Vec::new();
        let mut weight = 0;
        for arrived in arrivals {
            let (channel, from) = (arrived.channel, arrived.from);
            let (peer, author) = (self.standing_of_peer(&from, now), self.standing_of_author(&arrived.bytes, now));
            let bytes = Arc::clone(&arrived.bytes);
            let (arrival, token) = arrived.into_arrival(peer, author);
            match self.validator.admit(arrival, now) {
                // No application listens: no signature is checked for it.
                Ok(worth) if worth.kind() == Kind::ApplicationMessage && self.applications.is_deaf() => {}
                Ok(worth) => {
                    let echo = worth.kind().is_gossiped().then(|| Echo::of(&bytes));
                    if let Some(echo) = echo {
                        self.echoes.begin(echo);
                    }
                    // A frame has points to parse besides its signature; at most they take most of its bytes.
                    weight += 1 + bytes.len() / limits::BYTES_PER_WEIGHT;
                    admitted.push((worth, (from, token, echo)));
                }
                Err(rejection) => {
                    self.look_at_clock(&rejection, channel, from, &bytes, now);
                    let token = token.and_then(|token| self.answer_copy(&bytes, token, &rejection, now));
                    self.on_checked(Checked { from, token, echo: None, result: Err(Box::new(rejection)) });
                }
            }
        }
        if admitted.is_empty() {
            if let Some(done) = done {
                // The caller may have gone.
                let _ = done.send(Vec::new());
            }
            return;
        }
        self.run_soon(Some(weight), move || {
            let (admitted, origins): (Vec<_>, Vec<_>) = admitted.into_iter().unzip();
            let results = verify_batch(admitted, &mut OsEntropy);
            let results = origins
                .into_iter()
                .zip(results)
                .map(|((from, token, echo), result)| {
                    let result = result.map(Box::new).map_err(Box::new);
                    Checked { from, token, echo, result }
                })
                .collect();
            Some(DriverInput::Verified { results, done })
        });
    }

    pub(crate) fn on_checked(&mut self, looked: Checked) {
        let Checked { from, token, echo, result } = looked;
        let (verdict, penalty) = match &result {
            Ok(_) => (Verdict::Accept, Penalty::None),
            Err(rejection) => {
                tracing::debug!(%from, rule = %rejection.rule, kind = ?rejection.kind, "a message was dropped");
                (rejection.verdict, rejection.penalty)
            }
        };
        let copies = echo.map(|echo| self.echoes.end(echo, verdict, self.clock.now().mono));
        for token in token.into_iter().chain(copies.into_iter().flatten()) {
            self.reports.push(Feedback::Verdict { token, verdict }, &self.net);
        }
        if penalty == Penalty::Ban {
            self.reports.push(Feedback::Block { peer: from }, &self.net);
        }
        match result {
            Ok(message) => {
                if let Some(delegation) = message.message().delegation() {
                    self.reserved.is_due |= self.contacts.learn(delegation);
                }
                if message.kind() != Kind::ApplicationMessage {
                    self.handle(Input::Message(message));
                } else if let Ok(message) = message.narrow() {
                    self.on_application_message(&message);
                }
            }
            Err(rejection) => {
                if let Some(frame) = rejection.signed_frame {
                    self.handle(Input::Malformed { frame });
                }
            }
        }
    }

    /// Hands a message to its application, if it is for this node.
    fn on_application_message(&self, message: &Validated<ApplicationMessage>) {
        let ApplicationMessage { peer, signer, .. } = message.message();
        if *peer == self.peer && signer.is_none_or(|signer| self.engine.serves(&signer)) {
            self.applications.deliver(message);
        }
    }

    /// Reports on a copy of an announcement that is known or being checked. Returns the token of any other frame.
    fn answer_copy(
        &mut self,
        bytes: &[u8],
        token: ReportToken,
        rejection: &Rejection,
        now: Now,
    ) -> Option<ReportToken> {
        if rejection.rule != Rule::Replay {
            return Some(token);
        }
        if let Some((token, verdict)) = self.echoes.copy(Echo::of(bytes), token, rejection.verdict, now.mono) {
            self.reports.push(Feedback::Verdict { token, verdict }, &self.net);
        }
        None
    }

    fn standing_of_peer(&self, peer: &PeerId, now: Now) -> PeerClass {
        if *peer == self.peer {
            return PeerClass::Participant { sessions: u16::MAX };
        }
        member(self.engine.sessions_with(peer)).unwrap_or_else(|| self.contacts.class_of_peer(peer, now.wall))
    }

    fn standing_of_author(&mut self, bytes: &[u8], now: Now) -> PeerClass {
        let Some(peek) = peek(bytes) else { return PeerClass::Stranger };
        // To find a point takes longer than everything else here, and the same few senders come again and again.
        let known = self.senders.get(&peek.sender).copied();
        let Some(sender) = known.or_else(|| PublicKey::from_bytes(&peek.sender).ok()) else {
            return PeerClass::Stranger;
        };
        if known.is_none() {
            if self.senders.len() >= limits::SENDERS {
                self.senders.clear();
            }
            self.senders.insert(peek.sender, sender);
        }
        let class = member(self.engine.sessions_of(&sender));
        match class.unwrap_or_else(|| self.contacts.class_of_author(&peek, now.wall)) {
            PeerClass::Stranger if self.is_of_member(&peek, now) => PeerClass::Contact,
            class => class,
        }
    }

    /// True if a request claims to come from a member of a registered group. It may have been registered after the node began.
    fn is_of_member(&mut self, peek: &Peek, now: Now) -> bool {
        if peek.kind != Kind::SigningRequest {
            return false;
        }
        let signer = peek.signer.and_then(|signer| PublicKey::from_bytes(&signer).ok());
        // Strangers must not make a node read files all the time.
        let is_due = self.groups_read.is_none_or(|read| now.mono.since(read) >= limits::GROUPS_EVERY);
        if is_due {
            self.groups_read = Some(now.mono);
        }
        signer.is_some_and(|signer| self.groups.has_member(&signer, is_due))
    }
}

/// The class of a peer or author that takes part in so many sessions; `None` if there are none.
fn member(sessions: usize) -> Option<PeerClass> {
    let sessions = u16::try_from(sessions).unwrap_or(u16::MAX);
    (sessions > 0).then_some(PeerClass::Participant { sessions })
}
