//! The nodes of a demonstration, and what they tell: they start, meet, offer their signers, and sign.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a demonstration waits for some events; the rest is for the timeline"
)]

use core::time::Duration;
use std::path::Path;
use std::sync::{Arc, RwLock};

use motet_core_crypto::{PublicKey, SecretKey};
use motet_net::{Keypair, NetConfig};
use motet_node::event::{Completed, Event};
use motet_node::policy::Policy;
use motet_node::{Clock, Events, Lagged, LocalSigner, Node, OsEntropy, RedbStore, Registry, SignerQuery};
use motet_wire::{Criteria, MonotonicMs, NetworkId, SignerMetadata};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::exit::{Exit, Failed};
use crate::output::Output;

const NAMES: [&str; 15] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kim", "leo", "mia", "nina",
    "oscar",
];

/// Lifetime of a request.
pub(super) const LIFETIME: Duration = Duration::from_secs(60);

/// The name of a node, from its number.
pub(super) fn name(number: usize) -> String {
    NAMES.get(number).map_or_else(|| format!("node-{number}"), |name| (*name).to_owned())
}

/// The signer of one node, and what the node may do with it.
pub(super) struct Player {
    pub(super) name: String,
    pub(super) key: SecretKey,
    pub(super) policy: Arc<dyn Policy>,
    /// The groups that the node checks transactions against.
    pub(super) groups: Registry,
}

/// One running node.
pub(super) struct Voice {
    pub(super) signer: PublicKey,
    pub(super) handle: Node,
    name: String,
    result: Option<Completed>,
}

/// An event of one node.
type Heard = (usize, MonotonicMs, Result<Event, Lagged>);

/// The running nodes. Their stores go when this is dropped.
pub(super) struct Stage {
    voices: Vec<Voice>,
    hearing: mpsc::Receiver<Heard>,
    announced: Option<MonotonicMs>,
    completed: Option<MonotonicMs>,
    transaction_type: &'static str,
    _folder: TempDir,
}

impl Stage {
    /// Starts the nodes. Each offers its signer for requests of this type.
    pub(super) async fn open(
        players: Vec<Player>,
        transaction_type: &'static str,
        clock: Clock,
        output: &mut Output,
    ) -> Result<Self, Failed> {
        let folder = tempfile::tempdir().map_err(|error| {
            let hint = "let TMPDIR name a folder that this user can write to";
            Failed::here(format!("cannot make a temporary folder: {error}")).hint(hint)
        })?;
        let (heard, hearing) = mpsc::channel(4096);
        let mut voices: Vec<Voice> = Vec::new();
        let mut meeting_point = None;
        for (index, player) in players.into_iter().enumerate() {
            let (voice, events, address) =
                start(player, folder.path(), meeting_point.clone(), transaction_type).await?;
            output.learn(voice.signer, &voice.name);
            meeting_point.get_or_insert(address);
            tokio::spawn(listen(index, events, clock, heard.clone()));
            voices.push(voice);
        }
        let stage = Self { voices, hearing, announced: None, completed: None, transaction_type, _folder: folder };
        stage.meet().await?;
        stage.advertise().await?;
        Ok(stage)
    }

    /// The first node, which asks the others.
    pub(super) fn creator(&self) -> Result<&Voice, Failed> {
        self.voices.first().ok_or_else(|| Failed::here("no signers"))
    }

    /// Waits until every node knows a peer for gossip and DHT queries.
    async fn meet(&self) -> Result<(), Failed> {
        for voice in &self.voices {
            while self.voices.len() > 1 && voice.handle.stats().await.map_err(Failed::here)?.dht_peers == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Ok(())
    }

    async fn advertise(&self) -> Result<(), Failed> {
        let mut offers = tokio::task::JoinSet::new();
        for voice in &self.voices {
            let criteria = Criteria { transaction_types: vec![self.transaction_type.to_owned()], ..Criteria::ANY };
            let metadata = SignerMetadata { nickname: voice.name.clone(), ..SignerMetadata::default() };
            let (handle, signer) = (voice.handle.clone(), voice.signer);
            let lifetime = Duration::from_secs(3600);
            offers.spawn(async move { handle.advertise_signer(signer, criteria, metadata, lifetime).await });
        }
        while let Some(offer) = offers.join_next().await {
            offer.map_err(Failed::here)?.map_err(Failed::here)?;
        }
        Ok(())
    }

    /// Waits until the first node has found the signers of all nodes: those that it has heard of, then those that the DHT knows.
    pub(super) async fn find(&mut self, output: &mut Output) -> Result<Vec<PublicKey>, Failed> {
        loop {
            while let Ok(heard) = self.hearing.try_recv() {
                self.take(heard, output)?;
            }
            let transaction_type = Some(self.transaction_type.to_owned());
            let wishes = SignerQuery { transaction_type, ..SignerQuery::default() };
            let found = self.creator()?.handle.find_available_signers(wishes).await.map_err(Failed::here)?;
            if found.len() >= self.voices.len() {
                let keys = found.into_iter().map(|offer| offer.delegation.signer);
                return Ok(keys.take(self.voices.len()).collect());
            }
            if let Ok(heard) = tokio::time::timeout(Duration::from_millis(200), self.hear(output)).await {
                heard?;
            }
        }
    }

    /// Waits for one event of any node, and shows it.
    pub(super) async fn hear(&mut self, output: &mut Output) -> Result<(), Failed> {
        let heard = self.hearing.recv().await;
        self.take(heard.ok_or_else(|| Failed::here("the nodes stopped before they had signed"))?, output)
    }

    fn take(&mut self, (index, at, event): Heard, output: &mut Output) -> Result<(), Failed> {
        let name = self.voices.get(index).map_or("", |voice| voice.name.as_str());
        let event = match event {
            Ok(event) => event,
            Err(lost) => {
                output.lost(name, at, lost)?;
                // Before the request, nothing is missed that matters.
                return if self.announced.is_none() { Ok(()) } else { Err(Failed::here(lost)) };
            }
        };
        output.event(name, at, &event)?;
        match event {
            Event::SigningRequestCreated(_) => self.announced = Some(at),
            Event::SessionAborted(aborted) => {
                return Err(Failed::new(Exit::Session, output.cause(&aborted.cause)));
            }
            Event::SessionComplete(completed) => {
                self.completed = Some(at);
                if let Some(voice) = self.voices.get_mut(index) {
                    voice.result = Some(completed);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Waits for the results of all nodes, which then stop.
    pub(super) async fn collect(mut self, output: &mut Output) -> Result<Results, Failed> {
        while self.voices.iter().any(|voice| voice.result.is_none()) {
            self.hear(output).await?;
        }
        for voice in &self.voices {
            voice.handle.stop().await;
        }
        let took = self.announced.zip(self.completed);
        let took = took.map_or(0, |(announced, completed)| completed.0.saturating_sub(announced.0));
        let of_nodes = self.voices.into_iter().filter_map(|voice| Some((voice.signer, voice.result?)));
        Ok(Results { of_nodes: of_nodes.collect(), took })
    }
}

/// The results of all nodes.
pub(super) struct Results {
    /// The result of each node, with its signer.
    pub(super) of_nodes: Vec<(PublicKey, Completed)>,
    /// Milliseconds from the request to the last result.
    pub(super) took: u64,
}

impl Results {
    /// True if all nodes have the same signatures.
    pub(super) fn are_identical(&self) -> bool {
        self.of_nodes.windows(2).all(|pair| matches!(pair, [(_, one), (_, other)] if one.items == other.items))
    }
}

async fn start(
    player: Player,
    folder: &Path,
    meeting_point: Option<String>,
    transaction_type: &'static str,
) -> Result<(Voice, Events, String), Failed> {
    let network = NetworkId::new("demo").map_err(Failed::here)?;
    let mut net = NetConfig::local(network, Keypair::generate());
    if let Some(address) = meeting_point {
        net.bootstrap.push(motet_net::parse_address(&address).map_err(Failed::here)?);
    }
    let Player { name, key, policy, groups } = player;
    let signer = key.public_key();
    let path = folder.join(format!("{name}.redb"));
    let store = tokio::task::spawn_blocking(move || RedbStore::open(&path)).await.map_err(Failed::here)?;
    let node = Node::builder(net)
        .store(store.map_err(Failed::here)?)
        .policy(policy)
        .groups(Arc::new(RwLock::new(groups)))
        .signer(LocalSigner::new(key, OsEntropy));
    let (handle, mut events) = node.start().await.map_err(Failed::here)?;
    handle.subscribe_to_signer_discovery([transaction_type]).map_err(Failed::here)?.keep();
    let mut listening = events.next().await;
    while !matches!(&listening, Some(Ok(Event::Listening { .. })) | None) {
        listening = events.next().await;
    }
    let Some(Ok(Event::Listening { address })) = listening else {
        return Err(Failed::here("a node stopped before it listened"));
    };
    let address = format!("{address}/p2p/{}", handle.peer_id());
    Ok((Voice { signer, handle, name, result: None }, events, address))
}

async fn listen(index: usize, mut events: Events, clock: Clock, heard: mpsc::Sender<Heard>) {
    while let Some(event) = events.next().await {
        if heard.send((index, clock.now().mono, event)).await.is_err() {
            break;
        }
    }
}
