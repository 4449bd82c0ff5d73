//! Outcomes of frames, on their way to the network.
//!
//! The network may have no room for an outcome at once. It waits here then, and the driver takes nothing more from the
//! network meanwhile. So the number of waiting outcomes is bounded by the frames that were taken before.

use std::collections::VecDeque;

use motet_net::{Feedback, NetHandle};

/// The feedback that waits, in its order.
#[derive(Debug, Default)]
pub(crate) struct Reports(VecDeque<Feedback>);

impl Reports {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hands over feedback, behind the feedback that waits.
    pub(crate) fn push(&mut self, feedback: Feedback, net: &NetHandle) {
        self.0.push_back(feedback);
        self.send(net);
    }

    /// Hands over waiting feedback, as far as the network has room.
    pub(crate) fn send(&mut self, net: &NetHandle) {
        while let Some(feedback) = self.0.pop_front() {
            if let Err(feedback) = net.try_feedback(feedback) {
                return self.0.push_front(feedback);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use motet_net::{Entry, EntryPolicy, Keypair, Net, NetConfig};
    use motet_wire::NetworkId;

    use super::*;

    #[derive(Debug)]
    struct Nothing;

    impl EntryPolicy for Nothing {
        fn entry(&self, _: &[u8; 32], _: &[u8]) -> Option<Entry> {
            None
        }
    }

    #[tokio::test]
    async fn feedback_that_the_network_has_no_room_for_waits_and_is_not_lost() {
        let config = NetConfig::local(NetworkId::test(), Keypair::generate());
        let (net, _events) = Net::start(config, Arc::new(Nothing)).unwrap();
        let mut reports = Reports::default();
        // The network's task runs when this one waits, and not before.
        let mut given = 0;
        while reports.is_empty() {
            assert!(given < 100_000, "nothing is bounded");
            reports.push(Feedback::Block { peer: Keypair::generate().peer_id() }, &net);
            given += 1;
        }
        reports.push(Feedback::Block { peer: Keypair::generate().peer_id() }, &net);
        while !reports.is_empty() {
            net.room().await;
            reports.send(&net);
        }
        assert_eq!(net.stats().await.unwrap().blocked, given + 1);
    }
}
