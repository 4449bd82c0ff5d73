//! Transactions: the check of a node before anybody is asked, its judge, and the audience of private requests.

use std::sync::Arc;

use motet_coordinator::Input;
use motet_node::{Mismatch, Proposal, VerifiedTransaction, verify_proposal};
use motet_psbt::PathId;
use motet_wire::{Arrival, Channel, PeerId, RequestId, Validator, ValidatorLimits};

use super::World;
use crate::sim::invariant::Invariant;
use crate::sim::ledger::Terms;
use crate::sim::plan::Vice;
use crate::sim::transactions::{Deriving, Lie, truth};

impl World {
    /// The reason for which a node declines a proposal without asking its person. A hostile one signs everything.
    pub(super) fn checked(&mut self, host: usize, proposal: &Proposal) -> Option<String> {
        if !self.is_honest(host) || self.transactions.registry.is_none() {
            return None;
        }
        let checked = verify_proposal(self.transactions.registry.as_ref(), proposal);
        self.judge_check(host, proposal, &checked);
        match checked {
            Ok(Some(_)) => {
                let keys = proposal.keys.iter().map(|key| key.to_bytes());
                let terms: Terms =
                    keys.zip(&proposal.terms.items).map(|(key, item)| (key, item.message.clone())).collect();
                self.ledger.open().verify(proposal.request, proposal.signer, terms);
                None
            }
            Ok(None) => None,
            Err(mismatch) => {
                self.tell(|| format!("node {host} declines {}: {mismatch}", proposal.request));
                Some(mismatch.reason())
            }
        }
    }

    /// S13: what is accepted is as other code computes it, what is honest is accepted, and a lie is declined with its code.
    fn judge_check(
        &mut self,
        host: usize,
        proposal: &Proposal,
        checked: &Result<Option<VerifiedTransaction>, Mismatch>,
    ) {
        let ask = self.announced.iter().position(|request| *request == Some(proposal.request));
        let lie: Option<Option<Lie>> = ask.and_then(|ask| self.plan.asks[ask].spend).map(|spend| spend.lie);
        let wrong = match (checked, lie) {
            (Err(mismatch), Some(Some(lie))) if mismatch.code() == lie.code() => {
                *self.tally.deeds.entry((Vice::LiesAboutTransactions, lie.name())).or_default() += 1;
                None
            }
            (_, Some(Some(lie))) => {
                let found = checked.as_ref().map_or_else(Mismatch::code, |_| "nothing");
                Some(format!("{lie:?} is {}, and {found} is found", lie.code()))
            }
            (Err(mismatch), Some(None)) => Some(format!("an honest transaction is declined: {mismatch}")),
            (Ok(Some(verified)), _) => {
                let terms = &proposal.terms;
                let keys: Vec<[u8; 32]> = verified.keys().iter().map(|key| key.to_bytes()).collect();
                let by_leaf = matches!(verified.spend_path(), PathId::Leaf(_));
                match self.transactions.group_of(&terms.keys) {
                    Some(group) => truth::check(&group.own, by_leaf, &terms.items, &keys, &terms.metadata).err(),
                    None => Some("the signers are no group".to_owned()),
                }
            }
            (Ok(None), _) if self.transactions.has_member(&proposal.signer) => {
                Some("a member of a group signs something else than a transaction".to_owned())
            }
            (Ok(None) | Err(_), _) => None,
        };
        if let Some(wrong) = wrong {
            let detail = format!("host {host}, {}: {wrong}", proposal.request);
            self.watch.breach(Invariant::Verified, detail);
        }
    }

    /// A creator's own wallet has checked what it asks for.
    pub(super) fn on_proposed(&mut self, ask: usize, request: RequestId, terms: &Terms) {
        let (plan, metadata) = (&self.plan.asks[ask], self.transactions.metadata(ask));
        let Some(spend) = plan.spend.filter(|spend| spend.lie.is_none()) else { return };
        let creator = self.hosts[plan.creator].key;
        let keys: Vec<_> = plan.signers.iter().map(|signer| self.hosts[*signer].key).collect();
        let signed: Vec<[u8; 32]> = terms.iter().map(|(key, _)| *key).collect();
        let wrong = match self.transactions.group_of(&keys) {
            Some(group) => truth::check(&group.own, spend.by_leaf, &plan.items, &signed, &metadata).err(),
            None => Some("the signers are no group".to_owned()),
        };
        self.ledger.open().verify(request, creator, terms.clone());
        *self.tally.ends.entry("transaction asked for".to_owned()).or_default() += 1;
        if self.plan.is_private {
            *self.tally.ends.entry("private transaction asked for".to_owned()).or_default() += 1;
        }
        if self.plan.deriving == Deriving::Members {
            *self.tally.ends.entry("transaction under members' derived keys asked for".to_owned()).or_default() += 1;
        }
        if let Some(wrong) = wrong {
            self.watch.breach(Invariant::Verified, format!("an honest creator asks for {request}: {wrong}"));
        }
    }

    /// S14: what an honest node says about a private request goes to its signers, directly.
    pub(super) fn check_private(&mut self, host: usize, frame: &Arc<[u8]>, to: Option<&PeerId>) {
        if !self.plan.is_private || !self.is_honest(host) {
            return;
        }
        let mut lens =
            Validator::with_work(self.network.clone(), ValidatorLimits::default(), Arc::new(motet_wire::work::Free));
        let arrival = Arrival::new(Arc::clone(frame), Channel::Store, self.hosts[host].peer);
        let Ok(message) = lens.validate(arrival, self.hosts[host].clock.now(self.time)) else { return };
        let Some(request) = self.watch.request_of_message(&message) else { return };
        let ask = self.announced.iter().position(|announced| *announced == Some(request));
        let Some(ask) = ask else { return };
        let is_member =
            |peer: &PeerId| self.plan.asks[ask].signers.iter().any(|signer| self.hosts[*signer].peer == *peer);
        if !to.is_some_and(is_member) {
            let detail = format!("host {host} sends {} of {request} to {to:?}", message.kind().name());
            self.watch.breach(Invariant::Private, detail);
        }
    }

    /// A node is connected to all others, and they to it.
    pub(super) fn connect(&mut self, host: usize) {
        for other in 0..self.hosts.len() {
            if other != host && self.hosts[other].peer != self.hosts[host].peer {
                for (here, there) in [(host, other), (other, host)] {
                    let peer = self.hosts[there].peer;
                    if !self.stands(here) && !self.stands(there) {
                        self.input(here, Input::PeerConnected { peer });
                    }
                }
            }
        }
    }
}
