//! What must hold in every world, and what is said when it does not.

use core::fmt;

/// What must hold: the numbers of the threat model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// S1: a nonce is used once.
    NonceOnce,
    /// S2: nothing is signed that was not approved.
    Approval,
    /// S3: signatures are identical and verify.
    Signatures,
    /// S4: no evidence convicts the honest.
    Innocence,
    /// S5: phases only go forward, and an end is an end.
    Monotone,
    /// S6: secrets stay inside.
    Secrecy,
    /// S7: what is said about one session changes no other.
    Isolation,
    /// S8: everything is bounded.
    Bounds,
    /// S9: a store that is read again says the same.
    Replay,
    /// S10: no honest peer is punished by an honest one.
    Reputation,
    /// S11: an envelope is valid in one place only.
    Binding,
    /// S12: an end without signatures claims no more than its node knows.
    Claims,
    /// S13: a transaction is signed only if the checker has accepted exactly it, and that only if it is what it is said to be.
    Verified,
    /// S14: a private request, and all that is said about it, goes to its signers alone.
    Private,
    /// L1: honest signers sign.
    Completion,
    /// L2: every session ends, and gives back what it held.
    Termination,
    /// L3: whoever cheats is found out.
    Conviction,
    /// L4: a restarted node takes part again.
    Recovery,
    /// L5: attempts are few, and nothing turns for ever.
    Livelock,
    /// L6: a signature that one honest node holds is told to all that are connected.
    Told,
    /// No code panics.
    Panic,
}

impl Invariant {
    /// `S1`, `L2` and so on.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NonceOnce => "S1",
            Self::Approval => "S2",
            Self::Signatures => "S3",
            Self::Innocence => "S4",
            Self::Monotone => "S5",
            Self::Secrecy => "S6",
            Self::Isolation => "S7",
            Self::Bounds => "S8",
            Self::Replay => "S9",
            Self::Reputation => "S10",
            Self::Binding => "S11",
            Self::Claims => "S12",
            Self::Verified => "S13",
            Self::Private => "S14",
            Self::Completion => "L1",
            Self::Termination => "L2",
            Self::Conviction => "L3",
            Self::Recovery => "L4",
            Self::Livelock => "L5",
            Self::Told => "L6",
            Self::Panic => "panic",
        }
    }
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub invariant: Invariant,
    /// How.
    pub detail: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {}", self.invariant.code(), self.invariant, self.detail)
    }
}
