//! Motet's node in the libp2p network: gossip, direct streams, and a DHT of signed entries.
//!
//! It moves bytes and knows nothing of sessions or secrets. [`Net::start`] returns a [`NetHandle`] for commands and a
//! bounded queue of [`NetEvent`]s. A published frame does not come back: the user of this crate knows its own messages.
//!
//! ```
//! # use std::sync::Arc;
//! # use motet_net::{Entry, EntryPolicy, Keypair, Net, NetConfig, NetError, NetEvent};
//! # use motet_wire::{NetworkId, Topic};
//! struct Nothing;
//! impl EntryPolicy for Nothing {
//!     fn entry(&self, _place: &[u8; 32], _frame: &[u8]) -> Option<Entry> {
//!         None // Nothing may lie in the DHT.
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), NetError> {
//! let config = NetConfig::local(NetworkId::test(), Keypair::generate());
//! let (net, mut events) = Net::start(config, Arc::new(Nothing))?;
//! net.subscribe([Topic::OpenOffers].into()).await?;
//! net.publish(vec![Topic::Requests(7)], Arc::from(*b"a frame")).await?;
//! while let Some(event) = events.recv().await {
//!     if let NetEvent::Listening { address } = event {
//!         println!("others reach this node at {address}/p2p/{}", net.peer_id());
//!         break;
//!     }
//! }
//! net.stop().await;
//! # Ok(())
//! # }
//! ```

mod admission;
mod auto_relays;
mod bans;
mod behaviour;
mod buckets;
mod candidates;
mod config;
mod connections;
mod dht;
mod direct;
mod doorway;
mod draw;
mod error;
mod event;
mod frames;
mod gossip;
mod grouping;
mod handle;
mod handshake;
mod kept;
mod limits;
mod listen;
mod memory;
mod meter;
mod metrics;
mod muxer;
mod node;
mod outboxes;
mod overlay;
mod partial_frames;
mod peer_book;
mod peer_table;
mod peers;
mod pending_events;
mod persistent_peers;
mod quoted;
mod reach;
mod reachability;
mod recent;
mod relay_only;
mod subscriptions;
mod task;
mod tcp_sockets;
mod transport;
mod transport_kind;
mod twin;
mod words;

pub use config::{
    DhtMode, Exposure, Guard, Keypair, LocalGroups, Mdns, NetConfig, Reach, Relaying, Switch, parse_address,
};
pub use connections::{Direction, PeerConnection};
pub use dht::{Entry, EntryPolicy, Price};
pub use error::{NetError, Refused};
pub use event::{NetEvent, ReportToken};
pub use handle::{DhtState, DhtStats, Feedback, Located, NetHandle, Stats, is_crowded, split_peer};
pub use libp2p::Multiaddr;
pub use metrics::{Sample, SampleKind};
pub use node::Net;
pub use peers::{address_from_wire, address_to_wire};
pub use persistent_peers::{Contact, Named};
pub use reach::{Offered, is_loopback};
pub use reachability::Reachability;
pub use transport_kind::TransportKind;
