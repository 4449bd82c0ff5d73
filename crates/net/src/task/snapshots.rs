//! Snapshots of a node: its state as values, and as metrics.

use std::collections::BTreeMap;

use libp2p::metrics::Recorder as _;
use motet_wire::NetworkGroup;
use tokio::time::Instant;

use super::Task;
use crate::behaviour::BehaviourEvent;
use crate::connections::Direction;
use crate::gossip::GossipEvent;
use crate::handle::{DhtState, Stats};
use crate::metrics::Sample;
use crate::reachability::Reachability;

impl Task {
    pub(super) fn stats(&mut self) -> Stats {
        let dht_peers = self.swarm.behaviour_mut().kad.kbuckets().map(|bucket| bucket.num_entries()).sum();
        let (sent, dropped) = self.peers.counts();
        let admission = &self.swarm.behaviour().admission;
        let (blocked, blocked_groups) = admission.bans.count(Instant::now());
        Stats {
            peers: self.peers.connected(),
            inbound: admission.connections.count(Direction::Inbound),
            outbound: admission.connections.count(Direction::Outbound),
            chosen: self.overlay.chosen(),
            networks: self.overlay.networks(),
            diversity_fell: self.overlay.has_fallen(),
            blocked,
            blocked_groups,
            dht_peers,
            sent,
            dropped: self.stats.dropped + dropped,
            listening: self.swarm.listeners().cloned().collect(),
            named: self.wanted.named(),
            reachability: self.own.reachability,
            ..self.stats.clone()
        }
    }

    /// Lets libp2p's metrics take note of an event.
    pub(super) fn record(&self, event: &BehaviourEvent) {
        let metrics = self.metrics.libp2p();
        #[expect(clippy::wildcard_enum_match_arm, reason = "libp2p has no metrics of the others")]
        match event {
            BehaviourEvent::Gossip(GossipEvent::Gossipsub(event)) => metrics.record(event),
            BehaviourEvent::Identify(event) => metrics.record(event),
            BehaviourEvent::Kad(event) => metrics.record(event),
            BehaviourEvent::Ping(event) => metrics.record(event),
            BehaviourEvent::Relay(event) => metrics.record(event),
            BehaviourEvent::Holes(event) => metrics.record(event),
            _ => {}
        }
    }

    /// All metrics, with samples of the node's user.
    pub(super) fn metrics_text(&mut self, samples: Vec<Sample>) -> String {
        let mut all = self.samples();
        all.extend(samples);
        self.metrics.text(all)
    }

    fn samples(&mut self) -> Vec<Sample> {
        let (stats, dht) = (self.stats(), self.dht_stats());
        let (frames, events) = self.waiting.lengths();
        let queues = self.peers.lengths();
        let mut samples = vec![
            Sample::gauge("motet_peers", "Connected peers", stats.peers),
            Sample::gauge("motet_bans", "Peers that are blocked", stats.blocked),
            Sample::gauge("motet_banned_networks", "Network groups that are blocked", stats.blocked_groups),
            Sample::gauge("motet_chosen_peers", "Peers that the node has chosen by itself", stats.chosen),
            Sample::gauge(
                "motet_chosen_networks",
                "Network groups of the peers that the node has chosen",
                stats.networks,
            ),
            Sample::gauge("motet_diversity_fell", "1 if these were far more before", usize::from(stats.diversity_fell)),
            Sample::counter("motet_gossip_received", "Gossip messages received", stats.gossip_received),
            Sample::counter("motet_published", "Messages published", stats.published),
            Sample::counter("motet_sent", "Direct messages handed to an outbox", stats.sent),
            Sample::counter("motet_dropped", "Messages dropped because a queue was full", stats.dropped),
            Sample::gauge("motet_queue", "Entries that wait in a queue", frames).with("queue", "frames"),
            Sample::gauge("motet_queue", "Entries that wait in a queue", events).with("queue", "events"),
            Sample::gauge("motet_queue", "Entries that wait in a queue", queues.waiting).with("queue", "outboxes"),
            Sample::gauge("motet_queue", "Entries that wait in a queue", queues.longest)
                .with("queue", "longest_outbox"),
            Sample::gauge("motet_streams", "Direct streams", queues.readers).with("direction", "in"),
            Sample::gauge("motet_streams", "Direct streams", queues.writers).with("direction", "out"),
            Sample::gauge("motet_relays", "Relays through which this node is reached", self.at_relays.len()),
            Sample::gauge("motet_dht_server", "1 if the node answers queries of the DHT", usize::from(dht.server)),
            Sample::gauge("motet_dht_peers", "Peers in the routing table of the DHT", dht.peers),
            Sample::gauge("motet_dht_bags", "Keys of the DHT under which something lies here", dht.records),
            Sample::gauge("motet_dht_bytes", "Bytes of the DHT that lie here", dht.bytes),
            Sample::gauge("motet_dht_queries", "Own questions to the DHT that have no answer yet", dht.queries),
            Sample::gauge("motet_dht_puts", "Own records that are on their way, or wait for it", dht.puts),
            Sample::gauge("motet_dht_unjudged", "Frames put here that are to be looked at", dht.unjudged),
            Sample::counter("motet_dht_dropped", "Frames put here that were not looked at", dht.dropped),
        ];
        for state in DhtState::ALL {
            let name = format!("{state:?}").to_lowercase();
            let is_it = usize::from(dht.state == state);
            samples.push(Sample::gauge("motet_dht_state", "1 for the state of the DHT", is_it).with("state", name));
        }
        for answer in [Reachability::Unknown, Reachability::Public, Reachability::Private] {
            let (name, is_it) = (format!("{answer:?}").to_lowercase(), usize::from(stats.reachability == answer));
            let help = "1 for the answer whether other nodes can open connections to this one";
            samples.push(Sample::gauge("motet_reachability", help, is_it).with("answer", name));
        }
        let mut connections = BTreeMap::<(NetworkGroup, Direction, bool), usize>::new();
        for connection in self.connections.all() {
            *connections.entry((connection.group, connection.direction, connection.relayed)).or_default() += 1;
        }
        for ((group, direction, relayed), count) in connections {
            let direction = match direction {
                Direction::Inbound => "in",
                Direction::Outbound => "out",
            };
            let help = "Connections by network group and direction";
            let sample = Sample::gauge("motet_connections", help, count).with("group", group.to_string());
            samples.push(sample.with("direction", direction).with("relayed", relayed.to_string()));
        }
        samples
    }
}
