//! Making a PSBT of a transaction, and changing its version.

use bitcoin::hashes::Hash as _;
use bitcoin::{Sequence, Transaction};

use super::RawPsbt;
use super::transaction::LocktimeConflict;
use crate::bytes::put_compact_size;
use crate::form::{field, global, input, output};
use crate::map::{Key, MapId, RawMap};
use crate::transaction;
use crate::version::Version;

impl RawPsbt {
    /// A PSBT without any knowledge about its inputs (the Creator of BIP-174). Witnesses and scriptSigs are left out.
    pub fn new(version: Version, transaction: &Transaction) -> Self {
        let mut unsigned = transaction.clone();
        for input in &mut unsigned.input {
            input.script_sig = bitcoin::ScriptBuf::new();
            input.witness = bitcoin::Witness::new();
        }
        let mut psbt = Self {
            version,
            global: RawMap::default(),
            inputs: vec![RawMap::default(); unsigned.input.len()],
            outputs: vec![RawMap::default(); unsigned.output.len()],
        };
        psbt.put_transaction(&unsigned);
        psbt
    }

    /// The same PSBT in another version of the format.
    ///
    /// From version 2 to 0 the locktime is computed, and what only version 2 can say is left out: the locktimes that single
    /// inputs require, and the flags that allow to change the transaction, which cannot be changed in version 0.
    /// All other fields are kept byte for byte.
    ///
    /// # Errors
    ///
    /// [`LocktimeConflict`], from version 2.
    pub fn to_version(&self, version: Version) -> Result<Self, LocktimeConflict> {
        if version == self.version {
            return Ok(self.clone());
        }
        let unsigned = self.unsigned_tx()?;
        let mut psbt = self.clone();
        psbt.version = version;
        psbt.global.retain(|key| stays(MapId::Global, key, version));
        for map in &mut psbt.inputs {
            map.retain(|key| stays(MapId::Input(0), key, version));
        }
        for map in &mut psbt.outputs {
            map.retain(|key| stays(MapId::Output(0), key, version));
        }
        psbt.put_transaction(&unsigned);
        Ok(psbt)
    }

    fn put_transaction(&mut self, unsigned: &Transaction) {
        let key = |kind| Key::new(kind, &[]);
        if self.version == Version::V0 {
            self.global.put(key(global::UNSIGNED_TX), transaction::without_witnesses(unsigned));
            return;
        }
        let count = |count: usize| {
            let mut bytes = Vec::new();
            put_compact_size(&mut bytes, count as u64);
            bytes
        };
        self.global.put(key(global::TX_VERSION), unsigned.version.0.to_le_bytes().to_vec());
        let locktime = unsigned.lock_time.to_consensus_u32();
        if locktime != 0 {
            self.global.put(key(global::FALLBACK_LOCKTIME), locktime.to_le_bytes().to_vec());
        }
        self.global.put(key(global::INPUT_COUNT), count(unsigned.input.len()));
        self.global.put(key(global::OUTPUT_COUNT), count(unsigned.output.len()));
        self.global.put(key(global::VERSION), Version::V2.number().to_le_bytes().to_vec());
        for (map, txin) in self.inputs.iter_mut().zip(&unsigned.input) {
            let OutPointBytes { txid, index } = OutPointBytes::of(txin);
            map.put(key(input::PREVIOUS_TXID), txid);
            map.put(key(input::OUTPUT_INDEX), index);
            if txin.sequence != Sequence::MAX {
                map.put(key(input::SEQUENCE), txin.sequence.0.to_le_bytes().to_vec());
            }
        }
        for (map, txout) in self.outputs.iter_mut().zip(&unsigned.output) {
            map.put(key(output::AMOUNT), txout.value.to_sat().to_le_bytes().to_vec());
            map.put(key(output::SCRIPT), txout.script_pubkey.to_bytes());
        }
    }
}

struct OutPointBytes {
    txid: Vec<u8>,
    index: Vec<u8>,
}

impl OutPointBytes {
    fn of(input: &bitcoin::TxIn) -> Self {
        let outpoint = input.previous_output;
        Self { txid: outpoint.txid.to_byte_array().to_vec(), index: outpoint.vout.to_le_bytes().to_vec() }
    }
}

/// True if an entry is also in the other version. The version number is written anew.
fn stays(map: MapId, key: &Key, version: Version) -> bool {
    let is_version = map == MapId::Global && key.kind() == global::VERSION;
    !is_version && !field(map.kind(), key.kind()).is_some_and(|field| field.presence.is_forbidden(version))
}
