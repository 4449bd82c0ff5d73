//! The node of one process, as `run`, `find` and `sign` want it: with a kept key, or a throw-away one on loopback.

use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::{PublicKey, SecretKey};
use motet_net::{Exposure, Keypair, Mdns, Multiaddr, NetConfig, Reach, Relaying, is_loopback, parse_address};
use motet_node::event::Event;
use motet_node::policy::Policy;
use motet_node::{Config, Events, LocalSigner, MemoryStore, Node, NodeError, OsEntropy, Privacy, Store};
use motet_wire::NetworkId;

use crate::args::NodeArgs;
use crate::data_folder::{self, DataFolder};
use crate::exit::Failed;
use crate::keystore;
use crate::meeting_place::MeetingPlace;

/// The network of nodes with `--dev`.
const DEV_NETWORK: &str = "dev";
/// Time limit of a round with `--dev`: short, for a user who tries things out.
const DEV_ROUND: Duration = Duration::from_secs(10);

/// Time limit for a relay to accept this node.
const RELAY_PATIENCE: Duration = Duration::from_secs(20);

/// A running node, its signer, and the temporary files that are removed when it ends.
pub(crate) struct PeerNode {
    pub(crate) handle: Node,
    pub(crate) events: Events,
    pub(crate) signer: PublicKey,
    pub(crate) nickname: String,
    /// The node's times and numbers.
    pub(crate) limits: Config,
    meeting: Option<MeetingPlace>,
}

impl PeerNode {
    /// Starts a node, unless there is something against its signer, whose key is known here first.
    pub(crate) async fn start(
        args: &NodeArgs,
        policy: Arc<dyn Policy>,
        check: impl FnOnce(&PublicKey) -> Result<(), Failed>,
    ) -> Result<Self, Failed> {
        let (key, store, net, nickname): (SecretKey, Arc<dyn Store>, NetConfig, String) = match &args.dev {
            Some(name) => {
                let key = SecretKey::generate(&mut OsEntropy).map_err(Failed::here)?;
                (key, Arc::new(MemoryStore::default()), dev_net(args)?, name.clone())
            }
            None => kept(args)?,
        };
        let signer = key.public_key();
        check(&signer)?;
        let dev = args.dev.is_some();
        let config = config(args, dev);
        let node = Node::builder(net).store(store).policy(policy).signer(LocalSigner::new(key, OsEntropy));
        let node = node.config(config.clone());
        #[cfg(feature = "failpoints")]
        let node = node.crash_at(crash_point(dev)?);
        let (handle, events) = node.start().await.map_err(|error| explain(&error))?;
        if !args.relay.is_empty() {
            reached(&handle).await?;
        }
        let meeting = if dev { MeetingPlace::enter(&handle).await? } else { None };
        Ok(Self { handle, events, signer, nickname, limits: config, meeting })
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

fn explain(error: &NodeError) -> Failed {
    match error {
        NodeError::Store(error) => data_folder::explain(error, None),
        NodeError::Net(_) | NodeError::Signer { .. } | _ => Failed::here(error),
    }
}

fn dev_net(args: &NodeArgs) -> Result<NetConfig, Failed> {
    let network = NetworkId::new(DEV_NETWORK).map_err(Failed::here)?;
    let mut net = NetConfig::local(network, Keypair::generate());
    net.mdns = Mdns::On;
    addresses(&mut net, args);
    Ok(net)
}

fn kept(args: &NodeArgs) -> Result<(SecretKey, Arc<dyn Store>, NetConfig, String), Failed> {
    let Some(path) = &args.key else {
        let hint = "make one with `motet keygen --out FILE`, or try things out with --dev NAME";
        return Err(Failed::usage("a signer needs a key: --key FILE").hint(hint));
    };
    let key = keystore::read_key(path)?;
    let signer = key.public_key();
    let folder = args.data.clone().map_or_else(|| data_folder::beside(path, &signer), Ok)?;
    let data = DataFolder::open(&folder, &signer)?;
    let keypair = Keypair::from_seed(*data.identity);
    let mut net = NetConfig::local(args.network.clone(), keypair);
    net.reach = Reach::Public;
    net.listen = ["/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1"]
        .into_iter()
        .map(parse_address)
        .collect::<Result<_, _>>()
        .map_err(Failed::here)?;
    addresses(&mut net, args);
    if net.listen.iter().all(is_loopback) {
        net.reach = Reach::Local;
    }
    Ok((key, Arc::new(data.store), net, args.nickname.clone().unwrap_or_default()))
}

fn addresses(net: &mut NetConfig, args: &NodeArgs) {
    if !args.listen.is_empty() {
        net.listen.clone_from(&args.listen);
    }
    net.bootstrap = args.peer.iter().map(|peer| peer.address.clone()).collect();
    net.relays = args.relay.iter().map(|relay| relay.address.clone()).collect();
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
