//! The API that a running signer serves (`docs/api.md`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_daemon::{Daemon, DaemonError, Facilities, KeyRing, Keys, Questions, USUAL, Webhook};
use tempfile::TempDir;

use crate::args::{ApiArgs, KeystoreArgs};
use crate::exit::Failed;
use crate::key_ring::KeystoreRing;
use crate::locked_keys::LockedKeys;
use crate::log;
use crate::peer_node::PeerNode;

/// The beginning of the name of the folder for the API of a signer that keeps nothing.
const PRIVATE: &str = "motet-dev-api-";

/// The API of this process's node.
#[derive(Debug)]
pub(crate) struct Api {
    daemon: Daemon,
    folder: PathBuf,
    /// The folder of a signer that keeps nothing is removed with this.
    _private: Option<TempDir>,
}

impl Api {
    /// Serves the API of a node; none if the command line says so.
    pub(crate) async fn start(
        args: &ApiArgs,
        keystore: &KeystoreArgs,
        node: &PeerNode,
        questions: Questions,
    ) -> Result<Option<Self>, Failed> {
        if args.no_api {
            return Ok(None);
        }
        let (folder, private) = match &node.folder {
            Some(folder) => (folder.clone(), None),
            None => {
                // Its mode lets its owner in alone.
                let made = tempfile::Builder::new().prefix(PRIVATE).tempdir().map_err(Failed::here)?;
                (made.path().to_owned(), Some(made))
            }
        };
        let events: Vec<String> = match args.webhook_event.as_slice() {
            [] => USUAL.map(str::to_owned).into(),
            named => named.to_vec(),
        };
        let webhooks = args.webhook.iter().map(|address| Webhook { address: address.clone(), events: events.clone() });
        // A node that keeps nothing has no further keys.
        let keys = node.folder.is_some().then(|| Arc::new(KeystoreRing::new(keystore.clone())) as Arc<dyn KeyRing>);
        let signer_keys: Arc<dyn Keys> = Arc::<LockedKeys>::clone(&node.keys);
        let (webhooks, log) = (webhooks.collect(), log::control());
        let facilities = Facilities { webhooks, log, keys, signer_keys: Some(signer_keys) };
        let signers = vec![node.signer];
        let started = Daemon::start_with(node.handle.clone(), signers, questions, &folder, args.api, facilities).await;
        let daemon = started.map_err(|error| explain(&error))?;
        Ok(Some(Self { daemon, folder, _private: private }))
    }

    /// The folder that callers name.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The address of the page on loopback, if the API is served there.
    pub(crate) fn page(&self) -> Option<String> {
        self.daemon.address().map(|address| format!("http://{address}/"))
    }

    /// The signers of this process's node: the first one, and those that callers have added.
    pub(crate) fn signers(api: Option<&Self>, node: &PeerNode) -> Vec<PublicKey> {
        api.map_or_else(|| vec![node.signer], |api| api.daemon.signers())
    }

    /// Waits until a caller asks this process to end.
    pub(crate) async fn halted(api: Option<&Self>) {
        match api {
            Some(api) => api.daemon.halted().await,
            None => core::future::pending().await,
        }
    }

    pub(crate) async fn stop(self) {
        self.daemon.stop().await;
    }
}

fn explain(error: &DaemonError) -> Failed {
    let failed = Failed::here(format!("cannot serve the API: {error}"));
    match error {
        DaemonError::NotLoopback(_) => {
            Failed::usage(format!("--api: {error}")).hint("name an address such as 127.0.0.1:7070")
        }
        DaemonError::TooManyWebhooks(_) => Failed::usage(format!("--webhook: {error}")),
        DaemonError::Socket { .. } => failed.hint("choose another folder with --data DIR, or do without it: --no-api"),
        DaemonError::Address { .. } => failed.hint("choose another port with --api ADDRESS"),
        DaemonError::Secret(_) | _ => failed,
    }
}
