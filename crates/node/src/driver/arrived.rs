//! Frames of others, before and after the pipeline.

use std::sync::Arc;

use motet_net::ReportToken;
use motet_wire::{Arrival, Channel, NetworkGroup, PeerClass, PeerId, Rejection, Topic, Validated};

use super::echoes::Echo;

/// A frame as it came.
pub(crate) struct Arrived {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) channel: Channel,
    /// The gossip topic that it came on.
    pub(crate) topic: Option<Topic>,
    pub(crate) from: PeerId,
    /// The network group of the connection that it came over.
    pub(crate) group: NetworkGroup,
    /// The gossip message to report on.
    pub(crate) token: Option<ReportToken>,
}

impl Arrived {
    /// A frame that was asked for: of no network group, and with nothing to report on.
    pub(crate) const fn asked(bytes: Arc<[u8]>, channel: Channel, from: PeerId) -> Self {
        Self { bytes, channel, topic: None, from, group: NetworkGroup::Local, token: None }
    }

    /// The frame for the pipeline, and the handle under which its verdict is reported.
    pub(super) fn into_arrival(self, peer: PeerClass, author: PeerClass) -> (Arrival, Option<ReportToken>) {
        let arrival = Arrival::new(self.bytes, self.channel, self.from).topic(self.topic).group(self.group);
        (arrival.standing(peer, author), self.token)
    }
}

/// A frame after the pipeline, with the verdict on it.
pub(crate) struct Checked {
    pub(super) from: PeerId,
    pub(super) token: Option<ReportToken>,
    /// The frame, if it may come by gossip once more.
    pub(super) echo: Option<Echo>,
    pub(super) result: Result<Box<Validated>, Box<Rejection>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_keeps_the_network_group_of_its_connection() {
        let from = PeerId::from_bytes(&[1; 38]).unwrap();
        let group = NetworkGroup::V4([203, 0, 113]);
        let arrived = |channel| Arrived { bytes: Arc::from([1, 7]), channel, topic: None, from, group, token: None };
        let stranger = PeerClass::Stranger;
        for channel in [Channel::Direct, Channel::Gossip] {
            let (arrival, _) = arrived(channel).into_arrival(stranger, PeerClass::Contact);
            assert_eq!((arrival.group, arrival.from, arrival.channel), (group, from, channel));
            assert_eq!((arrival.peer_standing, arrival.author_standing), (stranger, PeerClass::Contact));
        }
    }
}
