//! The API that a running signer serves (`docs/api.md`).

use std::path::{Path, PathBuf};

use motet_daemon::{Daemon, DaemonError, Questions};
use tempfile::TempDir;

use crate::args::ApiArgs;
use crate::exit::Failed;
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
    pub(crate) async fn start(args: &ApiArgs, node: &PeerNode, questions: Questions) -> Result<Option<Self>, Failed> {
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
        let started = Daemon::start(node.handle.clone(), vec![node.signer], questions, &folder, args.api).await;
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
        DaemonError::Socket { .. } => failed.hint("choose another folder with --data DIR, or do without it: --no-api"),
        DaemonError::Address { .. } => failed.hint("choose another port with --api ADDRESS"),
        DaemonError::Token(_) | _ => failed,
    }
}
