//! Looking signers up in a full local directory.

#![expect(clippy::expect_used, reason = "a directory that cannot be filled cannot be measured")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use motet_coordinator::{Command, CommandId, Effect, Engine, Input, Reply};
use motet_node::{Config, OsEntropy, SignerQuery, Snapshot, limits};
use motet_wire::work::Free;
use motet_wire::{Arrival, Channel, MonotonicMs, NetworkId, Now, PeerId, TimestampMs, Validator};

use super::group::unlimited;
use super::secret;
use crate::network::offers::offer;

const NOW: Now = Now { wall: TimestampMs(1_800_000_000_000), mono: MonotonicMs(1_000_000) };

/// An engine that knows as many signers as it can.
#[derive(Debug)]
pub struct Full {
    engine: Engine,
}

impl Default for Full {
    fn default() -> Self {
        Self::new()
    }
}

impl Full {
    /// How many signers that is.
    pub const SIGNERS: usize = limits::ADVERTISEMENTS;

    /// Advertises them all; one in sixteen signs swaps.
    pub fn new() -> Self {
        let network = NetworkId::test();
        let local = PeerId::from_bytes(&[1; 38]).expect("38 bytes");
        let mut engine = Engine::new(Config::default(), network.clone(), local, Snapshot::default());
        let mut validator = Validator::with_work(network, unlimited(), Arc::new(Free));
        for index in 0..Self::SIGNERS {
            let arrival = Arrival::new(advertisement(index), Channel::Dht, local);
            let message = validator.validate(arrival, NOW).expect("a sound advertisement");
            let _known = engine.handle(NOW, Input::Message(Box::new(message)), &mut OsEntropy);
        }
        Self { engine }
    }

    /// How long it takes to find the cheapest fifteen that sign swaps.
    pub fn find(&mut self) -> Duration {
        let wishes =
            SignerQuery { transaction_type: Some("swap".to_owned()), max_results: 15, ..SignerQuery::default() };
        let begin = Instant::now();
        let found = self.engine.handle(NOW, Input::Command(CommandId(1), Command::Find(wishes)), &mut OsEntropy);
        let took = begin.elapsed();
        let found = found
            .effects
            .iter()
            .any(|action| matches!(action, Effect::Reply(_, Ok(Reply::Found(found))) if found.len() == 15));
        assert!(found, "fifteen are found");
        took
    }
}

fn advertisement(index: usize) -> Arc<[u8]> {
    let network = NetworkId::test();
    let (signer, message_key) = (secret("signer", index), secret("message", index));
    let mut id = [0; 38];
    id.iter_mut().zip(index.to_be_bytes()).for_each(|(to, from)| *to = from);
    let peer = PeerId::from_bytes(&id).expect("38 bytes");
    let kind = if index.is_multiple_of(16) { "swap" } else { "payment" };
    let fee = (index * 7_919 % 1_000) as u64;
    let (_, frame) = offer(&network, [&signer, &message_key], peer, kind, fee, NOW.wall).expect("a sound message");
    frame
}
