//! Decoded bodies, before their signature is checked and their points are parsed.

use super::spec::KindSpec;
use crate::codec::{Decode, Encode};
use crate::delegation::RawDelegation;
use crate::subject::Subject;
use crate::validate::rule::Rule;
use crate::work::Paid;

/// The raw body of one kind of message.
pub(crate) trait Raw: Decode<()> + Encode {
    /// The kind's row of the protocol's table.
    const SPEC: KindSpec;

    /// The parts that the pipeline asks for.
    fn parts(&self) -> Parts<'_>;

    /// The checks of the body alone, besides its delegation and its lifetime (`docs/validation.md`).
    fn check(&self) -> Result<(), Rule>;
}

/// The parts of a body that the pipeline asks for, whatever the kind. Nothing of them is checked.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    /// The request or session of the message.
    pub(crate) subject: Subject,
    /// The message key that speaks for the signer, and the signer's peer.
    pub(crate) delegation: Option<&'a RawDelegation>,
    /// Times at which the message was made and ends, in milliseconds.
    pub(crate) lifetime: Option<(u64, u64)>,
    /// The message's claim of its proof of work.
    pub(crate) paid: Option<Paid<'a>>,
}

impl Parts<'_> {
    /// The parts of a message that has a subject and nothing else.
    pub(crate) const fn about(subject: Subject) -> Self {
        Self { subject, delegation: None, lifetime: None, paid: None }
    }
}
