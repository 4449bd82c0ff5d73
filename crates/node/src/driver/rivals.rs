//! Looks into the DHT for advertisements that another process has put there for a signer of this node.
//!
//! Two copies of a node have one peer id, and nobody hands on to a peer what has come from it: with a node between them, neither
//! hears of the other by gossip. What the DHT holds of a signer is its newest advertisement, whoever has put it there.

use motet_core_crypto::PublicKey;
use motet_net::NetHandle;
use motet_wire::{Channel, DhtKey, NetworkId};
use tokio::sync::{mpsc, oneshot};

use super::request::Request;
use crate::limits;

/// Looks again and again, until the node is gone. What is found goes the way of everything that is found: the engine sees whose
/// it is.
pub(crate) async fn look(network: NetworkId, net: NetHandle, calls: mpsc::WeakSender<Request>) {
    let mut pause = limits::RIVALS_FIRST;
    loop {
        tokio::time::sleep(pause).await;
        pause = pause.saturating_mul(2).min(limits::RIVALS_MOST);
        let Some(signers) = signers(&calls).await else { return };
        for signer in signers {
            let Ok(frames) = net.find(DhtKey::signer(&network, &signer)).await else { return };
            let (done, finished) = oneshot::channel();
            // Waiting for room does not keep the node alive: its handles do.
            let Some(calls) = calls.upgrade() else { return };
            let sent = calls.send(Request::Ingest { frames, channel: Channel::Dht, done }).await;
            drop(calls);
            if sent.is_err() {
                return;
            }
            // The node may stop before it has looked.
            drop(finished.await);
        }
    }
}

/// The signers that the node serves now; none, if it is gone.
async fn signers(calls: &mpsc::WeakSender<Request>) -> Option<Vec<PublicKey>> {
    let (asker, answer) = oneshot::channel();
    let calls = calls.upgrade()?;
    calls.send(Request::Signers(asker)).await.ok()?;
    drop(calls);
    answer.await.ok()
}
