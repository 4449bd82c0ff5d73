//! The queries of this node for records of the DHT, of which so many run at a time.
//!
//! Most of the nodes that a query asks have to be dialled, and a node has few places for connections to strangers. More queries would close each
//! other's connections before the answers are there, and find nothing and put nothing. So they also have their turns in the order of their places
//! around the DHT: places that are close to each other have the same nodes around them, which are dialled once for all of them.
//!
//! A put has two parts: a query for the nodes that are closest to the place, and the record for each of them. Kademlia's own put ends with the first
//! node that confirms the record, and forgets those that are still being dialled.

use core::num::NonZeroUsize;
use std::collections::{BTreeMap, HashMap, VecDeque};

use libp2p::{PeerId, kad};

use super::store::BagStore;
use super::{Place, Settled};
use crate::limits;

/// The queries that run, and those that wait for their turn.
#[derive(Debug)]
pub(crate) struct Queries {
    /// Nodes that may be asked at a time.
    places: usize,
    /// Nodes that the running queries ask at a time.
    asked: usize,
    /// Gets for questions about one entry, which come first: they are three each, and a session may wait for them.
    finds: VecDeque<(Place, u64)>,
    gets: Circle<(Place, u64)>,
    seeks: Circle<kad::Record>,
    /// Records with the nodes that are closest to their places.
    stores: VecDeque<(kad::Record, Vec<PeerId>)>,
    /// The position of the look-up that was started last.
    at: Position,
    /// True if the next turn is a put's: gets and puts take turns.
    is_put_next: bool,
    running: HashMap<kad::QueryId, Running>,
    /// Parts of puts among them.
    putting: usize,
}

/// The position of a place in the DHT, in the order of Kademlia's distances.
type Position = [u8; 32];

fn position(place: &[u8]) -> Position {
    let key = kad::KBucketKey::new(place.to_vec());
    key.hashed_bytes().try_into().unwrap_or_default()
}

/// Queries that wait, by the positions of their places.
#[derive(Debug)]
struct Circle<T> {
    waiting: BTreeMap<(Position, u64), T>,
    added: u64,
}

impl<T> Default for Circle<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), added: 0 }
    }
}

impl<T> Circle<T> {
    fn add(&mut self, place: &[u8], query: T) {
        self.added = self.added.wrapping_add(1);
        self.waiting.insert((position(place), self.added), query);
    }

    /// The next one from a position on, all around.
    fn take(&mut self, from: Position) -> Option<(Position, T)> {
        let next = self.waiting.range((from, 0)..).next().or_else(|| self.waiting.first_key_value());
        let key = next.map(|(key, _)| *key)?;
        Some((key.0, self.waiting.remove(&key)?))
    }
}

/// The confirmations with which a put at so many nodes ends. By then the record has been sent to all that are connected, and slow ones do not
/// keep other records waiting.
fn confirmed(nodes: usize) -> kad::Quorum {
    let (part, of) = limits::CONFIRMED;
    let count = nodes.saturating_mul(part).div_ceil(of);
    NonZeroUsize::new(count).map_or(kad::Quorum::All, kad::Quorum::N)
}

/// A query that runs.
#[derive(Debug)]
enum Running {
    /// A get, as a part of the question of this number.
    Get(u64),
    /// The first part of the put of this record.
    Seek(kad::Record),
    /// The second part of a put, at so many nodes.
    Store(usize),
}

impl Running {
    const fn asks(&self) -> usize {
        match self {
            Self::Get(_) | Self::Seek(_) => limits::ASKED_BY_A_LOOK_UP,
            Self::Store(nodes) => *nodes,
        }
    }
}

impl Queries {
    /// Queries of a node that has so many places for connections to strangers that it asks.
    pub(crate) fn new(places: usize) -> Self {
        Self {
            places: places.clamp(limits::ASKED_BY_A_LOOK_UP, limits::ASKED_AT_ONCE),
            asked: 0,
            finds: VecDeque::new(),
            gets: Circle::default(),
            seeks: Circle::default(),
            stores: VecDeque::new(),
            at: Position::default(),
            is_put_next: false,
            running: HashMap::new(),
            putting: 0,
        }
    }

    /// Asks for what lies at a place, as a part of a question. Returns false if too many wait.
    pub(crate) fn get(&mut self, place: Place, question: u64, settled: Settled) -> bool {
        let has_room = self.finds.len() + self.gets.waiting.len() < limits::QUERIES_WAITING;
        match settled {
            _ if !has_room => {}
            Settled::ByAgreement => self.finds.push_back((place, question)),
            Settled::ByAll => self.gets.add(&place, (place, question)),
        }
        has_room
    }

    /// Puts a record. Returns false if too many wait.
    pub(crate) fn put(&mut self, record: kad::Record) -> bool {
        let has_room = self.seeks.waiting.len() + self.stores.len() < limits::QUERIES_WAITING;
        if has_room {
            let place = record.key.clone();
            self.seeks.add(place.as_ref(), record);
        }
        has_room
    }

    /// Starts those that may run.
    pub(crate) fn start(&mut self, kad: &mut kad::Behaviour<BagStore>) {
        loop {
            let are_gets = !self.finds.is_empty() || !self.gets.waiting.is_empty();
            let are_puts = !self.stores.is_empty() || !self.seeks.waiting.is_empty();
            let is_put = are_puts && (self.is_put_next || !are_gets);
            let nodes = self.stores.front().filter(|_| is_put).map(|(_, nodes)| nodes.len());
            // A query that needs many places waits here until it has them: others do not overtake it.
            let asks = nodes.unwrap_or(limits::ASKED_BY_A_LOOK_UP);
            if self.asked.saturating_add(asks) > self.places {
                return;
            }
            let (id, query) = if !is_put {
                let next = self.finds.pop_front().map(|find| (self.at, find)).or_else(|| self.gets.take(self.at));
                let Some((at, (place, question))) = next else { return };
                self.at = at;
                (kad.get_record(kad::RecordKey::from(place.to_vec())), Running::Get(question))
            } else if let Some((record, nodes)) = self.stores.pop_front() {
                (kad.put_record_to(record, nodes.into_iter(), confirmed(asks)), Running::Store(asks))
            } else {
                let Some((at, record)) = self.seeks.take(self.at) else { return };
                self.at = at;
                (kad.get_closest_peers(record.key.to_vec()), Running::Seek(record))
            };
            self.is_put_next = !is_put;
            self.asked = self.asked.saturating_add(asks);
            self.putting += usize::from(is_put);
            self.running.insert(id, query);
        }
    }

    /// The question that a query belongs to.
    pub(crate) fn question(&self, id: kad::QueryId) -> Option<u64> {
        match self.running.get(&id) {
            Some(Running::Get(question)) => Some(*question),
            _ => None,
        }
    }

    /// True if a query looks for the nodes at which a record is to be put.
    pub(crate) fn is_for_put(&self, id: kad::QueryId) -> bool {
        matches!(self.running.get(&id), Some(Running::Seek(_)))
    }

    /// The query for the nodes that are closest to the place of a record has found these. The record is put there before anything else is.
    pub(crate) fn located(&mut self, id: kad::QueryId, nodes: &[PeerId]) {
        let Some(Running::Seek(record)) = self.take(id) else { return };
        self.stores.extend(nodes.chunks(self.places).map(|some| (record.clone(), some.to_vec())));
    }

    /// A query is over.
    pub(crate) fn end(&mut self, id: kad::QueryId) {
        drop(self.take(id));
    }

    fn take(&mut self, id: kad::QueryId) -> Option<Running> {
        let query = self.running.remove(&id)?;
        self.asked = self.asked.saturating_sub(query.asks());
        self.putting = self.putting.saturating_sub(usize::from(!matches!(query, Running::Get(_))));
        Some(query)
    }

    /// A question needs no more answers.
    pub(crate) fn settle(&mut self, question: u64, kad: &mut kad::Behaviour<BagStore>) {
        self.finds.retain(|(_, of)| *of != question);
        self.gets.waiting.retain(|_, (_, of)| *of != question);
        let asked = &mut self.asked;
        self.running.retain(|id, query| {
            let is_over = matches!(query, Running::Get(of) if *of == question);
            if is_over {
                *asked = asked.saturating_sub(query.asks());
                if let Some(mut query) = kad.query_mut(id) {
                    query.finish();
                }
            }
            !is_over
        });
    }

    /// The number of records that are on their way or wait for their turn.
    pub(crate) fn putting(&self) -> usize {
        self.putting + self.seeks.waiting.len() + self.stores.len()
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the order of ids makes no difference to these tests")]
mod tests {
    use super::*;

    /// Nodes at which a record is put: the replication of Kademlia.
    const STORED_AT: usize = 20;

    fn kademlia() -> kad::Behaviour<BagStore> {
        kad::Behaviour::new(PeerId::random(), BagStore::default())
    }

    fn queries() -> Queries {
        Queries::new(STORED_AT)
    }

    fn record(number: u8) -> kad::Record {
        kad::Record::new(vec![number; 32], vec![number])
    }

    fn nodes(count: usize) -> Vec<PeerId> {
        (0..count).map(|_| PeerId::random()).collect()
    }

    /// The numbers of gets, of look-ups for puts, and of nodes at which records are put, that run now.
    fn counts(queries: &Queries) -> (usize, usize, usize) {
        queries.running.values().fold((0, 0, 0), |(gets, seeks, stores), query| match query {
            Running::Get(_) => (gets + 1, seeks, stores),
            Running::Seek(_) => (gets, seeks + 1, stores),
            Running::Store(nodes) => (gets, seeks, stores + nodes),
        })
    }

    fn waiting(queries: &Queries) -> usize {
        queries.finds.len() + queries.gets.waiting.len()
    }

    #[test]
    fn so_many_nodes_are_asked_at_a_time_and_all_queries_have_their_turn() {
        let (mut queries, mut kad) = (Queries::new(40), kademlia());
        for number in 0..100 {
            assert!(queries.get([number; 32], 7, Settled::ByAll) && queries.put(record(number)));
        }
        let (mut gets, mut seeks, mut stored) = (0, 0, 0);
        while queries.putting() + queries.running.len() + waiting(&queries) > 0 {
            queries.start(&mut kad);
            let (gets_now, seeks_now, nodes_now) = counts(&queries);
            assert_eq!(queries.asked, (gets_now + seeks_now) * limits::ASKED_BY_A_LOOK_UP + nodes_now);
            assert!((1..=40).contains(&queries.asked), "{}", queries.asked);
            (gets, seeks, stored) = (gets + gets_now, seeks + seeks_now, stored + nodes_now);
            let ids: Vec<_> = queries.running.keys().copied().collect();
            for id in ids {
                if queries.is_for_put(id) {
                    queries.located(id, &nodes(STORED_AT));
                } else {
                    queries.end(id);
                }
            }
        }
        assert_eq!((gets, seeks, stored), (100, 100, 100 * STORED_AT));
        assert_eq!(queries.asked, 0);
    }

    #[test]
    fn gets_do_not_keep_puts_waiting_nor_puts_gets() {
        let (mut queries, mut kad) = (queries(), kademlia());
        for number in 0..100 {
            queries.get([number; 32], 7, Settled::ByAll);
        }
        queries.start(&mut kad);
        queries.put(record(1));
        // One query ends at a time: the record has its turn at once, and then all places for its second part.
        for _ in 0..10 {
            let ids: Vec<_> = queries.running.keys().copied().collect();
            match ids.iter().find(|id| queries.is_for_put(**id)) {
                Some(id) => queries.located(*id, &nodes(STORED_AT)),
                None => queries.end(ids[0]),
            }
            queries.start(&mut kad);
            if counts(&queries) == (0, 0, STORED_AT) {
                break;
            }
        }
        assert_eq!(counts(&queries), (0, 0, STORED_AT));
        assert!(waiting(&queries) > 50);
        let id = *queries.running.keys().next().unwrap();
        queries.end(id);
        queries.start(&mut kad);
        assert_eq!(counts(&queries), (STORED_AT / limits::ASKED_BY_A_LOOK_UP, 0, 0));
    }

    #[test]
    fn a_record_goes_to_all_nodes_that_were_found_and_nowhere_if_there_is_none() {
        let (mut queries, mut kad) = (queries(), kademlia());
        queries.put(record(1));
        queries.put(record(2));
        queries.start(&mut kad);
        let ids: Vec<_> = queries.running.keys().copied().collect();
        for (id, count) in ids.into_iter().zip([0, 7]) {
            queries.located(id, &nodes(count));
        }
        queries.start(&mut kad);
        assert_eq!((counts(&queries), queries.putting()), ((0, 0, 7), 1));
        // With places for fewer nodes, it goes to some of them after the others.
        let mut queries = Queries::new(8);
        queries.put(record(1));
        queries.start(&mut kad);
        let id = *queries.running.keys().next().unwrap();
        queries.located(id, &nodes(STORED_AT));
        for count in [8, 8, 4] {
            queries.start(&mut kad);
            assert_eq!(counts(&queries), (0, 0, count));
            let id = *queries.running.keys().next().unwrap();
            queries.end(id);
        }
        assert_eq!(queries.putting(), 0);
    }

    #[test]
    fn a_question_that_is_settled_gives_its_turns_to_others() {
        let (mut queries, mut kad) = (queries(), kademlia());
        for number in 0..100 {
            let settled = if number % 2 == 0 { Settled::ByAll } else { Settled::ByAgreement };
            queries.get([number; 32], u64::from(number / 50), settled);
        }
        queries.start(&mut kad);
        assert_eq!(counts(&queries).0, STORED_AT / limits::ASKED_BY_A_LOOK_UP);
        queries.settle(0, &mut kad);
        assert_eq!((queries.asked, queries.running.len(), waiting(&queries)), (0, 0, 50));
        queries.start(&mut kad);
        assert!(queries.running.keys().all(|id| queries.question(*id) == Some(1)));
    }

    #[test]
    fn turns_go_around_the_dht_and_questions_about_one_entry_come_first() {
        let (mut queries, mut kad) = (queries(), kademlia());
        let mut positions = Vec::new();
        for number in 0..100 {
            queries.get([number; 32], u64::from(number), Settled::ByAll);
            positions.push((position(&[number; 32]), u64::from(number)));
        }
        positions.sort_unstable();
        // It begins somewhere, and goes on behind the last.
        queries.at = positions[70].0;
        positions.rotate_left(70);
        queries.get([200; 32], 200, Settled::ByAgreement);
        let mut turns = Vec::new();
        while waiting(&queries) > 0 {
            queries.start(&mut kad);
            let ids: Vec<_> = queries.running.keys().copied().collect();
            let questions: Vec<u64> = ids.iter().filter_map(|id| queries.question(*id)).collect();
            turns.push(questions);
            ids.into_iter().for_each(|id| queries.end(id));
        }
        let at_once = STORED_AT / limits::ASKED_BY_A_LOOK_UP;
        let expected: Vec<u64> = core::iter::once(200).chain(positions.into_iter().map(|(_, number)| number)).collect();
        for (turn, expected) in turns.iter_mut().zip(expected.chunks(at_once)) {
            turn.sort_unstable();
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(*turn, expected);
        }
        assert_eq!(turns.len(), 101_usize.div_ceil(at_once));
    }

    #[test]
    fn queries_that_wait_are_bounded() {
        let mut queries = queries();
        let added = (0..10_000_u64)
            .filter(|question| queries.get([1; 32], *question, Settled::ByAll) && queries.put(record(1)))
            .count();
        assert_eq!(added, limits::QUERIES_WAITING);
    }
}
