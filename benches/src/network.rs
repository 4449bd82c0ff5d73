//! The network measured: nodes of `motet-net` beside bare libp2p swarms, on the same transports and in the same run.
//!
//! - [`node`]: what both kinds of nodes can do.
//! - [`ours`]: a node of `motet-net`.
//! - [`bare`]: a swarm with request-response, gossipsub and Kademlia as libp2p has them.
//! - [`beside`]: messages, gossip and the DHT of both, in turns.
//! - [`footprint`]: the memory of a node and of a connection.
//! - [`member`]: whole nodes.
//! - [`cluster`]: an offer, found by each channel alone in clusters that grow.
//! - [`idle`]: the cost of nodes that have nothing to do.
//! - [`offers`], [`index`]: many offers in the index of the DHT.
//! - [`bystanders`]: what others hear of a session.
//! - [`victim`], [`flood`], [`attackers`]: a node under attack in a process of its own, and the attacks.
//! - [`soak`]: messages for a long time, with restarts.
//! - [`process`]: time and memory of a process, as Linux counts them.

pub mod attackers;
pub mod bare;
pub mod beside;
pub mod bystanders;
pub mod cluster;
pub mod flood;
pub mod footprint;
pub mod idle;
pub mod index;
pub mod member;
pub mod node;
pub mod offers;
pub mod ours;
pub mod process;
pub mod soak;
pub mod victim;
