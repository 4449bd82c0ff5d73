//! Views of transactions: what is proven, what is only claimed, and what a signer is warned of.

use bitcoin::hashes::Hash as _;
use bitcoin::{Amount, ScriptBuf, Sequence, SignedAmount, Transaction};
use motet_psbt::{
    Fact, Key, Keychain, Location, MapId, PathId, RawPsbt, Recipient, TransactionView, Version, ViewWarning,
};

use crate::signers::{group, plan, sign_all, signers, spend};

const RBF: Sequence = Sequence::ENABLE_RBF_NO_LOCKTIME;
const MUSIG: &str = "tr(musig({0},{1})/<0;1>/*)";

fn view(psbt: &RawPsbt, group: &motet_psbt::Group) -> TransactionView {
    TransactionView::new(&plan(psbt, group, PathId::Key), psbt, group)
}

/// A PSBT whose transaction is changed before anybody has seen it, with the spent outputs of the first.
fn changed(psbt: &RawPsbt, change: impl FnOnce(&mut Transaction)) -> RawPsbt {
    let mut transaction = psbt.unsigned_tx().unwrap();
    change(&mut transaction);
    let mut other = RawPsbt::new(Version::V2, &transaction);
    for (input, map) in psbt.inputs().iter().enumerate() {
        other.add(MapId::Input(input), Key::new(0x01, &[]), map.single(0x01).unwrap().to_vec()).unwrap();
    }
    other
}

#[test]
fn a_plain_payment_is_proven_in_all_its_parts() {
    let all = signers(2);
    let group = group(MUSIG, &all);
    let psbt = spend(&group, 1, 0, RBF, Version::V2);
    let view = view(&psbt, &group);
    assert_eq!(view.fee, Some(Fact::Proven(Amount::from_sat(10_000))));
    assert_eq!(view.outflow, Fact::Proven(SignedAmount::from_sat(70_000)));
    assert_eq!(view.inputs[0].location, Some(Location { keychain: Keychain::RECEIVE, index: 0 }));
    assert!(matches!(&view.outputs[0].recipient, Fact::Proven(Recipient::Address(_))));
    let change = Location { keychain: Keychain::CHANGE, index: 0 };
    assert_eq!(view.outputs[1].recipient, Fact::Proven(Recipient::Group(change)));
    assert!(view.is_replaceable);
    assert_eq!(view.warnings, [ViewWarning::FeeShare { percent: 14 }]);
    // The signed transaction is not heavier than the rate assumes.
    let mut signed = sign_all(&psbt, &group, PathId::Key, &[&all[0], &all[1]]);
    plan(&signed, &group, PathId::Key).finalize(&mut signed).unwrap();
    let real = Amount::from_sat(10_000) / signed.extract().unwrap().weight();
    let rate = view.fee_rate.unwrap().proven().unwrap();
    assert!(rate <= real && real.to_sat_per_kwu() - rate.to_sat_per_kwu() < 50, "{rate} {real}");
}

#[test]
fn amounts_of_others_are_claims_if_the_sighash_type_leaves_them_out() {
    let all = signers(2);
    let group = group(MUSIG, &all);
    let psbt = spend(&group, 1, 1, RBF, Version::V2);
    let plain = view(&psbt, &group);
    assert_eq!(plain.fee.unwrap().proven(), Some(Amount::from_sat(110_000)));
    assert_eq!(plain.fee_rate, None);
    assert!(plain.warnings.contains(&ViewWarning::ForeignInputs { count: 1 }));
    let with_type = |sighash| {
        let mut psbt = psbt.clone();
        psbt.set(MapId::Input(0), Key::new(0x03, &[]), vec![sighash, 0, 0, 0]).unwrap();
        view(&psbt, &group)
    };
    let anyone = with_type(0x81);
    assert_eq!(anyone.inputs.iter().map(|input| input.amount.proven().is_some()).collect::<Vec<_>>(), [true, false]);
    assert_eq!(anyone.fee, Some(Fact::Claimed(Amount::from_sat(110_000))));
    assert!(anyone.warnings.contains(&ViewWarning::Unproven { input: 1 }));
    assert!(anyone.warnings.contains(&ViewWarning::Sighash { input: 0, sighash: 0x81 }));
    let none = with_type(0x02);
    assert!(none.outputs.iter().all(|output| output.recipient.clone().proven().is_none()));
    assert_eq!((none.outflow.proven(), none.fee.unwrap().proven()), (None, None));
}

#[test]
fn a_signer_is_warned_of_everything_unusual_in_the_outputs() {
    let all = signers(2);
    let group = group(MUSIG, &all);
    let base = spend(&group, 1, 0, RBF, Version::V2);
    let with_script = |script: ScriptBuf| {
        let psbt = changed(&base, |transaction| transaction.output[0].script_pubkey = script);
        view(&psbt, &group).warnings
    };
    let own = base.prevout(0).unwrap().script_pubkey;
    assert!(with_script(own).contains(&ViewWarning::Reused { output: 0 }));
    assert!(with_script(ScriptBuf::new_op_return([7; 4])).contains(&ViewWarning::Data { output: 0 }));
    assert!(with_script(ScriptBuf::from_bytes(vec![0x51])).contains(&ViewWarning::Unknown { output: 0 }));
    let fee = changed(&base, |transaction| transaction.output.truncate(1));
    let fee = changed(&fee, |transaction| transaction.output[0].value = Amount::from_sat(1_000));
    let warned = view(&fee, &group).warnings;
    assert!(warned.contains(&ViewWarning::FeeShare { percent: 99 }), "{warned:?}");
    assert!(warned.iter().any(|warning| matches!(warning, ViewWarning::FeeRate { rate: 500.. })), "{warned:?}");
    let lie = changed(&base, |transaction| transaction.output[0].value = Amount::from_sat(200_000));
    let view = view(&lie, &group);
    assert_eq!((view.fee, view.fee_rate), (None, None));
    assert!(view.warnings.contains(&ViewWarning::Overspent));
}

#[test]
fn change_that_is_only_claimed_is_not_change() {
    let all = signers(3);
    let group = group(MUSIG, &all);
    let mut psbt = spend(&group, 1, 0, RBF, Version::V2);
    plan(&psbt, &group, PathId::Key).update(&mut psbt, &group).unwrap();
    assert!(!view(&psbt, &group).warnings.iter().any(|warning| matches!(warning, ViewWarning::FalseChange { .. })));
    // The fields of the true change, at the output of a stranger.
    let stolen: Vec<_> = psbt.outputs()[1]
        .entries()
        .filter(|(key, _)| key.kind() > 4)
        .map(|(key, value)| (key.clone(), value.to_vec()))
        .collect();
    for (key, value) in stolen {
        psbt.add(MapId::Output(0), key, value).unwrap();
    }
    let view = view(&psbt, &group);
    assert!(view.warnings.contains(&ViewWarning::FalseChange { output: 0 }));
    let stranger = ScriptBuf::new_p2wpkh(&bitcoin::WPubkeyHash::all_zeros());
    assert_eq!(view.outputs[0].recipient, Fact::Proven(Recipient::Address(stranger)));
    assert_eq!(view.outflow, Fact::Proven(SignedAmount::from_sat(70_000)));
}

#[test]
fn amounts_that_nobody_can_have_do_not_overflow() {
    let all = signers(2);
    let group = group(MUSIG, &all);
    let mut psbt = spend(&group, 200, 0, RBF, Version::V2);
    let most = 2_100_000_000_000_000;
    for input in 0..200 {
        let mut prevout = psbt.prevout(input).unwrap();
        prevout.value = Amount::from_sat(most);
        psbt.set(MapId::Input(input), Key::new(0x01, &[]), bitcoin::consensus::serialize(&prevout)).unwrap();
    }
    let view = view(&psbt, &group);
    assert_eq!(view.fee, Some(Fact::Proven(Amount::from_sat(200 * most - 90_000))));
    assert_eq!(view.fee_rate, None);
}
