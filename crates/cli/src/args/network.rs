//! The options that every node has in common: the addresses at which it is, and those of other nodes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use motet_net::{DhtMode, Multiaddr, NetConfig, Switch, TransportKind};
use motet_wire::NetworkId;

use super::address::{self, NamedNode, PeerAddress};
use super::text;

/// The node's place in the network.
#[derive(Debug, Args)]
pub(crate) struct NetArgs {
    /// Listen on this multiaddr; may be repeated [default: loopback with --dev, else /ip4/0.0.0.0 on TCP and QUIC]
    #[arg(long, env = "MOTET_LISTEN", value_name = "MULTIADDR", value_parser = address::listen)]
    pub(crate) listen: Vec<Multiaddr>,
    /// Connect to this node; may be repeated. An address ends in `/p2p/PEER_ID`; the name or the key of a contact stands for its node
    #[arg(long, env = "MOTET_PEER", value_name = "MULTIADDR or CONTACT", value_parser = address::node)]
    pub(crate) peer: Vec<NamedNode>,
    /// Be reachable through this node as well; may be repeated. It ends in `/p2p/PEER_ID`
    #[arg(long, env = "MOTET_RELAY", value_name = "MULTIADDR", value_parser = address::relay)]
    pub(crate) relay: Vec<PeerAddress>,
    /// Tell others that they reach this node at this multiaddr: a forwarded port, or a reverse proxy; may be repeated
    #[arg(long, env = "MOTET_EXTERNAL", value_name = "MULTIADDR", value_parser = address::external)]
    pub(crate) external: Vec<Multiaddr>,
    /// Speak over these transports only, with commas between them [default: all]
    #[arg(long, env = "MOTET_TRANSPORT", value_name = "TRANSPORTS", value_delimiter = ',')]
    pub(crate) transport: Vec<Transport>,
    /// Do not ask the router of this network to forward a port (UPnP)
    #[arg(long, env = "MOTET_NO_UPNP")]
    pub(crate) no_upnp: bool,
    /// Use no help of other nodes to be reached behind a router: no tests by them, no relays but those named, no hole punching
    #[arg(long, env = "MOTET_NO_TRAVERSAL")]
    pub(crate) no_traversal: bool,
    /// The part in the DHT: store entries and answer queries, only ask, or none; auto is server where others can reach this node
    #[arg(long, env = "MOTET_DHT", value_name = "PART", default_value = "auto")]
    pub(crate) dht: Dht,
    /// For phones: hear no gossip, and be a client of the DHT
    #[arg(long, env = "MOTET_LIGHT", conflicts_with = "dht")]
    pub(crate) light: bool,
}

/// A node without a signer.
#[derive(Debug, Args)]
pub(crate) struct KeylessArgs {
    /// Where this node keeps its identity, which others name it by
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The network
    #[arg(long, env = "MOTET_NETWORK", value_name = "NETWORK", default_value = "main", value_parser = text::network)]
    pub(crate) network: NetworkId,
    #[command(flatten)]
    pub(crate) net: NetArgs,
    /// Let no others be reached through this node
    #[arg(long, env = "MOTET_NO_RELAY")]
    pub(crate) no_relay: bool,
    /// Write metrics to this file now and every 15 seconds, as OpenMetrics text
    #[arg(long, env = "MOTET_METRICS", value_name = "FILE")]
    pub(crate) metrics: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// A transport, as the command line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    /// Bare TCP
    Tcp,
    /// QUIC, over UDP
    Quic,
    /// WebSocket, over TCP and over TLS
    Ws,
    /// Names in addresses
    Dns,
}

/// The part of a node in the DHT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dht {
    /// A server where others can reach this node, and else a client
    Auto,
    /// Store entries and answer queries
    Server,
    /// Only ask
    Client,
    /// Neither ask nor answer, and put nothing
    Off,
}

impl NetArgs {
    /// Changes a configuration as the options say. The nodes of `--peer` are left to a caller with contacts.
    pub(crate) fn apply(&self, net: &mut NetConfig) {
        if !self.listen.is_empty() {
            net.listen.clone_from(&self.listen);
        }
        net.relays = self.relay.iter().map(|relay| relay.address.clone()).collect();
        net.external.clone_from(&self.external);
        if !self.transport.is_empty() {
            net.transports = self.transport.iter().map(|transport| transport.kind()).collect();
            // The addresses that nobody has chosen are those that can be used.
            if self.listen.is_empty() {
                net.listen.retain(|address| self.transport.iter().any(|transport| transport.carries(address)));
            }
        }
        net.dht = match (self.light, self.dht) {
            (true, _) | (false, Dht::Client) => DhtMode::Client,
            (false, Dht::Auto) => DhtMode::Auto,
            (false, Dht::Server) => DhtMode::Server,
            (false, Dht::Off) => DhtMode::Off,
        };
        net.gossip = if self.light { Switch::Off } else { Switch::On };
    }
}

impl Transport {
    const fn kind(self) -> TransportKind {
        match self {
            Self::Tcp => TransportKind::Tcp,
            Self::Quic => TransportKind::Quic,
            Self::Ws => TransportKind::WebSocket,
            Self::Dns => TransportKind::Dns,
        }
    }

    /// True if an address to listen on is of this transport.
    fn carries(self, address: &Multiaddr) -> bool {
        let stack: Vec<&str> = address.protocol_stack().collect();
        match self {
            Self::Tcp => stack.last() == Some(&"tcp"),
            Self::Quic => stack.last() == Some(&"quic-v1"),
            Self::Ws => stack.last() == Some(&"ws"),
            Self::Dns => false,
        }
    }
}
