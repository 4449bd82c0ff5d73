//! The gate before every connection that this node opens. A relay-only node opens connections to its own relays only,
//! whichever protocol asks and whichever address is believed (`docs/protocol.md` §10). Every other node opens none to
//! an address that it does not believe (§9), unless its user has named it.
//!
//! The gate stands in the transport, below everything that dials: the DHT, gossip, and peers that claim to be reachable
//! somewhere. A circuit through a relay is built on a connection to that relay, so it passes exactly when the relay
//! does. Relays of other nodes are strangers, too: the node that names one may own it.

use core::pin::Pin;
use core::task::{Context, Poll};

use libp2p::Multiaddr;
use libp2p::core::Transport;
use libp2p::core::transport::{DialOpts, ListenerId, TransportError, TransportEvent};
use libp2p::multiaddr::Protocol;

use crate::config::Exposure;
use crate::quoted::Quoted;
use crate::reach::Judge;

/// A transport that opens connections only to some addresses.
pub(crate) struct Gate<T> {
    inner: T,
    judge: Judge,
    /// None lets everything pass that the judge does.
    allowed: Option<Vec<Multiaddr>>,
}

impl<T> Gate<T> {
    /// The gate of a node with this exposure and these relays.
    pub(crate) fn new(inner: T, exposure: Exposure, relays: &[Multiaddr], judge: Judge) -> Self {
        let allowed = match exposure {
            Exposure::Direct => None,
            Exposure::RelayOnly => Some(relays.iter().map(without_peer).collect()),
        };
        Self { inner, judge, allowed }
    }

    fn lets_through(&self, address: &Multiaddr) -> bool {
        match &self.allowed {
            Some(allowed) => allowed.contains(&without_peer(address)),
            None => self.judge.lets_dial(address),
        }
    }
}

/// An address without the peer that is expected there.
fn without_peer(address: &Multiaddr) -> Multiaddr {
    address.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect()
}

impl<T: Transport + Unpin> Transport for Gate<T> {
    type Output = T::Output;
    type Error = T::Error;
    type ListenerUpgrade = T::ListenerUpgrade;
    type Dial = T::Dial;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<T::Error>> {
        self.inner.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.inner.remove_listener(id)
    }

    fn dial(&mut self, address: Multiaddr, options: DialOpts) -> Result<T::Dial, TransportError<T::Error>> {
        if self.lets_through(&address) {
            self.inner.dial(address, options)
        } else {
            tracing::debug!(address = ?Quoted(&address), "not dialled: the address is not allowed for this node");
            Err(TransportError::MultiaddrNotSupported(address))
        }
    }

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<TransportEvent<T::ListenerUpgrade, T::Error>> {
        Pin::new(&mut self.inner).poll(context)
    }
}
