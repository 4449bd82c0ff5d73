//! The queries of this node for records of the DHT, of which so many run at a time.
//!
//! A query asks three nodes at once, most of which have to be dialled, and a node has few places for connections to strangers. More queries would
//! close each other's connections before the answers are there, and find nothing.

use std::collections::{HashMap, VecDeque};

use libp2p::kad;

use super::Place;
use super::store::BagStore;
use crate::limits;

/// The queries that run, and those that wait for their turn.
#[derive(Debug, Default)]
pub(crate) struct Queries {
    gets: Turns<(Place, u64)>,
    puts: Turns<kad::Record>,
    /// The question that a query belongs to; `None` of a put.
    running: HashMap<kad::QueryId, Option<u64>>,
}

/// The queries of one kind.
#[derive(Debug)]
struct Turns<T> {
    waiting: VecDeque<T>,
    running: usize,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), running: 0 }
    }
}

impl<T> Turns<T> {
    /// Lets one wait. Returns whether there was room.
    fn add(&mut self, query: T) -> bool {
        let has_room = self.waiting.len() < limits::QUERIES_WAITING;
        if has_room {
            self.waiting.push_back(query);
        }
        has_room
    }

    /// The next, if one may run.
    fn next(&mut self, at_once: usize) -> Option<T> {
        if self.running >= at_once { None } else { self.waiting.pop_front() }
    }
}

impl Queries {
    /// Asks for what lies at a place, as a part of a question. Returns false if too many wait.
    pub(crate) fn get(&mut self, place: Place, question: u64) -> bool {
        self.gets.add((place, question))
    }

    /// Puts a record. Returns false if too many wait.
    pub(crate) fn put(&mut self, record: kad::Record) -> bool {
        self.puts.add(record)
    }

    /// Starts those that may run.
    pub(crate) fn start(&mut self, kad: &mut kad::Behaviour<BagStore>) {
        while let Some((place, question)) = self.gets.next(limits::GETS_AT_ONCE) {
            self.gets.running += 1;
            self.running.insert(kad.get_record(kad::RecordKey::from(place.to_vec())), Some(question));
        }
        while let Some(record) = self.puts.next(limits::PUTS_AT_ONCE) {
            match kad.put_record(record, kad::Quorum::One) {
                Ok(id) => {
                    self.puts.running += 1;
                    self.running.insert(id, None);
                }
                Err(error) => tracing::debug!(%error, "a record was not put"),
            }
        }
    }

    /// The question that a query belongs to.
    pub(crate) fn question(&self, id: kad::QueryId) -> Option<u64> {
        self.running.get(&id).copied().flatten()
    }

    /// A query is over.
    pub(crate) fn end(&mut self, id: kad::QueryId) {
        let turns = match self.running.remove(&id) {
            Some(Some(_)) => &mut self.gets.running,
            Some(None) => &mut self.puts.running,
            None => return,
        };
        *turns = turns.saturating_sub(1);
    }

    /// A question needs no more answers.
    pub(crate) fn settle(&mut self, question: u64, kad: &mut kad::Behaviour<BagStore>) {
        self.gets.waiting.retain(|(_, of)| *of != question);
        let (gets, before) = (&mut self.gets.running, self.running.len());
        self.running.retain(|id, of| {
            let is_over = *of == Some(question);
            if is_over && let Some(mut query) = kad.query_mut(id) {
                query.finish();
            }
            !is_over
        });
        *gets = gets.saturating_sub(before - self.running.len());
    }

    /// True while a record is on its way.
    pub(crate) fn is_putting(&self) -> bool {
        self.puts.running > 0 || !self.puts.waiting.is_empty()
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the order of ids makes no difference to these tests")]
mod tests {
    use libp2p::PeerId;

    use super::*;

    fn kademlia() -> kad::Behaviour<BagStore> {
        kad::Behaviour::new(PeerId::random(), BagStore::default())
    }

    fn record(number: u8) -> kad::Record {
        kad::Record::new(vec![number; 32], vec![number])
    }

    #[test]
    fn so_many_queries_run_at_a_time_and_all_have_their_turn() {
        let (mut queries, mut kad) = (Queries::default(), kademlia());
        for number in 0..100 {
            assert!(queries.get([number; 32], 7) && queries.put(record(number)));
        }
        let (mut begun, mut rounds) = (0, 0);
        while queries.is_putting() || queries.gets.running + queries.gets.waiting.len() > 0 {
            queries.start(&mut kad);
            assert!(queries.gets.running <= limits::GETS_AT_ONCE && queries.puts.running <= limits::PUTS_AT_ONCE);
            let ids: Vec<_> = queries.running.keys().copied().collect();
            begun += ids.len();
            ids.into_iter().for_each(|id| queries.end(id));
            rounds += 1;
        }
        assert_eq!((begun, rounds), (200, 100_usize.div_ceil(limits::GETS_AT_ONCE)));
    }

    #[test]
    fn a_question_that_is_settled_gives_its_turns_to_others() {
        let (mut queries, mut kad) = (Queries::default(), kademlia());
        for number in 0..100 {
            queries.get([number; 32], u64::from(number / 50));
        }
        queries.start(&mut kad);
        assert_eq!(queries.gets.running, limits::GETS_AT_ONCE);
        queries.settle(0, &mut kad);
        assert_eq!((queries.gets.running, queries.gets.waiting.len()), (0, 50));
        queries.start(&mut kad);
        assert!(queries.running.values().all(|question| *question == Some(1)));
        assert!(queries.running.keys().all(|id| queries.question(*id) == Some(1)));
    }

    #[test]
    fn queries_that_wait_are_bounded() {
        let mut queries = Queries::default();
        let added =
            (0..10_000_u64).filter(|question| queries.get([1; 32], *question) && queries.put(record(1))).count();
        assert_eq!(added, limits::QUERIES_WAITING);
    }
}
