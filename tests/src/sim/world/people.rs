//! People: who asks, who approves, who declines, and when they change their minds.

use core::time::Duration;
use std::collections::BTreeMap;

use motet_coordinator::{Audience, Command, CommandId, Input, Reply, SignerAnswer};
use motet_core_crypto::PublicKey;
use motet_node::{CommandError, Decision, Proposal, SigningRequestSpec};
use motet_wire::{Commitments, Criteria, RequestId, SignerMetadata};

use super::{Purpose, Work, World};
use crate::sim::judge;
use crate::sim::ledger::Terms;

/// What a person says about a proposal.
#[derive(Debug)]
pub(in crate::sim) struct Opinion {
    proposal: Box<Proposal>,
    decision: Decision,
    /// Whether it is about what was shown.
    confused: bool,
}

/// How long advertisements live: longer than any world.
const ADVERTISED: Duration = Duration::from_secs(20 * 3_600);

impl World {
    pub(super) fn ask_person(&mut self, host: usize, proposal: Proposal) {
        let person = self.hosts[host].plan.person;
        let declines = self.dice.chance(person.declines);
        let confused = self.dice.chance(person.confuses);
        let decision = if declines { Decision::Decline { reason: "no".to_owned() } } else { Decision::Approve };
        let at = self.time + self.dice.heavy(person.thinks);
        // Nobody is asked about what is not as it is said to be.
        let (decision, confused, at) = match self.checked(host, &proposal) {
            Some(reason) => (Decision::Decline { reason }, false, self.time),
            None => (decision, confused, at),
        };
        if at > self.time + 10_000 {
            self.tally.fault("slow approval");
        }
        let opinion = Opinion { proposal: Box::new(proposal), decision, confused };
        let (life, work) = (self.hosts[host].life, Box::new(Work::Decision(opinion)));
        self.at(at, super::Happening::Work { host, life, work });
    }

    pub(super) fn on_work(&mut self, host: usize, work: Work) {
        match work {
            Work::Signer(task) => {
                let Some(signer) = self.hosts[host].signer() else { return };
                let Some(answer) = task.perform(&*signer) else { return };
                if let SignerAnswer::Delegated { message_key, .. } = &answer {
                    self.voices.insert(*message_key, host);
                    self.hosts[host].voice = Some(*message_key);
                    let known = self.rogues.get(&host).map(crate::sim::hostile::Rogue::message_key);
                    assert!(known.is_none_or(|known| known == *message_key), "a rogue knows its engine's message key");
                }
                self.input(host, Input::SignerAnswered(answer));
            }
            Work::Job(job) => {
                let Some(running) = &mut self.hosts[host].running else { return };
                let outcome = job.run(&mut running.entropy);
                self.input(host, Input::Computed(outcome));
            }
            Work::Decision(opinion) => self.on_opinion(host, opinion),
            Work::Refusal => {
                self.hear_refusal(host);
            }
            Work::Command(command) => {
                let purpose =
                    if matches!(command, Command::AddSigner { .. }) { Purpose::AddSigner } else { Purpose::Other };
                self.command(host, command, purpose);
            }
        }
    }

    fn on_opinion(&mut self, host: usize, opinion: Opinion) {
        let Opinion { proposal, decision, confused } = opinion;
        let (request, signer) = (proposal.request, proposal.signer);
        let mut shown = *proposal;
        if confused {
            // An approval of something else: of what an earlier question was about, or of what a bug made of this one.
            self.tally.fault("confused approval");
            self.tell(|| format!("node {host}: the person approves something else"));
            shown.keys.push(signer.x_only());
        } else if decision == Decision::Approve {
            let keys = shown.keys.iter().map(|key| key.to_bytes());
            let terms: Terms = keys.zip(&shown.terms.items).map(|(key, item)| (key, item.message.clone())).collect();
            self.ledger.open().approve(request, signer, terms);
        } else {
            self.tally.fault("decline");
        }
        self.tell(|| format!("node {host}: the person decides about {request}: {decision:?}"));
        let digest = shown.digest();
        self.input(host, Input::PolicyDecided { request, signer, digest, decision });
    }

    pub(super) fn on_ask(&mut self, ask: usize) {
        let plan = self.plan.asks[ask].clone();
        let keys: Vec<PublicKey> = plan.signers.iter().map(|signer| self.hosts[*signer].key).collect();
        let announcement = SigningRequestSpec {
            creator: self.hosts[plan.creator].key,
            keys,
            items: plan.items,
            options: plan.options,
            metadata: self.transactions.metadata(ask),
            lifetime: plan.lifetime,
        };
        self.asked[ask] = Some(self.time);
        self.tell(|| format!("node {} asks {:?} for signatures", plan.creator, plan.signers));
        let command = match self.plan.is_private {
            true => Command::AnnounceTo(announcement, Audience::Members(BTreeMap::new())),
            false => Command::Announce(announcement),
        };
        self.command(plan.creator, command, Purpose::Ask(ask));
    }

    /// Whoever asks has thereby approved what it asks for.
    pub(super) fn on_announced(&mut self, ask: usize, request: RequestId) {
        let plan = self.plan.asks[ask].clone();
        let keys: Vec<PublicKey> = plan.signers.iter().map(|signer| self.hosts[*signer].key).collect();
        let terms: Terms = plan
            .items
            .iter()
            .map(|item| {
                let ours = || item.verification_key(&keys).map(|key| key.to_bytes()).unwrap_or_default();
                (judge::key_of(&keys, item).unwrap_or_else(ours), item.message.clone())
            })
            .collect();
        self.on_proposed(ask, request, &terms);
        self.ledger.open().approve(request, self.hosts[plan.creator].key, terms);
        self.announced[ask] = Some(request);
        if plan.options.commitments == Commitments::On {
            self.ledger.open().wants_commitments(request);
        }
        self.watch.announced.insert(request);
        self.tally.sessions += 1;
    }

    pub(super) fn on_cancel(&mut self, ask: usize) {
        let (Some(request), Some((who, _))) = (self.announced[ask], self.plan.asks[ask].cancel) else { return };
        self.tally.fault("cancelled");
        self.tell(|| format!("node {who} gives {request} up"));
        self.command(who, Command::Abort { request, detail: "changed my mind".to_owned() }, Purpose::Other);
    }

    pub(super) fn on_reply(&mut self, host: usize, id: CommandId, reply: Result<Reply, CommandError>) {
        let signer = self.hosts[host].key;
        match (self.commands.get(&id), &reply) {
            (Some(Purpose::AddSigner), Ok(_)) => {
                let advertise = Command::Advertise {
                    signer,
                    criteria: Criteria::ANY,
                    metadata: SignerMetadata {
                        nickname: format!("node {}", self.hosts[host].serves),
                        description: String::new(),
                        fee: 0,
                    },
                    addresses: Vec::new(),
                    lifetime: ADVERTISED,
                };
                self.command(host, advertise, Purpose::Other);
            }
            (Some(Purpose::AddSigner), Err(_)) => {
                // Without randomness there is no message key; whoever starts the node tries again.
                let work = Box::new(Work::Command(Command::AddSigner { signer }));
                let (at, life) = (self.time + 500, self.hosts[host].life);
                self.at(at, super::Happening::Work { host, life, work });
            }
            _ => {}
        }
        if let Some(running) = &mut self.hosts[host].running {
            running.replies.insert(id, reply);
        }
    }
}
