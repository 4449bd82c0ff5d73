//! The rules by number, and what breaking each costs (`docs/validation.md` is the table).
//!
//! Two questions decide a verdict. Could the forwarder know? If not (our clock, our memory, our budgets), the message is
//! ignored and nobody pays. Is the author's signature known to be on it? If not, only the forwarder can pay.

use core::fmt;

/// A rule of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Rule {
    /// V-01: the frame is shorter than an empty message.
    Short = 1,
    /// V-02: the frame is of another version of the format.
    Version = 2,
    /// V-03: the kind is unknown.
    Kind = 3,
    /// V-04: the frame is longer than its kind allows.
    Long = 4,
    /// V-05: the kind does not travel on this channel.
    Channel = 5,
    /// V-06: the peer is banned.
    Banned = 6,
    /// V-07: the peer has sent too many messages.
    PeerMessages = 7,
    /// V-08: the peer has sent too many bytes.
    PeerBytes = 8,
    /// V-09: the peer has caused too much computation.
    PeerComputation = 9,
    /// V-10: the peer's network group has used up what it shares.
    Group = 10,
    /// V-11: the envelope's lengths do not add up.
    Envelope = 11,
    /// V-12: the body does not decode within its bounds.
    Body = 12,
    /// V-13: the body is not the canonical encoding of what it says.
    Canonical = 13,
    /// V-14: the sender is not the message key of the delegation.
    Sender = 14,
    /// V-15: the delegation lives too long, or had ended when the message was made.
    DelegationLifetime = 15,
    /// V-16: the message lives longer than its kind allows, or ends before it begins.
    Lifetime = 16,
    /// V-17: the list of signers is too short or names a key twice.
    Keys = 17,
    /// V-18: the creator is not among the signers.
    Creator = 18,
    /// V-19: an item has no message, or a derivation path with a hardened step.
    Items = 19,
    /// V-20: an index, a set or a list is out of bounds.
    Indices = 20,
    /// V-21: a text, a name, an address, an amount or a reason says nothing.
    Fields = 21,
    /// V-22: the evidence of an abort does not decode.
    Evidence = 22,
    /// V-23: the timestamp is too far from our clock.
    Skew = 23,
    /// V-24: the message has expired.
    Expired = 24,
    /// V-25: by our clock the message would live longer than its kind allows.
    FarFuture = 25,
    /// V-26: the delegation has ended.
    DelegationExpired = 26,
    /// V-27: this very message has been handled, or is being handled.
    Replay = 27,
    /// V-28: this very frame has failed before.
    KnownBad = 28,
    /// V-29: a newer announcement of the signer is known.
    Stale = 29,
    /// V-30: the signer advertised too short a time ago.
    TooSoon = 30,
    /// V-31: the author has sent too many messages of this kind.
    AuthorRate = 31,
    /// V-32: the proof of work does not meet what everybody asks for.
    Work = 32,
    /// V-33: the proof of work does not meet what we ask for now.
    WorkHere = 33,
    /// V-34: the budget of signature checks is used up.
    Budget = 34,
    /// V-35: the signature is not the sender's.
    Signature = 35,
    /// V-36: the delegation is not signed by its signer.
    DelegationSignature = 36,
    /// V-37: signed bytes hold no point of the curve, or no scalar, where there must be one.
    Points = 37,
}

/// What gossipsub is told about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Hand it on.
    Accept,
    /// Drop it; nobody is to blame.
    Ignore,
    /// Drop it; whoever forwarded it should have.
    Reject,
}

/// What a rejection costs the peer that delivered the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Penalty {
    /// Nothing: the peer could not know, or did what honest peers do.
    None,
    /// The peer sends more than its share. No message of it is wrong.
    Excess,
    /// The peer handed on what a look at the bytes shows to be wrong.
    Malformed,
    /// The peer handed on a signature that is wrong; more than 10 of these ban it.
    InvalidSignature,
    /// The peer is to be disconnected and blocked.
    Ban,
}

impl Rule {
    /// All rules, in the order of their numbers.
    pub const ALL: [Self; 37] = [
        Self::Short,
        Self::Version,
        Self::Kind,
        Self::Long,
        Self::Channel,
        Self::Banned,
        Self::PeerMessages,
        Self::PeerBytes,
        Self::PeerComputation,
        Self::Group,
        Self::Envelope,
        Self::Body,
        Self::Canonical,
        Self::Sender,
        Self::DelegationLifetime,
        Self::Lifetime,
        Self::Keys,
        Self::Creator,
        Self::Items,
        Self::Indices,
        Self::Fields,
        Self::Evidence,
        Self::Skew,
        Self::Expired,
        Self::FarFuture,
        Self::DelegationExpired,
        Self::Replay,
        Self::KnownBad,
        Self::Stale,
        Self::TooSoon,
        Self::AuthorRate,
        Self::Work,
        Self::WorkHere,
        Self::Budget,
        Self::Signature,
        Self::DelegationSignature,
        Self::Points,
    ];

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
        match self {
            Self::Short => "wire_rejected_short",
            Self::Version => "wire_rejected_version",
            Self::Kind => "wire_rejected_kind",
            Self::Long => "wire_rejected_long",
            Self::Channel => "wire_rejected_channel",
            Self::Banned => "wire_rejected_banned",
            Self::PeerMessages => "wire_rejected_peer_messages",
            Self::PeerBytes => "wire_rejected_peer_bytes",
            Self::PeerComputation => "wire_rejected_peer_computation",
            Self::Group => "wire_rejected_group",
            Self::Envelope => "wire_rejected_envelope",
            Self::Body => "wire_rejected_body",
            Self::Canonical => "wire_rejected_canonical",
            Self::Sender => "wire_rejected_sender",
            Self::DelegationLifetime => "wire_rejected_delegation_lifetime",
            Self::Lifetime => "wire_rejected_lifetime",
            Self::Keys => "wire_rejected_keys",
            Self::Creator => "wire_rejected_creator",
            Self::Items => "wire_rejected_items",
            Self::Indices => "wire_rejected_indices",
            Self::Fields => "wire_rejected_fields",
            Self::Evidence => "wire_rejected_evidence",
            Self::Skew => "wire_rejected_skew",
            Self::Expired => "wire_rejected_expired",
            Self::FarFuture => "wire_rejected_far_future",
            Self::DelegationExpired => "wire_rejected_delegation_expired",
            Self::Replay => "wire_rejected_replay",
            Self::KnownBad => "wire_rejected_known_bad",
            Self::Stale => "wire_rejected_stale",
            Self::TooSoon => "wire_rejected_too_soon",
            Self::AuthorRate => "wire_rejected_author_rate",
            Self::Work => "wire_rejected_work",
            Self::WorkHere => "wire_rejected_work_here",
            Self::Budget => "wire_rejected_budget",
            Self::Signature => "wire_rejected_signature",
            Self::DelegationSignature => "wire_rejected_delegation_signature",
            Self::Points => "wire_rejected_points",
        }
    }

    /// What gossipsub is told.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Short
            | Self::Long
            | Self::Channel
            | Self::Envelope
            | Self::Body
            | Self::Canonical
            | Self::Sender
            | Self::DelegationLifetime
            | Self::Lifetime
            | Self::Keys
            | Self::Creator
            | Self::Items
            | Self::Indices
            | Self::Fields
            | Self::Evidence
            | Self::KnownBad
            | Self::Work
            | Self::Signature
            | Self::DelegationSignature
            | Self::Points => Verdict::Reject,
            Self::Version
            | Self::Kind
            | Self::Banned
            | Self::PeerMessages
            | Self::PeerBytes
            | Self::PeerComputation
            | Self::Group
            | Self::Skew
            | Self::Expired
            | Self::FarFuture
            | Self::DelegationExpired
            | Self::Replay
            | Self::Stale
            | Self::TooSoon
            | Self::AuthorRate
            | Self::WorkHere
            | Self::Budget => Verdict::Ignore,
        }
    }

    /// What it costs the peer that delivered the message.
    pub const fn penalty(self) -> Penalty {
        match self {
            Self::Short
            | Self::Long
            | Self::Channel
            | Self::Envelope
            | Self::Body
            | Self::Canonical
            | Self::Sender
            | Self::DelegationLifetime
            | Self::Lifetime
            | Self::Keys
            | Self::Creator
            | Self::Items
            | Self::Indices
            | Self::Fields
            | Self::Evidence
            | Self::Work
            | Self::Points => Penalty::Malformed,
            Self::KnownBad | Self::Signature | Self::DelegationSignature => Penalty::InvalidSignature,
            Self::PeerMessages | Self::PeerBytes | Self::PeerComputation => Penalty::Excess,
            Self::Banned => Penalty::Ban,
            Self::Version
            | Self::Kind
            | Self::Group
            | Self::Skew
            | Self::Expired
            | Self::FarFuture
            | Self::DelegationExpired
            | Self::Replay
            | Self::Stale
            | Self::TooSoon
            | Self::AuthorRate
            | Self::WorkHere
            | Self::Budget => Penalty::None,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({self:?})", self.code())
    }
}
