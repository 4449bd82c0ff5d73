//! The spans of sessions, for the driver: what it does for a session stands in the session's span in the logs, too.

use motet_wire::RequestId;
use tracing::Span;

use super::Engine;
use super::session::Session;

impl Engine {
    /// The span of a session, also of one that the last step has closed; a disabled one if there is no such session.
    pub fn span_of(&self, request: &RequestId) -> Span {
        let open = self.sessions.get(request).map(Session::span);
        open.or_else(|| self.closed.get(request)).cloned().unwrap_or_else(Span::none)
    }

    /// Lets the span of a session that is being forgotten live until the next step: what this step says of it is yet to be
    /// logged.
    pub(super) fn keep_span(&mut self, session: &Session) {
        self.closed.insert(session.id, session.span().clone());
    }
}
