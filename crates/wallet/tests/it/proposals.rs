//! Requests made of PSBTs: their form, and the reasons for which none is made.

use bitcoin::hashes::Hash as _;
use bitcoin::{Amount, Sequence, SignedAmount};
use motet_psbt::{Key, MapId, PathId, PlanError, RawPsbt};
use motet_wallet::{NotOnNetwork, ProposeError, ProposeOptions, RegisteredGroup, propose};
use motet_wire::{Derivation, limits};

use crate::people::{people, registered};
use crate::spends::{PAIR, RBF, Terms, confirmed, output, proposal, psbt, registry, script, spend, stranger};

fn refused(psbt: &RawPsbt, group: &RegisteredGroup, path: PathId) -> ProposeError {
    propose(psbt, group, path, &ProposeOptions::default()).map(|_| ()).unwrap_err()
}

const FIRST: motet_psbt::Location = motet_psbt::Location { keychain: motet_psbt::Keychain(0), index: 0 };

#[test]
fn a_request_has_what_is_signed_and_nothing_else() {
    let all = people(2);
    let group = confirmed("pair", PAIR, &all);
    let mut source = spend(group.group(), 3, 1, RBF);
    // A wallet adds fields, which are left out.
    source.set(MapId::Input(0), Key::new(0xfc, b"\x04motet"), vec![1]).unwrap();
    source.set(MapId::Output(0), Key::new(0x77, &[]), vec![1]).unwrap();
    let made = proposal(&source, &group, PathId::Key);
    let mut keys: Vec<_> = all.iter().map(|person| person.secret.public_key()).collect();
    keys.sort();
    assert_eq!(made.keys, keys);
    // Three coins of 100000 less a change of 30000.
    assert_eq!(made.metadata.amount, Some(270_000));
    assert_eq!(made.metadata.transaction_type, "btc/psbt2");
    let paths = made.items.iter().map(|item| match &item.derivation {
        Derivation::Bip328Taproot { path, merkle_root: None } => path.clone(),
        other => panic!("{other:?}"),
    });
    assert_eq!(paths.collect::<Vec<_>>(), [[0, 0], [1, 1], [0, 2]]);
    let stripped = RawPsbt::parse(&made.metadata.transaction).unwrap();
    assert_eq!(stripped.unsigned_tx(), source.unsigned_tx());
    let kinds = |map: MapId| stripped.map(map).unwrap().entries().map(|(key, _)| key.kind()).collect::<Vec<_>>();
    assert_eq!(kinds(MapId::Global), [0x02, 0x03, 0x04, 0x05, 0xfb]);
    assert_eq!(kinds(MapId::Input(0)), [0x01, 0x0e, 0x0f, 0x10, 0x16]);
    assert_eq!(kinds(MapId::Input(3)), [0x01, 0x0e, 0x0f, 0x10]);
    assert_eq!(kinds(MapId::Output(0)), [0x03, 0x04]);
    assert_eq!(kinds(MapId::Output(1)), [0x03, 0x04, 0x07]);
    // Both versions of the format, and a file that has gone through a request, make the same request.
    let old = source.to_version(motet_psbt::Version::V0).unwrap();
    for same in [old, stripped] {
        let again = proposal(&same, &group, PathId::Key);
        assert_eq!((again.items, again.metadata), (made.items.clone(), made.metadata.clone()));
    }
    let verified = Terms::new(&made).check(&registry(&group)).unwrap();
    assert_eq!(verified.outflow(), Some(SignedAmount::from_sat(270_000)));
    assert_eq!(verified.fee(), Some(Amount::from_sat(310_000)));
    assert_eq!((verified.foreign_inputs(), verified.fee_rate()), (1, None));
    assert_eq!(verified.digest(), made.verified.digest());
}

#[test]
fn every_spend_path_of_the_network_has_its_own_items() {
    let all = people(3);
    let tree = "tr(musig({0},{1},{2})/<0;1>/*,{pk(musig({0},{1})/<0;1>/*),and_v(v:pk(musig({0},{2})/<0;1>/*),pk(musig({0},{2})/<2;3>/*))})";
    let group = confirmed("tree", tree, &all);
    let registry = registry(&group);
    let source = spend(group.group(), 2, 0, RBF);
    let made = proposal(&source, &group, PathId::Key);
    let root = group.group().output(FIRST).unwrap().merkle_root;
    let root = root.map(|root| root.to_byte_array());
    assert_eq!(made.items[0].derivation, Derivation::Bip328Taproot { path: vec![0, 0], merkle_root: root });
    let leaf = proposal(&source, &group, PathId::Leaf(0));
    assert_eq!((leaf.keys.len(), leaf.items.len()), (2, 2));
    assert_eq!(leaf.items[1].derivation, Derivation::Bip328 { path: vec![1, 1] });
    // Two keys of the same members sign for each input.
    let twice = proposal(&source, &group, PathId::Leaf(1));
    let paths: Vec<_> = twice.items.iter().map(|item| item.derivation.clone()).collect();
    let path = |branch, index| Derivation::Bip328 { path: vec![branch, index] };
    assert_eq!(paths, [path(0, 0), path(2, 0), path(1, 1), path(3, 1)]);
    for made in [made, leaf, twice] {
        let verified = Terms::new(&made).check(&registry).unwrap();
        assert_eq!(verified.keys().len(), made.items.len());
        for (item, key) in made.items.iter().zip(verified.keys()) {
            assert_eq!(item.verification_key(&made.keys).unwrap(), *key);
        }
    }
}

#[test]
fn members_that_derive_first_are_asked_by_their_accounts_and_chain_codes() {
    let all = people(3);
    let tree = "tr(musig({0}/<0;1>/*,{1}/<0;1>/*,{2}/7),pk(musig({2}/<0;1>/*,{0}/<0;1>/*)))";
    let group = confirmed("first", tree, &all);
    let registry = registry(&group);
    let source = spend(group.group(), 2, 0, RBF);
    for (path, keys, derived) in [(PathId::Key, 3, 2), (PathId::Leaf(0), 2, 2)] {
        let made = proposal(&source, &group, path);
        assert_eq!((made.keys.len(), made.keys.is_sorted()), (keys, true));
        let taproot = (path == PathId::Key)
            .then(|| group.group().output(FIRST).unwrap().merkle_root.map(|root| root.to_byte_array()));
        for (item, steps) in made.items.iter().zip([[0, 0], [1, 1]]) {
            let Derivation::Members { paths, taproot: Some(_) | None } = &item.derivation else { panic!("{item:?}") };
            assert_eq!(paths.path, steps);
            assert_eq!(paths.chain_codes.iter().flatten().count(), derived);
        }
        if let (Some(first), Derivation::Members { taproot: asked, .. }) = (taproot, &made.items[0].derivation) {
            assert_eq!(*asked, Some(first));
        }
        let verified = Terms::new(&made).check(&registry).unwrap();
        for (item, key) in made.items.iter().zip(verified.keys()) {
            assert_eq!(item.verification_key(&made.keys).unwrap(), *key);
        }
        let names: Vec<_> = made.keys.iter().map(|key| verified.member(key).unwrap()).collect();
        assert_eq!(names.len(), keys);
        // One bit of a chain code, and a path that is not that of the input.
        let mut lie = Terms::new(&made);
        let Derivation::Members { paths, .. } = &mut lie.items[0].derivation else { panic!("as before") };
        let mut codes = paths.chain_codes.to_vec();
        codes.iter_mut().flatten().next().unwrap()[0] ^= 1;
        paths.chain_codes = codes.into();
        assert_eq!(lie.check(&registry).unwrap_err().code(), "E_CHAIN_CODE");
        let mut lie = Terms::new(&made);
        let Derivation::Members { paths, .. } = &mut lie.items[0].derivation else { panic!("as before") };
        paths.path[1] += 1;
        assert_eq!(lie.check(&registry).unwrap_err().code(), "E_PATH");
    }
}

#[test]
fn groups_without_derivation_and_raw_keys_are_asked_as_they_are() {
    let all = people(2);
    for (text, expected) in [
        ("tr(musig({0},{1}))", Derivation::Taproot { merkle_root: None }),
        ("rawtr(musig({0},{1}))", Derivation::None),
        ("rawtr(musig({0},{1})/5/*)", Derivation::Bip328 { path: vec![5, 0] }),
        (
            "tr(musig({0},{1})/1/2/3/4/5/6/7/*)",
            Derivation::Bip328Taproot { path: vec![1, 2, 3, 4, 5, 6, 7, 0], merkle_root: None },
        ),
        ("tr(musig({0}/4/5,{1}/6)/<0;1>/*)", Derivation::Bip328Taproot { path: vec![0, 0], merkle_root: None }),
    ] {
        let group = confirmed("pair", text, &all);
        let made = proposal(&spend(group.group(), 1, 0, RBF), &group, PathId::Key);
        assert_eq!(made.items[0].derivation, expected, "{text}");
        Terms::new(&made).check(&registry(&group)).unwrap();
    }
}

#[test]
fn spend_paths_that_requests_cannot_express_are_refused_for_their_reason() {
    let all = people(3);
    for (text, path, expected) in [
        ("tr(musig({0}/<0;1>/*,{1}/<2;3>/*))", PathId::Key, NotOnNetwork::DifferentPaths),
        ("tr(musig({0}/1/2/3/4/5/6/7/8/*,{1}/1/2/3/4/5/6/7/8/*))", PathId::Key, NotOnNetwork::DeepPath),
        ("tr(musig({0},{1})/1/2/3/4/5/6/7/8/*)", PathId::Key, NotOnNetwork::DeepPath),
        ("tr({2}/<0;1>/*,pk(musig({0},{1})/<0;1>/*))", PathId::Key, NotOnNetwork::SingleKeys),
        (
            "tr({2}/<0;1>/*,and_v(v:pk(musig({0},{1})/<0;1>/*),pk(musig({0},{2})/<0;1>/*)))",
            PathId::Leaf(0),
            NotOnNetwork::SeveralSets,
        ),
        (
            "tr({2}/<0;1>/*,or_i(pk(musig({0},{1})/<0;1>/*),pk(musig({0},{1})/<2;3>/*)))",
            PathId::Leaf(0),
            NotOnNetwork::Choice,
        ),
    ] {
        let group = confirmed("group", text, &all);
        let source = spend(group.group(), 1, 0, RBF);
        assert_eq!(refused(&source, &group, path), ProposeError::NotOnNetwork(expected), "{text}");
    }
}

#[test]
fn a_psbt_that_makes_no_request_is_refused_for_its_own_reason() {
    let all = people(3);
    let group = confirmed("pair", PAIR, &all);
    let key = PathId::Key;
    let source = spend(group.group(), 2, 0, RBF);
    let unconfirmed = registered("pair", PAIR, &all);
    assert_eq!(refused(&source, &unconfirmed, key), ProposeError::NotConfirmed { name: "pair".to_owned() });
    let with_foreign = spend(group.group(), 1, 1, RBF);
    assert_eq!(refused(&with_foreign, &group, key), ProposeError::ForeignInput { input: 1 });
    let mut unknown = with_foreign.clone();
    unknown.remove(MapId::Input(1), |key| key.kind() == 0x01).unwrap();
    assert!(matches!(refused(&unknown, &group, key), ProposeError::Prevout(_)));
    let other = confirmed("other", "tr(musig({0},{2})/<0;1>/*)", &all);
    let not_ours = ProposeError::NotTheGroups { name: "other".to_owned(), count: 100 };
    assert_eq!(refused(&source, &other, key), not_ours);
    assert_eq!(refused(&source, &group, PathId::Leaf(0)), ProposeError::Plan(PlanError::NoSuchPath));
    let many = spend(group.group(), 65, 0, RBF);
    assert_eq!(refused(&many, &group, key), ProposeError::TooManyItems { found: 65 });
    let outputs = (0..1000).map(|_| output(1000, stranger())).collect();
    let long = psbt(&[output(1_000_000, script(group.group(), 0, 0))], outputs, RBF);
    assert!(matches!(refused(&long, &group, key), ProposeError::TooLong { found: 32_769.. }));
    let description = "x".repeat(limits::REQUEST_DESCRIPTION + 1);
    let options = ProposeOptions { description, ..ProposeOptions::default() };
    let error = propose(&source, &group, key, &options).map(|_| ()).unwrap_err();
    assert_eq!(error, ProposeError::Description { found: 1025 });
    let mut open = source.clone();
    open.set(MapId::Global, Key::new(0x06, &[]), vec![1]).unwrap();
    assert_eq!(refused(&open, &group, key), ProposeError::Plan(PlanError::Modifiable));
    let mut odd = source;
    odd.set(MapId::Input(1), Key::new(0x03, &[]), vec![4, 0, 0, 0]).unwrap();
    assert!(matches!(refused(&odd, &group, key), ProposeError::Plan(PlanError::Sighash { input: 1, .. })));
    let over = psbt(&[output(1000, script(group.group(), 0, 0))], vec![output(1001, stranger())], RBF);
    let error = refused(&over, &group, key);
    assert!(matches!(&error, ProposeError::Declined(mismatch) if mismatch.code() == "E_OVERSPENT"), "{error}");
}

#[test]
fn a_leaf_with_a_timelock_needs_a_transaction_that_waits() {
    let all = people(2);
    let text = "tr(musig({0},{1})/<0;1>/*,and_v(v:pk(musig({0},{1})/<0;1>/*),older(144)))";
    let group = confirmed("group", text, &all);
    let early = refused(&spend(group.group(), 1, 0, RBF), &group, PathId::Leaf(0));
    assert_eq!(early, ProposeError::Plan(PlanError::Timelock { input: 0 }));
    let late = spend(group.group(), 1, 0, Sequence::from_height(144));
    let made = proposal(&late, &group, PathId::Leaf(0));
    let verified = Terms::new(&made).check(&registry(&group)).unwrap();
    assert_eq!(verified.spend_path(), PathId::Leaf(0));
    // The same members sign the key path of the same group: the transaction says which path is meant.
    let by_key = proposal(&late, &group, PathId::Key);
    assert_eq!(Terms::new(&by_key).check(&registry(&group)).unwrap().spend_path(), PathId::Key);
}

#[test]
fn a_far_address_is_found_by_the_psbts_pointer_or_by_a_longer_search() {
    let all = people(2);
    let group = confirmed("pair", PAIR, &all);
    let far = psbt(&[output(9000, script(group.group(), 0, 1000))], vec![output(8000, stranger())], RBF);
    let not_found = ProposeError::NotTheGroups { name: "pair".to_owned(), count: 100 };
    assert_eq!(refused(&far, &group, PathId::Key), not_found);
    let options = ProposeOptions { lookahead: 1001, ..ProposeOptions::default() };
    let made = propose(&far, &group, PathId::Key, &options).unwrap();
    let verified = Terms::new(&made).check(&registry(&group)).unwrap();
    assert!(verified.warnings().iter().any(|warning| warning.code == "far_index"));
    let pointing = RawPsbt::parse(&made.metadata.transaction).unwrap();
    assert_eq!(proposal(&pointing, &group, PathId::Key).metadata, made.metadata);
}
