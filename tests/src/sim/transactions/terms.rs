//! The terms of a request for a transaction, as an honest creator makes them.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, WPubkeyHash, Witness, consensus};
use motet_core_crypto::PublicKey;
use motet_psbt::{Key, MapId, PathId, RawPsbt, Version};
use motet_wallet::{ProposeOptions, RegisteredGroup, propose};
use motet_wire::{Item, RequestMetadata};

use super::group::{Group, INDEXES};
use crate::sim::plan::Spend;

/// The amount of each coin, in satoshi.
const COIN: u64 = 100_000;
/// The amount that an honest creator pays to somebody else, and that which it hands back to the group.
const PAYMENT: u64 = 60_000;
const CHANGE: u64 = 30_000;

/// The parts of a request that a liar changes.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The signers.
    pub keys: Vec<PublicKey>,
    /// The items.
    pub items: Vec<Item>,
    /// The transaction, its type and its amount.
    pub metadata: RequestMetadata,
}

impl Terms {
    /// The terms of a spend of a group, with its lie if it has one.
    pub fn of(spend: &Spend, group: &Group) -> Self {
        let honest = Self::honest(spend, &group.registered, |branch, index| group.script(branch, index));
        match spend.lie {
            Some(lie) => lie.told_in(honest, spend, group),
            None => honest,
        }
    }

    /// The terms that [`propose`] makes of a PSBT.
    pub(super) fn honest(spend: &Spend, group: &RegisteredGroup, script: impl Fn(u32, u32) -> ScriptBuf) -> Self {
        let path = if spend.by_leaf { PathId::Leaf(0) } else { PathId::Key };
        let options = ProposeOptions { foreign_inputs: true, ..ProposeOptions::default() };
        let made = propose(&psbt(spend, script), group, path, &options).expect("an honest transaction");
        Self { keys: made.keys, items: made.items, metadata: made.metadata }
    }
}

/// A script of nobody in this world.
pub(super) fn stranger() -> ScriptBuf {
    ScriptBuf::new_p2wpkh(&WPubkeyHash::all_zeros())
}

/// A Taproot script of nobody in this world.
pub(super) fn strange_taproot() -> ScriptBuf {
    ScriptBuf::from_bytes([&[0x51, 0x20][..], &[9; 32]].concat())
}

/// The PSBT of a wallet: own coins, coins of others, a payment, change. Own scripts are at the places that the function is asked for.
fn psbt(spend: &Spend, script: impl Fn(u32, u32) -> ScriptBuf) -> RawPsbt {
    let txout = |value, script_pubkey| TxOut { value: Amount::from_sat(value), script_pubkey };
    let own = (0..spend.own as u32).map(|number| txout(COIN, script(number % 2, number % INDEXES)));
    let foreign = (0..spend.foreign).map(|_| txout(COIN, stranger()));
    let prevouts: Vec<TxOut> = own.chain(foreign).collect();
    let change = spend.has_change.then(|| txout(CHANGE, script(1, 0)));
    let input = |number: usize| TxIn {
        previous_output: OutPoint { txid: Txid::from_byte_array([number as u8 + 1; 32]), vout: number as u32 },
        script_sig: ScriptBuf::new(),
        sequence: Sequence::from_height(144),
        witness: Witness::new(),
    };
    let transaction = Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: LockTime::from_consensus(800_000),
        input: (0..prevouts.len()).map(input).collect(),
        output: core::iter::once(txout(PAYMENT, stranger())).chain(change).collect(),
    };
    let mut psbt = RawPsbt::new(Version::V2, &transaction);
    for (input, prevout) in prevouts.iter().enumerate() {
        psbt.set(MapId::Input(input), Key::new(0x01, &[]), consensus::serialize(prevout)).expect("a map of the file");
        if spend.sighash != 0 && input < spend.own {
            let sighash = vec![spend.sighash, 0, 0, 0];
            psbt.set(MapId::Input(input), Key::new(0x03, &[]), sighash).expect("a map of the file");
        }
    }
    psbt
}
