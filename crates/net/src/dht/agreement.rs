//! The answers to a question about one entry, and the moment from which it need not be asked on.
//!
//! Each node can tell an older entry of the same author, and none can forge one. So a few nodes must have told the same, at more than one place of the
//! key, and none anything else.

use std::collections::BTreeSet;

use libp2p::PeerId;

use super::{Place, unpack};
use crate::limits;

/// The answers of other nodes so far.
#[derive(Debug, Default)]
pub(crate) struct Agreement {
    frames: BTreeSet<Vec<u8>>,
    tellers: BTreeSet<PeerId>,
    places: BTreeSet<Place>,
    has_failed: bool,
}

impl Agreement {
    /// Takes an answer in. Returns true if enough nodes have given the same.
    pub(crate) fn hear(&mut self, teller: PeerId, place: Place, bag: &[u8]) -> bool {
        let frames: BTreeSet<Vec<u8>> = unpack(bag).unwrap_or_default().into_iter().map(<[u8]>::to_vec).collect();
        if self.tellers.is_empty() {
            self.has_failed |= !(1..=limits::AGREED_FRAMES).contains(&frames.len());
            self.frames = frames;
        } else if self.frames != frames {
            self.has_failed = true;
        }
        self.tellers.insert(teller);
        self.places.insert(place);
        !self.has_failed && self.tellers.len() >= limits::AGREED_NODES && self.places.len() >= limits::AGREED_PLACES
    }

    /// An agreement of the nodes is worth nothing from now on: all answers are waited for.
    pub(crate) fn fail(&mut self) {
        self.has_failed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dht::pack;

    fn hears(answers: impl IntoIterator<Item = (PeerId, u8, Vec<u8>)>) -> bool {
        let mut agreement = Agreement::default();
        answers.into_iter().fold(false, |_, (teller, place, bag)| agreement.hear(teller, [place; 32], &bag))
    }

    fn bag(frames: &[&str]) -> Vec<u8> {
        pack(frames.iter().map(|frame| frame.as_bytes()))
    }

    #[test]
    fn some_nodes_of_two_places_that_tell_the_same_agree() {
        let nodes = limits::AGREED_NODES;
        let told = |count: usize, frames: &[&str]| {
            let bag = bag(frames);
            (0..count).map(move |number| (PeerId::random(), u8::from(number == 0), bag.clone()))
        };
        assert!(hears(told(nodes, &["a", "b"])));
        assert!(!hears(told(nodes - 1, &["a"])));
        assert!(!hears(told(nodes, &[])), "nothing is no answer");
        let at_one_place = told(nodes, &["a"]).map(|(teller, _, bag)| (teller, 1, bag));
        assert!(!hears(at_one_place));
        let node = PeerId::random();
        assert!(
            !hears(told(nodes, &["a"]).map(|(_, place, bag)| (node, place, bag))),
            "one node tells it again and again"
        );
    }

    #[test]
    fn one_node_that_tells_something_else_is_enough_to_wait_for_all() {
        let told = |frames: &[&str]| (PeerId::random(), 1, bag(frames));
        let same = || (0..20).map(|place| (PeerId::random(), place, bag(&["a", "b"])));
        assert!(hears(same().chain([told(&["b", "a"])])), "the order is nothing else");
        for other in [&["a"][..], &["c"], &["a", "b", "c"], &[]] {
            assert!(!hears(same().take(2).chain([told(other)]).chain(same())), "{other:?}");
            assert!(!hears([told(other)].into_iter().chain(same())), "{other:?}");
        }
        assert!(!hears(same().chain([(PeerId::random(), 1, vec![9])])), "it is no bag");
        let many: Vec<String> = (0..=limits::AGREED_FRAMES).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(!hears((0..20).map(|place| (PeerId::random(), place, bag(&many)))), "more than one entry has");
    }

    #[test]
    fn an_agreement_that_has_failed_stays_so() {
        let mut agreement = Agreement::default();
        agreement.fail();
        assert!((0..20).all(|place| !agreement.hear(PeerId::random(), [place; 32], &bag(&["a"]))));
    }
}
