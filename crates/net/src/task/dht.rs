//! The DHT, as the event loop handles it: puts, questions, and what other nodes put here.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "libp2p's events grow with each release; what is not named is logged"
)]

use std::collections::HashMap;
use std::sync::Arc;

use libp2p::{Multiaddr, PeerId, kad};
use motet_wire::DhtKey;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;

use super::Task;
use crate::admission::Shares;
use crate::config::{DhtMode, NetConfig};
use crate::dht::agreement::Agreement;
use crate::dht::judging::{Candidate, Judged, Judging};
use crate::dht::queries::Queries;
use crate::dht::{self, EntryPolicy, Place, Settled};
use crate::event::NetEvent;
use crate::frames;
use crate::handle::{DhtState, DhtStats, Located};
use crate::limits;
use crate::meter::Flood;
use crate::peers;
use crate::quoted::Quoted;

/// The state of the node's part of the DHT, besides what is stored.
pub(crate) struct Dht {
    policy: Arc<dyn EntryPolicy>,
    pub(super) judging: Judging,
    queries: Queries,
    questions: HashMap<u64, Question>,
    /// The peers whose addresses are looked for, and the callers that wait for them.
    seeking: HashMap<kad::QueryId, (PeerId, oneshot::Sender<Located>)>,
    asked: u64,
    uniting: Arc<Semaphore>,
    ready: bool,
    pub(super) spreads: Instant,
    /// The time from which a peer of a full bucket may be replaced.
    pub(super) replaces: Instant,
    /// Differs from node to node, so that they do not all spread a bag at once.
    jitter: u8,
}

/// A question to the DHT: what lies at the places of a key.
struct Question {
    /// The records of this node: they may be older than those of the nodes that are closest now.
    own: Vec<(Place, Vec<u8>)>,
    /// The answers of other nodes.
    found: Vec<(Place, Vec<u8>)>,
    /// Places that are still asked about.
    open: usize,
    /// Of a question about one entry.
    agreement: Option<Agreement>,
    answer: oneshot::Sender<Vec<Arc<[u8]>>>,
}

impl Dht {
    pub(crate) fn new(policy: Arc<dyn EntryPolicy>, config: &NetConfig) -> Self {
        let local = config.keypair.libp2p_id();
        // Of the places for connections that this node opens, those are left out that it fills to stay connected.
        let shares = Shares::of(config.connections, config.guard.group_connections);
        let places = shares.outbound.saturating_sub(config.guard.outbound);
        let now = Instant::now();
        Self {
            judging: Judging::new(Arc::clone(&policy), now),
            policy,
            queries: Queries::new(places),
            questions: HashMap::new(),
            seeking: HashMap::new(),
            asked: 0,
            uniting: Arc::new(Semaphore::new(limits::UNITED_AT_ONCE)),
            ready: false,
            spreads: now + limits::SPREAD_PAUSE,
            replaces: now,
            jitter: local.to_bytes().last().copied().unwrap_or_default(),
        }
    }
}

impl Task {
    pub(super) fn dht_stats(&mut self) -> DhtStats {
        let kad = &mut self.swarm.behaviour_mut().kad;
        let peers = kad.kbuckets().map(|bucket| bucket.num_entries()).sum();
        let (records, bytes) = kad.store_mut().size();
        // The table holds peers that have been named and not reached yet, too.
        let state = match (self.peers.connected(), peers) {
            (0, _) if self.wanted.is_empty() => DhtState::Initialized,
            (0, _) => DhtState::Bootstrapping,
            (_, 0) => DhtState::Populating,
            (..) => DhtState::Ready,
        };
        let server = self.is_server();
        let (queries, puts) = (self.dht.questions.len(), self.dht.queries.putting());
        let (unjudged, dropped) = (self.dht.judging.unjudged(), self.dht.judging.dropped());
        DhtStats { state, server, peers, records, bytes, queries, puts, unjudged, dropped }
    }

    /// Puts frames at all places of a key, here as well.
    pub(super) fn put(&mut self, key: DhtKey, frames: &[Arc<[u8]>]) {
        if self.config.dht == DhtMode::Off {
            return;
        }
        let value = dht::pack(frames.iter().map(|frame| &**frame));
        for place in key.places() {
            // Judged in the order in which they were given, and each goes to the front.
            for frame in frames.iter().rev() {
                frames::log("put", None, frame);
                self.dht.judging.add_own(Candidate { place, frame: Arc::clone(frame) });
            }
            self.spread(kad::Record::new(place.to_vec(), value.clone()));
        }
    }

    fn spread(&mut self, record: kad::Record) {
        if !self.dht.queries.put(record) {
            tracing::debug!("a record was not put: too many wait");
        }
        self.dht.queries.start(&mut self.swarm.behaviour_mut().kad);
    }

    /// True while an entry is on its way into the DHT.
    pub(super) fn is_putting(&self) -> bool {
        self.dht.queries.putting() > 0
    }

    /// Puts bags that nobody has put for a time at the nodes that are closest to them now.
    pub(super) fn spread_due(&mut self) {
        let now = Instant::now();
        self.dht.spreads = now + limits::SPREAD_PAUSE;
        let jitter = self.dht.jitter;
        let since = |place: &Place| {
            let [first, ..] = *place;
            limits::SPREAD + limits::SPREAD / 2 * u32::from(first ^ jitter) / 256
        };
        let due = self.swarm.behaviour_mut().kad.store_mut().take_unspread(limits::SPREAD_AT_ONCE, since, now);
        for record in due {
            self.spread(record);
        }
    }

    /// Takes what has been judged into the store.
    pub(super) fn on_judged(&mut self, judged: Vec<Judged>) {
        let now = Instant::now();
        let store = self.swarm.behaviour_mut().kad.store_mut();
        for (Candidate { place, frame }, entry) in judged {
            store.insert(&place, frame, entry, now);
        }
    }

    /// Forgets entries that have ended.
    pub(super) fn end_entries(&mut self) {
        self.swarm.behaviour_mut().kad.store_mut().end(Instant::now());
    }

    pub(super) fn next_end(&mut self) -> Option<Instant> {
        self.swarm.behaviour_mut().kad.store_mut().next_end()
    }

    pub(super) fn get(&mut self, key: DhtKey, settled: Settled, answer: oneshot::Sender<Vec<Arc<[u8]>>>) {
        if self.config.dht == DhtMode::Off {
            return drop(answer.send(Vec::new()));
        }
        self.dht.asked = self.dht.asked.wrapping_add(1);
        let mut open = 0;
        for place in key.places() {
            open += usize::from(self.dht.queries.get(place, self.dht.asked, settled));
        }
        if open == 0 {
            return drop(answer.send(Vec::new()));
        }
        let agreement = (settled == Settled::ByAgreement).then(Agreement::default);
        let question = Question { own: Vec::new(), found: Vec::new(), open, agreement, answer };
        self.dht.questions.insert(self.dht.asked, question);
        self.dht.queries.start(&mut self.swarm.behaviour_mut().kad);
    }

    pub(super) fn on_kad(&mut self, event: kad::Event) {
        match event {
            kad::Event::InboundRequest {
                request: kad::InboundRequest::PutRecord { source, record: Some(record), .. },
            } => {
                self.charge(source, Flood::Puts, 1);
                self.on_put(&source, &record);
            }
            kad::Event::RoutingUpdated { .. } if !self.dht.ready => {
                self.dht.ready = true;
                self.tell(NetEvent::DhtReady);
            }
            kad::Event::OutboundQueryProgressed { id, result: kad::QueryResult::GetRecord(result), step, .. } => {
                self.on_answer(id, result, step.last);
                self.on_progress(id, step.last);
            }
            kad::Event::OutboundQueryProgressed { id, result: kad::QueryResult::PutRecord(_), step, .. } => {
                self.on_progress(id, step.last);
            }
            kad::Event::OutboundQueryProgressed {
                id, result: kad::QueryResult::GetClosestPeers(result), step, ..
            } => {
                let found = match result {
                    Ok(kad::GetClosestPeersOk { peers, .. })
                    | Err(kad::GetClosestPeersError::Timeout { peers, .. }) => peers,
                };
                if self.dht.queries.is_for_put(id) {
                    self.on_nearest(id, found, step.last);
                } else {
                    self.on_located(id, found, step.last);
                }
            }
            event => tracing::trace!(event = ?Quoted(format_args!("{event:?}")), "kademlia"),
        }
    }

    /// The nodes that are closest to the place of a record have answered, and get it.
    fn on_nearest(&mut self, id: kad::QueryId, found: Vec<kad::PeerInfo>, is_last: bool) {
        if !is_last {
            return;
        }
        let nodes: Vec<PeerId> = found.iter().map(|info| info.peer_id).collect();
        // A connection may have given way to another meanwhile, and Kademlia forgets the addresses with the query.
        for kad::PeerInfo { peer_id, addrs } in found {
            for address in addrs.into_iter().filter(|address| self.own.judge.lets_dial(address)) {
                self.swarm.add_peer_address(peer_id, address);
            }
        }
        self.dht.queries.located(id, &nodes);
        self.dht.queries.start(&mut self.swarm.behaviour_mut().kad);
    }

    /// A query may be over: then another has its turn.
    fn on_progress(&mut self, id: kad::QueryId, is_last: bool) {
        if is_last {
            self.dht.queries.end(id);
        }
        self.dht.queries.start(&mut self.swarm.behaviour_mut().kad);
    }

    /// Looks for the addresses of a peer: here, or else among the nodes that are closest to its id.
    pub(super) fn find_peer(&mut self, peer: &motet_wire::PeerId, answer: oneshot::Sender<Located>) {
        let kad = &mut self.swarm.behaviour_mut().kad;
        let Some(peer) = peers::from_wire(peer) else { return drop(answer.send(Located::Found(Vec::new()))) };
        let mut known: Vec<Multiaddr> = Vec::new();
        let mut has_peers = false;
        for bucket in kad.kbuckets() {
            has_peers |= !bucket.is_empty();
            let entries = bucket.iter().filter(|entry| *entry.node.key.preimage() == peer);
            known.extend(entries.flat_map(|entry| entry.node.value.iter().cloned().collect::<Vec<_>>()));
        }
        if !known.is_empty() {
            drop(answer.send(Located::Known(known)));
        } else if !has_peers || self.dht.seeking.len() >= limits::SOUGHT {
            drop(answer.send(Located::Offline));
        } else {
            let query = self.swarm.behaviour_mut().kad.get_closest_peers(peer);
            self.dht.seeking.insert(query, (peer, answer));
        }
    }

    fn on_located(&mut self, id: kad::QueryId, found: Vec<kad::PeerInfo>, is_last: bool) {
        let Some((peer, _)) = self.dht.seeking.get(&id) else { return };
        let addresses = found.into_iter().find(|info| info.peer_id == *peer).map(|info| info.addrs);
        if (is_last || addresses.is_some())
            && let Some((_, answer)) = self.dht.seeking.remove(&id)
        {
            let believed = addresses.unwrap_or_default().into_iter().filter(|address| self.own.judge.believes(address));
            // The caller may have gone.
            drop(answer.send(Located::Found(believed.collect())));
        }
    }

    /// Another node puts a bag here. What lies here already costs nothing, and the life that the other wishes for says nothing.
    fn on_put(&mut self, source: &PeerId, record: &kad::Record) {
        let Ok(place) = Place::try_from(record.key.as_ref()) else { return };
        let Some(frames) = dht::unpack(&record.value).filter(|frames| !frames.is_empty()) else { return };
        let now = Instant::now();
        let store = self.swarm.behaviour_mut().kad.store_mut();
        store.note_spread(&place, &frames, now);
        let unknown: Vec<&[u8]> = frames.into_iter().filter(|frame| !store.holds(&place, frame)).collect();
        let group = self.peers.group(source);
        for frame in unknown {
            self.dht.judging.add(group, place, frame, now);
        }
    }

    fn on_answer(&mut self, id: kad::QueryId, result: kad::GetRecordResult, is_last: bool) {
        let Some(number) = self.dht.queries.question(id) else { return };
        let Some(question) = self.dht.questions.get_mut(&number) else { return };
        if let Ok(kad::GetRecordOk::FoundRecord(found)) = result
            && question.found.len() < limits::ANSWERS * usize::from(DhtKey::PLACES)
            && let Ok(place) = Place::try_from(found.record.key.as_ref())
        {
            let bag = (place, found.record.value);
            if let (Some(peer), Some(agreement)) = (found.peer, &mut question.agreement)
                && agreement.hear(peer, bag.0, &bag.1)
            {
                let agreed = dht::unite(&*self.dht.policy, core::slice::from_ref(&bag));
                if !agreed.is_empty() {
                    return self.settle_early(number, agreed);
                }
                agreement.fail();
            }
            let found = if found.peer.is_some() { &mut question.found } else { &mut question.own };
            // Most nodes give the same, which is held once.
            if !found.contains(&bag) {
                found.push(bag);
            }
        }
        if is_last {
            question.open = question.open.saturating_sub(1);
            if question.open == 0 {
                self.answer(number);
            }
        }
    }

    /// Answers a question, and ends what is left of its queries.
    fn settle_early(&mut self, number: u64, agreed: Vec<Arc<[u8]>>) {
        self.dht.queries.settle(number, &mut self.swarm.behaviour_mut().kad);
        if let Some(Question { answer, .. }) = self.dht.questions.remove(&number) {
            // The caller may have gone.
            drop(answer.send(agreed));
        }
    }

    /// Unites what was found, beside the event loop: a full index takes a while to judge.
    fn answer(&mut self, number: u64) {
        let Some(Question { own, mut found, answer, .. }) = self.dht.questions.remove(&number) else { return };
        found.extend(own);
        let (policy, uniting) = (Arc::clone(&self.dht.policy), Arc::clone(&self.dht.uniting));
        tokio::spawn(async move {
            let Ok(_turn) = uniting.acquire().await else { return };
            let united = tokio::task::spawn_blocking(move || dht::unite(&*policy, &found)).await;
            // The caller may have gone.
            drop(answer.send(united.unwrap_or_default()));
        });
    }
}
