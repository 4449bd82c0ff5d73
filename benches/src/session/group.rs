//! Nodes on loopback that know each other, and sessions of all or some of them.
//!
//! They are nodes as the daemon runs them, each with its own libp2p swarm, engine and store, in one process. Only three things differ from the defaults: no proof of work, TCP only (as in the floor), and validators
//! whose buckets never run dry, since nodes that sign back to back say more than strangers may.

use std::sync::Arc;
use std::time::{Duration, Instant};

use motet_core_crypto::{PublicKey, SecretKey};
use motet_net::{Keypair, Multiaddr, NetConfig, parse_address};
use motet_node::event::Event;
use motet_node::{
    Config, Lagged, LocalSigner, MemoryStore, Node, OsEntropy, RedbStore, SignerQuery, SigningRequestSpec, Store,
};
use motet_wire::work::Free;
use motet_wire::{Commitments, Criteria, Difficulty, NetworkId, Rate, RequestId, SignerMetadata, ValidatorLimits};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::place::{Place, Runtimes};
use super::request;
use super::waiting::{SlowUser, UNANSWERED};

/// Something that makes a bench impossible.
pub type Failure = Box<dyn core::error::Error + Send + Sync>;

/// How long anything may take before it counts as lost.
pub const GUARD: Duration = Duration::from_secs(60);

/// Where nodes keep what must survive them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// In memory: nothing survives, nothing is waited for.
    Memory,
    /// In a redb file each, in the temporary folder; every commit is synced.
    Redb,
}

impl Storage {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redb => "redb",
        }
    }
}

/// A session has ended on a node.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// Which node, by its place in the group.
    pub node: usize,
    /// Which session.
    pub request: RequestId,
    /// When the node said so.
    pub at: Instant,
    /// Whether there is a signature.
    pub signed: bool,
}

/// One session, as its user saw it.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    /// From the announcement until the node that announced had the signature.
    pub creator: Duration,
    /// From the announcement until every participant had it.
    pub everybody: Duration,
}

/// One node.
#[derive(Debug)]
struct Member {
    signer: PublicKey,
    handle: Node,
    place: Place,
}

/// Nodes that know each other.
#[derive(Debug)]
pub struct Group {
    network: NetworkId,
    storage: Storage,
    runtimes: Runtimes,
    nodes: Vec<Member>,
    /// Nodes that take no part in the sessions that are measured: they ask for what waits.
    askers: Vec<Member>,
    addresses: Vec<Multiaddr>,
    user: SlowUser,
    ended: (mpsc::Sender<Ended>, mpsc::Receiver<Ended>),
    announced: u64,
    folder: TempDir,
}

/// Requests that one node may announce in a row: the protocol allows a burst of ten, and then five a minute.
pub const ANNOUNCEMENTS: usize = 10;

impl Group {
    /// Starts `count` nodes on a network of this name, connects each with each, and lets each know all signers.
    ///
    /// # Errors
    ///
    /// Whatever keeps them from finding each other.
    pub async fn start(name: &str, count: usize, storage: Storage, runtimes: Runtimes) -> Result<Self, Failure> {
        let mut group = Self {
            network: NetworkId::new(name)?,
            storage,
            runtimes,
            nodes: Vec::new(),
            askers: Vec::new(),
            addresses: Vec::new(),
            user: SlowUser::default(),
            ended: mpsc::channel(65_536),
            announced: 0,
            folder: tempfile::tempdir()?,
        };
        for _ in 0..count {
            let node = group.another(count).await?;
            group.nodes.push(node);
        }
        match tokio::time::timeout(GUARD, group.meet()).await {
            Ok(met) => met.map(|()| group),
            Err(_) => Err(group.strangers().await.into()),
        }
    }

    /// Starts a node and connects it with all earlier ones.
    async fn another(&mut self, count: usize) -> Result<Member, Failure> {
        let index = self.addresses.len();
        let store: Arc<dyn Store> = match self.storage {
            Storage::Memory => Arc::new(MemoryStore::default()),
            Storage::Redb => Arc::new(RedbStore::open(&self.folder.path().join(format!("{index}.redb")))?),
        };
        let mut net = NetConfig::local(self.network.clone(), Keypair::generate());
        net.listen = vec![parse_address("/ip4/127.0.0.1/tcp/0")?];
        let key = SecretKey::generate(&mut OsEntropy)?;
        let signer = key.public_key();
        let config = Config::default().difficulty(Difficulty(0)).max_signers(count.max(15));
        let node = Node::builder(net)
            .store(store)
            .policy(self.user.clone())
            .signer(LocalSigner::new(key, OsEntropy))
            .config(config)
            .limits(unlimited())
            .work(Free);
        let place = Place::new(self.runtimes)?;
        let (handle, mut events) = place.run(node.start()).await??;
        handle.subscribe_to_all_signers()?.keep();
        let listening = async move {
            loop {
                match events.next().await {
                    Some(Ok(Event::Listening { address })) => return Some((address, events)),
                    Some(_) => {}
                    None => return None,
                }
            }
        };
        let listening = tokio::time::timeout(GUARD, listening).await.map_err(|_| "a node does not listen")?;
        let (address, mut events) = listening.ok_or("a node stopped at once")?;
        let ended_in = self.ended.0.clone();
        place.spawn(async move {
            while let Some(event) = events.next().await {
                let (request, signed) = match event {
                    Ok(Event::SessionComplete(done)) => (done.request, true),
                    Ok(Event::SessionAborted(aborted)) => (aborted.request, false),
                    // A session whose end is lost never counts, and the group says that it has waited too long.
                    Ok(_) | Err(Lagged(_)) => continue,
                };
                if ended_in.send(Ended { node: index, request, at: Instant::now(), signed }).await.is_err() {
                    break;
                }
            }
        });
        for earlier in &self.addresses {
            handle.connect(earlier.clone()).await?;
        }
        self.addresses.push(parse_address(&format!("{address}/p2p/{}", handle.peer_id()))?);
        Ok(Member { signer, handle, place })
    }

    /// Lets so many requests wait for the user of each node: other nodes ask for them, each for as many as it may in a row.
    ///
    /// # Errors
    ///
    /// When the nodes do not hear of them.
    pub async fn let_wait(&mut self, at_each_node: usize) -> Result<(), Failure> {
        let signers: Vec<PublicKey> = self.nodes.iter().map(|member| member.signer).collect();
        for number in 0..at_each_node {
            if number.is_multiple_of(ANNOUNCEMENTS) {
                let asker = self.another(self.nodes.len() + 1).await?;
                // Signers that it does not know are asked by gossip, and each peer that hands a request on uses up a share of its own.
                while asker.handle.find_known_signers(SignerQuery::default()).await?.len() < self.nodes.len() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                self.askers.push(asker);
            }
            let asker = self.askers.last().ok_or("no asker")?;
            let keys = signers.iter().copied().chain([asker.signer]).collect();
            let mut spec = request(keys, asker.signer, Commitments::On, number as u64);
            spec.metadata.transaction_type = UNANSWERED.to_owned();
            asker.handle.announce_signing_request(spec).await?;
        }
        let all_wait = async {
            while self.user.waiting() < at_each_node * self.nodes.len() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(GUARD, all_wait).await;
        waited.map_err(|_| format!("{} requests wait, not {at_each_node} at each node", self.user.waiting()).into())
    }

    /// Who has not found whom.
    async fn strangers(&self) -> String {
        let mut report = "the nodes did not find each other".to_owned();
        for (index, Member { handle, .. }) in self.nodes.iter().enumerate() {
            let peers = handle.stats().await.map_or(0, |stats| stats.peers);
            let known = handle.find_known_signers(SignerQuery::default()).await.map_or(0, |known| known.len());
            if peers < self.nodes.len() - 1 || known < self.nodes.len() {
                report.push_str(&format!("; node {index} has {peers} peers and knows {known} signers"));
            }
        }
        report
    }

    /// Waits until everybody is connected with everybody, and knows everybody's signer.
    async fn meet(&self) -> Result<(), Failure> {
        for Member { handle, .. } in &self.nodes {
            while handle.stats().await?.peers < self.nodes.len() - 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        for Member { signer, handle, .. } in &self.nodes {
            let lifetime = Duration::from_secs(3_600);
            handle.advertise_signer(*signer, Criteria::ANY, SignerMetadata::default(), lifetime).await?;
        }
        for Member { handle, .. } in &self.nodes {
            while handle.find_known_signers(SignerQuery::default()).await?.len() < self.nodes.len() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Ok(())
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many more sessions the nodes may announce, if each announces in turn.
    pub fn left(&self) -> u64 {
        ((ANNOUNCEMENTS * self.nodes.len()) as u64).saturating_sub(self.announced)
    }

    /// Announces so many requests at once, every node as many as the next, each of a node and those after it.
    ///
    /// # Errors
    ///
    /// A node's refusal.
    pub async fn announce_all(
        &mut self,
        requests: usize,
        signers: usize,
        commitments: Commitments,
    ) -> Result<Vec<(RequestId, Instant)>, Failure> {
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..requests {
            let (announcement, Member { handle, .. }) = self.next_request(signers, commitments)?;
            let handle = handle.clone();
            calls.spawn(async move {
                let begin = Instant::now();
                handle.announce_signing_request(announcement).await.map(|(request, _)| (request, begin))
            });
        }
        let mut announced = Vec::new();
        while let Some(call) = calls.join_next().await {
            announced.push(call??);
        }
        Ok(announced)
    }

    /// The next request: of the node whose turn it is, and the nodes after it.
    fn next_request(
        &mut self,
        signers: usize,
        commitments: Commitments,
    ) -> Result<(SigningRequestSpec, &Member), Failure> {
        let number = self.announced;
        self.announced += 1;
        let members = self.nodes.iter().cycle().skip(self.turn(number)).take(signers);
        let keys: Vec<PublicKey> = members.map(|member| member.signer).collect();
        let creator = self.nodes.get(self.turn(number)).ok_or("no node")?;
        Ok((request(keys, creator.signer, commitments, number), creator))
    }

    fn turn(&self, number: u64) -> usize {
        (number % self.nodes.len() as u64) as usize
    }

    /// The next end of a session on some node.
    ///
    /// # Errors
    ///
    /// When none comes.
    pub async fn next_end(&mut self) -> Result<Ended, Failure> {
        let ended = tokio::time::timeout(GUARD, self.ended.1.recv()).await.map_err(|_| "a session did not end")?;
        Ok(ended.ok_or("the nodes have stopped")?)
    }

    /// One session of all nodes, from its announcement to everybody's signature.
    ///
    /// # Errors
    ///
    /// When it is aborted or lost.
    pub async fn sign(&mut self, commitments: Commitments) -> Result<Took, Failure> {
        let creator = self.turn(self.announced);
        let (announcement, Member { handle, place, .. }) = self.next_request(self.nodes.len(), commitments)?;
        let handle = handle.clone();
        let announce = async move {
            let begin = Instant::now();
            handle.announce_signing_request(announcement).await.map(|(request, _)| (request, begin))
        };
        let (request, begin) = place.run(announce).await??;
        let mut took = Took { creator: Duration::ZERO, everybody: Duration::ZERO };
        let mut open = self.nodes.len();
        while open > 0 {
            let ended = self.next_end().await?;
            if ended.request != request {
                continue;
            }
            if !ended.signed {
                return Err("a session was aborted".into());
            }
            open -= 1;
            let after = ended.at.saturating_duration_since(begin);
            took.everybody = took.everybody.max(after);
            if ended.node == creator {
                took.creator = after;
            }
        }
        Ok(took)
    }

    /// The nodes with their signers and their runtimes.
    pub fn served(&self) -> impl Iterator<Item = (&Node, PublicKey, &Place)> {
        self.nodes.iter().map(|member| (&member.handle, member.signer, &member.place))
    }

    /// The place of the node whose turn it is, and its next request of all nodes, for a caller that announces it by other means.
    ///
    /// # Errors
    ///
    /// When there is no node.
    pub fn next_by_others(&mut self) -> Result<(usize, SigningRequestSpec), Failure> {
        let creator = self.turn(self.announced);
        let (spec, _) = self.next_request(self.nodes.len(), Commitments::On)?;
        Ok((creator, spec))
    }

    /// Waits until a session has ended on all nodes.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub async fn all_ended(&mut self, request: RequestId) -> Result<(), Failure> {
        let mut open = self.nodes.len();
        while open > 0 {
            open -= usize::from(self.next_end().await?.request == request);
        }
        Ok(())
    }

    /// Stops all nodes.
    pub async fn stop(self) {
        for Member { handle, .. } in self.nodes.iter().chain(&self.askers) {
            handle.stop().await;
        }
    }
}

/// Limits that nobody reaches; the rates of authors are the protocol's, and stay.
pub fn unlimited() -> ValidatorLimits {
    let endless = Rate::per_minute(1_000_000_000_000);
    ValidatorLimits {
        peer_messages: endless,
        peer_bytes: endless,
        peer_computation: endless,
        verifications_per_second: 100_000_000,
        ..ValidatorLimits::default()
    }
}
