//! Transactions that spend from a group, as PSBTs of another wallet; Bitcoin's consensus code.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, consensus};
use motet_core_crypto::PublicKey;
use motet_psbt::{Group, Key, Keychain, Location, MapId, PathId, RawPsbt, Version};
use motet_wallet::{
    Mismatch, ProposeOptions, RegisteredGroup, Registry, TransactionProposal, VerifiedTransaction, check_terms, propose,
};
use motet_wire::{Item, RequestMetadata};

use crate::people::{Person, registered};

pub(crate) const RBF: Sequence = Sequence::ENABLE_RBF_NO_LOCKTIME;
pub(crate) const PAIR: &str = "tr(musig({0},{1})/<0;1>/*)";

/// A registered group whose words have been compared.
pub(crate) fn confirmed(name: &str, text: &str, people: &[Person]) -> RegisteredGroup {
    let mut group = registered(name, text, people);
    for (number, name) in ["Ann", "Bob", "Cid"].into_iter().enumerate().take(group.members().len()) {
        group.name_member(number, name).unwrap();
    }
    let words = group.id().words().join(" ");
    group.confirm(&words).unwrap();
    group
}

pub(crate) fn registry(group: &RegisteredGroup) -> Registry {
    let mut registry = Registry::new();
    registry.add(group.clone()).unwrap();
    registry
}

pub(crate) fn stranger() -> ScriptBuf {
    ScriptBuf::new_p2wpkh(&bitcoin::WPubkeyHash::all_zeros())
}

/// A Taproot script of nobody that the tests know.
pub(crate) fn strange_taproot() -> ScriptBuf {
    ScriptBuf::from_bytes([&[0x51, 0x20][..], &[9; 32]].concat())
}

pub(crate) fn script(group: &Group, branch: u32, index: u32) -> ScriptBuf {
    group.output(Location { keychain: Keychain(branch), index }).unwrap().script
}

pub(crate) fn output(value: u64, script_pubkey: ScriptBuf) -> TxOut {
    TxOut { value: Amount::from_sat(value), script_pubkey }
}

/// A PSBT with these spent outputs and outputs.
pub(crate) fn psbt(prevouts: &[TxOut], outputs: Vec<TxOut>, sequence: Sequence) -> RawPsbt {
    let input = |number: usize| TxIn {
        previous_output: OutPoint { txid: Txid::from_byte_array([number as u8 + 1; 32]), vout: number as u32 },
        script_sig: ScriptBuf::new(),
        sequence,
        witness: Witness::new(),
    };
    let transaction = Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: LockTime::from_consensus(800_000),
        input: (0..prevouts.len()).map(input).collect(),
        output: outputs,
    };
    let mut psbt = RawPsbt::new(Version::V2, &transaction);
    for (input, prevout) in prevouts.iter().enumerate() {
        psbt.add(MapId::Input(input), Key::new(0x01, &[]), consensus::serialize(prevout)).unwrap();
    }
    psbt
}

/// A PSBT that spends so many outputs of a group, and of others, to a stranger and to the group itself.
pub(crate) fn spend(group: &Group, own: usize, foreign: usize, sequence: Sequence) -> RawPsbt {
    let branches = group.branches();
    let own_scripts = (0..own as u32).map(|number| script(group, number % branches, number % 5));
    let foreign_scripts = (0..foreign).map(|_| stranger());
    let prevouts: Vec<_> = own_scripts.chain(foreign_scripts).map(|script| output(100_000, script)).collect();
    let change = script(group, branches - 1, 0);
    psbt(&prevouts, vec![output(60_000, stranger()), output(30_000, change)], sequence)
}

/// A proposal with inputs of others allowed.
pub(crate) fn proposal(psbt: &RawPsbt, group: &RegisteredGroup, path: PathId) -> TransactionProposal {
    let options = ProposeOptions { foreign_inputs: true, ..ProposeOptions::default() };
    propose(psbt, group, path, &options).unwrap()
}

/// The parts of a request, which a liar changes.
#[derive(Clone)]
pub(crate) struct Terms {
    pub(crate) keys: Vec<PublicKey>,
    pub(crate) items: Vec<Item>,
    pub(crate) metadata: RequestMetadata,
}

impl Terms {
    pub(crate) fn new(proposal: &TransactionProposal) -> Self {
        let TransactionProposal { keys, items, metadata, .. } = proposal.clone();
        Self { keys, items, metadata }
    }

    pub(crate) fn check(&self, registry: &Registry) -> Result<VerifiedTransaction, Mismatch> {
        check_terms(&self.keys, &self.items, &self.metadata, registry)
    }
}

/// True if Bitcoin's consensus code accepts an input.
pub(crate) fn accepts(transaction: &Transaction, prevouts: &[TxOut], input: usize) -> bool {
    let spent: Vec<_> = prevouts
        .iter()
        .map(|prevout| bitcoinconsensus::Utxo {
            script_pubkey: prevout.script_pubkey.as_bytes().as_ptr(),
            script_pubkey_len: prevout.script_pubkey.len() as u32,
            value: prevout.value.to_sat() as i64,
        })
        .collect();
    let bytes = consensus::serialize(transaction);
    let prevout = &prevouts[input];
    bitcoinconsensus::verify(prevout.script_pubkey.as_bytes(), prevout.value.to_sat(), &bytes, Some(&spent), input)
        .is_ok()
}
