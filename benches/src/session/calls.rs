//! Sessions that are asked for over the API of a running signer, beside those that a program with the node in it asks for; and sessions
//! beside listeners that read nothing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use motet_daemon::api::{Message, Sign};
use motet_daemon::{Client, Daemon, Questions};
use motet_node::event::Phase;
use motet_node::{Keypair, LocalSigner, NetConfig, NetworkId, Node, OsEntropy, PublicKey, RedbStore, SecretKey};
use motet_wire::Commitments;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::group::{Failure, GUARD, Group, Storage, Took};
use super::place::Runtimes;

/// Listeners that try to listen at each node; a daemon has places for fewer.
pub const LISTENERS: usize = 1000;

/// Two nodes, each with a daemon on its own runtime.
#[derive(Debug)]
pub struct Called {
    group: Group,
    daemons: Vec<(Daemon, PathBuf)>,
    _folder: TempDir,
}

impl Called {
    /// Starts them.
    ///
    /// # Errors
    ///
    /// Whatever keeps them from running.
    pub async fn start() -> Result<Self, Failure> {
        let group = Group::start("bench", 2, Storage::Memory, Runtimes::OneEach).await?;
        let folder = tempfile::tempdir()?;
        let mut daemons = Vec::new();
        for (number, (handle, signer, place)) in group.served().enumerate() {
            let own = folder.path().join(number.to_string());
            std::fs::create_dir(&own)?;
            let (handle, path) = (handle.clone(), own.clone());
            let started = async move {
                Daemon::start(handle, vec![signer], Questions::new().map_err(|error| error.to_string())?, &path, None)
                    .await
                    .map_err(|error| error.to_string())
            };
            daemons.push((place.run(started).await??, own));
        }
        Ok(Self { group, daemons, _folder: folder })
    }

    /// A session that the library asks for, to the signature at its creator.
    ///
    /// # Errors
    ///
    /// A session that is aborted or lost.
    pub async fn by_library(&mut self) -> Result<Duration, Failure> {
        let Took { creator, .. } = self.group.sign(Commitments::On).await?;
        Ok(creator)
    }

    /// A session that a client asks for, to the answer with the signature.
    ///
    /// # Errors
    ///
    /// A session that is aborted or lost.
    pub async fn by_client(&mut self) -> Result<Duration, Failure> {
        let (creator, spec) = self.group.next_by_others()?;
        let (_, folder) = self.daemons.get(creator).ok_or("no daemon")?;
        let client = Client::unix(folder);
        let with: Vec<PublicKey> = spec.keys.iter().copied().filter(|key| *key != spec.creator).collect();
        let message =
            |item: &motet_wire::Item| Message { hex: Some(hex(&item.message)), blind: true, ..Message::default() };
        let messages = spec.items.iter().map(message).collect();
        let asked = Sign { with, messages, taproot: true, commitments: true, ..Sign::default() };
        let begin = Instant::now();
        let request = client.sign(&asked).await?.request;
        let session = client.end_of(&request, GUARD).await?;
        let took = begin.elapsed();
        self.group.all_ended(request).await?;
        if session.status.phase == Phase::Complete { Ok(took) } else { Err("a session was aborted".into()) }
    }

    /// The number of sessions that there may be yet.
    pub fn left(&self) -> u64 {
        self.group.left()
    }

    /// Stops all.
    pub async fn stop(self) {
        self.group.stop().await;
        for (daemon, _) in self.daemons {
            daemon.stop().await;
        }
    }

    /// Opens streams of events that nobody reads, as many as each daemon takes of [`LISTENERS`]. They last as long as the value.
    ///
    /// # Errors
    ///
    /// A socket that does not open.
    pub async fn crowd(&self) -> Result<Vec<UnixStream>, Failure> {
        let mut open = Vec::new();
        for (_, folder) in &self.daemons {
            let before = open.len();
            for _ in 0..LISTENERS {
                // One that is refused leaves.
                open.extend(listen(folder).await?);
            }
            if open.len() == before {
                return Err("nobody may listen".into());
            }
        }
        Ok(open)
    }
}

/// A stream of events, of which the head is read alone; none if there is no place.
async fn listen(folder: &Path) -> Result<Option<UnixStream>, Failure> {
    let mut stream = UnixStream::connect(folder.join("api.sock")).await?;
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    Ok((&head == b"HTTP/1.1 200").then_some(stream))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The time from nothing to a node with a store on disk whose daemon answers.
///
/// # Errors
///
/// Whatever keeps it from starting.
pub async fn start_up() -> Result<Duration, Failure> {
    let folder = tempfile::tempdir()?;
    let begin = Instant::now();
    let store = RedbStore::open(&folder.path().join("records.redb"))?;
    let key = SecretKey::generate(&mut OsEntropy)?;
    let signer = key.public_key();
    let net = NetConfig::local(NetworkId::new("bench")?, Keypair::generate());
    let node = Node::builder(net).store(std::sync::Arc::new(store)).signer(LocalSigner::new(key, OsEntropy));
    let (node, _events) = node.start().await?;
    let daemon = Daemon::start(node.clone(), vec![signer], Questions::new()?, folder.path(), None).await?;
    Client::unix(folder.path()).status().await?;
    let took = begin.elapsed();
    node.stop().await;
    daemon.stop().await;
    Ok(took)
}
