//! The findings of the doctor.

use crate::exit::Failed;

/// The state of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    /// It works, and could be better.
    Warn,
    /// It does not work.
    Fail,
}

impl State {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// The state of one thing as it was found, and the next step.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) state: State,
    pub(super) text: String,
    pub(super) next: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, state: State::Ok, text: text.into(), next: None }
    }

    pub(super) fn warn(check: &'static str, text: impl Into<String>, next: impl Into<String>) -> Self {
        Self { check, state: State::Warn, text: text.into(), next: Some(next.into()) }
    }

    pub(super) fn fail(check: &'static str, text: impl Into<String>, next: impl Into<String>) -> Self {
        Self { check, state: State::Fail, text: text.into(), next: Some(next.into()) }
    }

    /// A failure in the words of the part that has failed.
    pub(super) fn failed(check: &'static str, failed: Failed) -> Self {
        Self { check, state: State::Fail, text: failed.what, next: failed.next }
    }
}
