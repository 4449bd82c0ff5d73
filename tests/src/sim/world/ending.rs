//! The end: what must have been reached, and what must have been given back.

use core::time::Duration;

use motet_coordinator::{Command, Input, Reply};
use motet_node::SessionStatus;
use motet_node::event::AbortCause;

use super::{Happening, Purpose, World};
use crate::sim::dice::EntropyFault;
use crate::sim::hostile::Rogue;
use crate::sim::invariant::Invariant;
use crate::sim::plan::{NodePlan, Vice};
use crate::sim::tally::Stage;
use crate::sim::watch::{End, LastWord};

/// More than any world needs.
pub(super) const EVENTS: u64 = 200_000;
/// How long the outcome of a session is remembered, and somewhat more, in milliseconds.
const REMEMBERED: u64 = 11 * 60 * 1_000;
/// How long it may take, when nothing breaks any more, until a signature is known to all that have given it up.
const HEALED: u64 = 60 * 60 * 1_000;
/// How long a question and its answer may take, in milliseconds.
const ANSWERED: u64 = 30_000;
/// How far a wall clock may be off so that delegations of a day are in date all the same, in milliseconds.
const APART: u64 = 20 * 60 * 1_000;

impl World {
    /// S8 and L2, while sessions go on.
    pub(super) fn check_bounds(&mut self) {
        for host in 0..self.hosts.len() {
            let Some(running) = &self.hosts[host].running else { continue };
            let active = running.engine.active_sessions();
            if active > self.plan.config.max_sessions {
                self.watch.breach(Invariant::Bounds, format!("host {host} has {active} sessions"));
            }
            // One that stands still gives back what it holds when it goes on.
            if !self.is_honest(host) || self.stands(host) {
                continue;
            }
            let most = motet_node::limits::EARLY_PER_SENDER;
            let hoarded = |rogue: &Rogue| running.engine.early_messages_of(&rogue.message_key()) > most;
            if self.rogues.values().any(hoarded) {
                self.watch
                    .breach(Invariant::Bounds, format!("host {host} keeps more than {most} early messages of one"));
            }
            let mono = self.hosts[host].clock.now(self.time).mono.0;
            let stood = self.stood_by_its_clock(host);
            let late: Vec<_> = self.watch.seen[host]
                .iter()
                .filter(|(id, seen)| seen.end.is_none() && mono > seen.opened + self.longest(id) + stood)
                .map(|(id, seen)| (*id, seen.stage))
                .collect();
            for (id, stage) in late {
                self.watch.breach(Invariant::Termination, format!("host {host} still has {id} at {stage:?}"));
            }
        }
    }

    /// The longest that a session may take on a node, in its own milliseconds.
    fn longest(&self, request: &motet_wire::RequestId) -> u64 {
        let config = &self.plan.config;
        let items = self.watch.requests.get(request).map_or(1, |known| known.request.items.len() as u32);
        let round = config.round_timeout + config.round_timeout_per_item * items;
        // Whoever comes back adds an attempt; whoever pretends to, too, so that only the limit of the session holds then.
        let returns = |node: &NodePlan| node.crashes.len() + 2 * usize::from(node.cloned.is_some());
        let returned: usize = self.plan.nodes.iter().map(returns).sum();
        let pretends = self.plan.nodes.iter().any(|node| node.vices.contains(&Vice::JoinsTwice));
        let attempts = if pretends { 1_000 } else { config.max_attempts + returned as u32 };
        let all = (round * 3 * attempts + Duration::from_secs(125)).min(config.session_timeout);
        // A deadline comes in a tick, and a tick after the disk.
        u64::try_from(all.as_millis()).unwrap_or(u64::MAX) + 10_000
    }

    /// Whether nothing more is to be expected.
    pub(super) fn has_ended(&self) -> bool {
        let all_up = self.hosts.iter().all(|host| host.running.is_some() && host.standing.is_none());
        // A node that has just started takes up what it has stored as soon as its signer has certified its message key.
        let speaks = |host: &super::Host| host.voice.is_some() || host.plan.entropy != EntropyFault::None;
        let quiet = |host: &super::Host| {
            speaks(host)
                && host
                    .running
                    .as_ref()
                    .is_some_and(|running| running.engine.active_sessions() == 0 && running.outbox.waiting() == 0)
        };
        let honest = || self.hosts.iter().filter(|host| host.plan.vices.is_empty());
        if !all_up || !honest().all(quiet) {
            return false;
        }
        self.plan.asks.iter().zip(&self.asked).zip(&self.announced).all(|((ask, asked), announced)| {
            let lifetime = u64::try_from(ask.lifetime.as_millis()).unwrap_or(u64::MAX);
            let over = self.time > asked.unwrap_or(ask.at) + lifetime + 60_000;
            let ended = |signer: &usize| {
                let Some(request) = announced else { return false };
                let seen = self.watch.seen[*signer].get(request);
                !self.is_honest(*signer) || seen.is_some_and(|seen| seen.end.is_some())
            };
            over || (self.time > ask.at && ask.signers.iter().all(ended))
        })
    }

    /// Judges what has been reached, then lets time pass and sees what is given back.
    pub(super) fn close(&mut self) {
        self.check_told();
        self.check_stored_results();
        self.check_completion();
        self.check_conviction();
        self.check_recovery();
        let complete = self.announced.iter().flatten().filter(|request| {
            let ends = self.watch.seen.iter().filter_map(|seen| seen.get(*request));
            let mut ends = ends.peekable();
            ends.peek().is_some() && ends.all(|seen| seen.end == Some(End::Complete))
        });
        self.tally.complete += complete.count() as u64;
        if self.watch.breaches.is_empty() {
            self.check_returned();
        }
    }

    /// L6: an honest node that has given up learns of the signatures that another holds.
    fn check_told(&mut self) {
        let until = self.time + HEALED;
        loop {
            let standing = self.hosts.iter().any(|host| host.standing.is_some());
            let untold = self.untold();
            if untold.is_none() && !standing {
                return;
            }
            let next = self.queue.pop().map(|std::cmp::Reverse(entry)| entry).filter(|entry| entry.at <= until);
            let Some(entry) = next else {
                let Some((host, knows, request)) = untold else { return };
                let detail = format!("host {host} never hears of the signatures of {request}, which host {knows} has");
                return self.watch.breach(Invariant::Told, detail);
            };
            self.time = entry.at;
            self.happen_late(entry.happening);
            if !self.watch.breaches.is_empty() {
                return;
            }
        }
    }

    /// Something that happens after everything has ended: nobody begins anything then, not even a user whose node stood
    /// still when they wanted to.
    fn happen_late(&mut self, happening: Happening) {
        if !matches!(happening, Happening::Ask { .. } | Happening::Cancel { .. } | Happening::Clone { .. }) {
            self.happen(happening);
        }
    }

    /// An honest node whose last word about a request is that there are no signatures, another that has them, and the
    /// request.
    fn untold(&self) -> Option<(usize, usize, motet_wire::RequestId)> {
        let nodes = 0..self.plan.nodes.len();
        let sound = |node: &usize| {
            let plan = &self.plan.nodes[*node];
            let fails = matches!(plan.entropy, EntropyFault::Fails(_));
            plan.vices.is_empty() && plan.cloned.is_none() && !plan.disk_lies && plan.full.is_none() && !fails
        };
        let apart = |node: &usize| {
            let plan = &self.plan.nodes[*node];
            plan.offset.unsigned_abs() + plan.jumps.iter().map(|(_, by)| by.unsigned_abs()).sum::<u64>() > APART
        };
        let knows = |node: &usize, host: usize, request: &motet_wire::RequestId, given_up: u64| {
            let Some(seen) = self.watch.seen[*node].get(request).filter(|seen| seen.end == Some(End::Complete)) else {
                return false;
            };
            // The pauses between two questions are as long as the time since the end: one that knew it for longer than that was
            // asked, when nothing broke any more, unless it does not understand the other for their clocks.
            let healed = seen.completed.unwrap_or(self.time).max(self.mended).max(self.plan.calm_from).max(given_up);
            let asked = healed + (healed - given_up) / 100 * 120 + ANSWERED;
            seen.closed.is_none_or(|closed| closed > asked && !apart(node) && !apart(&host))
        };
        nodes.clone().filter(sound).find_map(|host| {
            let ended = self.watch.last_words[host].iter();
            let mut without = ended.filter_map(|(request, word)| match word {
                LastWord::NoSignatures { at, .. } => Some((request, *at)),
                LastWord::Signatures => None,
            });
            without.find_map(|(request, at)| {
                let others = || nodes.clone().filter(sound).filter(|node| *node != host);
                let other = others().find(|node| knows(node, host, request, at))?;
                Some((host, other, *request))
            })
        })
    }

    /// L1: where all are honest and nothing broke for good, all have the signatures.
    fn check_completion(&mut self) {
        for ask in 0..self.plan.asks.len() {
            if !self.is_owed(ask) {
                continue;
            }
            *self.tally.ends.entry("owed to the asker".to_owned()).or_default() += 1;
            let Some(request) = self.announced[ask] else {
                self.watch.breach(Invariant::Completion, format!("ask {ask} was never announced"));
                continue;
            };
            let signers = self.plan.asks[ask].signers.clone();
            for signer in signers {
                let end = self.watch.seen[signer].get(&request).and_then(|seen| seen.end.clone());
                if end != Some(End::Complete) {
                    self.watch.breach(
                        Invariant::Completion,
                        format!("host {signer} has no signatures of {request}: {end:?}"),
                    );
                }
            }
        }
    }

    /// L4: where all are honest and a single crash is all that breaks, nobody gives up.
    fn check_recovery(&mut self) {
        let crashes: Vec<_> = self.plan.nodes.iter().flat_map(|node| node.crashes.clone()).collect();
        let [crash] = crashes.as_slice() else { return };
        if self.has_stood() {
            return;
        }
        for ask in 0..self.plan.asks.len() {
            let plan = self.plan.asks[ask].clone();
            let lifetime = u64::try_from(plan.lifetime.as_millis()).unwrap_or(u64::MAX);
            let unbroken = |node: &NodePlan| NodePlan { crashes: Vec::new(), ..node.clone() };
            let sound = |node: &NodePlan| {
                node.vices.is_empty()
                    && !node.disk_lies
                    && node.jumps.is_empty()
                    && self.is_sound(&unbroken(node), lifetime)
            };
            let thinks = self.plan.nodes.iter().map(|node| node.person.thinks).max().unwrap_or(0);
            let in_time = crash.down + 2 * thinks + 25_000 < lifetime;
            let Some(request) = self.announced[ask] else { continue };
            if plan.cancel.is_some() || !self.is_quiet() || !in_time || !self.plan.nodes.iter().all(sound) {
                continue;
            }
            *self.tally.ends.entry("owed in spite of a crash".to_owned()).or_default() += 1;
            for signer in plan.signers {
                let end = self.watch.seen[signer].get(&request).and_then(|seen| seen.end.clone());
                if let Some(End::Aborted(cause)) = end {
                    let detail = format!("host {signer} gives {request} up after one crash: {cause:?}");
                    self.watch.breach(Invariant::Recovery, detail);
                }
            }
        }
    }

    /// L3: where nothing else breaks, whoever proves its own guilt to everybody is convicted by everybody, unless its
    /// engine was faster than itself.
    fn check_conviction(&mut self) {
        let guilty: Vec<usize> =
            self.rogues.iter().filter(|(_, rogue)| rogue.convicts_itself()).map(|(host, _)| *host).collect();
        let ([guilty], 1) = (guilty.as_slice(), self.rogues.len()) else { return };
        let (guilty, key) = (*guilty, self.hosts[*guilty].key);
        let others = (0..self.plan.nodes.len()).filter(|node| *node != guilty);
        let sound = others.clone().all(|node| self.is_sound(&self.plan.nodes[node], u64::MAX));
        let sound = sound && self.is_quiet() && !self.has_stood();
        for ask in 0..self.plan.asks.len() {
            let plan = self.plan.asks[ask].clone();
            let Some(request) = self.announced[ask] else { continue };
            let commits = plan.options.commitments == motet_wire::Commitments::On;
            let proves = self.plan.nodes[guilty].vices.contains(&Vice::BadPartials) || commits;
            // A liar that declines, cannot store or comes too late by its clock has proved nothing yet.
            let lifetime = u64::try_from(plan.lifetime.as_millis()).unwrap_or(u64::MAX);
            let comes_so_far = self.is_sound(&self.plan.nodes[guilty], lifetime);
            if !sound || !proves || !comes_so_far || plan.cancel.is_some() || !plan.signers.contains(&guilty) {
                continue;
            }
            for signer in plan.signers.iter().filter(|signer| **signer != guilty) {
                let seen = self.watch.seen[*signer].get(&request);
                let end = seen.and_then(|seen| seen.given_up.clone().or_else(|| seen.end.clone()));
                let convicted =
                    matches!(&end, Some(End::Aborted(AbortCause::Convicted { culprit, .. })) if *culprit == key);
                // Sync hands on the true commitment, which may come before the false one.
                let warned = self.warned.contains(&(*signer, request));
                let faster = end == Some(End::Complete)
                    && (self.plan.nodes[guilty].vices.contains(&Vice::BadPartials) || !warned);
                // People may take too long, or the request may have been lost on somebody whose clock is off. Whoever is told
                // so by somebody whose time was up before has heard no more of a round than who finds out by itself.
                let told = |detail: &str| detail.starts_with(&motet_wire::AbortCode::TimedOut.to_string());
                let in_vain = match &end {
                    None | Some(End::Aborted(AbortCause::Unresponsive { .. } | AbortCause::Expired)) => true,
                    Some(End::Aborted(AbortCause::Refused { detail, .. })) => told(detail),
                    Some(_) => false,
                };
                let never = in_vain && self.watch.stage_reached(*signer, &request) == Stage::Joining;
                if !convicted && !faster && !never {
                    self.watch.breach(Invariant::Conviction, format!("host {signer} does not convict {key}: {end:?}"));
                }
            }
        }
    }

    /// Whether the network does nothing worse than being slow.
    fn is_quiet(&self) -> bool {
        let net = &self.plan.net;
        net.lost == 0 && net.late == 0 && net.partitions.is_empty()
    }

    /// Whether nothing happens to a node that could keep it from signing within this time.
    fn is_sound(&self, node: &NodePlan, lifetime: u64) -> bool {
        let clocks = node.offset.unsigned_abs() + node.jumps.iter().map(|(_, by)| by.unsigned_abs()).sum::<u64>();
        node.crashes.is_empty()
            && node.full.is_none()
            && node.cloned.is_none()
            && node.person.declines == 0
            && node.person.confuses == 0
            && !matches!(node.entropy, EntropyFault::Fails(_))
            && node.person.thinks.saturating_add(15_000) < lifetime
            && 2 * clocks + 10_000 < lifetime
    }

    /// Whether nothing stands between an ask and its signatures.
    fn is_owed(&self, ask: usize) -> bool {
        let plan = &self.plan.asks[ask];
        let lifetime = u64::try_from(plan.lifetime.as_millis()).unwrap_or(u64::MAX);
        let Some(stood) = self.stood_shortly() else { return false };
        // The others wait for one that stands still for a short time, but no longer than for anybody else.
        let lifetime = lifetime.saturating_sub(stood);
        let soon = self.plan.calm_from < plan.at + lifetime / 3;
        let sound = |node: &NodePlan| node.vices.is_empty() && self.is_sound(node, lifetime);
        // A clock that jumps costs an attempt, since the nonces that were there before it cannot be trusted. A node that
        // stands still may cost one, too.
        let jumps = self.plan.nodes.iter().map(|node| node.jumps.len()).sum::<usize>();
        let lost = jumps + self.stood().count();
        let attempts = usize::try_from(self.plan.config.max_attempts).unwrap_or(usize::MAX);
        plan.cancel.is_none() && lost < attempts && self.plan.nodes.iter().all(sound) && (self.is_quiet() || soon)
    }

    /// What a node says of its sessions.
    fn statuses(&mut self, host: usize) -> Vec<SessionStatus> {
        let id = motet_coordinator::CommandId(self.commands.len() as u64);
        self.command(host, Command::Sessions, Purpose::Other);
        match self.hosts[host].running.as_ref().and_then(|running| running.replies.get(&id)) {
            Some(Ok(Reply::Sessions(sessions))) => sessions.clone(),
            _ => Vec::new(),
        }
    }

    /// Lets time pass in which nobody begins anything.
    fn let_pass(&mut self, until: u64) {
        while self.queue.peek().is_some_and(|std::cmp::Reverse(entry)| entry.at <= until) {
            let Some(std::cmp::Reverse(entry)) = self.queue.pop() else { break };
            self.time = entry.at;
            self.happen_late(entry.happening);
        }
        self.time = until;
    }

    /// L2: when sessions are over and forgotten, nodes hold what they held before.
    pub(super) fn check_returned(&mut self) {
        self.dark = true;
        self.tell(|| "the network is switched off: what do nodes give back?".to_owned());
        let begin = self.time;
        self.let_pass(begin + REMEMBERED * 11 / 10);
        // Not before: a node that waits for its disk does not answer.
        let hosts: Vec<usize> = (0..self.hosts.len()).collect();
        // A session that still ran had to give up first.
        if hosts.iter().any(|host| !self.statuses(*host).is_empty()) {
            self.let_pass(self.time + REMEMBERED * 11 / 10);
        }
        if hosts.iter().any(|host| self.statuses(*host).iter().any(|one| !one.may_complete.is_empty())) {
            let longest = u64::try_from(motet_node::limits::OPEN_END.as_millis()).unwrap_or(u64::MAX);
            self.let_pass(begin + longest * 11 / 10);
        }
        for host in 0..self.hosts.len() {
            if !self.is_honest(host) || self.hosts[host].running.is_none() {
                continue;
            }
            self.input(host, Input::Tick);
            let left = self.statuses(host).len();
            let Some(running) = &self.hosts[host].running else { continue };
            let held = running.signer.held();
            if left > 0 {
                self.watch.breach(Invariant::Termination, format!("host {host} has not forgotten {left} sessions"));
            }
            if held > 0 {
                self.watch.breach(
                    Invariant::Termination,
                    format!("the signer of host {host} holds {held} nonce_ids for ever"),
                );
            }
        }
    }
}
