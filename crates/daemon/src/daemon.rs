//! A running daemon.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use motet_node::event::Event;
use motet_node::{Clock, Events, Node, PublicKey};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::facilities::Facilities;
use crate::guard::{Tcp, Way};
use crate::journal::Journal;
use crate::limits;
use crate::private_file::SecretFileError;
use crate::questions::Questions;
use crate::routes;
use crate::server::{self, Listener};
use crate::socket::{self, SocketFile};
use crate::state::App;
use crate::tally::Tally;
use crate::token::Token;
use crate::webhook::Webhooks;

/// The name of the event in the place of those of the node that this program has not taken in time.
const LOST: &str = "EventsLost";

/// A daemon does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// The socket cannot be made.
    #[error("{path}: {error}", path = .path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The address cannot be listened on.
    #[error("{address}: {error}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The address can be reached from other machines.
    #[error("{0} is not on loopback: the API is for this machine alone")]
    NotLoopback(SocketAddr),
    /// There are more webhooks than [`limits::WEBHOOKS`].
    #[error("{0} webhooks, and a signer has {most} at most", most = limits::WEBHOOKS)]
    TooManyWebhooks(usize),
    /// The token, or the secret of webhooks, is missing or not private.
    #[error(transparent)]
    Secret(#[from] SecretFileError),
}

/// The API of a node, which others call until this is dropped or stopped.
#[derive(Debug)]
pub struct Daemon {
    app: App,
    path: PathBuf,
    tcp: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    writer: JoinHandle<()>,
    historian: JoinHandle<()>,
    _file: SocketFile,
}

impl Daemon {
    /// Serves the API of a node on a socket in this folder, and on an address of loopback, if one is given: the token for that is in the
    /// folder, too. The node asks its user through these questions; it serves these signers.
    ///
    /// # Errors
    ///
    /// [`DaemonError`].
    pub async fn start(
        node: Node,
        signers: Vec<PublicKey>,
        questions: Questions,
        folder: &Path,
        address: Option<SocketAddr>,
    ) -> Result<Self, DaemonError> {
        Self::start_with(node, signers, questions, folder, address, Facilities::default()).await
    }

    /// Serves the API as [`Daemon::start`] does, with further parts of the program.
    ///
    /// # Errors
    ///
    /// [`DaemonError`].
    pub async fn start_with(
        node: Node,
        signers: Vec<PublicKey>,
        questions: Questions,
        folder: &Path,
        address: Option<SocketAddr>,
        facilities: Facilities,
    ) -> Result<Self, DaemonError> {
        if facilities.webhooks.len() > limits::WEBHOOKS {
            return Err(DaemonError::TooManyWebhooks(facilities.webhooks.len()));
        }
        let events = node.events();
        let listening = |error| DaemonError::Socket { path: folder.join(socket::FILE), error };
        let tcp = match address {
            Some(address) => Some(tcp(folder, address).await?),
            None => None,
        };
        let (unix, file) = socket::listen(folder).map_err(listening)?;
        let at = tcp.as_ref().map(|(_, way)| way.address);
        let clock = Clock::start();
        let webhooks = Webhooks::start(facilities.webhooks.clone(), folder, questions.journal(), clock)?;
        let app = App::new(node, questions, signers, at, clock, webhooks, facilities);
        let (stop, stopped) = watch::channel(false);
        let router = routes::router(app.clone());
        let writer = tokio::spawn(write(app.questions.journal().clone(), app.tally.clone(), app.clock, events));
        let historian = tokio::spawn(keep_history(app.clone()));
        if let Some((listener, way)) = tcp {
            let way = Way::Tcp(Arc::new(way));
            tokio::spawn(server::serve(Listener::Tcp(listener), way, router.clone(), stopped.clone()));
        }
        tokio::spawn(server::serve(Listener::Unix(unix), Way::Unix, router, stopped));
        Ok(Self { app, path: folder.join(socket::FILE), tcp: at, stop, writer, historian, _file: file })
    }

    /// The path of the Unix socket.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The address on loopback, with the port that the system has chosen if none was named.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.tcp
    }

    /// The signers that the node serves, those that callers have added or removed taken into account.
    pub fn signers(&self) -> Vec<PublicKey> {
        self.app.signers()
    }

    /// Waits until a caller asks the program to end. It happens once: after the first time this waits for ever.
    pub async fn halted(&self) {
        let mut halt = self.app.halt.subscribe();
        if halt.wait_for(|halt| *halt).await.is_err() {
            core::future::pending::<()>().await;
        }
        self.app.halt.send_replace(false);
    }

    /// Lets calls that have begun end, ends streams of events, and lets webhooks send the last of them. The node has been stopped before.
    pub async fn stop(mut self) {
        // The last events of a node that has stopped are still on their way into the journal.
        drop(tokio::time::timeout(limits::FAREWELL, &mut self.writer).await);
        self.end();
        self.app.webhooks.farewell().await;
        // Each connection has a receiver until it has ended.
        drop(tokio::time::timeout(limits::FAREWELL, self.stop.closed()).await);
    }

    fn end(&self) {
        self.app.questions.journal().close();
        self.stop.send_replace(true);
        self.writer.abort();
        self.historian.abort();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}

async fn tcp(folder: &Path, address: SocketAddr) -> Result<(TcpListener, Tcp), DaemonError> {
    if !address.ip().is_loopback() {
        return Err(DaemonError::NotLoopback(address));
    }
    let token = Token::read_or_make(folder)?;
    let failed = |error| DaemonError::Address { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, Tcp { address, token }))
}

/// Writes the events of a node into the journal, until the node stops.
async fn write(journal: Journal, tally: Tally, clock: Clock, mut events: Events) {
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                tally.note(&event, clock.now().mono.0);
                write_one(&journal, &event);
            }
            Err(lost) => journal.write(LOST, None, &lost),
        }
    }
}

/// Takes the counts of every few seconds into the history, until the node stops.
async fn keep_history(app: App) {
    let mut rhythm = tokio::time::interval(limits::HISTORY_PACE);
    rhythm.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rhythm.tick().await;
        if app.note_minute().await.is_err() {
            return;
        }
    }
}

fn write_one(journal: &Journal, event: &Event) {
    journal.write(event.name(), event.request().copied(), event);
}
