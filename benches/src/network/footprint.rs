//! The memory of a node and of a connection.

use super::node::{Measured, Part, Sockets, dialled, started};
use super::process::Process;
use crate::session::group::Failure;

/// The memory of nodes that are alone, and of connections between nodes.
#[derive(Debug, Clone, Copy)]
pub struct Footprint {
    /// Bytes of a node that is connected with nobody.
    pub node: u64,
    /// Bytes of one end of a connection.
    pub connection: u64,
}

/// Nodes of one kind in this process, first alone, then as many more that are connected with each other. Memory that is free again is not given back to
/// the system at once, so each kind of nodes is measured in a process of its own.
///
/// # Errors
///
/// Errors of the network.
pub async fn footprint<N: Measured>(nodes: usize) -> Result<Footprint, Failure> {
    let process = Process::this();
    // What the first node brings with it is the process's.
    let _first = N::start(Sockets::Tcp, Part::Client, &[]).await?;
    process.quiet().await?;
    let before = process.resident()?;
    let mut alone = Vec::new();
    for _ in 0..nodes {
        alone.push(N::start(Sockets::Tcp, Part::Client, &[]).await?);
    }
    process.quiet().await?;
    let node = per(process.resident()?.saturating_sub(before), nodes)?;
    let before = process.resident()?;
    let connected = started::<N>(nodes, Sockets::Tcp, Part::Client).await?;
    process.quiet().await?;
    let ends = 2 * (0..nodes).map(|index| dialled(index).len()).sum::<usize>();
    let grown = process.resident()?.saturating_sub(before);
    let connection = per(grown.saturating_sub(node * u64::try_from(connected.len())?), ends)?;
    Ok(Footprint { node, connection })
}

fn per(bytes: u64, things: usize) -> Result<u64, Failure> {
    Ok(bytes / u64::try_from(things)?.max(1))
}
