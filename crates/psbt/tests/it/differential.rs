//! Comparison with two other implementations: `bitcoin::psbt` for version 0, and `psbt-v2` for version 2.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::{Amount, OutPoint, Psbt, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use motet_psbt::{Key, MapId, RawPsbt, Version};
use proptest::collection::vec;
use proptest::prelude::*;

fn transaction() -> impl Strategy<Value = Transaction> {
    // A txid of zeros, an amount of zero and an empty script count as missing in `psbt-v2`.
    let txid = any::<[u8; 32]>().prop_filter("not zero", |txid| *txid != [0; 32]);
    let input = (txid, any::<u32>(), any::<u32>()).prop_map(|(txid, vout, sequence)| TxIn {
        previous_output: OutPoint { txid: Txid::from_byte_array(txid), vout },
        script_sig: ScriptBuf::new(),
        sequence: Sequence(sequence),
        witness: Witness::new(),
    });
    let output = (1..2_100_000_000_000_000_u64, vec(any::<u8>(), 1..40)).prop_map(|(value, script)| TxOut {
        value: Amount::from_sat(value),
        script_pubkey: ScriptBuf::from_bytes(script),
    });
    (0..4_i32, any::<u32>(), vec(input, 1..4), vec(output, 1..4)).prop_map(|(version, time, input, output)| {
        Transaction {
            version: bitcoin::transaction::Version(version),
            lock_time: LockTime::from_consensus(time),
            input,
            output,
        }
    })
}

/// A well made value for some known fields of an input, and some unknown ones.
fn input_field() -> impl Strategy<Value = (Key, Vec<u8>)> {
    const POINT: [u8; 33] = [
        2, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b,
        0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
    ];
    let field = |kind, data: &[u8], value: Vec<u8>| (Key::new(kind, data), value);
    prop_oneof![
        (0..1_000_000_u64, vec(any::<u8>(), 0..40)).prop_map(move |(amount, script)| {
            let value = [&amount.to_le_bytes()[..], &[script.len() as u8], &script].concat();
            field(0x01, &[], value)
        }),
        any::<u32>().prop_map(move |sighash| field(0x03, &[], sighash.to_le_bytes().to_vec())),
        vec(any::<u8>(), 1..40).prop_map(move |script| field(0x04, &[], script)),
        vec(any::<[u8; 4]>(), 1..6).prop_map(move |words| field(0x06, &POINT, words.concat())),
        (0..3_u8, vec(any::<[u8; 4]>(), 1..6)).prop_map(move |(leaves, words)| {
            let value = [vec![leaves], vec![7; usize::from(leaves) * 32], words.concat()].concat();
            field(0x16, &POINT[1..], value)
        }),
        Just(field(0x17, &[], POINT[1..].to_vec())),
        any::<[u8; 32]>().prop_map(move |root| field(0x18, &[], root.to_vec())),
        vec(any::<u8>(), 64).prop_map(move |signature| field(0x13, &[], signature)),
        (vec(any::<u8>(), 0..4), vec(any::<u8>(), 0..20)).prop_map(move |(data, value)| field(0x77, &data, value)),
        (0..5_u8, any::<u8>()).prop_map(move |(subtype, value)| field(0xfc, &[1, b'm', subtype], vec![value])),
    ]
}

fn psbt() -> impl Strategy<Value = RawPsbt> {
    (transaction(), vec((0..4_usize, input_field()), 0..12)).prop_map(|(transaction, fields)| {
        let mut psbt = RawPsbt::new(Version::V0, &transaction);
        for (input, (key, value)) in fields {
            psbt.set(MapId::Input(input % transaction.input.len()), key, value).unwrap();
        }
        psbt
    })
}

/// The same entries, whatever their order.
fn sorted(psbt: &RawPsbt) -> RawPsbt {
    RawPsbt::combine(std::slice::from_ref(psbt)).unwrap()
}

proptest! {
    #[test]
    fn bitcoin_reads_version_0_as_we_do_and_writes_the_same_entries(psbt in psbt()) {
        let theirs = Psbt::deserialize(&psbt.to_bytes()).unwrap();
        prop_assert_eq!(&theirs.unsigned_tx, &psbt.unsigned_tx().unwrap());
        prop_assert_eq!(theirs.inputs.len(), psbt.inputs().len());
        for (index, theirs) in theirs.inputs.iter().enumerate() {
            let ours = psbt.input(index).unwrap();
            prop_assert_eq!(theirs.tap_internal_key.map(|key| key.serialize()), ours.internal_key().map(|key| key.to_bytes()));
            prop_assert_eq!(theirs.tap_merkle_root, ours.merkle_root());
            prop_assert_eq!(theirs.tap_key_origins.len(), ours.origins().count());
            for origin in ours.origins() {
                let key = bitcoin::XOnlyPublicKey::from_slice(&origin.key.to_bytes()).unwrap();
                let (leaves, (fingerprint, path)) = &theirs.tap_key_origins[&key];
                prop_assert_eq!(leaves, &origin.leaves);
                prop_assert_eq!((fingerprint, path), (&origin.origin.fingerprint, &origin.origin.path));
            }
        }
        let written = RawPsbt::parse(&theirs.serialize()).unwrap();
        prop_assert_eq!(sorted(&written), sorted(&psbt));
    }

    #[test]
    fn psbt_v2_reads_version_2_as_we_do_and_writes_the_same_entries(psbt in psbt()) {
        let mut psbt = psbt.to_version(Version::V2).unwrap();
        // `psbt-v2` always writes the flags.
        psbt.set(MapId::Global, Key::new(0x06, &[]), vec![0]).unwrap();
        let theirs = psbt_v2::v2::Psbt::deserialize(&psbt.to_bytes()).unwrap();
        prop_assert_eq!(theirs.global.input_count, psbt.inputs().len());
        let transaction = psbt.unsigned_tx().unwrap();
        prop_assert_eq!(theirs.global.tx_version, transaction.version);
        for (theirs, ours) in theirs.inputs.iter().zip(&transaction.input) {
            prop_assert_eq!(theirs.previous_txid, ours.previous_output.txid);
            prop_assert_eq!(theirs.spent_output_index, ours.previous_output.vout);
            prop_assert_eq!(theirs.sequence.unwrap_or(Sequence::MAX), ours.sequence);
        }
        for (theirs, ours) in theirs.outputs.iter().zip(&transaction.output) {
            prop_assert_eq!(theirs.amount, ours.value);
            prop_assert_eq!(&theirs.script_pubkey, &ours.script_pubkey);
        }
        let written = RawPsbt::parse(&theirs.serialize()).unwrap();
        prop_assert_eq!(sorted(&written), sorted(&psbt));
    }

    #[test]
    fn what_we_read_in_version_0_bitcoin_reads_too(psbt in psbt(), place in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let mut bytes = psbt.to_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        if let Ok(read) = RawPsbt::parse(&bytes)
            && read.version() == Version::V0
        {
            let theirs = Psbt::deserialize(&bytes);
            prop_assert!(theirs.is_ok(), "{:?}", theirs);
        }
    }
}
