//! What follows from a step of a node's engine, in the order in which `node` lets it out.

use motet_coordinator::{Effect, Input, Reply};
use motet_node::event::Event;
use motet_node::{Record, Store};

use super::{BEGIN, Happening, Purpose, Work, World, brief};
use crate::sim::host::Batch;
use crate::sim::invariant::Invariant;

impl World {
    /// What follows from a step.
    pub(super) fn carry_out(&mut self, host: usize, now: motet_wire::Now, actions: Batch) {
        let mut batch = Batch::new();
        for action in actions {
            match action {
                Effect::AskSigner(task) => self.begin(host, Work::Signer(task)),
                Effect::Compute(job) => self.begin(host, Work::Job(job)),
                Effect::AskPolicy(proposal) => self.ask_person(host, *proposal),
                Effect::Validate { from, channel, frames } => {
                    for frame in frames {
                        self.at(self.time, Happening::Arrive { host, channel, from, frame });
                    }
                }
                other => {
                    self.observe(host, now.mono.0, &other);
                    batch.push_back(other);
                }
            }
        }
        let Some(running) = &mut self.hosts[host].running else { return };
        if !batch.is_empty() {
            running.egress.push_back(batch);
            self.pump(host);
        }
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
            Effect::Emit(event) => {
                if let Event::NonceReceived(by) | Event::PartialSigReceived(by) = event {
                    self.taking = Some((host, by.index));
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

    /// Takes steps' consequences out in their order: what is to be stored first, and nothing before it is.
    pub(super) fn pump(&mut self, host: usize) {
        loop {
            let standing = self.stands(host);
            let Some(running) = &mut self.hosts[host].running else { return };
            if running.committing || standing {
                return;
            }
            let Some(batch) = running.egress.front() else { return };
            if matches!(batch.front(), Some(Effect::Persist(_))) {
                running.committing = true;
                let most = self.hosts[host].plan.commit;
                let (at, life) = (self.time + self.dice.heavy(most), self.hosts[host].life);
                return self.at(at, Happening::Committed { host, life });
            }
            let Some(batch) = running.egress.pop_front() else { return };
            self.release(host, batch);
        }
    }

    pub(super) fn on_committed(&mut self, host: usize) {
        let Some(running) = &mut self.hosts[host].running else { return };
        running.committing = false;
        let Some(mut batch) = running.egress.pop_front() else { return };
        let mut records: Vec<Record> = Vec::new();
        while let Some(Effect::Persist(_)) = batch.front() {
            if let Some(Effect::Persist(record)) = batch.pop_front() {
                records.push(record);
            }
        }
        let crashes = self.is_boundary(host);
        // A crash while the disk is at work: all of it is there afterwards, or nothing, since a store that finds half of a
        // commit undoes it.
        if crashes && self.dice.chance(500) {
            self.tally.fault("crash before a commit is on disk");
            self.leave_untold(host, &batch);
            return self.crash(host);
        }
        if self.hosts[host].disk.repeats(&records) {
            self.watch.breach(Invariant::NonceOnce, format!("host {host} issues nonces for an attempt a second time"));
        }
        self.check_secrets(host, || format!("{records:?}"));
        let stored = self.hosts[host].disk.commit(&records);
        if crashes {
            self.tally.fault("crash between a commit and what waits for it");
            self.leave_untold(host, &batch);
            return self.crash(host);
        }
        match stored {
            Ok(()) => {
                if !self.stands_still_after(host, &records) {
                    self.release(host, batch);
                } else if let Some(running) = &mut self.hosts[host].running {
                    // It is the first to leave when the node goes on.
                    running.egress.push_front(batch);
                }
            }
            Err(error) => {
                self.tally.fault("commit refused");
                self.tell(|| format!("node {host}: the disk refuses {} records", records.len()));
                self.leave_untold(host, &batch);
                // What the engine has made since may follow from what is not there.
                for batch in self.hosts[host].running.iter_mut().flat_map(|running| &mut running.egress) {
                    batch.retain(|action| {
                        !matches!(action, Effect::Broadcast { .. } | Effect::Send { .. } | Effect::Publish { .. })
                    });
                }
                self.input(host, Input::PersistFailed { records, detail: error.to_string() });
            }
        }
        self.pump(host);
    }

    /// The user is not told what these actions tell.
    pub(super) fn leave_untold(&mut self, host: usize, batch: &Batch) {
        for action in batch {
            if let Effect::Emit(event) = action {
                self.watch.on_untold(host, event);
            }
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

    pub(super) fn release(&mut self, host: usize, mut batch: Batch) {
        if let Some(Effect::Hold(time)) = batch.front() {
            let at = self.time + u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            batch.pop_front();
            let leaves = |action: &Effect| matches!(action, Effect::Broadcast { .. } | Effect::Send { .. });
            let (late, now): (Batch, Batch) = batch.into_iter().partition(leaves);
            let life = self.hosts[host].life;
            self.at(at, Happening::Late { host, life, batch: late });
            return self.release(host, now);
        }
        while let Some(next) = batch.front() {
            if self.is_boundary(host) {
                self.tally.fault(match next {
                    Effect::Broadcast { .. } | Effect::Send { .. } => "crash before a frame leaves",
                    Effect::Emit(_) => "crash before the user is told",
                    _ => "crash before something else",
                });
                self.leave_untold(host, &batch);
                return self.crash(host);
            }
            let Some(action) = batch.pop_front() else { return };
            match action {
                // One that comes late is stored late.
                Effect::Persist(record) => drop(self.hosts[host].disk.commit(&[record])),
                Effect::Broadcast { frame, .. } => self.broadcast(host, &frame),
                Effect::Send { to, frame, .. } => {
                    self.check_durable(host, &frame);
                    self.send(host, &to, &frame);
                }
                Effect::Publish { frame, .. } => self.publish(host, &frame),
                Effect::Reply(id, reply) => self.on_reply(host, id, reply),
                _ => {}
            }
        }
    }
}
