//! The file that keeps over restarts what a node has learnt about others: bans, and the peers that it has reached.
//!
//! It is text, a line for each fact, and is replaced as a whole, so that a process that dies leaves the old one or the new one. A line that cannot be read is
//! skipped: nothing in it is needed.

use core::time::Duration;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use libp2p::{Multiaddr, PeerId};
use motet_wire::NetworkGroup;

use crate::bans::KeptBan;
use crate::limits;
use crate::peers;

const HEAD: &str = "motet-net 1";

/// The facts in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) peers_banned: Vec<KeptBan<PeerId>>,
    pub(crate) groups_banned: Vec<KeptBan<NetworkGroup>>,
    /// The peers that the node had chosen last.
    pub(crate) anchors: Vec<(PeerId, Multiaddr)>,
    /// All that it has reached.
    pub(crate) reached: Vec<(PeerId, Multiaddr)>,
}

impl Kept {
    /// Reads the file; nothing, if there is none or it is of another kind.
    pub(crate) fn read(path: &Path) -> Self {
        // To open a pipe would wait for its other end.
        if std::fs::metadata(path).is_ok_and(|file| !file.is_file()) {
            tracing::warn!("the file of bans and peers is no file: the node begins without it");
            return Self::default();
        }
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(limits::KEPT_BYTES).read_to_string(&mut text));
        match read {
            Ok(_) => Self::parse(&text),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(%error, "the file of bans and peers cannot be read: the node begins without it");
                }
                Self::default()
            }
        }
    }

    fn parse(text: &str) -> Self {
        let mut kept = Self::default();
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return kept;
        }
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["ban", peer, lasts, times] => kept.peers_banned.extend(ban(peer.parse().ok(), lasts, times)),
                ["ban-network", group, lasts, times] => kept.groups_banned.extend(ban(group_of(group), lasts, times)),
                ["anchor", address] => kept.anchors.extend(place(address)),
                ["reached", address] => kept.reached.extend(place(address)),
                _ => {}
            }
        }
        kept.peers_banned.truncate(limits::BANS);
        kept.groups_banned.truncate(limits::GROUPS_BANNED);
        kept.anchors.truncate(limits::OUTBOUND_MOST);
        kept.reached.truncate(limits::BOOK_PROVEN);
        kept
    }

    /// Replaces the file.
    ///
    /// # Errors
    ///
    /// [`io::Error`]; the old file is still there then.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(self.text().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    }

    fn text(&self) -> String {
        let mut lines = vec![HEAD.to_owned()];
        let bans = self.peers_banned.iter().map(|ban| line("ban", &ban.of, ban.lasts, ban.times));
        lines.extend(bans);
        let groups = self.groups_banned.iter().filter_map(|ban| Some((name_of(ban.of)?, ban)));
        lines.extend(groups.map(|(group, ban)| line("ban-network", &group, ban.lasts, ban.times)));
        lines.extend(self.anchors.iter().map(|(peer, address)| format!("anchor {address}/p2p/{peer}")));
        lines.extend(self.reached.iter().map(|(peer, address)| format!("reached {address}/p2p/{peer}")));
        lines.push(String::new());
        lines.join("\n")
    }
}

fn line(word: &str, of: &dyn core::fmt::Display, lasts: Duration, times: u32) -> String {
    format!("{word} {of} {} {times}", lasts.as_secs())
}

fn ban<K>(of: Option<K>, lasts: &str, times: &str) -> Option<KeptBan<K>> {
    Some(KeptBan { of: of?, lasts: Duration::from_secs(lasts.parse().ok()?), times: times.parse().ok()? })
}

fn place(address: &str) -> Option<(PeerId, Multiaddr)> {
    peers::split_peer(&address.parse().ok()?)
}

/// A network group as its bytes in decimal: three of IPv4, or six of IPv6.
fn name_of(group: NetworkGroup) -> Option<String> {
    let bytes = match &group {
        NetworkGroup::V4(bytes) => bytes.as_slice(),
        NetworkGroup::V6(bytes) => bytes.as_slice(),
        NetworkGroup::Local | NetworkGroup::Unseen => return None,
    };
    Some(bytes.iter().map(u8::to_string).collect::<Vec<_>>().join("."))
}

fn group_of(name: &str) -> Option<NetworkGroup> {
    let bytes: Vec<u8> = name.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    let v4 = <[u8; 3]>::try_from(bytes.as_slice()).map(NetworkGroup::V4);
    v4.or_else(|_| <[u8; 6]>::try_from(bytes.as_slice()).map(NetworkGroup::V6)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_a_line_that_cannot_be_read_is_skipped() {
        let place = |text: &str| (PeerId::random(), text.parse::<Multiaddr>().unwrap());
        let ban = |of| KeptBan { of, lasts: Duration::from_secs(3_599), times: 2 };
        let kept = Kept {
            peers_banned: vec![KeptBan { of: PeerId::random(), lasts: Duration::from_secs(7), times: 1 }],
            groups_banned: vec![ban(NetworkGroup::V4([203, 0, 113])), ban(NetworkGroup::V6([32, 1, 13, 184, 0, 1]))],
            anchors: vec![place("/ip4/203.0.113.5/tcp/4001")],
            reached: vec![place("/ip4/203.0.113.5/tcp/4001"), place("/ip6/2001:db8::1/udp/1/quic-v1")],
        };
        let text = kept.text();
        assert_eq!(Kept::parse(&text), kept);
        let damaged =
            text.replace("ban-network 203.0.113 3599", "ban-network 203.0.113 x").replace("reached", "rea ched");
        let rest = Kept { groups_banned: vec![kept.groups_banned[1]], reached: Vec::new(), ..kept.clone() };
        assert_eq!(Kept::parse(&damaged), rest);
        assert_eq!(Kept::parse(&text.replace("motet-net 1", "motet-net 2")), Kept::default());
        assert_eq!(Kept::parse(&text[..text.len() / 2]).peers_banned, kept.peers_banned, "what is cut off is lost");
        let many = format!("{HEAD}\n{}", "ban-network 1.2.3 4 5\n".repeat(10_000));
        assert_eq!(Kept::parse(&many).groups_banned.len(), limits::GROUPS_BANNED);
    }
}
