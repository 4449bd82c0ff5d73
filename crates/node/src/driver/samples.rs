//! The metrics of the driver: what the pipeline refuses, and what waits.

use motet_net::Sample;
use motet_wire::Rule;

use super::Driver;

impl Driver {
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
            let name = rule.counter().strip_prefix("wire_rejected_").unwrap_or(rule.counter());
            samples.push(sample.with("name", name));
        }
        samples
    }
}
