//! The bans of a node: the one place at which a peer, or a network group, is kept out.
//!
//! A peer is banned for what it has done: the pipeline's strikes lead here, and so do the floods that the network part sees itself. Identities cost
//! nothing, so the peers of one network group that are banned soon after each other ban the group: connections from it are refused
//! before the handshake. A ban is longer than the one before it, and each is forgotten after a time. Of too many the oldest go first.

use core::time::Duration;
use std::collections::BTreeMap;

use libp2p::PeerId;
use motet_wire::NetworkGroup;
use tokio::time::Instant;

use crate::limits;

/// The bans of peers and of network groups.
#[derive(Debug, Default)]
pub(crate) struct Bans {
    peers: BTreeMap<PeerId, Ban>,
    groups: BTreeMap<NetworkGroup, Group>,
    last: u64,
}

/// A ban, and the memory that there was one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ban {
    /// The number of the last change: the smallest is the oldest.
    number: u64,
    until: Instant,
    /// The number of bans so far.
    times: u32,
}

/// The bans of peers of a network group that are counted, and the ban of the group itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Group {
    ban: Ban,
    strikes: u32,
    /// The time at which the strikes are forgotten.
    counted_until: Instant,
}

/// The change that a ban has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Banned {
    /// True if the peer was not banned before.
    pub(crate) is_new: bool,
    /// Duration of the peer's ban, from now on.
    pub(crate) lasts: Duration,
    /// The network group, if it is banned from now on as well.
    pub(crate) group: Option<NetworkGroup>,
}

/// A ban with the time that it still lasts, as it is kept over restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeptBan<K> {
    pub(crate) of: K,
    pub(crate) lasts: Duration,
    pub(crate) times: u32,
}

impl Ban {
    fn is_on(&self, now: Instant) -> bool {
        self.until > now
    }

    /// The same after one ban more, if there is none now.
    fn again(self, first: Duration, number: u64, now: Instant) -> Self {
        let lasts = first.saturating_mul(1 << self.times.min(limits::BAN_DOUBLINGS)).min(limits::BAN_MOST);
        Self { number, until: now + lasts, times: self.times.saturating_add(1) }
    }

    fn is_forgotten(&self, now: Instant) -> bool {
        self.until + limits::BAN_MEMORY <= now
    }
}

/// True if the addresses of a group belong together, so that one may answer for the others. Those of this machine, and those that were not
/// seen, do not.
const fn answers_together(group: NetworkGroup) -> bool {
    matches!(group, NetworkGroup::V4(_) | NetworkGroup::V6(_))
}

impl Bans {
    /// Bans a peer, which is in this network group. A second ban does not prolong the first.
    pub(crate) fn ban(&mut self, peer: PeerId, group: NetworkGroup, now: Instant) -> Banned {
        self.last = self.last.wrapping_add(1);
        let before = self.peers.get(&peer).copied().unwrap_or(Ban { number: self.last, until: now, times: 0 });
        if before.is_on(now) {
            return Banned { is_new: false, lasts: before.until.saturating_duration_since(now), group: None };
        }
        let ban = before.again(limits::BAN, self.last, now);
        self.peers.insert(peer, ban);
        self.bound(now);
        let group = if self.strikes_out(group, now) { Some(group) } else { None };
        Banned { is_new: true, lasts: ban.until.saturating_duration_since(now), group }
    }

    /// Counts the ban of a peer against its group. Returns true if the group is banned from now on.
    fn strikes_out(&mut self, group: NetworkGroup, now: Instant) -> bool {
        if !answers_together(group) {
            return false;
        }
        let number = self.last;
        let fresh = Group { ban: Ban { number, until: now, times: 0 }, strikes: 0, counted_until: now };
        let entry = self.groups.entry(group).or_insert(fresh);
        if entry.counted_until <= now {
            entry.strikes = 0;
        }
        (entry.strikes, entry.counted_until) = (entry.strikes.saturating_add(1), now + limits::GROUP_STRIKES_FOR);
        entry.ban.number = number;
        let is_out = entry.strikes >= limits::GROUP_STRIKES && !entry.ban.is_on(now);
        if is_out {
            entry.ban = entry.ban.again(limits::GROUP_BAN, number, now);
            // Half of them, so that the next ban of the group takes fewer.
            entry.strikes /= 2;
        }
        self.bound(now);
        is_out
    }

    /// Forgets what is over, and the oldest of too many.
    fn bound(&mut self, now: Instant) {
        if self.peers.len() > limits::BANS {
            self.peers.retain(|_, ban| !ban.is_forgotten(now));
        }
        if self.groups.len() > limits::GROUPS_BANNED {
            self.groups.retain(|_, group| !group.ban.is_forgotten(now));
        }
        drop_oldest(&mut self.peers, limits::BANS, |ban| ban.number);
        drop_oldest(&mut self.groups, limits::GROUPS_BANNED, |group| group.ban.number);
    }

    /// True if a peer is kept out.
    pub(crate) fn is_banned(&self, peer: &PeerId, now: Instant) -> bool {
        self.peers.get(peer).is_some_and(|ban| ban.is_on(now))
    }

    /// True if a network group is kept out.
    pub(crate) fn is_group_banned(&self, group: NetworkGroup, now: Instant) -> bool {
        self.groups.get(&group).is_some_and(|group| group.ban.is_on(now))
    }

    /// The numbers of peers and of network groups that are kept out.
    pub(crate) fn count(&self, now: Instant) -> (usize, usize) {
        let peers = self.peers.values().filter(|ban| ban.is_on(now)).count();
        (peers, self.groups.values().filter(|group| group.ban.is_on(now)).count())
    }

    /// The bans that are on, for a restart.
    pub(crate) fn kept(&self, now: Instant) -> (Vec<KeptBan<PeerId>>, Vec<KeptBan<NetworkGroup>>) {
        let left = |ban: &Ban| ban.until.saturating_duration_since(now);
        let peers = self.peers.iter().filter(|(_, ban)| ban.is_on(now));
        let groups = self.groups.iter().filter(|(_, group)| group.ban.is_on(now));
        (
            peers.map(|(peer, ban)| KeptBan { of: *peer, lasts: left(ban), times: ban.times }).collect(),
            groups.map(|(of, group)| KeptBan { of: *of, lasts: left(&group.ban), times: group.ban.times }).collect(),
        )
    }

    /// Takes up the bans of an earlier run. The time between does not count.
    pub(crate) fn restore(&mut self, peers: &[KeptBan<PeerId>], groups: &[KeptBan<NetworkGroup>], now: Instant) {
        for kept in peers {
            self.last = self.last.wrapping_add(1);
            let until = now + kept.lasts.min(limits::BAN_MOST);
            self.peers.insert(kept.of, Ban { number: self.last, until, times: kept.times });
        }
        for kept in groups.iter().filter(|kept| answers_together(kept.of)) {
            self.last = self.last.wrapping_add(1);
            let until = now + kept.lasts.min(limits::BAN_MOST);
            let ban = Ban { number: self.last, until, times: kept.times };
            self.groups.insert(kept.of, Group { ban, strikes: 0, counted_until: now });
        }
        self.bound(now);
    }
}

fn drop_oldest<K: Copy + Ord, V>(map: &mut BTreeMap<K, V>, most: usize, number: impl Fn(&V) -> u64) {
    while map.len() > most {
        let Some(oldest) = map.iter().min_by_key(|(_, entry)| number(entry)).map(|(key, _)| *key) else { return };
        map.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: NetworkGroup = NetworkGroup::V4([203, 0, 113]);

    #[test]
    fn a_ban_lapses_after_its_time_is_not_prolonged_and_doubles_with_each_repetition() {
        let (mut bans, peer, mut now) = (Bans::default(), PeerId::random(), Instant::now());
        let first = Banned { is_new: true, lasts: limits::BAN, group: None };
        assert_eq!(bans.ban(peer, HERE, now), first);
        let half = now + limits::BAN / 2;
        assert_eq!(bans.ban(peer, HERE, half), Banned { is_new: false, lasts: limits::BAN / 2, group: None });
        now += limits::BAN;
        assert!(bans.is_banned(&peer, now - Duration::from_millis(1)) && !bans.is_banned(&peer, now));
        assert_eq!(bans.count(now), (0, 0));
        for times in 1..10 {
            let lasts = bans.ban(peer, NetworkGroup::Local, now).lasts;
            assert_eq!(lasts, (limits::BAN * (1 << times)).min(limits::BAN_MOST));
            now += lasts;
        }
    }

    #[test]
    fn peers_of_one_group_that_are_banned_soon_after_each_other_ban_the_group() {
        let (mut bans, now) = (Bans::default(), Instant::now());
        let mut banned = |group, at| bans.ban(PeerId::random(), group, at).group;
        for _ in 1..limits::GROUP_STRIKES {
            assert_eq!(banned(HERE, now), None);
            assert_eq!(banned(NetworkGroup::Local, now), None);
            assert_eq!(banned(NetworkGroup::Unseen, now), None);
        }
        assert_eq!(banned(HERE, now), Some(HERE));
        assert_eq!(banned(NetworkGroup::Local, now), None, "this machine is no group");
        assert_eq!(banned(NetworkGroup::Unseen, now), None);
        assert!(bans.is_group_banned(HERE, now) && !bans.is_group_banned(NetworkGroup::V4([203, 0, 114]), now));
        let later = now + limits::GROUP_BAN;
        assert!(!bans.is_group_banned(HERE, later));
        // It takes fewer now, and lasts twice as long.
        let again = (0..limits::GROUP_STRIKES).filter_map(|_| bans.ban(PeerId::random(), HERE, later).group).count();
        assert_eq!(again, 1);
        assert!(bans.is_group_banned(HERE, later + limits::GROUP_BAN));
        // Peers that are banned far apart ban nobody else.
        let elsewhere = NetworkGroup::V6([1; 6]);
        for number in 0..4 * limits::GROUP_STRIKES {
            let at = now + limits::GROUP_STRIKES_FOR * number;
            assert_eq!(bans.ban(PeerId::random(), elsewhere, at).group, None);
        }
    }

    #[test]
    fn the_oldest_of_too_many_bans_are_forgotten_of_peers_and_of_groups() {
        let (mut bans, now) = (Bans::default(), Instant::now());
        let peers: Vec<PeerId> = (0..limits::BANS + 10).map(|_| PeerId::random()).collect();
        for (number, peer) in peers.iter().enumerate() {
            let [.., a, b, c] = number.to_be_bytes();
            bans.ban(*peer, NetworkGroup::V4([a, b, c]), now);
            assert!(bans.peers.len() <= limits::BANS && bans.groups.len() <= limits::GROUPS_BANNED);
        }
        assert_eq!(bans.count(now), (limits::BANS, 0));
        assert!(peers[..10].iter().all(|peer| !bans.is_banned(peer, now)));
        assert!(peers[10..].iter().all(|peer| bans.is_banned(peer, now)));
    }

    #[test]
    fn bans_are_taken_up_again_with_the_time_that_was_left() {
        let (mut bans, peer, now) = (Bans::default(), PeerId::random(), Instant::now());
        bans.ban(peer, HERE, now);
        for _ in 1..limits::GROUP_STRIKES {
            bans.ban(PeerId::random(), HERE, now);
        }
        let half = now + limits::GROUP_BAN / 2;
        let (peers, groups) = bans.kept(half);
        let mut next = Bans::default();
        next.restore(&peers, &groups, half);
        assert_eq!(next.count(half), bans.count(half));
        assert_eq!(next.kept(half), (peers, groups));
        assert!(next.is_group_banned(HERE, half) && !next.is_group_banned(HERE, now + limits::GROUP_BAN));
        assert!(!next.is_banned(&peer, now + limits::BAN));
        assert_eq!(next.ban(peer, HERE, now + limits::BAN).lasts, limits::BAN * 2, "it is remembered as the second");
    }
}
