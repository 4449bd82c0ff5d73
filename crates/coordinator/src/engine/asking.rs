//! A request of this node on its way to its signers (`docs/protocol.md` §5): directly to their peers; if the peer of one is not known or
//! not reached, by gossip on the topic of that signer, and into the DHT for signers that are absent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{Address, PeerId, RequestId, Topic};

use super::ctx::Ctx;
use super::directory::Directory;
use super::input::Effect;

/// A request that not all signers have joined.
#[derive(Debug)]
struct Asked {
    frame: Arc<[u8]>,
    /// The signers that are asked.
    signers: Vec<PublicKey>,
    audience: Spread,
    /// The topics on which it has been published.
    topics: BTreeSet<Topic>,
    /// The effect that puts it into the DHT, until it has been carried out.
    publish: Option<Effect>,
}

/// The nodes that may hear of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spread {
    /// All.
    All,
    /// Those of its signers.
    Members,
}

impl Asked {
    /// Publishes it for these signers, once on each topic.
    fn gossip(&mut self, signers: &[PublicKey], ctx: &mut Ctx<'_>) {
        if self.audience == Spread::Members {
            return;
        }
        let wanted: BTreeSet<Topic> = signers.iter().map(Topic::of_requests_to).collect();
        let new: Vec<Topic> = wanted.difference(&self.topics).cloned().collect();
        if !new.is_empty() {
            self.topics.extend(new.iter().cloned());
            ctx.broadcast(new, &self.frame);
        }
    }
}

/// Own requests that not all signers have joined.
#[derive(Debug, Default)]
pub(super) struct Asking {
    requests: BTreeMap<RequestId, Asked>,
}

impl Asking {
    /// Asks these signers, all of other nodes. `publish` puts the request into the DHT; a request for its members alone has none.
    pub(super) fn ask(
        &mut self,
        id: RequestId,
        signers: Vec<PublicKey>,
        publish: Option<Effect>,
        frame: Arc<[u8]>,
        directory: &Directory,
        ctx: &mut Ctx<'_>,
    ) {
        let mut unknown = Vec::new();
        let mut peers: BTreeMap<PeerId, Vec<Address>> = BTreeMap::new();
        for signer in &signers {
            match directory.route_of(signer) {
                Some((peer, addresses)) => drop(peers.insert(peer, addresses)),
                None => unknown.push(*signer),
            }
        }
        let audience = if publish.is_some() { Spread::All } else { Spread::Members };
        let mut asked = Asked { frame, signers, audience, topics: BTreeSet::new(), publish };
        asked.gossip(&unknown, ctx);
        if !unknown.is_empty() && audience == Spread::All {
            ctx.effect(Effect::LookUp { signers: unknown });
        }
        for (peer, addresses) in peers {
            ctx.send(peer, addresses, &asked.frame);
        }
        self.requests.insert(id, asked);
    }

    /// Puts a request into the DHT, unless it has been put there. To be stored by twenty nodes costs them and this node more than the
    /// whole session.
    pub(super) fn publish(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        if let Some(publish) = self.requests.get_mut(id).and_then(|asked| asked.publish.take()) {
            ctx.effect(publish);
        }
    }

    /// Publishes requests for the signers whose peer is not reached: they may be at another. `has_joined` says whether a signer has joined
    /// a request.
    pub(super) fn gossip(
        &mut self,
        peer: &PeerId,
        directory: &Directory,
        has_joined: impl Fn(&RequestId, &PublicKey) -> bool,
        ctx: &mut Ctx<'_>,
    ) {
        let is_there = |signer: &PublicKey| directory.route_of(signer).is_none_or(|(known, _)| known == *peer);
        for (id, asked) in &mut self.requests {
            let missed = asked.signers.iter().filter(|signer| is_there(signer) && !has_joined(id, signer));
            let missed: Vec<PublicKey> = missed.copied().collect();
            asked.gossip(&missed, ctx);
        }
    }

    /// Asks for a request no more: all have joined, or it has ended.
    pub(super) fn remove(&mut self, id: &RequestId) {
        self.requests.remove(id);
    }
}
