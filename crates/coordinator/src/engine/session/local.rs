//! A signer of this node in a session: its answer to the request, and where its nonces are.

use motet_core_crypto::{PublicKey, PublicNonce};
use motet_wire::Now;

use crate::proposal::ProposalDigest;

/// Answer of a signer of this node to the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing yet: the user has been asked.
    Asked,
    /// Yes, to exactly this.
    Approved(ProposalDigest),
    /// No.
    Declined,
}

/// State of the nonces of a signer of this node, in the current attempt.
#[derive(Debug, Clone)]
pub(crate) enum Nonces {
    /// Not made.
    None,
    /// The signer has been asked for them.
    Making,
    /// Made, issued, and committed to if that is wanted.
    Made { publics: Vec<PublicNonce>, at: Now },
    /// Revealed.
    Revealed { made: Now },
    /// Used, or being used: they do not exist any more.
    Used,
    /// Given up; this attempt is dead for this signer.
    Lost,
}

/// A signer of this node that takes part.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) signer: PublicKey,
    pub(crate) answer: Answer,
    pub(crate) nonces: Nonces,
}
