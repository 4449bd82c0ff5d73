//! A world in which time stands still, so that somebody else chooses what comes next (`crate::sim::explore`).

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use motet_wire::{Channel, Kind, peek};

use super::{Entry, Happening, Work, World};
use crate::sim::explore::BRIEF;
use crate::sim::invariant::{Breach, Invariant};
use crate::sim::plan::BEGIN;
use crate::sim::tally::Stage;
use crate::sim::watch::End;

/// What has happened in a frozen world, as far as it tells states apart.
#[derive(Debug, Default)]
pub(super) struct Frozen {
    /// What each host has heard and done, whatever the order.
    heard: Vec<BTreeSet<u64>>,
    /// How the session ended on each host before it crashed.
    ended: Vec<Option<End>>,
}

impl World {
    /// Runs until everybody knows everybody and somebody asks, and stops time there.
    pub fn freeze(&mut self) {
        while let Some(Reverse(entry)) = self.queue.peek() {
            if entry.at > BEGIN {
                break;
            }
            let asks = matches!(entry.happening, Happening::Ask { .. });
            if asks {
                let hosts = self.hosts.len();
                self.frozen = Some(Frozen { heard: vec![BTreeSet::new(); hosts], ended: vec![None; hosts] });
            }
            let Some(Reverse(entry)) = self.queue.pop() else { break };
            self.time = entry.at;
            self.happen(entry.happening);
            if asks {
                break;
            }
        }
        self.settle();
    }

    /// How many things may come next.
    pub fn under_way(&self) -> usize {
        self.queue.iter().filter(|Reverse(entry)| self.may_come(entry)).count()
    }

    fn may_come(&self, entry: &Entry) -> bool {
        entry.at <= self.time && !matches!(entry.happening, Happening::Tick { .. })
    }

    /// Those that may come, in the order in which they were begun.
    fn waiting(&self) -> Vec<&Entry> {
        let mut waiting: Vec<&Entry> =
            self.queue.iter().map(|Reverse(entry)| entry).filter(|entry| self.may_come(entry)).collect();
        waiting.sort_unstable();
        waiting
    }

    /// Whether this thing that is under way is a message between nodes.
    pub fn is_message(&self, at: usize) -> bool {
        self.waiting().get(at).is_some_and(|entry| matches!(entry.happening, Happening::Arrive { .. }))
    }

    fn take(&mut self, at: usize) -> Option<Entry> {
        let order = self.waiting().get(at)?.order;
        let (mut taken, rest): (Vec<_>, Vec<_>) = self.queue.drain().partition(|Reverse(entry)| entry.order == order);
        self.queue.extend(rest);
        taken.pop().map(|Reverse(entry)| entry)
    }

    /// This comes next; `twice` if it will come again.
    pub fn come(&mut self, at: usize, twice: bool) {
        let Some(entry) = self.take(at) else { return };
        if let (true, Happening::Arrive { host, channel, from, frame }) = (twice, &entry.happening) {
            let again = Happening::Arrive { host: *host, channel: *channel, from: *from, frame: frame.clone() };
            self.at(self.time, again);
        }
        let (host, mark) = fingerprint(&entry.happening);
        if let Some(heard) = self.frozen.as_mut().and_then(|frozen| frozen.heard.get_mut(host)) {
            heard.insert(mark);
        }
        self.happen(entry.happening);
        self.settle();
    }

    /// This is lost.
    pub fn lose(&mut self, at: usize) {
        drop(self.take(at));
    }

    /// A node crashes and is back at once.
    pub fn crash_now(&mut self, host: usize) {
        let end = self.ends().get(host).cloned().flatten();
        if let Some(ended) = self.frozen.as_mut().and_then(|frozen| frozen.ended.get_mut(host)) {
            *ended = end;
        }
        self.hosts[host].crashes.push_front(BRIEF);
        self.crash(host);
        if let Some(heard) = self.frozen.as_mut().and_then(|frozen| frozen.heard.get_mut(host)) {
            heard.clear();
        }
        self.settle();
    }

    /// Whether the next deadline is one of the session's, and not the end of joining, which nothing heals.
    pub fn may_wait(&self) -> bool {
        let known = |host: usize| self.watch.seen[host].values().any(|seen| seen.end.is_none());
        let joined = |host: usize| self.watch.seen[host].values().all(|seen| seen.stage != Stage::Joining);
        let hosts = || 0..self.hosts.len();
        let most = if hosts().all(joined) { 130_000 } else { 10_000 };
        hosts().all(known) && self.next_deadline().is_some_and(|next| next <= self.time + most)
    }

    fn next_deadline(&self) -> Option<u64> {
        let ticks = self.queue.iter().filter(|Reverse(entry)| match entry.happening {
            Happening::Tick { host, life } => self.lives(host, life) && entry.at > self.time,
            _ => false,
        });
        ticks.map(|Reverse(entry)| entry.at).min()
    }

    /// Time moves to the next deadline.
    pub fn pass(&mut self) {
        if let Some(next) = self.next_deadline() {
            self.time = next;
            for host in 0..self.hosts.len() {
                if self.hosts[host].running.is_some() {
                    self.input(host, motet_coordinator::Input::Tick);
                }
            }
        }
        self.settle();
    }

    /// Carries out everything that no event from outside can come before: frames of a node's own store, starts, decisions of people.
    /// Questions about missing messages and their answers come at once, too: their content matters, and not their time. So do frames
    /// that a node hears a second time after a deadline, since they are refused at any time. Frames that a node sends when it has nothing
    /// else to do are sent at once, and arrive at any time.
    fn settle(&mut self) {
        loop {
            let at = self.waiting().iter().position(|entry| match &entry.happening {
                Happening::Arrive { channel, frame, .. } => {
                    let own = matches!(channel, Channel::Store | Channel::Dht);
                    let kind = peek(frame).map(|peek| peek.kind);
                    own || matches!(kind, Some(Kind::SyncRequest | Kind::SyncResponse)) || self.is_repeated(entry)
                }
                Happening::Work { work, .. } => !matches!(**work, Work::Signer(_) | Work::Job(_)),
                Happening::Committed { .. } | Happening::Tick { .. } => false,
                _ => true,
            });
            if let Some(entry) = at.and_then(|at| self.take(at)) {
                self.happen(entry.happening);
            } else if let Some(host) = (0..self.hosts.len()).find(|host| self.is_owed_a_look(*host)) {
                self.input(host, motet_coordinator::Input::Tick);
            } else {
                return;
            }
        }
    }

    /// Whether a node's next deadline has come, or it has something to say that waited for it to have nothing else to do.
    pub(super) fn is_owed_a_look(&self, host: usize) -> bool {
        let node = &self.hosts[host];
        let deadline = node.running.as_ref().and_then(|running| running.engine.next_deadline());
        deadline.is_some_and(|deadline| node.clock.world_at(deadline) <= self.time)
    }

    fn is_repeated(&self, entry: &Entry) -> bool {
        let (host, mark) = fingerprint(&entry.happening);
        let heard = self.frozen.as_ref().and_then(|frozen| frozen.heard.get(host));
        self.time > BEGIN && heard.is_some_and(|heard| heard.contains(&mark))
    }

    /// Adds a line to the story.
    pub fn note(&mut self, line: &str) {
        self.tell(|| line.to_owned());
    }

    /// Whether the session is over on both nodes.
    pub fn is_over(&self) -> bool {
        self.ends().iter().all(Option::is_some)
    }

    /// How the session ended on each node.
    pub fn ends(&self) -> Vec<Option<End>> {
        let request = self.announced.iter().flatten().next();
        let before = |host: usize| self.frozen.as_ref().and_then(|frozen| frozen.ended.get(host).cloned().flatten());
        let end = |host: usize| self.watch.seen[host].get(request?)?.end.clone();
        (0..self.hosts.len()).map(|host| end(host).or_else(|| before(host))).collect()
    }

    /// The breach of a session that should have ended in signatures.
    pub fn unfinished(&self, detail: &str) -> Breach {
        Breach { invariant: Invariant::Completion, detail: detail.to_owned() }
    }

    /// What tells this state from others: what was heard, what is under way, where both are.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let mut under_way: Vec<(usize, u64)> =
            self.waiting().iter().map(|entry| fingerprint(&entry.happening)).collect();
        under_way.sort_unstable();
        under_way.hash(&mut hasher);
        self.time.hash(&mut hasher);
        for (host, node) in self.hosts.iter().enumerate() {
            node.life.hash(&mut hasher);
            node.disk.records().hash(&mut hasher);
            self.frozen.as_ref().map(|frozen| &frozen.heard[host]).hash(&mut hasher);
            for seen in self.watch.seen[host].values() {
                (seen.stage, seen.attempt.0, seen.end.is_some()).hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}

/// Whom something happens to, and what it is: messages by what they say, since their signatures are random.
fn fingerprint(happening: &Happening) -> (usize, u64) {
    let mut hasher = DefaultHasher::new();
    let host = match happening {
        Happening::Arrive { host, channel, frame, .. } => {
            let peek = peek(frame);
            (peek.map(|peek| (peek.kind, peek.sender)), channel).hash(&mut hasher);
            let body = frame.get(55..frame.len().saturating_sub(64)).unwrap_or_default();
            // What is asked for depends on when it is asked; that it is asked is enough.
            if peek.is_none_or(|peek| !matches!(peek.kind, Kind::SyncRequest | Kind::SyncResponse)) {
                body.hash(&mut hasher);
            }
            *host
        }
        Happening::Work { host, life, work } => {
            let text = format!("{work:?}");
            (life, text.split_once("aux").map_or(text.as_str(), |(text, _)| text)).hash(&mut hasher);
            *host
        }
        Happening::Committed { host, life } => {
            ("commit", life).hash(&mut hasher);
            *host
        }
        _ => usize::MAX,
    };
    (host, hasher.finish())
}
