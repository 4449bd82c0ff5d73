//! A creator that lies in one field of its request at a time: every honest signer declines with the code of that lie.

use bitcoin::absolute::LockTime;
use bitcoin::bip32::ChildNumber;
use bitcoin::{Sequence, Transaction, TxOut, consensus};
use motet_psbt::fields::TapOrigin;
use motet_psbt::{Key, MapId, PathId, RawPsbt, Version};
use motet_wallet::{RegisteredGroup, Registry};
use motet_wire::Derivation;

use crate::people::{people, registered};
use crate::spends::{
    PAIR, RBF, Terms, confirmed, output, proposal, psbt, registry, script, spend, strange_taproot, stranger,
};

fn code(terms: &Terms, registry: &Registry) -> &'static str {
    match terms.check(registry) {
        Ok(_) => "accepted",
        Err(mismatch) => {
            assert!(!mismatch.to_string().is_empty() && mismatch.reason().len() <= 256);
            mismatch.code()
        }
    }
}

/// A group of two with a leaf, and a request that spends two of its coins and one of others.
struct Case {
    group: RegisteredGroup,
    registry: Registry,
    honest: Terms,
}

impl Case {
    fn new() -> Self {
        let text = "tr(musig({0},{1})/<0;1>/*,pk(musig({1},{2})/<0;1>/*))";
        let group = confirmed("group", text, &people(3));
        let source = spend(group.group(), 2, 1, RBF);
        let honest = Terms::new(&proposal(&source, &group, PathId::Key));
        let registry = registry(&group);
        assert_eq!(code(&honest, &registry), "accepted");
        Self { group, registry, honest }
    }

    fn lie(&self, change: impl FnOnce(&mut Terms)) -> &'static str {
        let mut terms = self.honest.clone();
        change(&mut terms);
        code(&terms, &self.registry)
    }

    /// A lie in the maps of the transaction's PSBT.
    fn lie_in_psbt(&self, change: impl FnOnce(&mut RawPsbt)) -> &'static str {
        self.lie(|terms| {
            let mut psbt = RawPsbt::parse(&terms.metadata.transaction).unwrap();
            change(&mut psbt);
            terms.metadata.transaction = psbt.to_bytes();
        })
    }

    /// A lie in the transaction itself, with all other fields as they were.
    fn lie_in_transaction(&self, change: impl FnOnce(&mut Transaction)) -> &'static str {
        self.lie_in_psbt(|psbt| {
            let mut transaction = psbt.unsigned_tx().unwrap();
            change(&mut transaction);
            let mut other = RawPsbt::new(Version::V2, &transaction);
            for (id, map) in psbt.maps() {
                for (key, value) in map.entries() {
                    // Fields of the transaction itself are there already.
                    let _ = other.add(id, key.clone(), value.to_vec());
                }
            }
            *psbt = other;
        })
    }

    fn origin(&self, map: MapId) -> TapOrigin {
        let psbt = RawPsbt::parse(&self.honest.metadata.transaction).unwrap();
        match map {
            MapId::Input(index) => psbt.input(index).unwrap().origins().next().unwrap(),
            MapId::Output(index) => psbt.output(index).unwrap().origins().next().unwrap(),
            MapId::Global => panic!("no origins there"),
        }
    }
}

fn set_prevout(psbt: &mut RawPsbt, input: usize, change: impl FnOnce(&mut TxOut)) {
    let mut prevout = psbt.prevout(input).unwrap();
    change(&mut prevout);
    psbt.set(MapId::Input(input), Key::new(0x01, &[]), consensus::serialize(&prevout)).unwrap();
}

#[test]
fn a_lie_about_amounts_is_found() {
    let case = Case::new();
    assert_eq!(case.lie(|terms| terms.metadata.amount = Some(169_999)), "E_AMOUNT");
    assert_eq!(case.lie(|terms| terms.metadata.amount = None), "E_AMOUNT");
    let less = |value: u64| bitcoin::Amount::from_sat(value);
    assert_eq!(case.lie_in_transaction(|transaction| transaction.output[0].value = less(59_999)), "E_SIGHASH");
    assert_eq!(case.lie_in_transaction(|transaction| transaction.output[1].value = less(29_999)), "E_SIGHASH");
    for input in [0, 2] {
        assert_eq!(
            case.lie_in_psbt(|psbt| set_prevout(psbt, input, |prevout| prevout.value = less(99_999))),
            "E_SIGHASH"
        );
    }
    let taken = |psbt: &mut RawPsbt| set_prevout(psbt, 0, |prevout| prevout.value = less(1));
    let both = case.lie_in_psbt(|psbt| {
        taken(psbt);
        set_prevout(psbt, 1, |prevout| prevout.value = less(1));
        set_prevout(psbt, 2, |prevout| prevout.value = less(1));
    });
    // The hashes differ, too, and the first difference is told.
    assert_eq!(both, "E_SIGHASH");
}

#[test]
fn a_lie_about_scripts_is_found() {
    let case = Case::new();
    let pay = |transaction: &mut Transaction| transaction.output[0].script_pubkey = strange_taproot();
    assert_eq!(case.lie_in_transaction(pay), "E_SIGHASH");
    let other = script(case.group.group(), 0, 3);
    let own = other.clone();
    assert_eq!(case.lie_in_psbt(|psbt| set_prevout(psbt, 0, |prevout| prevout.script_pubkey = own)), "E_FALSE_INPUT");
    assert_eq!(
        case.lie_in_psbt(|psbt| set_prevout(psbt, 2, |prevout| prevout.script_pubkey = strange_taproot())),
        "E_SIGHASH"
    );
    assert_eq!(
        case.lie_in_psbt(|psbt| set_prevout(psbt, 2, |prevout| prevout.script_pubkey = other)),
        "E_HIDDEN_INPUT"
    );
}

#[test]
fn change_that_is_false_or_hidden_is_found() {
    let case = Case::new();
    let origin = case.origin(MapId::Output(1));
    let stolen = |transaction: &mut Transaction| transaction.output[1].script_pubkey = strange_taproot();
    assert_eq!(case.lie_in_transaction(stolen), "E_FALSE_CHANGE");
    let key = Key::new(0x07, &origin.key_data());
    let marked = key.clone();
    assert_eq!(case.lie_in_psbt(|psbt| psbt.set(MapId::Output(0), marked, origin.value()).unwrap()), "E_FALSE_CHANGE");
    assert_eq!(
        case.lie_in_psbt(|psbt| psbt.remove(MapId::Output(1), |other| *other == key).unwrap()),
        "E_HIDDEN_CHANGE"
    );
    let mut wrong = case.origin(MapId::Output(1));
    wrong.origin.path = vec![ChildNumber::from(1), ChildNumber::from(1)].into();
    let key = Key::new(0x07, &wrong.key_data());
    assert_eq!(case.lie_in_psbt(|psbt| psbt.set(MapId::Output(1), key, wrong.value()).unwrap()), "E_FALSE_CHANGE");
}

#[test]
fn inputs_that_are_marked_falsely_or_hidden_are_found() {
    let case = Case::new();
    let origin = case.origin(MapId::Input(0));
    let key = Key::new(0x16, &origin.key_data());
    let marked = key.clone();
    assert_eq!(case.lie_in_psbt(|psbt| psbt.set(MapId::Input(2), marked, origin.value()).unwrap()), "E_FALSE_INPUT");
    let hide = |psbt: &mut RawPsbt| psbt.remove(MapId::Input(0), |other| *other == key).unwrap();
    assert_eq!(case.lie_in_psbt(hide), "E_HIDDEN_INPUT");
    // Hidden with its item and its amount: the request would be whole without it.
    let hidden = case.lie(|terms| {
        let mut psbt = RawPsbt::parse(&terms.metadata.transaction).unwrap();
        hide(&mut psbt);
        terms.metadata.transaction = psbt.to_bytes();
        terms.items.remove(0);
        terms.metadata.amount = Some(70_000);
    });
    assert_eq!(hidden, "E_HIDDEN_INPUT");
    // The same script twice, marked once.
    let group = &case.group;
    let coin = output(50_000, script(group.group(), 0, 150));
    let mut source = psbt(&[coin.clone(), coin], vec![output(60_000, stranger())], RBF);
    let mut pointer = case.origin(MapId::Input(0));
    pointer.origin.path = vec![ChildNumber::from(0), ChildNumber::from(150)].into();
    for input in [0, 1] {
        source.set(MapId::Input(input), Key::new(0x16, &pointer.key_data()), pointer.value()).unwrap();
    }
    let mut terms = Terms::new(&proposal(&source, group, PathId::Key));
    assert_eq!(code(&terms, &case.registry), "accepted");
    let mut psbt = RawPsbt::parse(&terms.metadata.transaction).unwrap();
    psbt.remove(MapId::Input(1), |key| key.kind() == 0x16).unwrap();
    terms.metadata.transaction = psbt.to_bytes();
    assert_eq!(code(&terms, &case.registry), "E_HIDDEN_INPUT");
}

#[test]
fn a_lie_in_the_items_is_found() {
    let case = Case::new();
    assert_eq!(case.lie(|terms| terms.items.truncate(1)), "E_ITEMS");
    assert_eq!(case.lie(|terms| terms.items.push(terms.items[0].clone())), "E_ITEMS");
    assert_eq!(case.lie(|terms| terms.items.clear()), "E_ITEMS");
    assert_eq!(case.lie(|terms| terms.items.swap(0, 1)), "E_ITEM_ORDER");
    assert_eq!(case.lie(|terms| terms.items[0].message[31] ^= 1), "E_SIGHASH");
    assert_eq!(case.lie(|terms| terms.items[1].message.push(0)), "E_SIGHASH");
    let doubled = case.lie(|terms| terms.items[1] = terms.items[0].clone());
    assert_eq!(doubled, "E_PATH");
    let derived = |change: fn(&mut Vec<u32>, &mut Option<[u8; 32]>)| {
        case.lie(|terms| match &mut terms.items[1].derivation {
            Derivation::Bip328Taproot { path, merkle_root } => change(path, merkle_root),
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(derived(|path, _| path[1] += 1), "E_PATH");
    assert_eq!(derived(|path, _| path.push(0)), "E_PATH");
    assert_eq!(derived(|_, root| root.as_mut().unwrap()[0] ^= 1), "E_MERKLE_ROOT");
    assert_eq!(derived(|_, root| *root = None), "E_MERKLE_ROOT");
    let untweaked = case.lie(|terms| terms.items[0].derivation = Derivation::Bip328 { path: vec![0, 0] });
    assert_eq!(untweaked, "E_MERKLE_ROOT");
    assert_eq!(case.lie(|terms| terms.items[0].derivation = Derivation::None), "E_PATH");
}

#[test]
fn a_lie_in_the_keys_is_found() {
    let case = Case::new();
    let others = people(5);
    let stranger = others[4].secret.public_key();
    assert_eq!(case.lie(|terms| terms.keys.reverse()), "E_KEY_ORDER");
    assert_eq!(case.lie(|terms| terms.keys[0] = stranger), "E_GROUP_UNKNOWN");
    assert_eq!(case.lie(|terms| terms.keys.truncate(1)), "E_GROUP_UNKNOWN");
    assert_eq!(case.lie(|terms| terms.keys.push(stranger)), "E_GROUP_UNKNOWN");
    // The keys of the other spend path of the same group.
    let mut leaf: Vec<_> = [1, 2].map(|number: usize| others[number].secret.public_key()).to_vec();
    leaf.sort();
    assert_eq!(case.lie(|terms| terms.keys = leaf), "E_LEAF_SCRIPT");
    assert_eq!(case.lie(|terms| terms.keys.clear()), "E_GROUP_UNKNOWN");
}

#[test]
fn a_lie_about_the_sighash_type_is_found() {
    let case = Case::new();
    let set = |number: u8| {
        case.lie_in_psbt(|psbt| psbt.set(MapId::Input(1), Key::new(0x03, &[]), vec![number, 0, 0, 0]).unwrap())
    };
    assert_eq!(set(1), "E_SIGHASH");
    assert_eq!(set(0x81), "E_SIGHASH");
    assert_eq!(set(4), "E_SIGHASH_TYPE");
    // The default type is not written.
    assert_eq!(set(0), "E_TX_FIELD");
    // A coin whose output is not there cannot be signed with SINGLE.
    let group = &case.group;
    let mut source = spend(group.group(), 3, 0, RBF);
    source.set(MapId::Input(1), Key::new(0x03, &[]), vec![3, 0, 0, 0]).unwrap();
    let mut terms = Terms::new(&proposal(&source, group, PathId::Key));
    let mut psbt = RawPsbt::parse(&terms.metadata.transaction).unwrap();
    psbt.set(MapId::Input(2), Key::new(0x03, &[]), vec![3, 0, 0, 0]).unwrap();
    terms.metadata.transaction = psbt.to_bytes();
    assert_eq!(code(&terms, &case.registry), "E_SIGHASH_TYPE");
}

#[test]
fn a_lie_about_locktime_and_sequence_is_found() {
    let case = Case::new();
    assert_eq!(case.lie_in_transaction(|transaction| transaction.lock_time = LockTime::from_consensus(1)), "E_SIGHASH");
    assert_eq!(case.lie_in_transaction(|transaction| transaction.input[0].sequence = Sequence::MAX), "E_SIGHASH");
    let text = "tr(musig({0},{1},{2})/<0;1>/*,{and_v(v:pk(musig({0},{1})/<0;1>/*),older(144)),and_v(v:pk(musig({1},{2})/<0;1>/*),after(700000))})";
    let group = confirmed("group", text, &people(3));
    let waiting = spend(group.group(), 1, 0, Sequence::from_height(144));
    for (path, hasty) in [(PathId::Leaf(0), (144, 143)), (PathId::Leaf(1), (800_000, 699_999))] {
        let honest = Terms::new(&proposal(&waiting, &group, path));
        let case = Case { registry: registry(&group), group: group.clone(), honest };
        let early = case.lie_in_transaction(|transaction| match path {
            PathId::Leaf(0) => transaction.input[0].sequence = Sequence::from_height(hasty.1 as u16),
            _ => transaction.lock_time = LockTime::from_consensus(hasty.1),
        });
        assert_eq!(early, "E_TIMELOCK", "{path:?}");
    }
}

#[test]
fn a_field_too_many_or_in_another_form_is_found() {
    let case = Case::new();
    let add = |map, kind, data: &[u8], value: Vec<u8>| {
        case.lie_in_psbt(|psbt| psbt.set(map, Key::new(kind, data), value.clone()).unwrap())
    };
    assert_eq!(add(MapId::Global, 0xfc, b"\x01x\x00", vec![]), "E_TX_FIELD");
    assert_eq!(add(MapId::Global, 0x06, &[], vec![0]), "E_TX_FIELD");
    assert_eq!(add(MapId::Global, 0x06, &[], vec![1]), "E_TX_FIELD");
    assert_eq!(add(MapId::Input(0), 0x77, &[], vec![1]), "E_TX_FIELD");
    assert_eq!(add(MapId::Output(0), 0x77, &[], vec![1]), "E_TX_FIELD");
    let psbt = RawPsbt::parse(&case.honest.metadata.transaction).unwrap();
    // A message must be the one that is signed.
    assert_eq!(add(MapId::Global, 0x09, &[], b"hello".to_vec()), "E_MESSAGE");
    let root = case.origin(MapId::Input(0));
    let second = TapOrigin { leaves: Vec::new(), key: case.origin(MapId::Input(1)).key, ..root };
    assert_eq!(add(MapId::Input(0), 0x16, &second.key_data(), second.value()), "E_TX_FIELD");
    assert_eq!(case.lie(|terms| terms.metadata.transaction = psbt.to_base64().into_bytes()), "E_TX_FIELD");
    let old = psbt.to_version(Version::V0).unwrap().to_bytes();
    assert_eq!(case.lie(|terms| terms.metadata.transaction = old), "E_TX_FIELD");
    assert_eq!(case.lie(|terms| terms.metadata.transaction.push(0)), "E_TX_MALFORMED");
    assert_eq!(case.lie(|terms| terms.metadata.transaction.clear()), "E_TX_MALFORMED");
    assert_eq!(case.lie_in_psbt(|psbt| psbt.remove(MapId::Input(2), |key| key.kind() == 0x01).unwrap()), "E_PREVOUT");
}

#[test]
fn the_script_of_a_leaf_is_the_groups_or_none() {
    let all = people(3);
    let text = "tr(musig({0},{1},{2})/<0;1>/*,{pk(musig({0},{1})/<0;1>/*),pk(musig({1},{2})/<0;1>/*)})";
    let group = confirmed("group", text, &all);
    let source = spend(group.group(), 1, 0, RBF);
    let honest = Terms::new(&proposal(&source, &group, PathId::Leaf(0)));
    let other = RawPsbt::parse(&proposal(&source, &group, PathId::Leaf(1)).metadata.transaction).unwrap();
    let case = Case { registry: registry(&group), group, honest };
    let remove = |psbt: &mut RawPsbt| psbt.remove(MapId::Input(0), |key| key.kind() == 0x15).unwrap();
    assert_eq!(case.lie_in_psbt(remove), "E_LEAF_SCRIPT");
    let foreign = other.input(0).unwrap().leaf_scripts().next().unwrap();
    let replaced = case.lie_in_psbt(|psbt| {
        remove(psbt);
        psbt.set(MapId::Input(0), Key::new(0x15, &foreign.key_data()), foreign.value()).unwrap();
    });
    assert_eq!(replaced, "E_LEAF_SCRIPT");
}

#[test]
fn groups_of_another_network_without_confirmation_or_without_a_transaction_are_declined() {
    let all = people(2);
    let group = confirmed("pair", PAIR, &all);
    let source = spend(group.group(), 1, 0, RBF);
    let terms = Terms::new(&proposal(&source, &group, PathId::Key));
    assert_eq!(code(&terms, &Registry::new()), "E_GROUP_UNKNOWN");
    assert_eq!(code(&terms, &registry(&registered("pair", PAIR, &all))), "E_GROUP_UNCONFIRMED");
    // The same members on the main network have other account keys, and so another group.
    let main = descriptor_of_the_main_network(&terms);
    assert_eq!(code(&terms, &registry(&main)), "E_FALSE_INPUT");
    let mut blind = terms.clone();
    blind.metadata.transaction_type = String::new();
    assert_eq!(code(&blind, &registry(&group)), "E_TYPE");
    // A transaction of nobody's coins.
    let mut foreign = terms;
    let mut psbt = RawPsbt::parse(&foreign.metadata.transaction).unwrap();
    psbt.remove(MapId::Input(0), |key| key.kind() == 0x16).unwrap();
    set_prevout(&mut psbt, 0, |prevout| prevout.script_pubkey = stranger());
    foreign.metadata.transaction = psbt.to_bytes();
    assert_eq!(code(&foreign, &registry(&group)), "E_NO_OWN_INPUT");
}

/// A group with the same keys under another descriptor, on the main network.
fn descriptor_of_the_main_network(terms: &Terms) -> RegisteredGroup {
    let text = format!("tr(musig({},{}))", terms.keys[0], terms.keys[1]);
    let mut group = RegisteredGroup::new("main", bitcoin::Network::Bitcoin, text.parse().unwrap()).unwrap();
    let words = group.id().words().join(" ");
    group.confirm(&words).unwrap();
    group
}

#[test]
fn the_network_of_addresses_is_the_registrys_and_never_the_requests() {
    let all = people(2);
    let keys: Vec<_> = all.iter().map(|person| person.secret.public_key().to_string()).collect();
    let text = format!("tr(musig({},{}))", keys[0], keys[1]);
    for (network, start) in [(bitcoin::Network::Bitcoin, "bc1"), (bitcoin::Network::Signet, "tb1")] {
        let mut group = RegisteredGroup::new("pair", network, text.parse().unwrap()).unwrap();
        let words = group.id().words().join(" ");
        group.confirm(&words).unwrap();
        let made = proposal(&spend(group.group(), 1, 0, RBF), &group, PathId::Key);
        let verified = Terms::new(&made).check(&registry(&group)).unwrap();
        assert!(verified.destinations().unwrap()[0].to_string().starts_with(start));
    }
}

#[test]
fn of_several_groups_with_the_same_signers_the_one_that_owns_the_coins_is_checked() {
    let all = people(2);
    let mut registry = Registry::new();
    for number in 10..15 {
        registry.add(confirmed(&number.to_string(), &format!("tr(musig({{0}},{{1}})/{number}/*)"), &all)).unwrap();
    }
    let group = registry.by_name("12").unwrap().clone();
    let terms = Terms::new(&proposal(&spend(group.group(), 1, 0, RBF), &group, PathId::Key));
    assert_eq!(terms.check(&registry).unwrap().group_name(), "12");
    let mut lied = terms;
    lied.items[0].message[0] ^= 1;
    assert_eq!(code(&lied, &registry), "E_SIGHASH");
}
