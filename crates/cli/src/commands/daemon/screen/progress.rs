//! The way of each signer through the rounds of a session.

use motet_daemon::api::{Session, SessionEvent};
use motet_node::event::Phase;

/// The rounds, as their columns are called.
pub(super) const ROUNDS: [&str; 4] = ["joined", "committed", "revealed", "signed"];

/// A signer's part in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Done,
    Awaited,
    /// The round has not begun.
    Later,
    /// The session does without this round.
    None,
    /// The session has ended before.
    Missing,
}

impl Part {
    pub(super) const fn mark(self) -> &'static str {
        match self {
            Self::Done => "✓",
            Self::Awaited => "…",
            Self::Later => "·",
            Self::None => "-",
            Self::Missing => "×",
        }
    }
}

/// The parts of each signer, in the order of the signers. An end without signatures hides the round in which it came, so that the
/// events tell it.
pub(super) fn parts(session: &Session, events: &[SessionEvent]) -> Vec<[Part; 4]> {
    let status = &session.status;
    let happened = |name: &str, index: Option<usize>| {
        events.iter().any(|told| {
            let event = &told.event;
            let of_attempt = event["attempt"].as_u64().is_none_or(|attempt| attempt == u64::from(status.attempt.0));
            let of_signer = index.is_none_or(|index| event["index"].as_u64() == u64::try_from(index).ok());
            event["event"] == name && of_attempt && of_signer
        })
    };
    let now = match status.phase {
        Phase::Joining => Some(0),
        Phase::Commitments => Some(1),
        Phase::Nonces => Some(2),
        Phase::Partials => Some(3),
        Phase::Complete => Some(4),
        Phase::Aborted => None,
    };
    let part = |signer: usize, round: usize| {
        let seen = || match round {
            0 => {
                happened("ParticipantJoined", Some(signer))
                    || happened("SigningRequestJoined", Some(signer))
                    || status.signers.get(signer) == Some(&status.creator)
            }
            1 => happened("SessionNonceCommitmentsComplete", None),
            2 => happened("NonceReceived", Some(signer)),
            _ => happened("PartialSigReceived", Some(signer)),
        };
        match now {
            None if seen() => Part::Done,
            None => Part::Missing,
            Some(now) if round == 1 && now > 1 => {
                if seen() {
                    Part::Done
                } else {
                    Part::None
                }
            }
            Some(now) if round < now => Part::Done,
            Some(now) if round > now => Part::Later,
            Some(_) if status.signers.get(signer).is_some_and(|key| status.awaiting.contains(key)) => Part::Awaited,
            Some(_) => Part::Done,
        }
    };
    (0..status.signers.len()).map(|signer| core::array::from_fn(|round| part(signer, round))).collect()
}
