//! What must stay apart: sessions from each other, and secrets from everything that leaves their owner.

use motet_coordinator::{Command, CommandId, Effect, Input, Reply};
use motet_node::SessionStatus;
use motet_wire::{Kind, RequestId, Validated};

use super::{Purpose, World};
use crate::sim::invariant::Invariant;
use crate::sim::judge::SECRETS_ARE_HIDDEN;

/// How many messages of a thousand are looked at from all sides.
const SAMPLED: u64 = 10;

impl World {
    /// Hands a message in. S7, on a sample: whatever is said about one session, the others are what they were.
    pub(super) fn hear_alone(
        &mut self,
        host: usize,
        subject: Option<RequestId>,
        voice: Option<usize>,
        message: Validated,
    ) {
        // Requests compete for room: a new one may push an old one out.
        let about = subject.filter(|_| message.kind() != Kind::SigningRequest && self.watch.seen[host].len() > 1);
        let Some(subject_id) = about.filter(|_| self.dice.chance(SAMPLED)) else {
            return self.hear(host, subject, voice, message);
        };
        let kind = message.kind();
        // What is due by now is not the message's doing.
        if self.is_owed_a_look(host) {
            self.input(host, Input::Tick);
        }
        let before = self.sessions(host);
        self.hear(host, subject, voice, message);
        let after = self.sessions(host);
        let others = |mut sessions: Vec<SessionStatus>| {
            sessions.retain(|session| session.request != subject_id);
            // A signer that is convicted is blocked, so that no request with it can be asked again.
            for session in &mut sessions {
                session.retry = None;
            }
            sessions
        };
        let (before, after) = (others(before), others(after));
        // Whoever is down by now has crashed over it.
        if self.hosts[host].running.is_some() && before != after {
            let detail = format!("on host {host}, {} of {subject_id} changes other sessions", kind.name());
            self.watch.breach(Invariant::Isolation, detail);
        }
    }

    fn sessions(&mut self, host: usize) -> Vec<SessionStatus> {
        match self.question(host, Command::Sessions) {
            Some(Reply::Sessions(sessions)) => sessions,
            _ => Vec::new(),
        }
    }

    /// What a node answers to a command.
    pub(super) fn question(&mut self, host: usize, command: Command) -> Option<Reply> {
        let id = CommandId(self.commands.len() as u64);
        self.commands.insert(id, Purpose::Other);
        let now = self.hosts[host].clock.now(self.time);
        let running = self.hosts[host].running.as_mut()?;
        let mut transition = running.engine.handle(now, Input::Command(id, command), &mut running.entropy);
        let replies = transition.effects.extract_if(.., |effect| matches!(effect, Effect::Reply(_, Ok(_))));
        let found = replies.last();
        // Asking is a step like any other: something may have been due.
        self.carry_out(host, now, transition);
        match found {
            Some(Effect::Reply(_, reply)) => reply.ok(),
            _ => None,
        }
    }

    /// S6, on a sample: a text that leaves an honest node, or stays on its disk, does not hold its key.
    pub(super) fn check_secrets(&mut self, host: usize, text: impl FnOnce() -> String) {
        if SECRETS_ARE_HIDDEN && self.is_honest(host) && self.dice.chance(SAMPLED) {
            let secret = self.hosts[host].secret_bytes();
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            let list = format!("{secret:?}");
            let text = text().to_lowercase();
            if text.contains(&hex) || text.contains(list.trim_matches(['[', ']'])) {
                self.watch.breach(Invariant::Secrecy, format!("host {host} writes its key down"));
            }
        }
    }

    /// S6, on a sample: a frame does not hold the key of its author.
    pub(super) fn check_frame_for_secrets(&mut self, host: usize, frame: &[u8]) {
        let secret = self.hosts[host].secret_bytes();
        if SECRETS_ARE_HIDDEN && frame.windows(secret.len()).any(|window| window == secret) {
            self.watch.breach(Invariant::Secrecy, format!("host {host} sends its key"));
        }
    }
}
