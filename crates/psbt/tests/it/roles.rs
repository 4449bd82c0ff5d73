//! The roles from an unsigned PSBT to a transaction that Bitcoin's consensus code accepts.

use bitcoin::Sequence;
use motet_core_crypto::Signature;
use motet_psbt::descriptor::Descriptor;
use motet_psbt::fields::SighashType;
use motet_psbt::{
    Blame, ExtractError, FinalizeError, Group, Key, MapId, Missing, PathId, PlanError, RawPsbt, SecretKeys, Share,
    SignerError, SpendPlan, Version,
};

use crate::signers::{GAP, Signer, accepts, group, plan, rng, sign_all, signers, spend};
use crate::vectors::{Case, load};

const RBF: Sequence = Sequence::ENABLE_RBF_NO_LOCKTIME;

/// Signs, finalizes and verifies.
fn finish<K: SecretKeys>(start: &RawPsbt, group: &Group, path: PathId, signers: &[&K]) -> bitcoin::Transaction {
    let mut psbt = sign_all(start, group, path, signers);
    let plan = plan(&psbt, group, path);
    assert_eq!(plan.missing(&psbt), []);
    assert_eq!(plan.verify_partials(&psbt), []);
    plan.finalize(&mut psbt).unwrap();
    let transaction = psbt.extract().unwrap();
    assert_eq!(transaction.compute_txid(), start.unsigned_tx().unwrap().compute_txid());
    for own in &plan.inputs {
        assert!(accepts(&transaction, &plan.prevouts, own.input), "input {}", own.input);
    }
    transaction
}

#[test]
fn groups_of_2_3_and_15_sign_by_the_key_path_in_both_orders_of_derivation() {
    for count in [2, 3, 15] {
        let all = signers(count);
        let members: Vec<_> = all.iter().collect();
        let list = |path: &str| (0..count).map(|number| format!("{{{number}}}{path}")).collect::<Vec<_>>().join(",");
        for text in [format!("tr(musig({})/<0;1>/*)", list("")), format!("tr(musig({}))", list("/<0;1>/*"))] {
            let group = group(&text, &all);
            for version in [Version::V0, Version::V2] {
                let transaction = finish(&spend(&group, 2, 0, RBF, version), &group, PathId::Key, &members);
                assert_eq!(transaction.input[0].witness.iter().map(<[u8]>::len).collect::<Vec<_>>(), [64]);
            }
        }
    }
}

#[test]
fn a_key_without_its_chain_code_signs_with_the_children_that_a_descriptor_derives() {
    let all = signers(3);
    let keys: Vec<_> = all.iter().map(Signer::secret).collect();
    for text in [
        "tr(musig({0}/<0;1>/*,{1}/<0;1>/*,{2}/<0;1>/*))",
        "tr(musig({0}/<0;1>/*,{1}/<2;3>/*,{2}/7))",
        "tr(musig({0}/7,{1},{2}/1/2)/<0;1>/*)",
    ] {
        let group = group(text, &all);
        let start = spend(&group, 3, 0, RBF, Version::V2);
        finish(&start, &group, PathId::Key, &keys.iter().collect::<Vec<_>>());
        let stranger = Signer::new(9).secret();
        let refused = plan(&start, &group, PathId::Key).add_nonces(&mut start.clone(), &group, &stranger, &mut rng(1));
        assert_eq!(refused.unwrap_err(), SignerError::NotASigner);
    }
}

#[test]
fn one_two_and_sixty_four_inputs_are_signed_at_once() {
    let all = signers(2);
    let group = group("tr(musig({0},{1})/<0;1>/*)", &all);
    for count in [1, 2, 64] {
        finish(&spend(&group, count, 0, RBF, Version::V2), &group, PathId::Key, &[&all[0], &all[1]]);
    }
}

#[test]
fn rawtr_is_signed_without_a_tweak() {
    let all = signers(2);
    let group = group("rawtr(musig({0},{1})/<0;1>/*)", &all);
    finish(&spend(&group, 1, 0, RBF, Version::V2), &group, PathId::Key, &[&all[0], &all[1]]);
}

#[test]
fn two_of_three_sign_by_their_leaf_when_one_member_is_gone() {
    let all = signers(3);
    let keys: Vec<_> =
        all.iter().map(|signer| motet_psbt::descriptor::SingleKey::parse(&signer.text).unwrap()).collect();
    let group = Group::threshold(2, &keys).unwrap();
    let start = spend(&group, 2, 0, RBF, Version::V2);
    finish(&start, &group, PathId::Key, &[&all[0], &all[1]]);
    finish(&start, &group, PathId::Leaf(0), &[&all[0], &all[2]]);
    let transaction = finish(&start, &group, PathId::Leaf(1), &[&all[1], &all[2]]);
    let elements: Vec<_> = transaction.input[0].witness.iter().map(<[u8]>::len).collect();
    assert_eq!(elements, [64, 34, 65]);
    let weight = group.spend_paths()[2].witness.unwrap().to_wu();
    // The bound counts a sighash type, which the default type does not write.
    assert_eq!(weight, bitcoin::consensus::serialize(&transaction.input[0].witness).len() as u64 + 1);
}

#[test]
fn a_leaf_with_two_aggregates_of_the_same_signers_needs_two_nonces_of_each() {
    let all = signers(2);
    let text = "tr({0}/9/*,and_v(v:pk(musig({0},{1})/<0;1>/*),pk(musig({0},{1})/<2;3>/*)))";
    let group = group(text, &all);
    let mut file = spend(&group, 1, 0, RBF, Version::V2);
    let plan = plan(&file, &group, PathId::Leaf(0));
    plan.add_nonces(&mut file, &group, &all[0], &mut rng(1)).unwrap();
    let nonces: Vec<_> = file.input(0).unwrap().public_nonces().collect();
    assert_eq!(nonces.len(), 2);
    assert!(
        nonces[0].key.aggregate != nonces[1].key.aggregate && nonces[0].nonce.to_bytes() != nonces[1].nonce.to_bytes()
    );
    finish(&spend(&group, 2, 0, RBF, Version::V2), &group, PathId::Leaf(0), &[&all[0], &all[1]]);
}

#[test]
fn a_timelock_must_be_satisfied_before_anybody_is_asked() {
    let all = signers(3);
    let text = "tr(musig({0},{1},{2})/<0;1>/*,{and_v(v:pk(musig({0},{1})/<0;1>/*),older(144)),and_v(v:pk(musig({1},{2})/<0;1>/*),after(700000))})";
    let group = group(text, &all);
    let early = spend(&group, 1, 0, RBF, Version::V2);
    let refused = SpendPlan::new(&early, &group, PathId::Leaf(0), GAP).map(|_| ());
    assert_eq!(refused, Err(PlanError::Timelock { input: 0 }));
    finish(&spend(&group, 1, 0, Sequence::from_height(144), Version::V2), &group, PathId::Leaf(0), &[&all[0], &all[1]]);
    finish(&early, &group, PathId::Leaf(1), &[&all[1], &all[2]]);
    let final_sequence = spend(&group, 1, 0, Sequence::MAX, Version::V2);
    let refused = SpendPlan::new(&final_sequence, &group, PathId::Leaf(1), GAP).map(|_| ());
    assert_eq!(refused, Err(PlanError::Timelock { input: 0 }));
}

#[test]
fn inputs_of_others_are_left_to_them() {
    let all = signers(2);
    let group = group("tr(musig({0},{1})/<0;1>/*)", &all);
    let mut psbt = sign_all(&spend(&group, 1, 1, RBF, Version::V2), &group, PathId::Key, &[&all[0], &all[1]]);
    let plan = plan(&psbt, &group, PathId::Key);
    assert_eq!((plan.inputs.len(), plan.change.len()), (1, 1));
    plan.finalize(&mut psbt).unwrap();
    assert_eq!(psbt.extract(), Err(ExtractError::NotFinal { input: 1 }));
    psbt.set(MapId::Input(1), Key::new(0x08, &[]), vec![1, 1, 0]).unwrap();
    let transaction = psbt.extract().unwrap();
    assert!(accepts(&transaction, &plan.prevouts, 0));
    // The consensus code does refuse: an amount that is not the one that was signed for makes the signature invalid.
    let mut other = plan.prevouts.clone();
    other[1].value = bitcoin::Amount::from_sat(1);
    assert!(!accepts(&transaction, &other, 0));
    // A final input keeps what it spends, and unknown fields.
    let kinds: Vec<_> = psbt.inputs()[0].entries().map(|(key, _)| key.kind()).collect();
    assert_eq!(kinds, [0x01, 0x08, 0x0e, 0x0f, 0x10]);
}

#[test]
fn every_sighash_type_is_signed_as_asked() {
    let all = signers(2);
    let group = group("tr(musig({0},{1})/<0;1>/*)", &all);
    for sighash in [0, 1, 2, 3, 0x81, 0x82, 0x83] {
        let mut start = spend(&group, 2, 0, RBF, Version::V2);
        start.set(MapId::Input(1), Key::new(0x03, &[]), vec![sighash, 0, 0, 0]).unwrap();
        let transaction = finish(&start, &group, PathId::Key, &[&all[0], &all[1]]);
        assert_eq!(transaction.input[1].witness[0].len(), if sighash == 0 { 64 } else { 65 });
        assert_eq!(SighashType::from_number(sighash.into()).unwrap().number(), sighash);
    }
    let mut start = spend(&group, 1, 0, RBF, Version::V2);
    start.set(MapId::Input(0), Key::new(0x03, &[]), vec![4, 0, 0, 0]).unwrap();
    let error = SpendPlan::new(&start, &group, PathId::Key, GAP).map(|_| ()).unwrap_err();
    assert!(matches!(error, PlanError::Sighash { input: 0, .. }), "{error}");
}

#[test]
fn what_is_missing_is_named_by_input_and_signer() {
    let all = signers(2);
    let group = group("tr(musig({0},{1})/<0;1>/*)", &all);
    let mut file = spend(&group, 1, 0, RBF, Version::V2);
    let plan = plan(&file, &group, PathId::Key);
    let missing = |signer, share| Missing { input: 0, signer, key: 0, share };
    assert_eq!(plan.missing(&file).len(), 4);
    plan.add_nonces(&mut file, &group, &all[1], &mut rng(1)).unwrap();
    let mut left = plan.missing(&file);
    left.sort_by_key(|missing| (missing.signer, missing.share));
    let expected = [missing(0, Share::Nonce), missing(0, Share::PartialSignature), missing(1, Share::PartialSignature)];
    assert_eq!(left, expected);
    assert_eq!(plan.finalize(&mut file), Err(FinalizeError::Incomplete { input: 0 }));
}

#[test]
fn a_wrong_partial_signature_is_blamed_on_its_signer() {
    let all = signers(3);
    let group = group("tr(musig({0},{1},{2})/<0;1>/*)", &all);
    let members: Vec<_> = all.iter().collect();
    let mut psbt = sign_all(&spend(&group, 2, 0, RBF, Version::V2), &group, PathId::Key, &members);
    let plan = plan(&psbt, &group, PathId::Key);
    let key = plan.inputs[1].targets[0].signing_key(1).unwrap();
    let signer = plan.inputs[1].targets[0].signers[1];
    psbt.set(MapId::Input(1), Key::new(0x1c, &key.key_data()), vec![7; 32]).unwrap();
    assert_eq!(plan.verify_partials(&psbt), [Blame { input: 1, signer, key: 0 }]);
    let before = psbt.clone();
    assert_eq!(plan.finalize(&mut psbt), Err(FinalizeError::Signature { input: 1 }));
    assert_eq!(psbt, before);
}

#[test]
fn nothing_is_signed_if_anything_changed_between_the_rounds() {
    let all = signers(2);
    let group = group("tr(musig({0},{1})/<0;1>/*)", &all);
    let start = spend(&group, 2, 0, RBF, Version::V2);
    let mut ours = start.clone();
    let nonces = plan(&start, &group, PathId::Key).add_nonces(&mut ours, &group, &all[0], &mut rng(1)).unwrap();
    assert_eq!(format!("{nonces:?}"), "PendingNonces { count: 2, .. }");
    let mut theirs = start.clone();
    plan(&start, &group, PathId::Key).add_nonces(&mut theirs, &group, &all[1], &mut rng(2)).unwrap();
    let complete = RawPsbt::combine(&[ours.clone(), theirs.clone()]).unwrap();
    let own = plan(&start, &group, PathId::Key).inputs[0].targets[0].clone();
    let place =
        own.context.index_of(&own.context.keys()[own.signers.iter().position(|signer| *signer == 0).unwrap()]).unwrap();
    let own_key = Key::new(0x1b, &own.signing_key(place).unwrap().key_data());

    let mut other_output = complete.unsigned_tx().unwrap();
    other_output.output[0].value = bitcoin::Amount::from_sat(60_001);
    let mut paid_more = RawPsbt::new(Version::V2, &other_output);
    for (map, entries) in complete.maps() {
        for (key, value) in
            entries.entries().filter(|(key, _)| ![0x03, 0x04].contains(&key.kind()) || map == MapId::Input(0))
        {
            let _ = paid_more.add(map, key.clone(), value.to_vec());
        }
    }
    let mut lied = complete.clone();
    let mut prevout = complete.prevout(1).unwrap();
    prevout.value = bitcoin::Amount::from_sat(1);
    lied.set(MapId::Input(1), Key::new(0x01, &[]), bitcoin::consensus::serialize(&prevout)).unwrap();
    let mut other_type = complete.clone();
    other_type.set(MapId::Input(0), Key::new(0x03, &[]), vec![1, 0, 0, 0]).unwrap();
    let mut replaced = complete.clone();
    let foreign = theirs.input(1).unwrap().public_nonces().next().unwrap().nonce;
    replaced.set(MapId::Input(0), own_key.clone(), foreign.to_bytes().to_vec()).unwrap();
    let mut removed = complete.clone();
    removed.remove(MapId::Input(0), |key| *key == own_key).unwrap();

    let mut nonces = nonces;
    let other_transaction = paid_more.clone();
    let cases = [
        (paid_more, SignerError::Changed),
        (lied, SignerError::Changed),
        (other_type, SignerError::Changed),
        (replaced, SignerError::OwnNonce { input: 0 }),
        (removed, SignerError::OwnNonce { input: 0 }),
        (ours, SignerError::MissingNonce { input: 0, signer: 1 }),
    ];
    for (mut file, expected) in cases {
        let before = file.clone();
        let refused = plan(&file, &group, PathId::Key).sign(&mut file, &group, &all[0], nonces).unwrap_err();
        assert_eq!((refused.error, &file), (expected, &before));
        nonces = refused.pending;
    }
    // A plan from before the change does not help: it does not fit the file.
    let old = plan(&complete, &group, PathId::Key);
    let mut file = other_transaction;
    let refused = old.sign(&mut file, &group, &all[0], nonces).unwrap_err();
    assert_eq!(refused.error, SignerError::Changed);
    assert_eq!(old.finalize(&mut file), Err(FinalizeError::OtherTransaction));
    nonces = refused.pending;
    let mut file = complete;
    plan(&file, &group, PathId::Key).sign(&mut file, &group, &all[0], nonces).unwrap();
    assert_eq!(file.input(0).unwrap().partial_signatures().count(), 1);
    // With a partial signature there, a new nonce of any signer would make it worthless.
    let late = plan(&file, &group, PathId::Key).add_nonces(&mut file, &group, &all[1], &mut rng(3)).unwrap_err();
    assert_eq!(late, SignerError::TooLate { input: 0 });
}

#[test]
fn a_psbt_that_is_not_fit_for_signing_is_refused_for_its_own_reason() {
    let all = signers(3);
    let group = group("tr(musig({0},{1})/<0;1>/*)", &all);
    let refused = |psbt: &RawPsbt, path| SpendPlan::new(psbt, &group, path, GAP).map(|_| ()).unwrap_err();
    let start = spend(&group, 1, 1, RBF, Version::V2);
    let mut open = start.clone();
    open.set(MapId::Global, Key::new(0x06, &[]), vec![2]).unwrap();
    assert_eq!(refused(&open, PathId::Key), PlanError::Modifiable);
    let mut unknown = start.clone();
    unknown.remove(MapId::Input(1), |key| key.kind() == 0x01).unwrap();
    assert!(matches!(refused(&unknown, PathId::Key), PlanError::Prevout(_)));
    assert_eq!(refused(&start, PathId::Leaf(0)), PlanError::NoSuchPath);
    let foreign = self::group("tr(musig({0},{2})/<0;1>/*)", &all);
    assert_eq!(refused(&spend(&foreign, 1, 0, RBF, Version::V2), PathId::Key), PlanError::NoOwnInput { count: GAP });
    let mut file = start;
    let stranger = plan(&file, &group, PathId::Key).add_nonces(&mut file, &group, &all[2], &mut rng(1)).unwrap_err();
    assert_eq!(stranger, SignerError::NotASigner);
}

#[test]
fn the_updater_adds_what_bip_371_and_bip_373_ask_for() {
    let all = signers(2);
    let group = group("tr(musig({0},{1})/<0;1>/*,pk({1}/<2;3>/*))", &all);
    let mut psbt = spend(&group, 1, 0, RBF, Version::V2);
    let plan = plan(&psbt, &group, PathId::Key);
    plan.update(&mut psbt, &group).unwrap();
    let output = &plan.inputs[0].output;
    let input = psbt.input(0).unwrap();
    assert_eq!(input.internal_key(), Some(output.keys[0].key.x_only()));
    assert_eq!(input.merkle_root(), output.merkle_root);
    assert_eq!(input.leaf_scripts().count(), 1);
    let [list] = &input.participants().collect::<Vec<_>>()[..] else { panic!() };
    let bare = list.key_agg().unwrap();
    // The derived aggregate has the fingerprint of the bare one, and the path below it.
    let origin = input.origins().find(|origin| origin.key == output.keys[0].key.x_only()).unwrap();
    assert_eq!(origin.origin.path.to_string(), "0/0");
    let xpub: bitcoin::bip32::Xpub = bare.synthetic_xpub().to_string().parse().unwrap();
    assert_eq!(origin.origin.fingerprint, xpub.fingerprint());
    // Two participants, the derived aggregate, and the key of the leaf.
    assert_eq!(input.origins().count(), 4);
    let leaf = input.origins().find(|origin| !origin.leaves.is_empty()).unwrap();
    assert_eq!(leaf.origin.path.to_string(), "87'/1'/0'/2/0");
    let change = psbt.output(1).unwrap();
    assert_eq!((change.participants().count(), change.tree().unwrap().leaves().len()), (1, 1));
    assert_eq!(psbt.output(0).unwrap().participants().count(), 0);
    let again = psbt.clone();
    plan.update(&mut psbt, &group).unwrap();
    assert_eq!(psbt, again);
}

#[test]
fn the_partial_signatures_of_bip_373_make_transactions_that_consensus_code_accepts() {
    let vectors = load("bip-0373/psbt-vectors.json");
    let keys: Vec<_> = vectors["participants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["pubkey"].as_str().unwrap().to_lowercase())
        .collect();
    let musig = format!("musig({})", keys.join(","));
    let valid: Vec<_> = vectors["valid"].as_array().unwrap().iter().map(Case::of).collect();
    for (number, text) in [(2, format!("rawtr({musig})")), (5, format!("tr({musig})"))] {
        let mut psbt = valid[number].accepted();
        let group = Group::new(Descriptor::parse(&text).unwrap()).unwrap();
        let plan = SpendPlan::new(&psbt, &group, PathId::Key, 1).unwrap();
        assert_eq!((plan.missing(&psbt), plan.verify_partials(&psbt)), (vec![], vec![]));
        plan.finalize(&mut psbt).unwrap();
        assert!(accepts(&psbt.extract().unwrap(), &plan.prevouts, 0), "{text}");
    }
}

#[test]
fn signatures_that_were_made_elsewhere_are_verified_and_finalized() {
    let all = signers(2);
    let text = "tr(musig({0},{1})/<0;1>/*,and_v(v:pk(musig({0},{1})/<0;1>/*),pk(musig({0},{1})/<2;3>/*)))";
    let group = group(text, &all);
    for (path, count) in [(PathId::Key, 1), (PathId::Leaf(0), 2)] {
        let start = spend(&group, 2, 0, RBF, Version::V2);
        let transaction = finish(&start, &group, path, &[&all[0], &all[1]]);
        // A witness has its signatures in the reverse order of the keys in the script.
        let signatures: Vec<Signature> = transaction
            .input
            .iter()
            .flat_map(|input| input.witness.iter().take(count).collect::<Vec<_>>().into_iter().rev())
            .map(|bytes| Signature::from_bytes(bytes.try_into().unwrap()))
            .collect();
        let plan = plan(&start, &group, path);
        let mut finished = start.clone();
        plan.finalize_signed(&mut finished, &signatures).unwrap();
        assert_eq!(finished.extract().unwrap(), transaction);
        let mut other = start.clone();
        let expected = signatures.len();
        let few = FinalizeError::Count { found: expected - 1, expected };
        assert_eq!(plan.finalize_signed(&mut other, &signatures[1..]), Err(few));
        let mut swapped = signatures;
        swapped.swap(0, count);
        assert_eq!(plan.finalize_signed(&mut other, &swapped), Err(FinalizeError::Signature { input: 0 }));
        assert_eq!(other, start);
    }
}
