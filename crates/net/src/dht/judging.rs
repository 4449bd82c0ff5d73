//! Judging of frames for the store, beside the event loop and within a budget of its own.
//!
//! A frame waits here only if it does not lie in the store already. Network groups have a share each, so that none can keep
//! the frames of others from being judged. What does not fit is dropped: its author puts it again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use motet_wire::{Bucket, MonotonicMs, NetworkGroup};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::bag::size;
use super::{Entry, EntryPolicy, Place};
use crate::limits;

/// A frame that is to be judged.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) place: Place,
    pub(crate) frame: Arc<[u8]>,
}

/// A frame that belongs at its place.
pub(crate) type Judged = (Candidate, Entry);

/// The frames that wait for the policy's judgement.
pub(crate) struct Judging {
    policy: Arc<dyn EntryPolicy>,
    waiting: VecDeque<Candidate>,
    bytes: usize,
    running: Option<JoinHandle<Vec<Judged>>>,
    /// Frames that are judged now.
    judged_now: usize,
    since: Instant,
    all: Bucket,
    groups: BTreeMap<NetworkGroup, Bucket>,
    dropped: u64,
}

impl Judging {
    pub(crate) fn new(policy: Arc<dyn EntryPolicy>, now: Instant) -> Self {
        Self {
            policy,
            waiting: VecDeque::new(),
            bytes: 0,
            running: None,
            judged_now: 0,
            since: now,
            all: Bucket::FULL,
            groups: BTreeMap::new(),
            dropped: 0,
        }
    }

    /// The number of frames that were dropped because others wait, or because their group has had its share.
    pub(crate) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The number of frames that wait, and of those that are judged now.
    pub(crate) fn unjudged(&self) -> usize {
        self.waiting.len().saturating_add(self.judged_now)
    }

    /// Takes a frame of this node itself: before all others, and without a charge.
    pub(crate) fn add_own(&mut self, candidate: Candidate) {
        if self.waiting.len() < limits::JUDGED.saturating_mul(2) {
            self.bytes = self.bytes.saturating_add(size(&candidate.frame));
            self.waiting.push_front(candidate);
        }
        self.start();
    }

    /// Takes a frame that a peer of this group has put.
    pub(crate) fn add(&mut self, group: NetworkGroup, place: Place, frame: &[u8], now: Instant) {
        let bytes = self.bytes.saturating_add(size(frame));
        if self.waiting.len() >= limits::JUDGED || bytes > limits::JUDGED_BYTES || !self.pays(group, now) {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.bytes = bytes;
        self.waiting.push_back(Candidate { place, frame: Arc::from(frame) });
        self.start();
    }

    fn pays(&mut self, group: NetworkGroup, now: Instant) -> bool {
        let now = MonotonicMs(u64::try_from(now.saturating_duration_since(self.since).as_millis()).unwrap_or(u64::MAX));
        // The nodes of one machine or one local network are not limited as a group.
        let share = if group == NetworkGroup::Local { None } else { Some(self.counted(group, now)) };
        let of_group = match share {
            None => None,
            Some(group) => {
                let bucket = self.groups.get(&group).copied().unwrap_or_default();
                let Some(after) = bucket.take(limits::CHECKS_PER_GROUP, 1, now) else { return false };
                Some((group, after))
            }
        };
        let Some(after) = self.all.take(limits::CHECKS, 1, now) else { return false };
        self.all = after;
        if let Some((group, after)) = of_group {
            self.groups.insert(group, after);
        }
        true
    }

    /// The group under which a frame is counted: its own while there is room for it.
    fn counted(&mut self, group: NetworkGroup, now: MonotonicMs) -> NetworkGroup {
        if self.groups.len() >= limits::CHECK_GROUPS && !self.groups.contains_key(&group) {
            // A full bucket says nothing.
            self.groups.retain(|_, bucket| {
                bucket.take(limits::CHECKS_PER_GROUP, limits::CHECKS_PER_GROUP.burst, now).is_none()
            });
            if self.groups.len() >= limits::CHECK_GROUPS {
                return NetworkGroup::Unseen;
            }
        }
        group
    }

    /// Hands some frames to a thread beside, if none are there.
    fn start(&mut self) {
        if self.running.is_some() || self.waiting.is_empty() {
            return;
        }
        let some: Vec<Candidate> = self.waiting.drain(..self.waiting.len().min(limits::JUDGED_AT_ONCE)).collect();
        self.bytes = self.bytes.saturating_sub(some.iter().map(|candidate| size(&candidate.frame)).sum());
        self.judged_now = some.len();
        let policy = Arc::clone(&self.policy);
        let judge = move || {
            let entry =
                |candidate: Candidate| policy.entry(&candidate.place, &candidate.frame).map(|entry| (candidate, entry));
            some.into_iter().filter_map(entry).collect()
        };
        self.running = Some(tokio::task::spawn_blocking(judge));
    }

    /// Waits for the next frames that have been judged. Nothing is lost if nobody waits to the end.
    pub(crate) async fn next(&mut self) -> Vec<Judged> {
        let Some(running) = &mut self.running else { return core::future::pending().await };
        // A policy that panics has judged nothing.
        let judged = running.await.unwrap_or_default();
        (self.running, self.judged_now) = (None, 0);
        self.start();
        judged
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts, and refuses.
    #[derive(Debug, Default)]
    struct Counts(AtomicUsize);

    impl EntryPolicy for Counts {
        fn entry(&self, _: &Place, _: &[u8]) -> Option<Entry> {
            self.0.fetch_add(1, Ordering::Relaxed);
            None
        }
    }

    fn group(number: usize) -> NetworkGroup {
        let [_, a, b, c] = u32::try_from(number).unwrap().to_be_bytes();
        NetworkGroup::V4([a, b, c])
    }

    async fn drain(judging: &mut Judging) {
        while judging.running.is_some() {
            judging.next().await;
        }
    }

    #[tokio::test]
    async fn a_flood_of_one_network_group_is_cut_off_and_others_are_judged() {
        let counts = Arc::new(Counts::default());
        let now = Instant::now();
        let mut judging = Judging::new(Arc::clone(&counts) as Arc<dyn EntryPolicy>, now);
        for number in 0..10_000_usize {
            judging.add(group(1), [0; 32], &number.to_be_bytes(), now);
        }
        let share = usize::try_from(limits::CHECKS_PER_GROUP.burst).unwrap();
        judging.add(group(2), [0; 32], b"of another", now);
        drain(&mut judging).await;
        assert_eq!(counts.0.load(Ordering::Relaxed), share + 1);
        assert_eq!(judging.dropped(), 10_000 - u64::try_from(share).unwrap());
        // A second later it may say a little more.
        judging.add(group(1), [0; 32], b"later", now + Duration::from_secs(1));
        drain(&mut judging).await;
        assert_eq!(counts.0.load(Ordering::Relaxed), share + 2);
    }

    #[tokio::test]
    async fn a_flood_of_many_groups_stays_within_the_budget_the_queue_and_the_table() {
        let counts = Arc::new(Counts::default());
        let now = Instant::now();
        let mut judging = Judging::new(Arc::clone(&counts) as Arc<dyn EntryPolicy>, now);
        for number in 0..3 * limits::CHECK_GROUPS {
            judging.add(group(number), [0; 32], &[0; 4096], now);
            assert!(judging.waiting.len() <= limits::JUDGED && judging.bytes <= limits::JUDGED_BYTES);
        }
        drain(&mut judging).await;
        assert!(u64::try_from(counts.0.load(Ordering::Relaxed)).unwrap() <= limits::CHECKS.burst);
        for number in 0..3 * limits::CHECK_GROUPS {
            judging.counted(group(number), MonotonicMs(0));
            judging.groups.insert(group(number % limits::CHECK_GROUPS), Bucket::default());
        }
        assert!(judging.groups.len() <= limits::CHECK_GROUPS);
        // What this node puts itself is judged all the same.
        let before = counts.0.load(Ordering::Relaxed);
        judging.add_own(Candidate { place: [0; 32], frame: Arc::from(*b"own") });
        drain(&mut judging).await;
        assert_eq!(counts.0.load(Ordering::Relaxed), before + 1);
        assert_eq!(judging.bytes, 0);
    }
}
