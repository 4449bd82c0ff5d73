//! The bags of an index (`docs/protocol.md` §9): where entries are put, and where they are looked for.
//!
//! An entry lies in a bag at the first depth of its index, and in one at the next. As long as a bag is crowded, whoever writes goes one
//! step deeper, and whoever reads reads the bags below as well. So both find the depth, each from what lies there.

use std::sync::Arc;

use motet_net::{NetError, NetHandle, is_crowded};
use motet_wire::{DhtKey, Index, NetworkId, Shard};
use tokio::task::JoinSet;

use super::republisher::Published;
use crate::limits;

/// Depths at which everything is put: an attacker that fills the bags of the first one still leaves what lies below.
const ALWAYS: usize = 2;

/// Puts something under its own key, and in the bags of the first depths.
pub(crate) async fn put(net: &NetHandle, network: &NetworkId, published: &Published) -> Result<(), NetError> {
    net.put(published.key, published.frames.clone()).await?;
    for index in &published.indexes {
        for depth in index.depths().take(ALWAYS) {
            net.put(bag(network, index, published, depth), published.frames.clone()).await?;
        }
    }
    Ok(())
}

/// Puts it deeper as well, where the bags above are crowded.
pub(crate) async fn put_deeper(net: &NetHandle, network: &NetworkId, published: &Published) -> Result<(), NetError> {
    for index in &published.indexes {
        for (above, depth) in index.depths().zip(index.depths().skip(ALWAYS)) {
            if !is_crowded(&net.get(bag(network, index, published, above)).await?) {
                break;
            }
            net.put(bag(network, index, published, depth), published.frames.clone()).await?;
        }
    }
    Ok(())
}

fn bag(network: &NetworkId, index: &Index, published: &Published, depth: u8) -> DhtKey {
    DhtKey::bag(network, index, Shard::of(&published.signer, depth))
}

/// The entries of some bags, and the bags below those that are crowded.
pub(crate) async fn read(
    net: &NetHandle,
    network: &NetworkId,
    index: &Index,
    shards: &[Shard],
) -> Result<(Vec<Arc<[u8]>>, Vec<Shard>), NetError> {
    let (mut found, mut below) = (Vec::new(), Vec::new());
    let (mut reading, mut shards) = (JoinSet::new(), shards.iter().copied());
    loop {
        for shard in shards.by_ref().take(limits::BAGS_AT_ONCE.saturating_sub(reading.len())) {
            let (net, key) = (net.clone(), DhtKey::bag(network, index, shard));
            reading.spawn(async move { (shard, net.get(key).await) });
        }
        let Some(read) = reading.join_next().await else { return Ok((found, below)) };
        let Ok((shard, frames)) = read else { continue };
        let frames = frames?;
        if is_crowded(&frames) {
            below.extend(shard.below());
        }
        found.extend(frames);
    }
}
