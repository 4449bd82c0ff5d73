//! The way of a frame into a node: its pipeline, then its engine.

use std::sync::Arc;

use motet_coordinator::Input;
use motet_wire::{Admitted, Arrival, Channel, Message, PeerId, Rejection, Validated};

use super::{Cluster, Seen};
use crate::network::Flight;
use crate::node::pipeline;
use crate::sent::Way;

impl Cluster {
    /// Lets a node take a frame in, as if a peer had just sent it. A test chooses peer, channel and network group.
    ///
    /// # Errors
    ///
    /// [`Rejection`], if the node's pipeline drops it.
    pub fn hear(&mut self, node: usize, arrival: Arrival) -> Result<(), Rejection> {
        let now = self.now();
        let admitted = self.node_mut(node).validator().admit(arrival, now);
        if admitted.is_ok() {
            self.see(node, Seen::Admitted);
        }
        self.take(node, admitted.and_then(Admitted::verify))
    }

    /// The same through a pipeline without a memory: as if the node had never heard anything before, so that a flood meets no budget and
    /// a repetition is no repetition.
    ///
    /// # Errors
    ///
    /// [`Rejection`].
    pub fn hear_afresh(&mut self, node: usize, arrival: Arrival) -> Result<(), Rejection> {
        let result = pipeline().validate(arrival, self.now());
        self.take(node, result)
    }

    /// The messages that nodes have sent straight to a peer, such as a [`Stranger`](crate::Stranger).
    pub fn messages_to(&self, peer: PeerId) -> Vec<Message> {
        let mut validator = pipeline();
        let to_peer = self.sent().iter().filter(|sent| sent.way == Way::Direct(peer));
        let arrivals = to_peer
            .map(|sent| Arrival::new(Arc::clone(&sent.frame), Channel::Direct, peer).standing(self.class, self.class));
        arrivals.filter_map(|arrival| Some(validator.validate(arrival, self.now()).ok()?.into_message())).collect()
    }

    /// A frame has arrived.
    pub(super) fn receive(&mut self, flight: Flight) {
        if self.network.is_heard(&flight) && !self.node(flight.to).is_down() {
            if flight.from != self.node(flight.to).peer() {
                self.node_mut(flight.to).note_heard(Arc::clone(&flight.frame));
            }
            let arrival = Arrival::new(flight.frame, flight.channel, flight.from).standing(self.class, self.class);
            // Observers have seen it if it was rejected, and the sender of a frame is not told.
            let _rejected = self.hear(flight.to, arrival);
        }
    }

    fn take(&mut self, node: usize, result: Result<Validated, Rejection>) -> Result<(), Rejection> {
        match result {
            Ok(message) => {
                self.accepted += 1;
                self.input(node, Input::Message(Box::new(message)));
                Ok(())
            }
            Err(rejection) => {
                self.see(node, Seen::Rejected(&rejection));
                if let Some(frame) = rejection.signed_frame.clone() {
                    self.input(node, Input::Malformed { frame });
                }
                Err(rejection)
            }
        }
    }
}
