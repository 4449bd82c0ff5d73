//! Subscriptions of other nodes to gossip topics, and their bound.

use libp2p::gossipsub::{MaxCountSubscriptionFilter, TopicHash, TopicSubscriptionFilter};
use motet_wire::{NetworkId, Topic};

use crate::limits;

/// A filter for the topics of one network: a subscription to any other name is dropped.
#[derive(Debug, Clone)]
pub(crate) struct TopicFilter(NetworkId);

impl TopicFilter {
    /// The filter of a network, with the bound on the topics of one peer.
    pub(crate) const fn bounded(network: NetworkId) -> MaxCountSubscriptionFilter<Self> {
        MaxCountSubscriptionFilter {
            filter: Self(network),
            max_subscribed_topics: limits::SUBSCRIPTIONS,
            max_subscriptions_per_request: limits::SUBSCRIPTIONS,
        }
    }
}

impl TopicSubscriptionFilter for TopicFilter {
    fn can_subscribe(&mut self, topic: &TopicHash) -> bool {
        Topic::parse(topic.as_str(), &self.0).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_topics_of_this_network_are_subscribed_to() {
        let mut filter = TopicFilter::bounded(NetworkId::test());
        let mut takes = |name: &str| filter.can_subscribe(&TopicHash::from_raw(name));
        assert!(takes("motet/test/v2/offers/all") && takes("motet/test/v2/offers/type/swap"));
        assert!(!takes("motet/main/v2/offers/all") && !takes("motet/test/v1/signers") && !takes("anything"));
    }
}
