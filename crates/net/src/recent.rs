//! Frames that this node has published recently, for peers that connect later.
//!
//! An announcement that is older than clocks may differ looks like one of a wrong clock (rule V-23). So it is kept no
//! longer than that.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use motet_wire::Topic;
use tokio::time::Instant;

use crate::limits;

/// A frame, and when it was published.
type Published = (Instant, Arc<[u8]>);

/// The newest frames of each topic.
#[derive(Debug, Default)]
pub(crate) struct Recent(BTreeMap<Topic, VecDeque<Published>>);

impl Recent {
    /// A frame has been published.
    pub(crate) fn add(&mut self, topic: Topic, frame: Arc<[u8]>, now: Instant) {
        let recent = self.0.entry(topic).or_default();
        if recent.len() >= limits::RECENT {
            recent.pop_front();
        }
        recent.push_back((now, frame));
    }

    /// The frames that are still worth sending.
    pub(crate) fn of(&mut self, topic: Topic, now: Instant) -> Vec<Arc<[u8]>> {
        let Some(recent) = self.0.get_mut(&topic) else { return Vec::new() };
        recent.retain(|(at, _)| *at + limits::RECENT_TIME > now);
        recent.iter().map(|(_, frame)| Arc::clone(frame)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_published_is_told_while_it_is_recent() {
        let (mut recent, now) = (Recent::default(), Instant::now());
        let frame = |number: u8| Arc::<[u8]>::from([number]);
        recent.add(Topic::Signers, frame(1), now);
        recent.add(Topic::Signers, frame(2), now + limits::RECENT_TIME / 2);
        assert_eq!(recent.of(Topic::Signers, now), [frame(1), frame(2)]);
        assert_eq!(recent.of(Topic::Requests, now), Vec::<Arc<[u8]>>::new());
        assert_eq!(recent.of(Topic::Signers, now + limits::RECENT_TIME), [frame(2)]);
        for number in 0..=u8::MAX {
            recent.add(Topic::Signers, frame(number), now);
        }
        assert_eq!(recent.of(Topic::Signers, now).len(), limits::RECENT);
    }
}
