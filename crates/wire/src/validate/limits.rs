//! Rates, budgets and memory sizes that a node may choose for itself.
//!
//! The defaults are those of `docs/protocol.md` §3 and §4 where it names one. None of them changes the format.

use core::time::Duration;

use super::peer_class::PeerClass;
use super::rate::Rate;
use crate::message::Kind;

/// The limits of a [`super::Validator`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorLimits {
    /// Frames of one stranger peer. A gossip neighbour forwards the messages of all authors, so this is far above the
    /// rate of one author.
    pub peer_messages: Rate,
    /// Bytes of one stranger peer: 1 MB a minute.
    pub peer_bytes: Rate,
    /// Computation that one stranger peer may cause, in signature checks.
    pub peer_computation: Rate,
    /// Units of excess that a stranger peer is allowed before it is banned: each frame over its share is one, and one more for
    /// each [`ValidatorLimits::EXCESS_BYTES`]. An honest peer may have a busy minute.
    pub excess: Rate,
    /// The same for frames that a peer forwards: no honest node forwards more than it can check, whatever its
    /// neighbours send.
    pub relayed_excess: Rate,
    /// Share of one network group, as a multiple of a stranger's: a household or an office behind one address.
    pub group_factor: u64,
    /// Share of a contact, as a multiple of a stranger's.
    pub contact_factor: u64,
    /// Share of a member of live sessions, as a multiple of a stranger's, besides `session_factor` for each session.
    pub member_factor: u64,
    /// Growth of a member's share with each live session.
    pub session_factor: u64,
    /// Signature checks a second. Strangers can use a fifth of them, and half are for members of live sessions.
    pub verifications_per_second: u64,
    /// Messages between their admission and the end of their signature check.
    pub in_flight: usize,
    /// Invalid signatures, or malformed frames, after which a peer is banned.
    pub strikes: u32,
    /// Duration of a ban, and of the memory of offences.
    pub ban: Duration,
    /// One advertisement of a signer in this time, on average: see [`crate::limits::ADVERTISEMENTS_AT_ONCE`].
    pub advertisement_interval: Duration,
    /// Peers whose buckets are remembered, in each of two generations.
    pub peers: usize,
    /// Network groups whose buckets are remembered, in each of two generations.
    pub groups: usize,
    /// Authors (by kind, and by session) whose buckets are remembered, in each of two generations.
    pub authors: usize,
    /// Signers whose newest announcement is remembered, in each of two generations.
    pub signers: usize,
    /// Messages that are remembered as seen, in each of two generations.
    pub seen: usize,
    /// Frames that are remembered as bad, in each of two generations.
    pub bad: usize,
    /// Delegations that are remembered as verified, in each of two generations.
    pub delegations: usize,
    /// Message keys of members of live sessions whose multiples are kept, in each of two generations: 2 KiB a key.
    pub member_keys: usize,
}

impl Default for ValidatorLimits {
    fn default() -> Self {
        Self {
            peer_messages: Rate::per_minute(600),
            peer_bytes: Rate::per_minute(1_000_000),
            peer_computation: Rate::per_minute(1_200),
            excess: Rate::per_minute(6_000),
            relayed_excess: Rate::per_minute(120_000),
            group_factor: 4,
            contact_factor: 10,
            member_factor: 10,
            session_factor: 2,
            verifications_per_second: 2_000,
            in_flight: 8_192,
            strikes: 10,
            ban: Duration::from_secs(600),
            advertisement_interval: Duration::from_secs(60),
            peers: 14_336,
            groups: 7_168,
            authors: 28_672,
            signers: 14_336,
            seen: 57_344,
            bad: 14_336,
            delegations: 7_168,
            member_keys: 128,
        }
    }
}

impl ValidatorLimits {
    /// Share of a peer or an author, as a multiple of a stranger's.
    pub(super) const fn factor(&self, class: PeerClass) -> u64 {
        match class {
            PeerClass::Stranger => 1,
            PeerClass::Contact => self.contact_factor,
            PeerClass::Participant { sessions } => {
                self.member_factor.saturating_add(self.session_factor.saturating_mul(sessions as u64))
            }
        }
    }

    /// Bytes of a frame over its peer's share that count like another frame: about the size of a frame of a peer that
    /// uses up its messages and its bytes together.
    pub const EXCESS_BYTES: u64 = 2_048;

    /// Rate of messages of a kind for one author (`docs/protocol.md` §3): announcements by author peer, session
    /// messages by sender and session.
    pub const fn author(kind: Kind) -> Rate {
        kind.spec().author_rate
    }
}
