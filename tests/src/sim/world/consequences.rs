//! What follows from a step of a node's engine, in the order that its outbox keeps.

use std::sync::Arc;

use motet_coordinator::{Effect, Refusal, Reply, Transition};
use motet_node::Store;
use motet_node::event::Event;
use motet_wire::Now;

use super::{BEGIN, Happening, Purpose, Work, World, brief};
use crate::sim::invariant::Invariant;

/// How many own messages of a node are remembered that have not left: those that its disk has refused never do.
const UNSAID: usize = 1_024;
/// How many commits of a thousand a full disk takes nevertheless.
const HAS_ROOM: u64 = 300;
/// The times at which nodes are ticked once the network is switched off, in milliseconds: each multiple of this.
const DARK_TICK: u64 = 60_000;

impl World {
    /// What follows from a step.
    pub(super) fn carry_out(&mut self, host: usize, now: Now, mut transition: Transition) {
        let opened = |effect: &Effect| match effect {
            Effect::Emit(Event::SigningRequestCreated(requested) | Event::SigningRequestReceived(requested), _) => {
                Some(requested.id)
            }
            _ => None,
        };
        // Frames leave before the user is told, also that their session has begun.
        self.watch.opening = transition.effects.iter().filter_map(opened).collect();
        for effect in &transition.effects {
            self.observe(host, now.mono.0, effect);
        }
        let internal = transition.take_internal();
        let Some(running) = &mut self.hosts[host].running else { return };
        for own in core::mem::take(&mut transition.sealed) {
            running.validator.note_own(&own, now);
            running.unsaid.push_back(own);
        }
        running.unsaid.drain(..running.unsaid.len().saturating_sub(UNSAID));
        running.outbox.push(transition, now.mono);
        for effect in internal {
            match effect {
                Effect::AskSigner(task) => self.begin(host, Work::Signer(task)),
                Effect::Compute(job) => self.begin(host, Work::Job(job)),
                Effect::AskPolicy(proposal) => self.ask_person(host, *proposal),
                Effect::Validate { from, channel, frames } => {
                    for frame in frames {
                        self.at(self.time, Happening::Arrive { host, channel, from, frame });
                    }
                }
                Effect::Subscribe(topics) => self.hosts[host].subscribe(topics),
                Effect::LookUp { signers } => self.look_up(host, &signers),
                // Nothing else is internal.
                Effect::Hold(_)
                | Effect::Broadcast { .. }
                | Effect::Send { .. }
                | Effect::Publish { .. }
                | Effect::Reply(..)
                | Effect::Emit(..) => {}
            }
        }
        self.pump(host);
        self.set_tick(host);
    }

    /// Lets the node's own signer or pool do something, which takes time.
    fn begin(&mut self, host: usize, work: Work) {
        let most = self.hosts[host].plan.work;
        let at = self.time + self.dice.heavy(most);
        let life = self.hosts[host].life;
        self.at(at, Happening::Work { host, life, work: Box::new(work) });
    }

    pub(super) fn set_tick(&mut self, host: usize) {
        let (time, life) = (self.time, self.hosts[host].life);
        let node = &mut self.hosts[host];
        let Some(running) = &mut node.running else { return };
        let Some(deadline) = running.engine.next_deadline() else { return };
        let at = node.clock.world_at(deadline).max(time + 1);
        // A day of cover traffic that nobody hears would take two thirds of all the time that a world takes.
        let at = if self.dark { at.next_multiple_of(DARK_TICK) } else { at };
        if running.tick_at != Some(at) {
            running.tick_at = Some(at);
            self.at(at, Happening::Tick { host, life });
        }
    }

    fn observe(&mut self, host: usize, mono: u64, action: &Effect) {
        if let Effect::Reply(id, Ok(Reply::Announced { request, .. })) = action
            && let Some(Purpose::Ask(ask)) = self.commands.get(id)
        {
            let ask = *ask;
            self.on_announced(ask, *request);
        }
        if !self.is_honest(host) {
            return;
        }
        match action {
            Effect::Emit(event, _) => {
                if let Event::NonceReceived(by) | Event::PartialSigReceived(by) = event {
                    self.taking.push((host, by.index));
                }
                self.tell(|| format!("node {host}: {}", brief(&format!("{event:?}"))));
                self.check_secrets(host, || format!("{event:?}"));
                self.watch.time = self.time;
                self.watch.on_event(host, mono, event, &mut self.tally);
            }
            Effect::Send { frame, .. } | Effect::Broadcast { frame, .. } => {
                self.watch.on_sent(host, frame);
            }
            _ => {}
        }
    }

    /// Lets out what may leave, and gives the disk what it is to store.
    pub(super) fn pump(&mut self, host: usize) {
        let now = self.hosts[host].clock.now(self.time).mono;
        while !self.stands(host) {
            let Some(effect) = self.hosts[host].running.as_mut().and_then(|running| running.outbox.pop(now)) else {
                break;
            };
            if self.is_boundary(host) {
                self.tally.fault(match effect {
                    Effect::Broadcast { .. } | Effect::Send { .. } => "crash before a frame leaves",
                    Effect::Emit(..) => "crash before the user is told",
                    _ => "crash before something else",
                });
                self.leave_untold(host, &effect);
                return self.crash(host);
            }
            self.let_out(host, effect);
        }
        let (time, life, standing) = (self.time, self.hosts[host].life, self.stands(host));
        let node = &mut self.hosts[host];
        let Some(running) = node.running.as_mut().filter(|_| !standing) else { return };
        let leaves_at = running.outbox.next_due().map(|due| node.clock.world_at(due).max(time));
        let is_new = leaves_at != core::mem::replace(&mut running.leaves_at, leaves_at);
        let commits = running.outbox.next_commit().is_some();
        if let Some(at) = leaves_at.filter(|_| is_new) {
            self.at(at, Happening::Late { host, life });
        }
        if commits {
            let most = self.hosts[host].plan.commit;
            let at = self.time + self.dice.heavy(most);
            self.at(at, Happening::Committed { host, life });
        }
    }

    fn let_out(&mut self, host: usize, effect: Effect) {
        match effect {
            Effect::Broadcast { topics, frame } => {
                self.check_durable(host, &frame);
                self.check_private(host, &frame, None);
                self.note_own(host, &frame);
                self.broadcast(host, &topics, &frame);
            }
            Effect::Send { to, frame, .. } => {
                self.check_durable(host, &frame);
                self.check_private(host, &frame, Some(&to));
                self.note_own(host, &frame);
                self.send(host, &to, &frame);
            }
            Effect::Publish { frame, .. } => {
                self.check_private(host, &frame, None);
                self.publish(host, &frame);
            }
            Effect::AskSigner(task) => self.begin(host, Work::Signer(task)),
            Effect::Reply(id, reply) => self.on_reply(host, id, reply),
            _ => {}
        }
    }

    pub(super) fn on_committed(&mut self, host: usize) {
        let Some(running) = &self.hosts[host].running else { return };
        let Some(records) = running.outbox.committing().cloned() else { return };
        let crashes = self.is_boundary(host);
        // A crash while the disk is at work: all of it is there afterwards, or nothing, since a store that finds half of a
        // commit undoes it.
        if crashes && self.dice.chance(500) {
            self.tally.fault("crash before a commit is on disk");
            return self.crash(host);
        }
        if self.hosts[host].disk.repeats(&records) {
            self.watch.breach(Invariant::NonceOnce, format!("host {host} issues nonces for an attempt a second time"));
        }
        self.check_secrets(host, || format!("{records:?}"));
        // Something else is deleted, and a full disk has room for a moment.
        let disk = Arc::clone(&self.hosts[host].disk);
        let has_room = disk.is_full() && self.dice.chance(HAS_ROOM);
        if has_room {
            self.tally.fault("full disk that has room for a moment");
            disk.set_full(false);
        }
        let stored = disk.commit(&records);
        if has_room {
            disk.set_full(true);
        }
        if crashes {
            self.tally.fault("crash between a commit and what waits for it");
            return self.crash(host);
        }
        let is_stored = stored.is_ok();
        let now = self.hosts[host].clock.now(self.time).mono;
        let Some(running) = &mut self.hosts[host].running else { return };
        let refusal = running.outbox.on_committed(stored, now);
        if is_stored {
            // What waited is the first to leave when the node goes on.
            self.stands_still_after(host, &records);
        }
        if let Some(Refusal { input, dropped }) = refusal {
            self.tally.fault("commit refused");
            self.tell(|| format!("node {host}: the disk refuses {} records", records.len()));
            for effect in &dropped {
                self.leave_untold(host, effect);
            }
            // The engine hears of it later, and makes more until then.
            if let Some(running) = &mut self.hosts[host].running {
                running.refusals.push_back(input);
            }
            self.begin(host, Work::Refusal);
        }
        self.pump(host);
    }

    /// The engine hears of a refusal of its disk, if there is one that it has not heard of. False if there is none.
    pub(super) fn hear_refusal(&mut self, host: usize) -> bool {
        let running = self.hosts[host].running.as_mut();
        let Some(input) = running.and_then(|running| running.refusals.pop_front()) else { return false };
        self.input(host, input);
        self.check_retracted(host);
        true
    }

    /// If this effect is an event, the user is not told.
    pub(super) fn leave_untold(&mut self, host: usize, effect: &Effect) {
        if let Effect::Emit(event, _) = effect {
            self.watch.on_untold(host, event);
        }
    }

    /// Counts one more consequence that a crash may come before.
    fn is_boundary(&mut self, host: usize) -> bool {
        let node = &mut self.hosts[host];
        let Some(running) = &mut node.running else { return false };
        running.boundaries += 1;
        // The first life's crashes do not begin before there is something to lose.
        self.time >= BEGIN && node.crashes.front().is_some_and(|crash| running.boundaries >= crash.boundary)
    }

    /// S9: of a request whose announcement was refused, its node knows nothing more, as soon as it has heard of all refusals.
    pub(super) fn check_retracted(&mut self, host: usize) {
        if self.hosts[host].running.as_ref().is_some_and(|running| !running.refusals.is_empty()) {
            return;
        }
        for request in self.watch.unannounced(host) {
            if self.status(host, request).is_some() {
                let detail = format!("host {host} was refused the announcement of {request}, and goes on with it");
                self.watch.breach(Invariant::Replay, detail);
            }
        }
    }
}
