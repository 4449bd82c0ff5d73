//! Frames that this node has published recently, for peers that subscribe later.
//!
//! An announcement that is older than clocks may differ looks like one of a wrong clock (rule V-23). So it is kept no
//! longer than that.

use std::collections::VecDeque;
use std::sync::Arc;

use motet_wire::Topic;
use tokio::time::Instant;

use crate::limits;

/// A frame, its topics, and when it was published.
#[derive(Debug)]
struct Published {
    at: Instant,
    topics: Vec<Topic>,
    frame: Arc<[u8]>,
}

/// The newest frames, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Recent(VecDeque<Published>);

impl Recent {
    /// A frame has been published.
    pub(crate) fn add(&mut self, topics: Vec<Topic>, frame: Arc<[u8]>, now: Instant) {
        if self.0.len() >= limits::RECENT {
            self.0.pop_front();
        }
        self.0.push_back(Published { at: now, topics, frame });
    }

    /// The frames that are still worth sending to a peer that subscribes to a topic. `has` says which other topics it has subscribed to:
    /// of those it has had the frames.
    pub(crate) fn of(&mut self, topic: &Topic, has: impl Fn(&Topic) -> bool, now: Instant) -> Vec<Arc<[u8]>> {
        self.0.retain(|published| published.at + limits::RECENT_TIME > now);
        let is_new = |published: &&Published| {
            let others = || published.topics.iter().filter(|other| *other != topic);
            published.topics.contains(topic) && !others().any(&has)
        };
        self.0.iter().filter(is_new).map(|published| Arc::clone(&published.frame)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_sent_to_new_subscribers_while_it_is_recent() {
        let (mut recent, now) = (Recent::default(), Instant::now());
        let frame = |number: u8| Arc::<[u8]>::from([number]);
        let none = |_: &Topic| false;
        recent.add(vec![Topic::AllOffers], frame(1), now);
        recent.add(vec![Topic::AllOffers, Topic::OpenOffers], frame(2), now + limits::RECENT_TIME / 2);
        assert_eq!(recent.of(&Topic::AllOffers, none, now), [frame(1), frame(2)]);
        assert_eq!(recent.of(&Topic::Requests(0), none, now), Vec::<Arc<[u8]>>::new());
        let has_all = |topic: &Topic| *topic == Topic::AllOffers;
        assert_eq!(recent.of(&Topic::OpenOffers, none, now), [frame(2)]);
        assert_eq!(recent.of(&Topic::OpenOffers, has_all, now), Vec::<Arc<[u8]>>::new(), "it has had it");
        assert_eq!(recent.of(&Topic::AllOffers, none, now + limits::RECENT_TIME), [frame(2)]);
        for number in 0..=u8::MAX {
            recent.add(vec![Topic::AllOffers], frame(number), now);
        }
        assert_eq!(recent.of(&Topic::AllOffers, none, now).len(), limits::RECENT);
    }
}
