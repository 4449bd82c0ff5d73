//! Floors of a session: its time if nothing counted but messages, arithmetic and syncs.
//!
//! The floor of a session of n signers is as many one-way messages as the session has, on open libp2p streams and in the
//! same four phases (three without commitments), the signature of the request, and everybody's arithmetic. All signers of a bench share one machine:
//! with n nodes on c cores, the arithmetic takes n / c times one node's, and one node's if n is below c. With messages the
//! machine does that by itself.
//!
//! With a store on disk, three writes have to be durable before the next message leaves, one after the other: the approval of the
//! creator before its request, the approvals of the others before their joins, and the partial signatures before they are sent. The floor has [`SYNCS`] of them.
//!
//! Nodes on machines of their own would wait for four messages only, one after the other. That is the *chain*, the
//! floor of a network where nothing is shared: it is measured, too.

mod arithmetic;
mod bare;
mod disk;

pub use arithmetic::Arithmetic;
pub use bare::Bare;
pub use disk::Disk;

use std::time::Duration;

/// Durable writes that follow one another in a session.
pub const SYNCS: u32 = 3;

/// Time of the arithmetic of n nodes on this machine, if that of one node takes so long alone.
pub fn shared(one: Duration, nodes: usize) -> Duration {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if nodes <= cores { one } else { one.mul_f64(nodes as f64 / cores as f64) }
}
