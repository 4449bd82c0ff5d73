//! A cluster of Motet nodes in one test: whole sessions in virtual time, over a network that fails on demand.
//!
//! Each node has the real engine, the real validation pipeline, the real outbox and a signer with real arithmetic. The clock, the
//! network, the disk and the users belong to the test. All randomness follows from a seed, so that a failure comes again with
//! the same seed. There are no tasks, no sockets, and no waiting: an hour of timeouts takes milliseconds.
//!
//! ```
//! use core::time::Duration;
//! use motet_testkit::Cluster;
//!
//! let mut cluster = Cluster::new(3, 1);
//! cluster.advertise_all();
//! let request = cluster.announce(0, &[0, 1, 2], b"pay Bob")?;
//! cluster.crash(2);
//! cluster.advance(Duration::from_secs(5));
//! assert!(cluster.signature(request).is_none(), "all voices or none");
//! cluster.restart(2);
//! cluster.run_until(|cluster| cluster.signature(request).is_some());
//! # Ok::<(), motet_coordinator::CommandError>(())
//! ```
//!
//! - [`Cluster`]: the nodes, the commands of their users, and the clock.
//! - [`Node`]: its events, and its [`Store`], which can be made to refuse records or to crash the node in a commit.
//! - [`Network`]: delays, losses, partitions, and a rule for each frame between two nodes.
//! - [`Stranger`]: a peer with a key of its own that signs whatever a test lets it say. [`Forger`]: a signer that signs
//!   another message than it is asked for.

mod cluster;
mod entropy;
mod network;
mod node;
mod sent;
mod signer;
mod store;
mod stranger;

pub use cluster::{Cluster, Seen};
pub use entropy::Entropy;
pub use network::{Fate, Flight, Network};
pub use node::Node;
pub use sent::{Sent, Way};
pub use signer::{Forger, KeySigner};
pub use store::{Commit, Store};
pub use stranger::Stranger;

/// The story in the README, as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
