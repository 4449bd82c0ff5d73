//! The span of a session in the logs: one `tracing` span, from its request to its closing (`docs/operations.md`, Logs).
//!
//! The span holds the request's id, and the attempt, the phase and the awaited signers as they are at the moment. A span is a
//! label for what is logged anyway: the engine decides nothing by it, and without a subscriber it costs a comparison.

use core::fmt::{self, Write as _};

use motet_wire::{Attempt, RequestId, SignerIndex};
use tracing::{Span, field};

use super::Session;
use crate::event::Phase;

/// Signers that are named in a span; of more, their number is told.
const NAMED: usize = 8;

/// The span of a session, and what it says.
#[derive(Debug)]
pub(crate) struct Trace {
    span: Span,
    shown: Option<(Phase, Attempt, Vec<SignerIndex>)>,
}

impl Trace {
    /// The span of a new session. It has no parent: whatever brought the request has nothing to do with what follows.
    pub(crate) fn new(request: &RequestId) -> Self {
        let span = tracing::error_span!(
            target: "motet_coordinator::session",
            parent: None,
            "session",
            %request,
            attempt = field::Empty,
            phase = field::Empty,
            awaiting = field::Empty,
        );
        Self { span, shown: None }
    }
}

/// Signers that a session waits for: places and the beginnings of keys, in one word.
struct Awaited<'a>(&'a Session, &'a [SignerIndex]);

impl fmt::Display for Awaited<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.1.is_empty() {
            return f.write_str("nobody");
        }
        for (position, index) in self.1.iter().take(NAMED).enumerate() {
            if position > 0 {
                f.write_char(',')?;
            }
            let key = self.0.key(*index).map(ToString::to_string).unwrap_or_default();
            write!(f, "{}:{}", index.0, key.get(..8).unwrap_or_default())?;
        }
        match self.1.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, ",+{more}"),
        }
    }
}

impl Session {
    pub(crate) const fn span(&self) -> &Span {
        &self.trace.span
    }

    /// Brings its span up to date.
    pub(crate) fn refresh_span(&mut self) {
        if self.trace.span.is_disabled() {
            return;
        }
        let now = (self.phase(), self.attempt.number, self.awaiting());
        if self.trace.shown.as_ref() == Some(&now) {
            return;
        }
        let before = self.trace.shown.as_ref().map(|(phase, attempt, _)| (*phase, *attempt));
        let span = self.trace.span.clone();
        span.record("attempt", now.1.0);
        span.record("phase", field::debug(now.0));
        span.record("awaiting", field::display(Awaited(self, &now.2)));
        if before != Some((now.0, now.1)) {
            span.in_scope(|| tracing::debug!("phase changed"));
        }
        self.trace.shown = Some(now);
    }
}
