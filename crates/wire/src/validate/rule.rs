//! The rules by number, with verdict and penalty (`docs/validation.md` is the table).
//!
//! Two questions decide a verdict. Could the forwarder see the fault? If not (our clock, our memory, our budgets), the
//! message is ignored without a penalty. Is the author's signature known to be on it? If not, only the forwarder can be
//! charged.

use core::fmt;

/// The verdict that gossipsub is told about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Hand it on.
    Accept,
    /// Drop it; no peer is to blame.
    Ignore,
    /// Drop it; the peer that forwarded it should have dropped it.
    Reject,
}

/// The cost of a rejection to the peer that delivered the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Penalty {
    /// No penalty: the peer could not see the fault, or acted as honest peers do.
    None,
    /// The peer sends more than its share. No message of it is wrong.
    Excess,
    /// The peer forwarded a frame whose bytes alone show the fault.
    Malformed,
    /// The peer handed on a signature that is wrong; more than 10 of these ban it.
    InvalidSignature,
    /// The peer is to be disconnected and blocked.
    Ban,
}

/// The row of a rule in the table.
#[derive(Debug)]
struct RuleSpec {
    counter: &'static str,
    verdict: Verdict,
    penalty: Penalty,
}

/// Makes [`Rule`] from its table. A row: the text of the rule, its name and number, the verdict for gossipsub, the
/// penalty for the peer that delivered the message, and the name of the counter.
macro_rules! rules {
    ($($(#[$refused:meta])* $name:ident = $number:literal => $verdict:ident, $penalty:ident, $counter:literal;)*) => {
        /// A rule of the pipeline.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Rule {
            $($(#[$refused])* $name = $number,)*
        }

        impl Rule {
            /// All rules, in the order of their numbers.
            pub const ALL: [Self; [$($number),*].len()] = [$(Self::$name),*];

            const fn spec(self) -> RuleSpec {
                match self {
                    $(Self::$name => RuleSpec {
                        counter: $counter,
                        verdict: Verdict::$verdict,
                        penalty: Penalty::$penalty,
                    },)*
                }
            }
        }
    };
}

rules! {
    /// V-01: the frame is shorter than an empty message.
    Short = 1 => Reject, Malformed, "wire_rejected_short";
    /// V-02: the frame is of another version of the format.
    Version = 2 => Ignore, None, "wire_rejected_version";
    /// V-03: the kind is unknown.
    Kind = 3 => Ignore, None, "wire_rejected_kind";
    /// V-04: the frame is longer than its kind allows.
    Long = 4 => Reject, Malformed, "wire_rejected_long";
    /// V-05: the kind does not travel on this channel.
    Channel = 5 => Reject, Malformed, "wire_rejected_channel";
    /// V-06: the peer is banned.
    Banned = 6 => Ignore, Ban, "wire_rejected_banned";
    /// V-07: the peer has sent too many messages.
    PeerMessages = 7 => Ignore, Excess, "wire_rejected_peer_messages";
    /// V-08: the peer has sent too many bytes.
    PeerBytes = 8 => Ignore, Excess, "wire_rejected_peer_bytes";
    /// V-09: the peer has caused too much computation.
    PeerComputation = 9 => Ignore, Excess, "wire_rejected_peer_computation";
    /// V-10: the peer's network group has used up what it shares.
    Group = 10 => Ignore, None, "wire_rejected_group";
    /// V-11: the envelope's lengths do not add up.
    Envelope = 11 => Reject, Malformed, "wire_rejected_envelope";
    /// V-12: the body does not decode within its bounds.
    Body = 12 => Reject, Malformed, "wire_rejected_body";
    /// V-13: the body is not the canonical encoding of what it says.
    Canonical = 13 => Reject, Malformed, "wire_rejected_canonical";
    /// V-14: the sender is not the message key of the delegation.
    Sender = 14 => Reject, Malformed, "wire_rejected_sender";
    /// V-15: the delegation lives too long, or had ended when the message was made.
    DelegationLifetime = 15 => Reject, Malformed, "wire_rejected_delegation_lifetime";
    /// V-16: the message lives longer than its kind allows, or ends before it begins.
    Lifetime = 16 => Reject, Malformed, "wire_rejected_lifetime";
    /// V-17: the list of signers is too short or names a key twice.
    Keys = 17 => Reject, Malformed, "wire_rejected_keys";
    /// V-18: the creator is not among the signers.
    Creator = 18 => Reject, Malformed, "wire_rejected_creator";
    /// V-19: an item has no message, or a derivation path with a hardened step or without one where keys are derived.
    Items = 19 => Reject, Malformed, "wire_rejected_items";
    /// V-20: an index, a set or a list is out of bounds.
    Indices = 20 => Reject, Malformed, "wire_rejected_indices";
    /// V-21: a text, a name, an address, an amount or a reason says nothing.
    Fields = 21 => Reject, Malformed, "wire_rejected_fields";
    /// V-22: the evidence of an abort does not decode.
    Evidence = 22 => Reject, Malformed, "wire_rejected_evidence";
    /// V-23: the timestamp is too far from our clock.
    Skew = 23 => Ignore, None, "wire_rejected_skew";
    /// V-24: the message has expired.
    Expired = 24 => Ignore, None, "wire_rejected_expired";
    /// V-25: by our clock the message would live longer than its kind allows.
    FarFuture = 25 => Ignore, None, "wire_rejected_far_future";
    /// V-26: the delegation has ended.
    DelegationExpired = 26 => Ignore, None, "wire_rejected_delegation_expired";
    /// V-27: this very message has been handled, or is being handled.
    Replay = 27 => Ignore, None, "wire_rejected_replay";
    /// V-28: this very frame has failed before.
    KnownBad = 28 => Reject, InvalidSignature, "wire_rejected_known_bad";
    /// V-29: a newer announcement of the signer is known.
    Stale = 29 => Ignore, None, "wire_rejected_stale";
    /// V-30: the signer has advertised as often as it may at once, and too short a time ago.
    TooSoon = 30 => Ignore, None, "wire_rejected_too_soon";
    /// V-31: the author has sent too many messages of this kind.
    AuthorRate = 31 => Ignore, None, "wire_rejected_author_rate";
    /// V-32: the proof of work does not meet what everybody asks for.
    Work = 32 => Reject, Malformed, "wire_rejected_work";
    /// V-33: the proof of work does not meet what we ask for now.
    WorkHere = 33 => Ignore, None, "wire_rejected_work_here";
    /// V-34: the budget of signature checks is used up.
    Budget = 34 => Ignore, None, "wire_rejected_budget";
    /// V-35: the signature is not the sender's.
    Signature = 35 => Reject, InvalidSignature, "wire_rejected_signature";
    /// V-36: the delegation is not signed by its signer.
    DelegationSignature = 36 => Reject, InvalidSignature, "wire_rejected_delegation_signature";
    /// V-37: signed bytes hold no point of the curve, or no scalar, where there must be one.
    Points = 37 => Reject, Malformed, "wire_rejected_points";
    /// V-38: the message does not belong on the gossip topic on which it came.
    Topic = 38 => Reject, Malformed, "wire_rejected_topic";
}

impl Rule {
    /// The number, from 1.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The number as the table writes it: `V-01`.
    pub fn code(self) -> String {
        format!("V-{:02}", self.number())
    }

    /// The name of the rule's counter.
    pub const fn counter(self) -> &'static str {
        self.spec().counter
    }

    /// The name of the rule in metrics: that of its counter, without the beginning that all of them share.
    pub fn name(self) -> &'static str {
        self.counter().strip_prefix("wire_rejected_").unwrap_or(self.counter())
    }

    /// The verdict for gossipsub.
    pub const fn verdict(self) -> Verdict {
        self.spec().verdict
    }

    /// The penalty for the peer that delivered the message.
    pub const fn penalty(self) -> Penalty {
        self.spec().penalty
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({self:?})", self.code())
    }
}

/// Refuses what is not so.
pub(crate) fn ensure(condition: bool, rule: Rule) -> Result<(), Rule> {
    if condition { Ok(()) } else { Err(rule) }
}
