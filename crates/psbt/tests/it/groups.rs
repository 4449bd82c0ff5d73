//! Groups: checks of their descriptors, identity, addresses, spend paths and threshold trees.

use bitcoin::bip32::{ChildNumber, Xpriv, Xpub};
use bitcoin::secp256k1::Secp256k1;
use bitcoin::{Network, NetworkKind};
use motet_psbt::descriptor::{Descriptor, ResolveError, SingleKey};
use motet_psbt::{Group, GroupError, GroupWarning, Keychain, Location, PathId};

const POINT: &str = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
const NOTHING: &str = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";

/// Account key `m/87h/1h/0h` of a signer with its origin.
fn account(signer: u8) -> String {
    let secp = Secp256k1::new();
    let root = Xpriv::new_master(NetworkKind::Test, &[signer; 32]).unwrap();
    let path = [87, 1, 0].map(|step| ChildNumber::from_hardened_idx(step).unwrap());
    let xpub = Xpub::from_priv(&secp, &root.derive_priv(&secp, &path).unwrap());
    format!("[{}/87h/1h/0h]{xpub}", root.fingerprint(&secp))
}

fn group(text: &str) -> Result<Group, GroupError> {
    Group::new(Descriptor::parse(text)?)
}

fn singles(count: u8) -> Vec<SingleKey> {
    (1..=count).map(|signer| SingleKey::parse(&account(signer)).unwrap()).collect()
}

const fn at(keychain: Keychain, index: u32) -> Location {
    Location { keychain, index }
}

#[test]
fn the_identity_does_not_depend_on_how_the_descriptor_is_written() {
    let [a, b] = [account(1), account(2)];
    let text = format!("tr(musig({a},{b})/<0;1>/*)");
    let first = group(&text).unwrap();
    let turned = group(&format!("tr(musig({b},{a})/<0;1>/*)")).unwrap();
    let marked = group(&text.replace("/87h/1h/0h", "/87'/1'/0'")).unwrap();
    let checked = group(&first.descriptor().to_string()).unwrap();
    for other in [&turned, &marked, &checked] {
        assert_eq!(other.id(), first.id());
    }
    assert_ne!(group(&format!("tr(musig({a},{b})/<2;3>/*)")).unwrap().id(), first.id());
    assert_eq!(first.id().fingerprint().len(), 8);
    assert_eq!(first.id().words(), turned.id().words());
    assert_eq!(first.warnings(), [GroupWarning::NoChecksum]);
    assert_eq!(checked.warnings(), []);
    assert_eq!(first.participants().len(), 2);
}

#[test]
fn addresses_are_on_the_network_of_the_keys() {
    let group = group(&format!("tr(musig({},{})/<0;1>/*)", account(1), account(2))).unwrap();
    let address = |network| group.address(at(Keychain::RECEIVE, 0), network);
    for (network, prefix) in [
        (Network::Testnet, "tb1p"),
        (Network::Testnet4, "tb1p"),
        (Network::Signet, "tb1p"),
        (Network::Regtest, "bcrt1p"),
    ] {
        assert!(address(network).unwrap().to_string().starts_with(prefix));
    }
    assert_eq!(address(Network::Bitcoin), Err(GroupError::Network));
    let bare = format!("tr(musig(02{POINT},02{NOTHING}))");
    let bare = self::group(&bare).unwrap();
    assert!(bare.address(at(Keychain::RECEIVE, 0), Network::Bitcoin).unwrap().to_string().starts_with("bc1p"));
}

#[test]
fn an_output_is_found_by_derivation_alone() {
    for musig in ["musig({A},{B})/<0;1>/*", "musig({A}/<0;1>/*,{B}/<0;1>/*)"] {
        let text = format!("tr({})", musig.replace("{A}", &account(1)).replace("{B}", &account(2)));
        let group = group(&text).unwrap();
        let script = |keychain, index| group.output(at(keychain, index)).unwrap().script;
        assert_eq!(group.locate(&script(Keychain::CHANGE, 7), 20), Some(at(Keychain::CHANGE, 7)));
        assert_eq!(group.locate(&script(Keychain::RECEIVE, 20), 20), None, "beyond the gap");
        assert_eq!(group.locate(&bitcoin::ScriptBuf::new(), 20), None);
    }
}

#[test]
fn each_unfit_descriptor_is_refused_for_its_own_reason() {
    let [a, b] = [account(1), account(2)];
    let short = a.replace("/87h/1h/0h", "/87h/1h");
    let main = "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y";
    let cases = [
        (format!("tr({a}/0/*)"), GroupError::NoMusig),
        (format!("wsh(multi(2,{a}/0/*,{b}/0/*))"), ResolveError::NotTaproot.into()),
        (format!("tr(musig({a})/0/*)"), GroupError::SingleParticipant { number: 0 }),
        (format!("tr(musig({a},{b},{a})/0/*)"), GroupError::RepeatedParticipant { number: 0 }),
        (format!("tr(musig({a}/<0;1>/*,{b}/<0;1>/*,{a}/<2;1>/*))"), GroupError::RepeatedParticipant { number: 0 }),
        (format!("tr(musig({short},{b})/0/*)"), GroupError::OriginDepth { number: 0, path: 2, depth: 3 }),
        (format!("tr(musig({main},{b})/0/*)"), GroupError::Networks),
        (format!("tr(musig({a}/1h/*,{b}/*))"), ResolveError::Hardened { number: 0 }.into()),
    ];
    for (text, expected) in cases {
        assert_eq!(group(&text).map(|group| group.id()), Err(expected), "{text}");
    }
    // Only the second branch has the same key twice in one leaf.
    let twice = format!("tr(musig({a},{b})/<0;1>/*,multi_a(2,{a}/<0;1>/*,{a}/<2;1>/*))");
    assert!(matches!(group(&twice).unwrap_err(), GroupError::Resolve(ResolveError::Tree { branch: 1, .. })));
}

#[test]
fn warnings_tell_what_is_allowed_but_dangerous() {
    let [a, b] = [account(1), account(2)];
    let warnings = |text: &str| {
        let descriptor = Descriptor::parse(text).unwrap().to_string();
        group(&descriptor).unwrap().warnings()
    };
    assert_eq!(warnings(&format!("tr({POINT},pk(musig({a},{b})/0/*))")), [GroupWarning::SingleKeyPath]);
    assert_eq!(warnings(&format!("tr({NOTHING},pk(musig({a},{b})/0/*))")), []);
    let same = format!("tr(musig({a},{b})/0/*,pk(musig({b},{a})/0/*))");
    assert_eq!(warnings(&same), [GroupWarning::InternalKeyInLeaf { leaf: 0 }]);
    let stray = format!("tr(musig({a},{b})/0/*,and_v(v:pk(musig({b},{a})/1/*),older(65537)))");
    assert_eq!(warnings(&stray), [GroupWarning::StrayTimelock { leaf: 0, found: 65_537 }]);
}

#[test]
fn spend_paths_have_their_signers_locks_and_costs() {
    let [a, b, c] = [account(1), account(2), account(3)];
    let text = format!(
        "tr(musig({a},{b},{c})/<0;1>/*,{{and_v(v:pk(musig({a},{b})/<0;1>/*),older(12960)),or_d(pk({c}/<0;1>/*),and_v(v:pk({a}/<0;1>/*),after(900000)))}})"
    );
    let group = group(&text).unwrap();
    let paths = group.spend_paths();
    let summary: Vec<_> =
        paths.iter().map(|path| (path.id, path.signers.iter().copied().collect::<Vec<_>>(), path.needs_all)).collect();
    assert_eq!(
        summary,
        [(PathId::Key, vec![0, 1, 2], true), (PathId::Leaf(0), vec![0, 1], true), (PathId::Leaf(1), vec![0, 2], false)]
    );
    assert_eq!((paths[1].older, paths[1].after), (Some(12_960), None));
    assert_eq!((paths[2].older, paths[2].after), (None, Some(900_000)));
    let weights: Vec<_> = paths.iter().map(|path| path.witness.unwrap().to_wu()).collect();
    assert_eq!(weights[0], 67);
    // Elements, a signature with sighash type, the script of 38 bytes, the control block of 65.
    assert_eq!(weights[1], 1 + 66 + 39 + 66);
    let disabled = self::group(&format!("tr({NOTHING},pk(musig({a},{b})/0/*))")).unwrap();
    assert_eq!(disabled.spend_paths().len(), 1);
}

#[test]
fn the_key_of_the_key_path_is_the_output_key_and_that_of_a_leaf_is_in_its_script() {
    let [a, b] = [account(1), account(2)];
    for musig in ["musig({A},{B})/<0;1>/*", "musig({A}/<0;1>/*,{B}/<0;1>/*)"] {
        let musig = musig.replace("{A}", &a).replace("{B}", &b);
        let group = group(&format!("tr({musig},pk({}))", musig.replace("<0;1>", "<2;3>"))).unwrap();
        let output = group.output(at(Keychain::CHANGE, 5)).unwrap();
        let [key_path] = &group.signing_targets(PathId::Key, &output).unwrap()[..] else { panic!() };
        assert_eq!(key_path.context.aggregate_plain(), output.output_key);
        let [leaf] = &group.signing_targets(PathId::Leaf(0), &output).unwrap()[..] else { panic!() };
        let key = leaf.context.aggregate_key().to_string();
        assert!(output.leaves[0].script.to_hex_string().contains(&key));
        assert_eq!(leaf.signing_key(0).unwrap().leaf, Some(output.leaves[0].hash));
        assert_eq!(key_path.signing_key(2), None);
        let mut signers = key_path.signers.clone();
        signers.sort_unstable();
        assert_eq!(signers, [0, 1]);
    }
    let raw = group(&format!("rawtr(musig({a},{b})/0/*)")).unwrap();
    let output = raw.output(at(Keychain::RECEIVE, 0)).unwrap();
    let targets = raw.signing_targets(PathId::Key, &output).unwrap();
    assert_eq!(targets[0].context.aggregate_plain(), output.output_key);
    assert!(raw.signing_targets(PathId::Leaf(0), &output).unwrap().is_empty());
}

#[test]
fn a_threshold_group_has_a_way_to_spend_for_each_set_of_signers() {
    let group = Group::threshold(2, &singles(4)).unwrap();
    assert_eq!(group.warnings(), []);
    let paths = group.spend_paths();
    let sets: Vec<Vec<_>> = paths.iter().map(|path| path.signers.iter().copied().collect()).collect();
    let number = |signer: usize| {
        let key = &singles(4)[signer].key;
        group.participants().iter().position(|participant| participant.key == *key).unwrap()
    };
    let expected = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]].map(|set| {
        let mut set = set.map(number);
        set.sort_unstable();
        set.to_vec()
    });
    assert_eq!(sets, expected);
    let depths: Vec<_> = group.output(at(Keychain::RECEIVE, 0)).unwrap().leaves.iter().map(|leaf| leaf.depth).collect();
    assert_eq!(depths, [3, 3, 2, 2, 2]);
    assert_eq!(Group::threshold(3, &singles(3)).unwrap().spend_paths().len(), 1);
    assert_eq!(Group::threshold(2, &singles(8)).unwrap().spend_paths().len(), 28);
    assert_eq!(Group::threshold(4, &singles(7)).map(|_| ()), Err(GroupError::TooManySets { needed: 4, signers: 7 }));
    assert_eq!(Group::threshold(1, &singles(3)).map(|_| ()), Err(GroupError::Threshold { needed: 1, signers: 3 }));
}
