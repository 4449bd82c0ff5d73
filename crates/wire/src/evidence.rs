//! Evidence: a fault that any third party can verify offline (`docs/protocol.md` §7.3).
//!
//! A piece of evidence is made only of statements that the accused signed, and of values that those statements commit
//! to. It always holds a frame that carries the accused's delegation, which binds the message key that signed the
//! statements to the signer that is accused. Reports that only the accuser signed are worth nothing, and there is no way
//! to express one here. Silence is never evidence.

mod raw;
mod verify;

pub use verify::{Charge, Conviction, EvidenceFault};

/// Proof of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// One signer said two different things in one slot.
    Equivocation {
        /// The frame of the accused's ParticipantJoined: binds the message key to the signer and the request.
        join: Vec<u8>,
        /// The frame of one statement.
        first: Vec<u8>,
        /// The frame of another statement of the same kind, session and attempt, with another body.
        second: Vec<u8>,
    },
    /// The nonces do not open the commitment.
    BadOpening {
        /// The frame of the accused's ParticipantJoined; of attempt 0, it holds the commitment.
        join: Vec<u8>,
        /// The frame of the NonceCommit, where the join does not hold the commitment.
        commit: Option<Vec<u8>>,
        /// The frame of the NonceShare.
        nonces: Vec<u8>,
    },
    /// A partial signature fails under the very nonces that its author says it was made with.
    BadPartialSignature {
        /// The frame of the accused's ParticipantJoined.
        join: Vec<u8>,
        /// The request's terms, whose hash is the request id that the join agrees to: [`crate::SigningRequest::terms`].
        terms: Vec<u8>,
        /// The frame of the PartialSigShare.
        partials: Vec<u8>,
        /// Which item's partial signature fails.
        item: u16,
        /// The public nonces of all signers for this item, 66 bytes each, in the order of the signers.
        item_nonces: Vec<[u8; 66]>,
        /// The hashes of the other items' nonces, in order: see [`crate::transcript::item_nonces`].
        other_items: Vec<[u8; 32]>,
    },
    /// A statement that the terms of its request leave no room for: nonces or partial signatures for another number of items, or a
    /// join with a commitment where there are none, or without one where there are.
    AgainstTerms {
        /// The frame of the accused's ParticipantJoined.
        join: Vec<u8>,
        /// The request's terms, whose hash is the request id that the join agrees to: [`crate::SigningRequest::terms`].
        terms: Vec<u8>,
        /// The frame of the NonceShare or the PartialSigShare; none, if it is the join that is against the terms.
        share: Option<Vec<u8>>,
    },
    /// Signed bytes that are no message.
    Malformed {
        /// A frame that carries the accused's delegation.
        binding: Vec<u8>,
        /// The frame that does not decode.
        frame: Vec<u8>,
    },
}
