//! The doorway for connections that others open: those whose other end has not shown who it is yet.
//!
//! A socket that says nothing costs its owner nothing. So the sockets of one network have a share of the doorway, and in all there is a bound.
//! Where there is no room, the socket goes that has waited longest in the network that has most: an honest handshake takes a few
//! round trips, and a silent socket waits for ever.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use libp2p::core::Transport;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::{Boxed, DialOpts, ListenerId, TransportError, TransportEvent};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use motet_wire::NetworkGroup;
use tokio::sync::oneshot;

use crate::limits;
use crate::reach;

type Inner = Boxed<(PeerId, StreamMuxerBox)>;

/// A transport whose incoming connections pass the doorway.
pub(crate) struct Doorway {
    inner: Inner,
    waiting: Waiting,
}

/// The connections that wait in the doorway, the oldest first.
#[derive(Debug, Clone, Default)]
struct Waiting(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    last: u64,
    places: VecDeque<Place>,
}

/// A place in the doorway. When it is dropped, its connection is cut.
#[derive(Debug)]
struct Place {
    number: u64,
    origin: Origin,
    _cut: oneshot::Sender<()>,
}

/// The network that a connection comes from. Addresses of this machine count one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Machine(IpAddr),
    Group(NetworkGroup),
}

impl Origin {
    fn of(address: &Multiaddr) -> Self {
        match reach::ip(address) {
            Some(ip) if ip.to_canonical().is_loopback() => Self::Machine(ip),
            Some(ip) => Self::Group(NetworkGroup::of(ip)),
            // Nodes within one process count one by one, too.
            None => match address.iter().next() {
                Some(Protocol::Memory(port)) => Self::Machine(IpAddr::V6(u128::from(port).into())),
                Some(_) | None => Self::Group(NetworkGroup::Unseen),
            },
        }
    }
}

impl Queue {
    /// The index of the place that is given up: the oldest of those of an origin.
    fn oldest_of(&self, origin: Origin) -> Option<usize> {
        self.places.iter().position(|place| place.origin == origin)
    }

    fn make_room(&mut self, origin: Origin) {
        let mut counts = BTreeMap::<Origin, usize>::new();
        for place in &self.places {
            *counts.entry(place.origin).or_default() += 1;
        }
        let given_up = if counts.get(&origin).is_some_and(|count| *count >= limits::PENDING_PER_GROUP) {
            self.oldest_of(origin)
        } else if self.places.len() >= limits::PENDING {
            let most = counts.into_iter().max_by_key(|(_, count)| *count);
            most.and_then(|(origin, _)| self.oldest_of(origin))
        } else {
            None
        };
        if let Some(index) = given_up {
            drop(self.places.remove(index));
        }
    }
}

impl Waiting {
    fn enter(&self, origin: Origin) -> (Ticket, oneshot::Receiver<()>) {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.make_room(origin);
        queue.last = queue.last.wrapping_add(1);
        let number = queue.last;
        let (cut, is_cut) = oneshot::channel();
        queue.places.push_back(Place { number, origin, _cut: cut });
        (Ticket { number, waiting: self.clone() }, is_cut)
    }
}

/// The right to a place. The place is free again when this is dropped.
#[derive(Debug)]
struct Ticket {
    number: u64,
    waiting: Waiting,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut queue = self.waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.places.retain(|place| place.number != self.number);
    }
}

/// A connection in the doorway, until it is through or cut.
pub(crate) struct Entering {
    upgrade: <Inner as Transport>::ListenerUpgrade,
    is_cut: oneshot::Receiver<()>,
    _ticket: Ticket,
}

impl Future for Entering {
    type Output = io::Result<(PeerId, StreamMuxerBox)>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(done) = self.upgrade.poll_unpin(context) {
            return Poll::Ready(done);
        }
        self.is_cut.poll_unpin(context).map(|_| Err(io::Error::other("too many connections wait to be opened")))
    }
}

impl Doorway {
    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner, waiting: Waiting::default() }
    }
}

impl Transport for Doorway {
    type Output = (PeerId, StreamMuxerBox);
    type Error = io::Error;
    type ListenerUpgrade = Entering;
    type Dial = <Inner as Transport>::Dial;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<io::Error>> {
        self.inner.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.inner.remove_listener(id)
    }

    fn dial(&mut self, address: Multiaddr, options: DialOpts) -> Result<Self::Dial, TransportError<io::Error>> {
        self.inner.dial(address, options)
    }

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<TransportEvent<Entering, io::Error>> {
        Pin::new(&mut self.inner).poll(context).map(|event| {
            let origin = if let TransportEvent::Incoming { send_back_addr, .. } = &event {
                Some(Origin::of(send_back_addr))
            } else {
                None
            };
            event.map_upgrade(|upgrade| {
                let origin = origin.unwrap_or(Origin::Group(NetworkGroup::Unseen));
                let (ticket, is_cut) = self.waiting.enter(origin);
                Entering { upgrade, is_cut, _ticket: ticket }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(number: u8) -> Origin {
        Origin::Group(NetworkGroup::V4([203, 0, number]))
    }

    fn is_cut(is_cut: &mut oneshot::Receiver<()>) -> bool {
        matches!(is_cut.try_recv(), Err(oneshot::error::TryRecvError::Closed))
    }

    #[test]
    fn silent_sockets_of_one_network_cut_each_other_and_nobody_else() {
        let waiting = Waiting::default();
        let mut honest = waiting.enter(origin(1));
        let mut silent: Vec<_> = (0..10_000).map(|_| waiting.enter(origin(2))).collect();
        assert!(!is_cut(&mut honest.1));
        let left = silent.iter_mut().filter_map(|(_, cut)| (!is_cut(cut)).then_some(())).count();
        assert_eq!(left, limits::PENDING_PER_GROUP);
        assert!(!is_cut(&mut silent.last_mut().unwrap().1), "who comes last has a place");
        drop(silent);
        assert_eq!(waiting.0.lock().unwrap().places.len(), 1);
        drop(honest);
        assert!(waiting.0.lock().unwrap().places.is_empty());
    }

    #[test]
    fn a_flood_from_many_networks_fills_so_many_places_and_the_network_that_has_most_gives_way() {
        let waiting = Waiting::default();
        let mut honest = waiting.enter(origin(0));
        let mut flood = Vec::new();
        for round in 0..50 {
            for network in 1..=200 {
                flood.push(waiting.enter(origin(network)));
                assert!(waiting.0.lock().unwrap().places.len() <= limits::PENDING, "{round}");
            }
        }
        assert!(!is_cut(&mut honest.1));
        let mut newcomer = waiting.enter(origin(201));
        assert!(!is_cut(&mut newcomer.1));
    }

    #[test]
    fn addresses_of_this_machine_count_one_by_one_and_others_by_their_network() {
        let of = |text: &str| Origin::of(&text.parse().unwrap());
        assert_ne!(of("/ip4/127.0.0.1/tcp/1"), of("/ip4/127.0.0.2/tcp/1"));
        assert_eq!(of("/ip4/203.0.113.1/tcp/1"), of("/ip4/203.0.113.2/tcp/2"));
        assert_ne!(of("/ip4/203.0.113.1/tcp/1"), of("/ip4/203.0.112.1/tcp/1"));
        assert_eq!(of("/ip6/2001:db8:1:2::1/tcp/1"), of("/ip6/2001:db8:1:3::1/udp/1/quic-v1"));
    }
}
