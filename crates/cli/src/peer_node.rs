//! The node of one process, as `run`, `find` and `sign` want it: with a kept key, or a throw-away one on loopback.

use core::time::Duration;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use motet_core_crypto::{PublicKey, SecretKey};
use motet_net::{Exposure, Keypair, Mdns, Multiaddr, NetConfig, Reach, Relaying, Switch, is_loopback, parse_address};
use motet_node::event::Event;
use motet_node::policy::Policy;
use motet_node::{
    Config, Events, MemoryStore, Node, NodeError, OsEntropy, Privacy, RegisteredGroup, Registry, SignerDiscovery, Store,
};
use motet_wire::{AddressScope, NetworkId};

use crate::args::{NetArgs, NodeArgs};
use crate::contact_book::{ContactBook, Entry};
use crate::data_folder::{self, DataFolder};
use crate::exit::Failed;
use crate::group_folder::GroupFolder;
use crate::locked_keys::{LockedKeys, WhileUnlocked};
use crate::meeting_place::MeetingPlace;
use crate::signer_key::{self, SignerKey};

/// The network of nodes with `--dev`.
const DEV_NETWORK: &str = "dev";
/// Time limit of a round with `--dev`: short, for a user who tries things out.
const DEV_ROUND: Duration = Duration::from_secs(10);

/// Bytes of memory with which a node lets no further strangers in: many times what it uses when it is busy.
const MEMORY: u64 = 1 << 30;
/// Most places of contacts that a node connects with at its start.
const PLACES: usize = 64;
/// Time limit for a relay to accept this node.
const RELAY_PATIENCE: Duration = Duration::from_secs(20);

/// Time that a node has to find an address on the internet before it is advertised without one.
const SETTLING: Duration = Duration::from_millis(1500);

/// A running node, its signer, and the temporary files that are removed when it ends.
pub(crate) struct PeerNode {
    pub(crate) handle: Node,
    pub(crate) events: Events,
    pub(crate) signer: PublicKey,
    /// The signer's key, which can be locked.
    pub(crate) keys: Arc<LockedKeys>,
    pub(crate) nickname: String,
    /// The data folder; none with `--dev`, which keeps nothing.
    pub(crate) folder: Option<PathBuf>,
    meeting: Option<MeetingPlace>,
    /// Lets the node hear of all offers: it shows them, and tells newcomers of them.
    _looking: SignerDiscovery,
}

impl PeerNode {
    /// Starts a node, unless there is something against its signer, whose key is known here first.
    pub(crate) async fn start(
        args: &NodeArgs,
        policy: Arc<dyn Policy>,
        check: impl FnOnce(&PublicKey) -> Result<(), Failed>,
    ) -> Result<Self, Failed> {
        let key = match (&args.dev, &args.key) {
            (None, Some(key)) => {
                // A question for the passphrase waits for a person, on a thread of its own, so that an interrupt ends it.
                let (key, keystore) = (key.clone(), args.keystore.clone());
                let load = tokio::task::spawn_blocking(move || signer_key::load(&key, &keystore));
                let key = load.await.map_err(Failed::here)??;
                check(&key.secret.public_key())?;
                Some(key)
            }
            _ => None,
        };
        Self::start_with(args, key, policy).await
    }

    /// Starts a node with the key of `--key`, which has been loaded.
    pub(crate) async fn start_with(
        args: &NodeArgs,
        key: Option<SignerKey>,
        policy: Arc<dyn Policy>,
    ) -> Result<Self, Failed> {
        let source = args.key.clone().filter(|_| args.dev.is_none()).map(|key| (key, args.keystore.clone()));
        let Parts { key, store, mut net, nickname, folder, book } = match &args.dev {
            Some(name) => Parts {
                key: SecretKey::generate(&mut OsEntropy).map_err(Failed::here)?,
                store: Arc::new(MemoryStore::default()),
                net: dev_net(args)?,
                nickname: name.clone(),
                folder: None,
                book: ContactBook::default(),
            },
            None => kept(args, key)?,
        };
        let signer = key.public_key();
        let dev = args.dev.is_some();
        let mut config = config(args, dev);
        let looks_for_relays = net.traversal == Switch::On && !net.bootstrap.is_empty();
        // The places of the others are tried as if they were named, so that their signers are found.
        let others = book.on(&net.network).filter(|entry| !entry.is_mutual).flat_map(Entry::addresses);
        net.bootstrap.extend(others.take(PLACES).filter_map(|address| parse_address(&address).ok()));
        let network = net.network.clone();
        let keys = LockedKeys::new(key, source);
        let policy = WhileUnlocked { keys: Arc::clone(&keys), policy };
        let node = Node::builder(net).store(store).policy(policy).signer(Arc::clone(&keys));
        // Keys of --dev are in no group.
        let groups = if dev { Registry::new() } else { GroupFolder::open(&args.groups)?.registry };
        // Requests that go to members alone come from contacts, or are dropped (ADR 0022).
        let members = groups.groups().flat_map(RegisteredGroup::member_keys).flatten();
        config.contacts = members.filter(|member| *member != signer).collect();
        let mutual = book.on(&network).filter(|entry| entry.is_mutual && entry.contact.signer != signer);
        for entry in mutual {
            config.contacts.insert(entry.contact.signer);
            config.routes.extend(entry.route());
        }
        let mut node = node.config(config).groups(Arc::new(RwLock::new(groups)));
        if !dev {
            node = node.group_source(GroupFolder::source(&args.groups));
        }
        #[cfg(feature = "failpoints")]
        let node = node.crash_at(crash_point(dev)?);
        let (handle, events) = node.start().await.map_err(|error| explain(&error))?;
        if !args.net.relay.is_empty() {
            reached(&handle).await?;
        } else if looks_for_relays {
            settled(&handle).await;
        }
        let looking = handle.subscribe_to_all_signers().map_err(Failed::here)?;
        let meeting = if dev { MeetingPlace::enter(&handle).await? } else { None };
        Ok(Self { handle, events, signer, keys, nickname, folder, meeting, _looking: looking })
    }

    /// Goes to where nodes with `--dev` meet, again: others may have come.
    pub(crate) async fn meet(&self) {
        if let Some(meeting) = &self.meeting {
            meeting.greet(&self.handle).await;
        }
    }
}

/// The node's times and numbers: the defaults, but for what is quicker with `--dev` and what the command line says.
fn config(args: &NodeArgs, dev: bool) -> Config {
    let mut config = Config::default().privacy(Privacy { delay: args.delay.unwrap_or_default(), cover: args.cover });
    if dev {
        config = config.round_timeout(DEV_ROUND).max_attempts(1);
    }
    if let Some(time) = args.round_timeout {
        config = config.round_timeout(time);
    }
    if let Some(attempts) = args.attempts {
        config = config.max_attempts(attempts);
    }
    config
}

pub(crate) fn explain(error: &NodeError) -> Failed {
    match error {
        NodeError::Store(error) => data_folder::explain(error, None),
        NodeError::Net(_) | NodeError::Signer { .. } | _ => Failed::here(error),
    }
}

fn dev_net(args: &NodeArgs) -> Result<NetConfig, Failed> {
    let network = NetworkId::new(DEV_NETWORK).map_err(Failed::here)?;
    let mut net = NetConfig::local(network, Keypair::generate());
    net.mdns = Mdns::On;
    args.net.apply(&mut net);
    net.bootstrap = ContactBook::default().addresses(&args.net.peer, &net.network)?;
    service(&mut net, args);
    Ok(net)
}

/// The parts of a node that the command line decides.
struct Parts {
    key: SecretKey,
    store: Arc<dyn Store>,
    net: NetConfig,
    nickname: String,
    folder: Option<PathBuf>,
    book: ContactBook,
}

fn kept(args: &NodeArgs, key: Option<SignerKey>) -> Result<Parts, Failed> {
    let Some(SignerKey { secret: key, beside }) = key else {
        let hint = "make one with `motet init`, or try things out with --dev NAME";
        return Err(Failed::usage("a signer needs a key: --key KEY").hint(hint));
    };
    let signer = key.public_key();
    let folder = args.data.clone().map_or_else(|| data_folder::beside(&beside, &signer), Ok)?;
    let data = DataFolder::open(&folder, &signer)?;
    let keypair = Keypair::from_seed(*data.identity);
    let book = ContactBook::read(&folder)?;
    let mut net = public_net(&args.network, keypair, &args.net, &book)?;
    net.state = Some(folder.join(data_folder::PEERS));
    service(&mut net, args);
    let nickname = args.nickname.clone().unwrap_or_default();
    Ok(Parts { key, store: Arc::new(data.store), net, nickname, folder: Some(folder), book })
}

/// The network part of a node that is meant for others: it listens on all addresses of this machine, unless it is told otherwise.
pub(crate) fn public_net(
    network: &NetworkId,
    keypair: Keypair,
    args: &NetArgs,
    book: &ContactBook,
) -> Result<NetConfig, Failed> {
    let mut net = NetConfig::local(network.clone(), keypair);
    net.reach = Reach::Public;
    net.listen = ["/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1"]
        .into_iter()
        .map(parse_address)
        .collect::<Result<_, _>>()
        .map_err(Failed::here)?;
    net.guard.memory = Some(MEMORY);
    args.apply(&mut net);
    net.bootstrap = book.addresses(&args.peer, network)?;
    if net.listen.iter().all(is_loopback) && net.external.is_empty() {
        net.reach = Reach::Local;
    }
    if net.reach == Reach::Public {
        net.upnp = if args.no_upnp { Switch::Off } else { Switch::On };
        net.traversal = if args.no_traversal { Switch::Off } else { Switch::On };
    }
    Ok(net)
}

/// The connections that a signer's node opens, and its service for others.
fn service(net: &mut NetConfig, args: &NodeArgs) {
    net.exposure = if args.relay_only { Exposure::RelayOnly } else { Exposure::Direct };
    net.relaying = if args.be_relay { Relaying::On } else { Relaying::Off };
}

/// True if an address leads through a relay.
fn is_circuit(address: &Multiaddr) -> bool {
    address.protocol_stack().any(|protocol| protocol == "p2p-circuit")
}

/// Waits until a relay has accepted this node, because its advertisement must contain that address.
async fn reached(handle: &Node) -> Result<(), Failed> {
    let mut events = handle.events();
    let circuit = async {
        let listening = handle.stats().await.map_err(Failed::here)?.listening;
        let mut found = listening.iter().any(is_circuit);
        while !found {
            let event = events.next().await.ok_or_else(|| Failed::here("the node has stopped"))?;
            found = match event {
                Ok(Event::Listening { address }) => is_circuit(&address),
                Ok(_) => false,
                Err(lost) => return Err(Failed::here(lost)),
            };
        }
        Ok(())
    };
    let hint = "a relay is a node that was started with --be-relay";
    let silent = || Failed::here("no relay lets this node be reached through it").hint(hint);
    tokio::time::timeout(RELAY_PATIENCE, circuit).await.map_err(|_| silent())?
}

/// Waits a moment for a node behind a router to find a relay, because others believe a first advertisement for a minute.
async fn settled(handle: &Node) {
    let mut events = handle.events();
    let found = async {
        while let Some(event) = events.next().await {
            if matches!(event, Ok(Event::AddressesChanged { scope: AddressScope::Internet, .. })) {
                break;
            }
        }
    };
    // A node of a private network has no such address.
    drop(tokio::time::timeout(SETTLING, found).await);
}

/// A place to crash at, for tests with throw-away keys.
#[cfg(feature = "failpoints")]
fn crash_point(dev: bool) -> Result<Option<motet_node::CrashPoint>, Failed> {
    match std::env::var("MOTET_CRASH_AT") {
        Ok(name) if dev => {
            let point = motet_node::CrashPoint::from_name(&name);
            point.map(Some).ok_or_else(|| Failed::here(format!("no crash point {name:?}")))
        }
        _ => Ok(None),
    }
}
