//! Subscriptions of other nodes to gossip topics: their bound, and their number.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use libp2p::gossipsub::{MaxCountSubscriptionFilter, TopicHash, TopicSubscriptionFilter};
use motet_wire::{NetworkId, Topic};

use crate::limits;

/// The number of names of topics that the filter has looked at since it was last taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct LookedAt(Arc<AtomicU64>);

impl LookedAt {
    /// The number, which begins anew.
    pub(crate) fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// A filter for the topics of one network: a subscription to any other name is dropped. It counts what it looks at, so that a peer whose
/// subscriptions are dropped pays for them like any other.
#[derive(Debug, Clone)]
pub(crate) struct TopicFilter {
    network: NetworkId,
    looked_at: LookedAt,
}

impl TopicFilter {
    /// The filter of a network, with the bound on the topics of one peer.
    pub(crate) const fn bounded(network: NetworkId, looked_at: LookedAt) -> MaxCountSubscriptionFilter<Self> {
        MaxCountSubscriptionFilter {
            filter: Self { network, looked_at },
            max_subscribed_topics: limits::SUBSCRIPTIONS,
            // The size of a packet bounds them. With a bound here, a packet with more would be dropped before anything of it is counted.
            max_subscriptions_per_request: usize::MAX,
        }
    }
}

impl TopicSubscriptionFilter for TopicFilter {
    fn can_subscribe(&mut self, topic: &TopicHash) -> bool {
        self.looked_at.0.fetch_add(1, Ordering::Relaxed);
        Topic::parse(topic.as_str(), &self.network).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_topics_of_this_network_are_subscribed_to_and_all_are_counted() {
        let looked_at = LookedAt::default();
        let mut filter = TopicFilter::bounded(NetworkId::test(), looked_at.clone());
        let mut takes = |name: &str| filter.can_subscribe(&TopicHash::from_raw(name));
        assert!(takes("motet/test/v2/offers/all") && takes("motet/test/v2/offers/type/swap"));
        assert!(!takes("motet/main/v2/offers/all") && !takes("motet/test/v1/signers") && !takes("anything"));
        assert_eq!((looked_at.take(), looked_at.take()), (5, 0));
    }
}
