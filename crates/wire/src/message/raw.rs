//! Bodies as the bytes say them, before anybody has checked a signature or looked for a point.

use super::RawBody;
use super::kind::KindSpec;
use crate::codec::{Decode, Encode};
use crate::delegation::RawDelegation;
use crate::subject::Subject;
use crate::validate::Rule;
use crate::work::Paid;

/// The raw body of one kind of message.
pub(crate) trait Raw: Decode<()> + Encode {
    /// What the protocol says of the kind.
    const SPEC: KindSpec;

    /// The parts that the pipeline asks for.
    fn parts(&self) -> Parts<'_>;

    /// What anybody can see from the body alone, besides its delegation and its lifetime (`docs/validation.md`).
    fn check(&self) -> Result<(), Rule>;
}

/// The parts of a body that the pipeline asks for, whatever the kind. Nothing of them is checked.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    /// What the message is about.
    pub(crate) subject: Subject,
    /// Who speaks for which signer from which peer.
    pub(crate) delegation: Option<&'a RawDelegation>,
    /// When the message was made and when it ends, in milliseconds.
    pub(crate) lifetime: Option<(u64, u64)>,
    /// What the message says of its proof of work.
    pub(crate) paid: Option<Paid<'a>>,
}

impl Parts<'_> {
    /// The parts of a message that has a subject and nothing else.
    pub(crate) const fn about(subject: Subject) -> Self {
        Self { subject, delegation: None, lifetime: None, paid: None }
    }
}

impl RawBody {
    pub(crate) fn subject(&self) -> Subject {
        self.parts().subject
    }

    pub(crate) fn delegation(&self) -> Option<&RawDelegation> {
        self.parts().delegation
    }

    /// When the message was made and when it ends, for the kinds that say so.
    pub(crate) fn lifetime(&self) -> Option<(u64, u64)> {
        self.parts().lifetime
    }

    pub(crate) fn paid(&self) -> Option<Paid<'_>> {
        self.parts().paid
    }
}
