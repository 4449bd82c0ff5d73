//! Webhooks: events that a daemon sends to other programs by HTTP ([Standard Webhooks](https://www.standardwebhooks.com), `docs/api.md`).
//!
//! Each webhook reads the journal at its own pace, as listeners of events do: nobody waits for one, and the journal is its queue.

mod address;
mod delivery;
mod post;
mod secret;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use motet_node::Clock;
use tokio::task::JoinSet;

pub use address::{AddressError, WebhookAddress};
pub(crate) use delivery::{Log, Pace};
pub use secret::FILE as SECRET_FILE;

use crate::journal::Journal;
use crate::limits;
use crate::private_file::SecretFileError;
use delivery::Hook;
use post::Poster;
use secret::Secret;

/// The events that a webhook gets unless its user names others: those that somebody acts on.
pub const USUAL: [&str; 10] = [
    "ApprovalAsked",
    "ApprovalDecided",
    "ApprovalOver",
    "SessionComplete",
    "SessionAborted",
    "SessionError",
    "MisbehaviourProven",
    "IdentityConflict",
    "PeerIdConflict",
    "DiversityFell",
];

/// The other events that a webhook can get.
const OTHERS: [&str; 30] = [
    "SignerAdvertised",
    "SignerDiscovered",
    "SignerWithdrawn",
    "SignerUnavailable",
    "ResourceAnnounced",
    "SigningRequestCreated",
    "SigningRequestReceived",
    "SigningRequestJoined",
    "ParticipantJoined",
    "ParticipantDeclined",
    "SessionReady",
    "CoordinatorElected",
    "CoordinatorFailover",
    "SessionNonceCommitmentsComplete",
    "NonceReceived",
    "SessionNoncesComplete",
    "PartialSigReceived",
    "SessionPartialSigsComplete",
    "SessionTimeout",
    "SessionClosed",
    "Listening",
    "ListeningEnded",
    "AddressesChanged",
    "SignerUnreachable",
    "PeerUnreachable",
    "ClocksDiffer",
    "PeerConnected",
    "PeerDisconnected",
    "DhtReady",
    "EventsLost",
];

/// True if events of this name exist.
pub fn is_event(name: &str) -> bool {
    USUAL.contains(&name) || OTHERS.contains(&name)
}

/// A program that gets events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The address that is posted to.
    pub address: WebhookAddress,
    /// The names of the events that it gets; `lost` comes in any case.
    pub events: Vec<String>,
}

/// The webhooks of a daemon. Their tasks end when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    logs: Vec<Arc<Log>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Webhooks {
    /// Starts to send what the journal gets from now on. The secret that signs is in the folder.
    pub(crate) fn start(
        hooks: Vec<Webhook>,
        folder: &Path,
        journal: &Journal,
        clock: Clock,
    ) -> Result<Self, SecretFileError> {
        if hooks.is_empty() {
            return Ok(Self::default());
        }
        let secret = Arc::new(Secret::read_or_make(folder)?);
        let poster = Poster::new();
        let mut tasks = JoinSet::new();
        let mut logs = Vec::new();
        for webhook in hooks {
            let log = Arc::new(Log::new(&webhook));
            let hook = Hook {
                webhook,
                secret: Arc::clone(&secret),
                poster: poster.clone(),
                log: Arc::clone(&log),
                clock,
                pace: Pace::USUAL,
            };
            tasks.spawn(hook.run(journal.clone()));
            logs.push(log);
        }
        Ok(Self { logs, tasks: Mutex::new(tasks) })
    }

    pub(crate) fn logs(&self) -> &[Arc<Log>] {
        &self.logs
    }

    /// Lets webhooks send what the journal still has, after it has been closed. They have a moment for it.
    pub(crate) async fn farewell(&self) {
        let mut tasks = core::mem::take(&mut *self.tasks());
        let sent = async { while tasks.join_next().await.is_some() {} };
        drop(tokio::time::timeout(limits::FAREWELL, sent).await);
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_events_are_those_of_the_pages() {
        let quoted = |row: &'static str| row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2);
        let rows = |page: &'static str, from: &str| {
            let (_, table) = page.split_once(from).unwrap();
            let rows = table.lines().skip_while(|line| !line.starts_with("| `"));
            rows.take_while(|line| line.starts_with("| `")).flat_map(quoted).collect::<BTreeSet<_>>()
        };
        let mut pages = rows(include_str!("../../../docs/operations.md"), "<!-- events:");
        // Results of commands are no events of a node.
        pages.retain(|name| name.starts_with(char::is_uppercase));
        let own = rows(include_str!("../../../docs/api.md"), "besides these there are:");
        pages.extend(own.into_iter().filter(|name| *name != "lost"));
        assert_eq!(pages, USUAL.into_iter().chain(OTHERS).collect());
    }
}
