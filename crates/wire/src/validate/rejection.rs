//! A frame that the pipeline refuses: the rule, and what follows for its peer.

use std::sync::Arc;

use super::rule::{Penalty, Rule, Verdict};
use crate::message::Kind;

/// Why a frame is not a message that we act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rejected by {rule}")]
pub struct Rejection {
    /// The rule that was broken.
    pub rule: Rule,
    /// The verdict for gossipsub.
    pub verdict: Verdict,
    /// The penalty for the peer that delivered the frame.
    pub penalty: Penalty,
    /// The kind that the frame claims to be, where it was read.
    pub kind: Option<Kind>,
    /// The frame, when its author signed it and it still is no message: together with the author's delegation that is
    /// [`crate::Evidence::Malformed`].
    pub signed_frame: Option<Arc<[u8]>>,
}

impl Rejection {
    pub(super) const fn new(rule: Rule, kind: Option<Kind>) -> Self {
        Self { rule, verdict: rule.verdict(), penalty: rule.penalty(), kind, signed_frame: None }
    }

    pub(super) fn with_penalty(self, penalty: Penalty) -> Self {
        Self { penalty, ..self }
    }

    pub(super) fn with_signed_frame(self, frame: Arc<[u8]>) -> Self {
        Self { signed_frame: Some(frame), ..self }
    }
}
