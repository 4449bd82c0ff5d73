//! Webhooks: events that a daemon sends to other programs by HTTP ([Standard Webhooks](https://www.standardwebhooks.com), `docs/api.md`).
//!
//! Each webhook reads the journal at its own pace, as listeners of events do: nobody waits for one, and the journal is its queue.

mod address;
mod delivery;
mod post;
mod secret;
mod subscription;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use motet_node::Clock;
use tokio::task::JoinSet;

pub use address::{AddressError, WebhookAddress};
pub(crate) use delivery::{Log, Pace};
pub use secret::FILE as SECRET_FILE;
pub use subscription::{USUAL, Webhook, is_event};

use crate::journal::Journal;
use crate::limits;
use crate::private_file::SecretFileError;
use delivery::Hook;
use post::Poster;
use secret::Secret;

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
