//! How a node is put together.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use libp2p::core::upgrade;
use libp2p::{StreamProtocol, SwarmBuilder, noise, tcp, yamux};
use tokio::sync::mpsc;

use crate::behaviour::Behaviour;
use crate::config::NetConfig;
use crate::dht::EntryPolicy;
use crate::dht::store::BagStore;
use crate::error::NetError;
use crate::event::NetEvent;
use crate::handle::{NetHandle, Order, Stats};
use crate::limits;
use crate::task::Task;

/// The network node of one process.
#[derive(Debug, Clone, Copy)]
pub struct Net;

impl Net {
    /// Starts a node. It runs on the current tokio runtime until it is stopped, or its handles or its events are
    /// dropped. `policy` decides what may lie in the DHT.
    ///
    /// # Errors
    ///
    /// [`NetError`] if it cannot be set up or cannot listen.
    pub fn start(
        config: NetConfig,
        policy: Arc<dyn EntryPolicy>,
    ) -> Result<(NetHandle, mpsc::Receiver<NetEvent>), NetError> {
        let behaviour = Behaviour::new(&config, BagStore::new(Arc::clone(&policy)))?;
        let setup = |error: &dyn core::fmt::Display| NetError::Setup(error.to_string());
        let mut swarm = SwarmBuilder::with_existing_identity(config.keypair.0.clone())
            .with_tokio()
            .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
            .map_err(|error| setup(&error))?
            .with_quic()
            .with_dns()
            .map_err(|error| setup(&error))?
            .with_behaviour(|_| behaviour)
            .map_err(|error| setup(&error))?
            .with_swarm_config(|swarm| {
                swarm
                    // A stream's first bytes go out together with its negotiation: one round trip less.
                    .with_substream_upgrade_protocol_override(upgrade::Version::V1Lazy)
                    .with_idle_connection_timeout(limits::IDLE)
                    .with_max_negotiating_inbound_streams(limits::NEGOTIATING_STREAMS)
            })
            .build();
        let protocol = StreamProtocol::try_from_owned(format!("/motet/{}/direct/1", config.network))
            .map_err(|error| setup(&error))?;
        let incoming =
            swarm.behaviour().streams.new_control().accept(protocol.clone()).map_err(|error| setup(&error))?;
        for address in &config.listen {
            swarm
                .listen_on(address.clone())
                .map_err(|error| NetError::Listen { address: address.to_string(), reason: error.to_string() })?;
        }
        let (orders_in, orders) = mpsc::channel(limits::COMMANDS);
        let (events, events_out) = mpsc::channel(limits::EVENTS);
        for address in config.bootstrap.clone() {
            // The queue is empty and larger than any list of bootstrap nodes.
            drop(orders_in.try_send(Order::Dial { address }));
        }
        let handle = NetHandle::new(config.keypair.peer_id(), orders_in);
        let task = Task {
            swarm,
            config,
            policy,
            orders,
            events,
            incoming,
            protocol,
            waiting: VecDeque::new(),
            outboxes: BTreeMap::new(),
            writers: tokio::task::JoinSet::new(),
            readers: BTreeMap::new(),
            queries: HashMap::new(),
            recent: BTreeMap::new(),
            published: None,
            offences: BTreeMap::new(),
            connected: BTreeSet::new(),
            stats: Stats::default(),
            dht_ready: false,
        };
        tokio::spawn(task.run());
        Ok((handle, events_out))
    }
}
