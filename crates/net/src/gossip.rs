//! Gossip as a behaviour of libp2p, that tells how many subscriptions each peer has sent.
//!
//! Gossipsub tells those that it takes. Its filter sees the others, too, and does not know whose they are: this behaviour stands around both.

use core::task::{Context, Poll};
use std::collections::BTreeMap;

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::metrics::Registry;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId, gossipsub};
use motet_core_crypto::tagged_hash;
use motet_wire::limits;

use crate::config::NetConfig;
use crate::error::NetError;
use crate::limits as ours;
use crate::subscriptions::{LookedAt, TopicFilter};

type Inner = gossipsub::Behaviour<gossipsub::IdentityTransform, gossipsub::MaxCountSubscriptionFilter<TopicFilter>>;

/// Gossip with the bound on subscriptions of one peer.
pub(crate) struct Gossip {
    pub(crate) inner: Inner,
    /// The count of names that the filter has looked at while one packet is handled.
    looked_at: LookedAt,
    /// Subscriptions by peer that are not told yet.
    untold: BTreeMap<PeerId, u64>,
}

/// An event of gossip.
#[derive(Debug)]
pub(crate) enum GossipEvent {
    Gossipsub(gossipsub::Event),
    /// A peer has sent so many subscriptions and ends of subscriptions, taken or not. Those of one packet with the same name count once.
    Subscriptions {
        peer: PeerId,
        count: u64,
    },
}

impl Gossip {
    /// Gossip without libp2p's own signatures: frames carry their author's, and are checked in our own order.
    pub(crate) fn new(config: &NetConfig, registry: &mut Registry) -> Result<Self, NetError> {
        let setup = |error: &dyn core::fmt::Display| NetError::Setup(error.to_string());
        let settings = gossipsub::ConfigBuilder::default()
            .validation_mode(gossipsub::ValidationMode::Anonymous)
            .validate_messages()
            // All connected subscribers get a published frame at once, whichever of them the mesh or a fanout would choose.
            .flood_publish(true)
            // A frame on two topics is two messages: each topic has subscribers of its own.
            .message_id_fn(|message| {
                tagged_hash("motet/gossip-id/v2", &[message.topic.as_str().as_bytes(), &[0], &message.data])
                    .to_vec()
                    .into()
            })
            .max_transmit_size(limits::FRAME_SESSION_ABORT + ours::GOSSIP_OVERHEAD)
            .build()
            .map_err(|error| setup(&error))?;
        let looked_at = LookedAt::default();
        let filter = TopicFilter::bounded(config.network.clone(), looked_at.clone());
        let author = gossipsub::MessageAuthenticity::Anonymous;
        let inner = Inner::new_with_subscription_filter(author, settings, filter).map_err(|error| setup(&error))?;
        let metrics = gossipsub::MetricsConfig::default();
        let inner = inner.with_metrics(registry.sub_registry_with_prefix("gossipsub"), metrics);
        Ok(Self { inner, looked_at, untold: BTreeMap::new() })
    }
}

impl NetworkBehaviour for Gossip {
    type ConnectionHandler = THandler<Inner>;
    type ToSwarm = GossipEvent;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_inbound_connection(connection, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_outbound_connection(connection, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, connection: ConnectionId, event: THandlerOutEvent<Self>) {
        // This node's own subscriptions pass the same filter.
        self.looked_at.take();
        self.inner.on_connection_handler_event(peer, connection, event);
        let count = self.looked_at.take();
        if count > 0 {
            let untold = self.untold.entry(peer).or_default();
            *untold = untold.saturating_add(count);
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<GossipEvent, THandlerInEvent<Self>>> {
        // First, so that a flood is known before its other consequences.
        if let Some((peer, count)) = self.untold.pop_first() {
            return Poll::Ready(ToSwarm::GenerateEvent(GossipEvent::Subscriptions { peer, count }));
        }
        self.inner.poll(context).map(|order| order.map_out(GossipEvent::Gossipsub))
    }
}
