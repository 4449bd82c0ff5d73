//! Other nodes with this node's own identity: a copy of its data that runs somewhere else.
//!
//! Two such nodes can never be connected with each other, and a peer that dials their identity reaches either. They
//! notice attempts only: one calls the other, and each hears its own peer id. A node that calls itself hears the same,
//! at both ends at once. That is no second node, so each end waits a moment for the other before the user is told.

use libp2p::Multiaddr;
use tokio::time::Instant;

use crate::limits;

/// The node that has answered or called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// This very node, at an address that it has not known for its own.
    Itself,
    /// Another node of this identity, which is there.
    Other(Multiaddr),
}

/// Observations of this node's own peer id at the other end of a connection.
#[derive(Debug, Default)]
pub(crate) struct Twins {
    /// Address at which it has answered, and the time.
    answered: Option<(Instant, Multiaddr)>,
    /// Address from which it has called, and the time.
    called: Option<(Instant, Multiaddr)>,
    /// Time of the last call of this node that its own peer id answered.
    last_answer: Option<Instant>,
    /// Time of the last call from this node's own peer id.
    last_call: Option<Instant>,
    told: Option<Instant>,
}

impl Twins {
    /// This node has called an address that is none of its own, and its own peer id has answered.
    pub(crate) fn on_answer(&mut self, address: Multiaddr, now: Instant) {
        self.answered.get_or_insert((now, address));
        self.last_answer = Some(now);
    }

    /// This node has called one of its own addresses.
    pub(crate) fn on_own_address(&mut self, now: Instant) {
        self.last_answer = Some(now);
    }

    /// Its own peer id has called this node.
    pub(crate) fn on_call(&mut self, address: Multiaddr, now: Instant) {
        self.called.get_or_insert((now, address));
        self.last_call = Some(now);
    }

    /// Time of the next decision.
    pub(crate) fn next(&self) -> Option<Instant> {
        let since = [&self.answered, &self.called].into_iter().flatten().map(|(at, _)| *at).min();
        since.map(|at| at + limits::TWIN_WAIT)
    }

    /// The decision, if it is due and was not told lately.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Found> {
        let answered = self.answered.take_if(|(at, _)| *at + limits::TWIN_WAIT <= now);
        let called = self.called.take_if(|(at, _)| *at + limits::TWIN_WAIT <= now);
        let around = |at: Instant, other: Option<Instant>| other.is_some_and(|other| other + limits::TWIN_WAIT >= at);
        if answered.as_ref().is_some_and(|(at, _)| around(*at, self.last_call)) {
            return Some(Found::Itself);
        }
        let called = called.filter(|(at, _)| !around(*at, self.last_answer));
        let (_, address) = answered.or(called)?;
        if self.told.is_some_and(|told| told + limits::TWIN_PAUSE > now) {
            return None;
        }
        self.told = Some(now);
        Some(Found::Other(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Multiaddr {
        "/ip4/203.0.113.7/tcp/1".parse().unwrap()
    }

    #[test]
    fn who_answers_or_calls_with_ones_own_identity_is_told_of_once_in_a_while() {
        let now = Instant::now();
        let mut caller = Twins::default();
        assert_eq!(caller.next(), None);
        caller.on_answer(place(), now);
        let later = caller.next().unwrap();
        assert_eq!(caller.due(now), None);
        assert_eq!(caller.due(later), Some(Found::Other(place())));
        assert_eq!(caller.next(), None);
        caller.on_answer(place(), later);
        assert_eq!(caller.due(caller.next().unwrap()), None, "it has just been told");
        caller.on_answer(place(), later + limits::TWIN_PAUSE);
        assert_eq!(caller.due(caller.next().unwrap()), Some(Found::Other(place())));
        let mut called = Twins::default();
        called.on_call(place(), now);
        assert_eq!(called.due(called.next().unwrap()), Some(Found::Other(place())));
    }

    #[test]
    fn a_node_that_calls_itself_is_no_other_node() {
        let now = Instant::now();
        let late = now + limits::TWIN_WAIT;
        // By an address that it does not know for its own, such as one of a router that forwards a port to it.
        let mut twins = Twins::default();
        twins.on_answer(place(), now);
        twins.on_call("/ip4/192.168.7.1/tcp/9".parse().unwrap(), now);
        assert_eq!(twins.due(late), Some(Found::Itself));
        let mut twins = Twins::default();
        twins.on_call(place(), now);
        twins.on_own_address(now);
        assert_eq!(twins.due(late), None);
    }
}
