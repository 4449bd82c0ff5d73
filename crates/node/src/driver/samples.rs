//! The metrics of the driver: what the pipeline refuses, and what waits.

use motet_net::Sample;
use motet_wire::Rule;

use super::Driver;
use crate::message_counts::MessageCounts;

impl Driver {
    pub(super) fn message_counts(&self) -> MessageCounts {
        let mut rejected = self.validator.counts();
        rejected.retain(|(_, count)| *count > 0);
        rejected.sort_by_key(|(rule, _)| rule.number());
        MessageCounts { accepted: self.validator.accepted(), rejected }
    }

    pub(super) fn samples(&self) -> Vec<Sample> {
        let accepted =
            Sample::counter("motet_accepted", "Messages that the pipeline has accepted", self.validator.accepted());
        let queue = |name: &str, length| {
            Sample::gauge("motet_queue", "Entries that wait in a queue", length).with("queue", name)
        };
        let mut samples = vec![
            accepted,
            Sample::gauge("motet_sessions", "Sessions that have not ended", self.engine.active_sessions()),
            Sample::gauge("motet_signers", "Signers that this node serves", self.signers.len()),
            queue("inputs", self.inputs.len()),
            queue("calls", self.calls.len()),
            queue("backlog", self.backlog.len()),
            queue("network", self.waiting),
            queue("pool", self.pool.waiting()),
            queue("proofs", self.proofs.waiting()),
            queue("devices", self.devices.waiting()),
        ];
        let counts = self.validator.counts();
        for rule in Rule::ALL {
            let count = counts.iter().find(|(counted, _)| *counted == rule).map_or(0, |(_, count)| *count);
            let help = "Messages that the pipeline has refused, by rule";
            let sample = Sample::counter("motet_rejected", help, count).with("rule", rule.code());
            samples.push(sample.with("name", rule.name()));
        }
        samples
    }
}
