//! The event in the place of those that a listener or a webhook has not got.

use serde::Serialize;

use crate::cursor::Cursor;

/// The name of the event.
const NAME: &str = "lost";

/// The reason why a listener has not got all events.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// Those after its place are not kept any more.
    TooOld,
    /// Its place is of another run.
    OtherRun,
    /// It has not taken them in time.
    TooSlow,
}

/// The event in the place of those that are lost.
#[derive(Debug, Serialize)]
pub(crate) struct Lost {
    pub(crate) event: &'static str,
    why: Why,
    /// The place from which events go on.
    pub(crate) resume: Cursor,
    hint: &'static str,
}

impl Lost {
    pub(crate) const fn new(why: Why, resume: Cursor) -> Self {
        let hint = "read the state again (GET /v1/sessions, GET /v1/requests), and listen from resume";
        Self { event: NAME, why, resume, hint }
    }
}
