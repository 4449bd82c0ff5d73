//! Messages that groups sign, and the wall between messages and payments.

use bitcoin::hashes::Hash as _;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, SignedAmount, TxOut, Txid};
use motet_psbt::bip322::{
    Locks, MessageError, MessageSignature, MessageSignatureError, VerifyError, message_psbt, to_spend,
};
use motet_psbt::{
    Fact, Group, Key, Keychain, Location, MapId, PathId, PlanError, RawPsbt, SpendPlan, TransactionView, Version,
    ViewWarning,
};

use crate::signers::{GAP, Signer, accepts, group, plan, sign_all, signers, spend};

const MUSIG: &str = "tr(musig({0},{1})/<0;1>/*)";
const TEXT: &str = "We hold this treasury: ä 测试 😄";
const FIRST: Location = Location { keychain: Keychain::RECEIVE, index: 0 };

fn script(group: &Group, index: u32) -> ScriptBuf {
    group.output(Location { index, ..FIRST }).unwrap().script
}

fn sign(start: &RawPsbt, group: &Group, path: PathId, signers: &[&Signer]) -> RawPsbt {
    let mut signed = sign_all(start, group, path, signers);
    plan(&signed, group, path).finalize(&mut signed).unwrap();
    signed
}

fn refused(psbt: &RawPsbt, group: &Group) -> PlanError {
    SpendPlan::new(psbt, group, PathId::Key, GAP).unwrap_err()
}

#[test]
fn a_group_signs_a_message_by_the_key_path_and_anybody_verifies_it() {
    let all = signers(2);
    let group = group(MUSIG, &all);
    let script = script(&group, 0);
    for version in [Version::V0, Version::V2] {
        let start = message_psbt(version, TEXT, &script, Locks::NONE, &[]).unwrap();
        let signed = sign(&start, &group, PathId::Key, &[&all[0], &all[1]]);
        let simple = MessageSignature::of(&signed).unwrap();
        let full = MessageSignature::full(&signed).unwrap();
        assert!(simple.to_string().starts_with("smp") && full.to_string().starts_with("ful"));
        for signature in [simple, full] {
            let read: MessageSignature = signature.to_string().parse().unwrap();
            assert_eq!(read, signature);
            let verified = read.verify(TEXT.as_bytes(), &script).unwrap();
            assert_eq!((verified.sequence, verified.coins), (Sequence::ZERO, vec![]));
            assert!(read.verify(b"another", &script).is_err());
            assert!(read.verify(TEXT.as_bytes(), &self::script(&group, 1)).is_err());
        }
        let spent = to_spend(TEXT.as_bytes(), &script).output;
        assert!(accepts(&signed.extract().unwrap(), &spent, 0));
    }
}

#[test]
fn a_leaf_with_timelocks_signs_in_the_full_form() {
    let all = signers(3);
    let text = "tr(musig({0},{1},{2})/<0;1>/*,{and_v(v:pk(musig({0},{1})/<0;1>/*),older(144)),and_v(v:pk(musig({1},{2})/<0;1>/*),after(700000))})";
    let group = group(text, &all);
    let script = script(&group, 2);
    let members: [[&Signer; 2]; 2] = [[&all[0], &all[1]], [&all[1], &all[2]]];
    for (leaf, members) in members.iter().enumerate() {
        let path = PathId::Leaf(leaf);
        let early = message_psbt(Version::V2, TEXT, &script, Locks::NONE, &[]).unwrap();
        let refused = SpendPlan::new(&early, &group, path, GAP).unwrap_err();
        assert_eq!(refused, PlanError::Timelock { input: 0 });
        let locks = Locks::of(group.spend_paths().iter().find(|spend| spend.id == path).unwrap());
        let start = message_psbt(Version::V2, TEXT, &script, locks, &[]).unwrap();
        let signature = MessageSignature::of(&sign(&start, &group, path, members)).unwrap();
        let verified = signature.verify(TEXT.as_bytes(), &script).unwrap();
        assert_eq!(Locks { sequence: verified.sequence, lock_time: verified.lock_time }, locks);
        let MessageSignature::Full(mut transaction) = signature else { panic!("a timelock needs the full form") };
        assert!(accepts(&transaction, &to_spend(TEXT.as_bytes(), &script).output, 0));
        // The signature commits to the timelocks, and a damaged script is not the one of the address.
        let mut younger = transaction.clone();
        younger.input[0].sequence = Sequence(1);
        assert!(MessageSignature::Full(younger).verify(TEXT.as_bytes(), &script).is_err());
        // Each change of a bit is found, and so are a sighash byte that says nothing and an element too many.
        let mut bytes = bitcoin::consensus::serialize(&transaction);
        for place in 0..bytes.len() {
            bytes[place] ^= 1 << (place % 8);
            if let Ok(damaged) = bitcoin::consensus::deserialize(&bytes) {
                assert!(MessageSignature::Full(damaged).verify(TEXT.as_bytes(), &script).is_err(), "byte {place}");
            }
            bytes[place] ^= 1 << (place % 8);
        }
        for place in [0, 1] {
            let mut longer = transaction.clone();
            let mut elements: Vec<_> = transaction.input[0].witness.iter().map(<[u8]>::to_vec).collect();
            if place == 0 {
                elements[0].push(0)
            } else {
                elements.insert(0, vec![1])
            }
            longer.input[0].witness = bitcoin::Witness::from_slice(&elements);
            assert!(!accepts(&longer, &to_spend(TEXT.as_bytes(), &script).output, 0));
            assert!(MessageSignature::Full(longer).verify(TEXT.as_bytes(), &script).is_err());
        }
        let mut elements: Vec<_> = transaction.input[0].witness.iter().map(<[u8]>::to_vec).collect();
        elements[0][5] ^= 1;
        transaction.input[0].witness = bitcoin::Witness::from_slice(&elements);
        let wrong = MessageSignature::Full(transaction.clone()).verify(TEXT.as_bytes(), &script);
        assert_eq!(wrong, Err(VerifyError::Signature { input: 0 }));
        elements[0][5] ^= 1;
        elements[2][1] ^= 1;
        transaction.input[0].witness = bitcoin::Witness::from_slice(&elements);
        let wrong = MessageSignature::Full(transaction).verify(TEXT.as_bytes(), &script);
        assert_eq!(wrong, Err(VerifyError::Script { input: 0 }));
    }
}

#[test]
fn coins_are_proven_together_with_a_message() {
    let all = signers(2);
    let group = group(MUSIG, &all);
    let coins: Vec<_> = (1..3_u8)
        .map(|number| {
            let outpoint = OutPoint { txid: Txid::from_byte_array([number; 32]), vout: 1 };
            let script_pubkey = script(&group, u32::from(number));
            (outpoint, TxOut { value: Amount::from_sat(70_000), script_pubkey })
        })
        .collect();
    let own = script(&group, 0);
    let start = message_psbt(Version::V2, TEXT, &own, Locks::NONE, &coins).unwrap();
    let view = TransactionView::new(&plan(&start, &group, PathId::Key), &start, &group);
    assert_eq!((view.outflow, view.fee), (Fact::Proven(SignedAmount::ZERO), None));
    let signature = MessageSignature::of(&sign(&start, &group, PathId::Key, &[&all[0], &all[1]])).unwrap();
    let read: MessageSignature = signature.to_string().parse().unwrap();
    assert!(signature.to_string().starts_with("pof"));
    assert_eq!(read.verify(TEXT.as_bytes(), &own).unwrap().coins, coins);
    // A coin that counts twice would prove more than there is.
    let twice = [coins[0].clone(), coins[0].clone()];
    let start = message_psbt(Version::V2, TEXT, &own, Locks::NONE, &twice).unwrap();
    let signature = MessageSignature::of(&sign(&start, &group, PathId::Key, &[&all[0], &all[1]])).unwrap();
    assert_eq!(signature.verify(TEXT.as_bytes(), &own), Err(VerifyError::Repeated { input: 2 }));
    // A transaction alone does not say what its further inputs spend.
    let MessageSignature::ProofOfFunds(psbt) = read else { panic!("coins need the form pof") };
    let bare = MessageSignature::Full(psbt.extract().unwrap());
    assert_eq!(bare.verify(TEXT.as_bytes(), &own), Err(VerifyError::UnknownCoins));
}

#[test]
fn the_view_of_a_message_says_that_it_is_one() {
    let all = signers(2);
    let group = group(MUSIG, &all);
    let start = message_psbt(Version::V2, TEXT, &script(&group, 0), Locks::NONE, &[]).unwrap();
    let view = TransactionView::new(&plan(&start, &group, PathId::Key), &start, &group);
    assert_eq!(view.message.as_deref(), Some(TEXT));
    assert_eq!(view.warnings, [ViewWarning::Message]);
    let payment = spend(&group, 1, 0, Sequence::MAX, Version::V2);
    assert_eq!(TransactionView::new(&plan(&payment, &group, PathId::Key), &payment, &group).message, None);
    let signed = sign(&payment, &group, PathId::Key, &[&all[0], &all[1]]);
    assert_eq!(MessageSignature::of(&signed), Err(MessageSignatureError::Payment));
}

#[test]
fn a_payment_never_passes_as_a_message_and_a_message_never_as_a_payment() {
    let all = signers(2);
    let group = group(MUSIG, &all);
    let own = script(&group, 0);
    let field = || Key::new(0x09, &[]);
    // A payment that says it were a message.
    let mut payment = spend(&group, 1, 0, Sequence::MAX, Version::V2);
    payment.add(MapId::Global, field(), TEXT.as_bytes().to_vec()).unwrap();
    assert_eq!(refused(&payment, &group), MessageError::OtherTransaction.into());
    // A message under the text of another one, and under no text.
    let start = message_psbt(Version::V2, TEXT, &own, Locks::NONE, &[]).unwrap();
    let mut other = start.clone();
    other.set(MapId::Global, field(), b"hello".to_vec()).unwrap();
    assert_eq!(refused(&other, &group), MessageError::OtherTransaction.into());
    other.remove(MapId::Global, |key| *key == field()).unwrap();
    assert_eq!(refused(&other, &group), MessageError::NoText.into());
    other.set(MapId::Global, field(), vec![0xff]).unwrap();
    assert_eq!(refused(&other, &group), MessageError::NotText.into());
    // The message of an address, beside an output that pays.
    let mut transaction = start.unsigned_tx().unwrap();
    transaction.output.push(TxOut { value: Amount::from_sat(1), script_pubkey: own.clone() });
    let mut paying = RawPsbt::new(Version::V2, &transaction);
    paying.add(MapId::Global, field(), TEXT.as_bytes().to_vec()).unwrap();
    paying.add(MapId::Input(0), Key::new(0x01, &[]), start.inputs()[0].single(0x01).unwrap().to_vec()).unwrap();
    assert_eq!(refused(&paying, &group), MessageError::OtherTransaction.into());
    // A sighash type that leaves the first input out would make the signature of a coin useful in a payment.
    let coin =
        (OutPoint { txid: Txid::all_zeros(), vout: 1 }, TxOut { value: Amount::ONE_BTC, script_pubkey: own.clone() });
    let mut loose = message_psbt(Version::V2, TEXT, &own, Locks::NONE, &[coin]).unwrap();
    loose.set(MapId::Input(1), Key::new(0x03, &[]), vec![0x81, 0, 0, 0]).unwrap();
    assert_eq!(refused(&loose, &group), MessageError::Sighash { input: 1, sighash: 0x81 }.into());
}

#[test]
fn another_implementation_accepts_the_signatures_of_groups_and_refuses_what_we_refuse() {
    let all = signers(2);
    let group = group(MUSIG, &all);
    let own = script(&group, 0);
    let address = group.address(FIRST, bitcoin::Network::Signet).unwrap().to_string();
    let outpoint = OutPoint { txid: Txid::from_byte_array([1; 32]), vout: 1 };
    let coin = (outpoint, TxOut { value: Amount::from_sat(70_000), script_pubkey: script(&group, 1) });
    let sign = |coins: &[_]| {
        let start = message_psbt(Version::V2, TEXT, &own, Locks::NONE, coins).unwrap();
        sign(&start, &group, PathId::Key, &[&all[0], &all[1]])
    };
    let (signed, funded) = (sign(&[]), sign(&[coin]));
    let simple = MessageSignature::of(&signed).unwrap().to_string();
    let full = MessageSignature::full(&signed).unwrap().to_string();
    let funds = MessageSignature::of(&funded).unwrap().to_string();
    for (message, is_valid) in [(TEXT, true), ("another", false)] {
        let theirs = [
            bip322::verify_simple_encoded(&address, message, &simple),
            bip322::verify_full_encoded(&address, message, &full),
            bip322::verify_pof_encoded(&address, message, &funds),
        ];
        for (theirs, signature) in theirs.into_iter().zip([&simple, &full, &funds]) {
            let is_accepted = matches!(theirs, Ok(bip322::Verification::Valid { .. }));
            assert_eq!(is_accepted, is_valid, "{signature}: {theirs:?}");
            let ours = signature.parse::<MessageSignature>().unwrap().verify(message.as_bytes(), &own);
            assert_eq!(ours.is_ok(), is_valid, "{signature}: {ours:?}");
        }
    }
}
