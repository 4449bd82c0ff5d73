//! The events that wait for the node's user.
//!
//! Frames are bounded by number, and surplus ones are dropped: other nodes send them again, or Sync brings them back.
//! An event about the node itself comes once, so no flood of frames takes its room. These events are bounded as well: a
//! newer event replaces a waiting one of the same kind about the same subject, and the connection and the loss of a
//! peer cancel each other while both wait.

use std::collections::VecDeque;

use crate::event::NetEvent;
use crate::limits;

/// The events, in their order.
#[derive(Debug, Default)]
pub(crate) struct PendingEvents {
    queue: VecDeque<NetEvent>,
    /// Number of frames, and of events about the node.
    counts: [usize; 2],
}

/// Class of an event, by which it is counted against a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Frame,
    Control,
}

impl Class {
    fn of(event: &NetEvent) -> Self {
        if matches!(event, NetEvent::Received { .. }) { Self::Frame } else { Self::Control }
    }

    const fn limit(self) -> usize {
        match self {
            Self::Frame => limits::EVENTS,
            Self::Control => limits::CONTROL,
        }
    }
}

impl PendingEvents {
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Number of frames that wait, and of events about the node.
    pub(crate) const fn lengths(&self) -> (usize, usize) {
        let [frames, control] = self.counts;
        (frames, control)
    }

    pub(crate) fn pop(&mut self) -> Option<NetEvent> {
        let event = self.queue.pop_front()?;
        self.count(Class::of(&event), |count| count.saturating_sub(1));
        Some(event)
    }

    /// Takes an event. Returns whether there was room for it.
    pub(crate) fn push(&mut self, event: NetEvent) -> bool {
        let class = Class::of(&event);
        if class == Class::Control {
            if let NetEvent::PeerDisconnected { peer } = &event {
                let came =
                    |waiting: &NetEvent| matches!(waiting, NetEvent::PeerConnected { peer: came, .. } if came == peer);
                if self.remove(came) {
                    return true;
                }
            }
            self.remove(|waiting| is_superseded(waiting, &event));
        }
        if self.is_full(class) && !matches!(event, NetEvent::Unreachable { .. }) && class == Class::Control {
            // The failure to reach a peer is told again with the next message for it; the others are told once.
            self.remove(|waiting| matches!(waiting, NetEvent::Unreachable { .. }));
        }
        let mut has_room = false;
        self.count(class, |count| {
            has_room = count < class.limit();
            count + usize::from(has_room)
        });
        if has_room {
            self.queue.push_back(event);
        }
        has_room
    }

    const fn is_full(&self, class: Class) -> bool {
        let (frames, control) = self.lengths();
        let count = match class {
            Class::Frame => frames,
            Class::Control => control,
        };
        count >= class.limit()
    }

    fn count(&mut self, class: Class, change: impl FnOnce(usize) -> usize) {
        let [frames, control] = &mut self.counts;
        let count = match class {
            Class::Frame => frames,
            Class::Control => control,
        };
        *count = change(*count);
    }

    /// Removes the last event about the node of which this holds.
    fn remove(&mut self, is_wanted: impl Fn(&NetEvent) -> bool) -> bool {
        let Some(at) = self.queue.iter().rposition(is_wanted) else { return false };
        self.queue.remove(at);
        self.count(Class::Control, |count| count.saturating_sub(1));
        true
    }
}

/// True if a newer event makes a waiting one superfluous.
fn is_superseded(waiting: &NetEvent, newer: &NetEvent) -> bool {
    use NetEvent as E;
    match (waiting, newer) {
        (E::AddressesChanged { settled: old, .. }, E::AddressesChanged { settled: new, .. }) => old == new,
        (E::Listening { address: old }, E::Listening { address: new })
        | (E::ListeningEnded { address: old, .. }, E::ListeningEnded { address: new, .. })
        | (E::NamedUnreachable { address: old, .. }, E::NamedUnreachable { address: new, .. }) => old == new,
        (E::Unreachable { peer: old, .. }, E::Unreachable { peer: new, .. }) => old == new,
        (E::Twin { .. }, E::Twin { .. })
        | (E::ReachabilityChanged { .. }, E::ReachabilityChanged { .. })
        | (E::DiversityFell { .. }, E::DiversityFell { .. })
        | (E::DhtReady, E::DhtReady) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use motet_wire::{Channel, NetworkGroup, PeerId};

    use super::*;

    fn peer(number: u8) -> PeerId {
        PeerId::from_bytes(&[number; 38]).unwrap()
    }

    fn frame(channel: Channel) -> NetEvent {
        let group = NetworkGroup::Local;
        NetEvent::Received { from: peer(1), channel, topic: None, group, bytes: [7].into(), token: None }
    }

    fn connected(number: u8) -> NetEvent {
        NetEvent::PeerConnected { peer: peer(number), address: "/ip4/127.0.0.1/tcp/1".parse().unwrap() }
    }

    fn names(pending: &mut PendingEvents) -> Vec<String> {
        core::iter::from_fn(|| pending.pop())
            .filter(|event| Class::of(event) == Class::Control)
            .map(|event| format!("{event:?}"))
            .collect()
    }

    #[test]
    fn a_flood_of_frames_takes_no_room_from_what_is_about_the_node() {
        let mut pending = PendingEvents::default();
        for _ in 0..limits::EVENTS {
            assert!(pending.push(frame(Channel::Gossip)));
        }
        assert!(!pending.push(frame(Channel::Gossip)));
        let address = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        for event in [NetEvent::Listening { address }, connected(2), NetEvent::DhtReady] {
            assert!(pending.push(event));
        }
        assert!(!pending.push(frame(Channel::Gossip)));
        assert!(pending.pop().is_some() && pending.push(frame(Channel::Gossip)), "there is room again");
        let told = names(&mut pending);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("Listening") && told[1].starts_with("PeerConnected") && told[2] == "DhtReady");
        assert_eq!((pending.is_empty(), pending.counts), (true, [0; 2]));
    }

    #[test]
    fn events_about_the_node_are_bounded_by_what_they_are_about() {
        let mut pending = PendingEvents::default();
        // A user that sleeps, and peers that come and go meanwhile.
        assert!(pending.push(connected(1)));
        assert!(pending.pop().is_some());
        assert!(pending.push(NetEvent::PeerDisconnected { peer: peer(1) }));
        for _ in 0..limits::CONTROL {
            assert!(pending.push(connected(1)) && pending.push(connected(2)));
            for number in [1, 2] {
                assert!(pending.push(NetEvent::PeerDisconnected { peer: peer(number) }));
            }
            for reason in ["it is there", "it has gone"] {
                let (address, reason) = ("/ip4/127.0.0.1/tcp/1".parse().unwrap(), reason.to_owned());
                assert!(pending.push(NetEvent::ListeningEnded { address, reason }));
            }
        }
        assert!(pending.push(connected(1)));
        let told = names(&mut pending);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("PeerDisconnected") && told[1].contains("it has gone"), "{told:?}");
        assert!(told[2].starts_with("PeerConnected"), "{told:?}");
    }

    #[test]
    fn even_then_there_is_a_bound() {
        let mut pending = PendingEvents::default();
        let ended = |number: usize| NetEvent::Unreachable {
            peer: PeerId::from_bytes(&number.to_be_bytes()).unwrap(),
            reason: String::new(),
        };
        assert!((0..limits::CONTROL).all(|number| pending.push(ended(number))));
        assert!(!pending.push(ended(limits::CONTROL)));
        // The events that come once have room all the same.
        assert!(pending.push(NetEvent::DhtReady) && pending.push(connected(1)));
        assert_eq!(pending.lengths(), (0, limits::CONTROL));
    }
}
