//! TCP sockets that dial from the port on which the node listens, or from another where that port is taken.
//!
//! A dial binds its socket to the port of a listener at all addresses of the machine, so that routers see one port. Another program's
//! connection may have that port at one address: the kernel gives it out there, and the listener has it at another. libp2p dials from a
//! new port only where it finds the port taken when it connects, not when it binds, so that such a dial would fail for as long as the
//! other connection lives.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use libp2p::core::transport::{DialOpts, ListenerId, PortUse, TransportError, TransportEvent};
use libp2p::core::{Multiaddr, Transport};
use libp2p::tcp;
use libp2p::tcp::tokio::TcpStream;

type Inner = tcp::tokio::Transport;

/// The sockets of one transport.
pub(crate) struct TcpSockets(Inner);

impl TcpSockets {
    pub(crate) fn new() -> Self {
        Self(sockets())
    }
}

fn sockets() -> Inner {
    Inner::new(tcp::Config::default().nodelay(true))
}

impl Transport for TcpSockets {
    type Output = TcpStream;
    type Error = io::Error;
    type ListenerUpgrade = <Inner as Transport>::ListenerUpgrade;
    type Dial = BoxFuture<'static, io::Result<TcpStream>>;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<io::Error>> {
        self.0.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.0.remove_listener(id)
    }

    fn dial(&mut self, address: Multiaddr, how: DialOpts) -> Result<Self::Dial, TransportError<io::Error>> {
        let dial = self.0.dial(address.clone(), how)?;
        Ok(async move {
            match dial.await {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && how.port_use == PortUse::Reuse => {
                    let how = DialOpts { port_use: PortUse::New, ..how };
                    sockets().dial(address, how).map_err(io::Error::other)?.await
                }
                result => result,
            }
        }
        .boxed())
    }

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, io::Error>> {
        Pin::new(&mut self.0).poll(context)
    }
}
