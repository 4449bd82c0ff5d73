//! The handshake over TCP, which shows the identity of the other end, and remembers whether it was this node's own.
//!
//! Both ends of such a connection drop it when they see their own identity. The quicker end leaves the other with a
//! broken connection, so the slower end would not learn the identity without this record.

use core::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::{AsyncRead, AsyncWrite, FutureExt as _};
use libp2p::core::UpgradeInfo;
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade};
use libp2p::identity::Keypair;
use libp2p::{PeerId, noise};

/// A record whether this node's own identity has been at the other end since the last query. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Met(Arc<[AtomicBool; 2]>);

/// The end that has begun a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    This,
    Other,
}

impl Met {
    fn flag(&self, caller: Caller) -> &AtomicBool {
        let [this, other] = &*self.0;
        if caller == Caller::This { this } else { other }
    }

    /// True if the own identity has been at the other end. The record is cleared.
    pub(crate) fn take(&self, caller: Caller) -> bool {
        self.flag(caller).swap(false, Ordering::AcqRel)
    }
}

/// Noise, with the record of the identities that it has met.
#[derive(Clone)]
pub(crate) struct Handshake {
    noise: noise::Config,
    local: PeerId,
    met: Met,
}

impl Handshake {
    pub(crate) fn new(keys: &Keypair, met: Met) -> Result<Self, noise::Error> {
        Ok(Self { noise: noise::Config::new(keys)?, local: keys.public().to_peer_id(), met })
    }

    fn note(&self, peer: &PeerId, caller: Caller) {
        if *peer == self.local {
            self.met.flag(caller).store(true, Ordering::Release);
        }
    }
}

impl UpgradeInfo for Handshake {
    type Info = <noise::Config as UpgradeInfo>::Info;
    type InfoIter = <noise::Config as UpgradeInfo>::InfoIter;

    fn protocol_info(&self) -> Self::InfoIter {
        self.noise.protocol_info()
    }
}

type Upgrade<T> = Pin<Box<dyn Future<Output = Result<(PeerId, noise::Output<T>), noise::Error>> + Send>>;

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> InboundConnectionUpgrade<T> for Handshake {
    type Output = (PeerId, noise::Output<T>);
    type Error = noise::Error;
    type Future = Upgrade<T>;

    fn upgrade_inbound(self, socket: T, info: Self::Info) -> Self::Future {
        let upgrade = self.noise.clone().upgrade_inbound(socket, info);
        upgrade.map(move |done| done.inspect(|(peer, _)| self.note(peer, Caller::Other))).boxed()
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> OutboundConnectionUpgrade<T> for Handshake {
    type Output = (PeerId, noise::Output<T>);
    type Error = noise::Error;
    type Future = Upgrade<T>;

    fn upgrade_outbound(self, socket: T, info: Self::Info) -> Self::Future {
        let upgrade = self.noise.clone().upgrade_outbound(socket, info);
        upgrade.map(move |done| done.inspect(|(peer, _)| self.note(peer, Caller::This))).boxed()
    }
}
