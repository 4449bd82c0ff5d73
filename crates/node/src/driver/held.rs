//! What is held back for privacy (`docs/protocol.md` §10): frames on their way out, in their order, each until its time.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::clock;
use super::egress::Released;
use crate::limits;

/// Frames that wait.
#[derive(Default)]
pub(crate) struct Held {
    waiting: VecDeque<(Instant, Released)>,
}

impl Held {
    /// Keeps of a step what is to be held back; what is left goes now.
    pub(crate) fn pass(&mut self, batch: Vec<Released>) -> Vec<Released> {
        let mut until = self.waiting.back().map(|(until, _)| *until);
        let mut now = Vec::new();
        for released in batch {
            match released {
                // Later than this step asks for, if what came before is: the order stays.
                Released::Hold(time) => until = until.max(Some(clock::later(time))),
                Released::Broadcast { .. } | Released::Send { .. } | Released::Publish { .. } => match until {
                    Some(until) => self.waiting.push_back((until, released)),
                    None => now.push(released),
                },
                other => now.push(other),
            }
        }
        let excess = self.waiting.len().saturating_sub(limits::HELD);
        now.extend(self.waiting.drain(..excess).map(|(_, released)| released));
        now
    }

    /// The next that is due, when it is due. Nothing is lost if nobody waits to the end.
    pub(crate) async fn next(&mut self) -> Option<Released> {
        match self.waiting.front() {
            Some((until, _)) => tokio::time::sleep_until(*until).await,
            None => core::future::pending().await,
        }
        self.waiting.pop_front().map(|(_, released)| released)
    }

    /// All that waits, at once: the node is stopping.
    pub(crate) fn rest(&mut self) -> impl Iterator<Item = Released> {
        self.waiting.drain(..).map(|(_, released)| released)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::sync::Arc;

    use motet_wire::Topic;

    use super::*;

    fn frame(number: u8) -> Released {
        Released::Broadcast { topic: Topic::Sessions, frame: Arc::from([number]) }
    }

    fn numbers(released: impl IntoIterator<Item = Released>) -> Vec<u8> {
        let number = |released| if let Released::Broadcast { frame, .. } = released { Some(frame[0]) } else { None };
        released.into_iter().filter_map(number).collect()
    }

    const HOUR: Released = Released::Hold(Duration::from_secs(3600));
    const MOMENT: Released = Released::Hold(Duration::ZERO);

    #[tokio::test]
    async fn what_is_held_back_leaves_in_its_order_and_everything_else_at_once() {
        let mut held = Held::default();
        assert_eq!(numbers(held.pass(vec![frame(0)])), [0]);
        assert_eq!(held.pass(vec![MOMENT, frame(1), Released::Republish]).len(), 1);
        assert!(numbers(held.pass(vec![MOMENT, frame(2)])).is_empty());
        // It does not overtake, though nobody holds it back.
        assert!(numbers(held.pass(vec![frame(3)])).is_empty());
        let mut left = Vec::new();
        for _ in 0..3 {
            left.extend(held.next().await);
        }
        assert_eq!(numbers(left), [1, 2, 3]);
        assert_eq!(numbers(held.pass(vec![frame(4)])), [4]);
    }

    #[tokio::test]
    async fn a_node_that_stops_sends_what_it_held_back() {
        let mut held = Held::default();
        assert!(held.pass(vec![HOUR, frame(1), frame(2)]).is_empty());
        assert!(numbers(held.pass(vec![MOMENT, frame(3)])).is_empty());
        assert_eq!(numbers(held.rest()), [1, 2, 3]);
    }

    #[test]
    fn no_more_is_held_back_than_there_is_room_for() {
        let mut held = Held::default();
        for number in 0..limits::HELD {
            assert!(held.pass(vec![HOUR, frame(number as u8)]).is_empty());
        }
        assert_eq!(numbers(held.pass(vec![HOUR, frame(7), frame(8)])), [0, 1]);
    }
}
