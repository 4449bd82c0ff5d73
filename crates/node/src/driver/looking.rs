//! Look-ups in the DHT that need no call: the offers of signers that the engine has to reach, and the requests that wait for this node's own
//! signers when it starts and after each outage.

use motet_core_crypto::PublicKey;
use motet_wire::{DhtKey, Index, Shard};

use super::Driver;
use super::bags;
use super::input::DriverInput;
use crate::limits;

impl Driver {
    /// Reads the newest offers of these signers from the DHT. With too many look-ups under way it does not: the engine asks again.
    pub(super) fn look_up(&mut self, signers: Vec<PublicKey>) {
        for signer in signers {
            if !self.may_look() {
                return;
            }
            let (net, inputs) = (self.net.clone(), self.inputs_in.clone());
            let key = DhtKey::signer(&self.network, &signer);
            self.looking.spawn(async move {
                if let Ok(frames) = net.find(key).await
                    && !frames.is_empty()
                {
                    // The node may have stopped meanwhile.
                    drop(inputs.send(DriverInput::Found(frames)).await);
                }
            });
        }
    }

    /// True if there is room for one look-up more.
    fn may_look(&mut self) -> bool {
        while self.looking.try_join_next().is_some() {}
        self.looking.len() < limits::LOOK_UPS
    }

    /// The signers of this node that may be known in public.
    pub(super) fn listed(&self) -> impl Iterator<Item = PublicKey> {
        self.signers.keys().filter(|signer| !self.unlisted.contains(signer)).copied()
    }

    /// Reads the requests that wait for the signers of this node.
    pub(super) fn fetch_requests(&mut self) {
        let signers: Vec<PublicKey> = self.listed().collect();
        for signer in signers {
            self.fetch_requests_for(signer);
        }
    }

    /// Reads the requests that wait for one.
    pub(super) fn fetch_requests_for(&mut self, signer: PublicKey) {
        if self.unlisted.contains(&signer) || !self.may_look() {
            return;
        }
        let (net, network, inputs) = (self.net.clone(), self.network.clone(), self.inputs_in.clone());
        let index = Index::RequestsFor(signer);
        self.looking.spawn(async move {
            let mut shards: Vec<Shard> = index.shards().collect();
            while !shards.is_empty() {
                shards.truncate(limits::BAGS_AT_ONCE);
                let Ok((frames, below)) = bags::read(&net, &network, &index, &shards).await else { return };
                for some in frames.chunks(limits::FOUND_AT_ONCE) {
                    if inputs.send(DriverInput::Found(some.to_vec())).await.is_err() {
                        return;
                    }
                }
                shards = below;
            }
        });
    }
}
