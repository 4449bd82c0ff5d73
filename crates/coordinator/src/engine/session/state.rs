//! States of a session: it is active and collects something, or it is over. Each state holds only what is valid in it.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use motet_core_crypto::Signature;
use motet_wire::{AttemptId, MonotonicMs, SignerIndex};

use crate::config::{Config, Rounds};
use crate::event::{AbortCause, Phase};
use crate::limits;

/// Time for which the outcome of a session is remembered, for nodes that have missed it.
const REMEMBER: Duration = Duration::from_secs(10 * 60);

/// The state of a session.
#[derive(Debug)]
pub(crate) enum State {
    /// It goes on (`docs/protocol.md` §6, §7).
    Active(Active),
    /// It has ended, as far as this node knows (§7.5).
    Over(Over),
}

/// Contributions that are being collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collecting {
    /// Joins (§6, phase 3).
    Joins,
    /// Commitments to nonces (§7, round 0).
    Commitments,
    /// Nonces (§7, round 1).
    Nonces,
    /// Partial signatures (§7, round 2).
    Partials,
    /// Nothing: all partial signatures are here, and a job makes the signatures of them.
    Aggregating,
}

/// A round that an application may start by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SigningRound {
    /// Committing to nonces.
    Commit,
    /// Revealing them.
    Reveal,
    /// Signing.
    Sign,
}

/// Which rounds of an attempt may start.
#[derive(Debug)]
pub(crate) enum StartedRounds {
    /// All, each as soon as it can.
    All,
    /// Those that the application has started.
    Only(BTreeSet<SigningRound>),
}

impl StartedRounds {
    /// For the first attempt: its commitments travel in the joins, which are the user's to make.
    pub(crate) fn of_first_attempt(rounds: Rounds) -> Self {
        let mut started = Self::of_later_attempt(rounds);
        started.start(SigningRound::Commit);
        started
    }

    /// For each attempt after the first.
    pub(crate) const fn of_later_attempt(rounds: Rounds) -> Self {
        match rounds {
            Rounds::Automatic => Self::All,
            Rounds::Manual => Self::Only(BTreeSet::new()),
        }
    }

    pub(crate) fn start(&mut self, round: SigningRound) {
        match self {
            Self::All => {}
            Self::Only(started) => {
                started.insert(round);
            }
        }
    }

    pub(crate) fn has_started(&self, round: SigningRound) -> bool {
        match self {
            Self::All => true,
            Self::Only(started) => started.contains(&round),
        }
    }
}

/// Time at which the others are asked for missing messages, and the number of times that they have been.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SyncTimer {
    pub(crate) at: MonotonicMs,
    pub(crate) asked: u32,
}

impl SyncTimer {
    /// The others have not been asked yet, and are at this time.
    pub(crate) const fn first(at: MonotonicMs) -> Self {
        Self { at, asked: 0 }
    }

    /// True if the next question has waited for this pause; else it goes on waiting.
    pub(crate) fn has_waited(&mut self, since: MonotonicMs, pause: Duration, now: MonotonicMs) -> bool {
        self.at = self.at.max(since.saturating_add(pause));
        self.at <= now
    }

    /// The others are asked now. The pause until they are asked again doubles each time, at most so often.
    pub(crate) fn ask(&mut self, now: MonotonicMs, pause: Duration, doublings: u32) {
        self.at = now.saturating_add(pause.saturating_mul(1 << self.asked.min(doublings)));
        self.asked = self.asked.saturating_add(1);
    }
}

/// A participant that has said that it waits no more.
#[derive(Debug)]
pub(crate) struct Departed {
    pub(crate) index: SignerIndex,
    /// Its statement, in words and signed.
    pub(crate) detail: String,
    pub(crate) frame: Arc<[u8]>,
}

/// A difference between messages that others have seen and those that this node has seen, in the current attempt (§7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dispute {
    /// Not as far as this node knows.
    None,
    /// It does, and this node has shown the others which commitments or nonces it holds.
    Shown,
}

/// A session that goes on.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) collecting: Collecting,
    /// Time since which it collects this.
    pub(crate) since: MonotonicMs,
    /// Time at which it last came further here.
    pub(crate) moved_at: MonotonicMs,
    /// End of the whole session.
    pub(crate) ends: MonotonicMs,
    /// End of the current collection, at which it is given up.
    pub(crate) deadline: MonotonicMs,
    pub(crate) sync: SyncTimer,
    pub(crate) rounds: StartedRounds,
    pub(crate) dispute: Dispute,
    /// The signers that may still complete an attempt that was given up: this node's partial signatures of it have left, and
    /// theirs have not come (§7.5).
    pub(crate) may_complete: BTreeSet<SignerIndex>,
    /// A participant that waits no more, and may have signed in an earlier attempt: the current one is the last (§7.4).
    pub(crate) departed: Option<Departed>,
    /// The first attempt, until the coordinator has said that all have joined: few wait for that, so that it is said when
    /// nothing else is to be done.
    pub(crate) unsaid_ready: Option<AttemptId>,
}

/// A session that has ended.
#[derive(Debug)]
pub(crate) struct Over {
    pub(crate) at: MonotonicMs,
    pub(crate) outcome: Outcome,
    /// Frame for those that ask how it ended.
    pub(crate) notice: Option<Arc<[u8]>>,
    /// Frame for those that still wait for this node in an attempt in which it has not signed, and never will (§7.4).
    pub(crate) timeout_notice: Option<Arc<[u8]>>,
    pub(crate) stored: EndStored,
}

/// State of the records of a session that has ended, in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndStored {
    /// As far as this node knows.
    Yes,
    /// The store has refused something of it: that it has ended is stored when it is closed.
    Refused,
}

/// Outcome of a session that has ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// There are signatures.
    Signed(Signed),
    /// There are none, as far as this node knows.
    Aborted(Aborted),
}

/// Time of signatures: before the end, or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    /// While the session went on here.
    InTime,
    /// After it had been given up here: others that have given it up are told, too.
    Late,
}

/// Origin of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// This node has made them of the partial signatures.
    Own,
    /// Somebody has told everybody what they are.
    Told,
}

/// The signatures, and who tells them.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) signatures: Vec<Signature>,
    /// Of which attempt they are: an earlier one's may still come.
    pub(crate) attempt: AttemptId,
    /// The way in which they have come, until this node has told them: it does so when nothing else is to be done.
    pub(crate) unsaid: Option<Completion>,
    /// True if somebody has told them to everybody (§8).
    pub(crate) announced: bool,
    /// Time at which the next in the order takes over, if the coordinator does not tell them.
    pub(crate) failover_at: Option<MonotonicMs>,
}

/// An end without signatures.
#[derive(Debug)]
pub(crate) struct Aborted {
    /// Why; a restart forgets it.
    pub(crate) cause: Option<AbortCause>,
    /// The signers that may still complete it (§7.5). If there are any, the end is open: this node listens and asks.
    pub(crate) may_complete: BTreeSet<SignerIndex>,
    /// Time at which the others are asked whether they have.
    pub(crate) sync: SyncTimer,
}

impl Aborted {
    pub(crate) fn is_open(&self) -> bool {
        !self.may_complete.is_empty()
    }
}

impl Active {
    /// A session that begins now, and that can be joined until then.
    pub(crate) fn joining(config: &Config, now: MonotonicMs, joins_until: MonotonicMs) -> Self {
        let ends = now.saturating_add(config.session_timeout);
        Self {
            collecting: Collecting::Joins,
            since: now,
            moved_at: now,
            ends,
            deadline: joins_until.min(ends),
            sync: SyncTimer::first(now.saturating_add(config.sync_after)),
            rounds: StartedRounds::of_first_attempt(config.rounds),
            dispute: Dispute::None,
            may_complete: BTreeSet::new(),
            departed: None,
            unsaid_ready: None,
        }
    }

    /// Begins to collect something else, until then at most.
    pub(crate) fn collect(
        &mut self,
        collecting: Collecting,
        now: MonotonicMs,
        until: MonotonicMs,
        sync_at: MonotonicMs,
    ) {
        (self.collecting, self.since) = (collecting, now);
        self.deadline = until.min(self.ends);
        self.sync = SyncTimer::first(sync_at);
    }

    /// Times at which something has to be done for it.
    pub(crate) fn due(&self) -> MonotonicMs {
        self.deadline.min(self.sync.at).min(self.ends)
    }
}

impl Over {
    /// An end at this time of which nothing has been said yet.
    pub(crate) const fn new(at: MonotonicMs, outcome: Outcome) -> Self {
        Self { at, outcome, notice: None, timeout_notice: None, stored: EndStored::Yes }
    }

    /// Why it has ended without signatures, if that is known.
    pub(crate) const fn cause(&self) -> Option<&AbortCause> {
        match &self.outcome {
            Outcome::Aborted(aborted) => aborted.cause.as_ref(),
            Outcome::Signed(_) => None,
        }
    }

    /// Time at which it is forgotten.
    pub(crate) fn forgotten_at(&self) -> MonotonicMs {
        let open = matches!(&self.outcome, Outcome::Aborted(aborted) if aborted.is_open());
        self.at.saturating_add(if open { limits::OPEN_END } else { REMEMBER })
    }

    /// Time at which the others are asked whether they have completed it, if it is worth asking.
    pub(crate) fn asks_at(&self) -> Option<MonotonicMs> {
        match &self.outcome {
            Outcome::Aborted(aborted) => aborted.is_open().then_some(aborted.sync.at),
            Outcome::Signed(_) => None,
        }
    }

    /// Time at which the next in the order takes the coordinator's part, unless the coordinator speaks.
    pub(crate) const fn fails_over_at(&self) -> Option<MonotonicMs> {
        match &self.outcome {
            Outcome::Signed(signed) => signed.failover_at,
            Outcome::Aborted(_) => None,
        }
    }
}

impl State {
    /// Its phase, as the user is told.
    pub(crate) const fn phase(&self) -> Phase {
        match self {
            Self::Active(active) => match active.collecting {
                Collecting::Joins => Phase::Joining,
                Collecting::Commitments => Phase::Commitments,
                Collecting::Nonces => Phase::Nonces,
                Collecting::Partials | Collecting::Aggregating => Phase::Partials,
            },
            Self::Over(over) => match over.outcome {
                Outcome::Signed(_) => Phase::Complete,
                Outcome::Aborted(_) => Phase::Aborted,
            },
        }
    }
}
