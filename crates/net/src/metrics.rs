//! The metrics of a node, in one registry: libp2p's own, and numbers that the node and its user look up when they are asked.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

/// One number at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The name of the metric, without the ending `_total` that a counter gets.
    pub name: &'static str,
    /// The meaning of the metric, in words.
    pub help: &'static str,
    /// The way in which the number changes.
    pub kind: SampleKind,
    /// The labels that tell samples of one metric apart: names and values.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub value: u64,
}

/// The way in which a number changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    /// It only grows while the node runs.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl Sample {
    /// A number that only grows.
    pub const fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, kind: SampleKind::Counter, labels: Vec::new(), value }
    }

    /// A number that goes up and down.
    pub fn gauge(name: &'static str, help: &'static str, value: usize) -> Self {
        let value = u64::try_from(value).unwrap_or(u64::MAX);
        Self { name, help, kind: SampleKind::Gauge, labels: Vec::new(), value }
    }

    /// The same with a label.
    #[must_use]
    pub fn with(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.labels.push((label, value.into()));
        self
    }
}

/// The samples of the moment, by metric.
#[derive(Debug, Clone, Default)]
struct Samples(Arc<Mutex<BTreeMap<&'static str, Vec<Sample>>>>);

impl Samples {
    fn set(&self, samples: Vec<Sample>) {
        let mut by_name = BTreeMap::<_, Vec<Sample>>::new();
        for sample in samples {
            by_name.entry(sample.name).or_default().push(sample);
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = by_name;
    }
}

impl Collector for Samples {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for of_metric in samples.values() {
            let Some(first) = of_metric.first() else { continue };
            let kind = match first.kind {
                SampleKind::Counter => MetricType::Counter,
                SampleKind::Gauge => MetricType::Gauge,
            };
            let mut metric = encoder.encode_descriptor(first.name, first.help, None, kind)?;
            for sample in of_metric {
                if sample.labels.is_empty() {
                    encode(&mut metric, sample)?;
                } else {
                    encode(&mut metric.encode_family(&sample.labels)?, sample)?;
                }
            }
        }
        Ok(())
    }
}

fn encode(metric: &mut MetricEncoder<'_>, sample: &Sample) -> fmt::Result {
    match sample.kind {
        SampleKind::Counter => metric.encode_counter::<NoLabelSet, _, u64>(&sample.value, None),
        // Prometheus' gauges have a sign.
        SampleKind::Gauge => metric.encode_gauge(&i64::try_from(sample.value).unwrap_or(i64::MAX)),
    }
}

/// The registry of a node.
pub(crate) struct Metrics {
    registry: Registry,
    samples: Samples,
    libp2p: libp2p::metrics::Metrics,
}

impl Metrics {
    pub(crate) fn new(mut registry: Registry) -> Self {
        let samples = Samples::default();
        registry.register_collector(Box::new(samples.clone()));
        let libp2p = libp2p::metrics::Metrics::new(&mut registry);
        Self { registry, samples, libp2p }
    }

    /// libp2p's metrics, which take note of its events.
    pub(crate) const fn libp2p(&self) -> &libp2p::metrics::Metrics {
        &self.libp2p
    }

    /// All metrics as OpenMetrics text, with these samples among them.
    pub(crate) fn text(&self, samples: Vec<Sample>) -> String {
        self.samples.set(samples);
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_become_lines_and_those_of_the_moment_replace_those_before() {
        let metrics = Metrics::new(Registry::default());
        let peers = |direction: &str, value| Sample::gauge("motet_peers", "Peers", value).with("direction", direction);
        let drops = Sample::counter("motet_drops", "Drops", 7);
        let text = metrics.text(vec![peers("in", 3), drops.clone(), peers("out", 4)]);
        for line in [
            "# HELP motet_peers Peers\n# TYPE motet_peers gauge\n",
            "motet_peers{direction=\"in\"} 3\nmotet_peers{direction=\"out\"} 4\n",
            "# TYPE motet_drops counter\nmotet_drops_total 7\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
        let text = metrics.text(vec![drops]);
        assert!(!text.contains("motet_peers"), "{text}");
    }
}
