//! Fuzz targets of Bitcoin transactions, as functions: libFuzzer calls them with what it invents (`tests/fuzz`), an ordinary
//! test with what it once found interesting (`tests/fuzz/corpus`).

#![expect(clippy::panic, clippy::expect_used, reason = "a broken promise has to stop the fuzzer")]

mod combining;
mod messages;
mod policies;

use std::sync::LazyLock;

use motet_core_crypto::{PublicKey, SecretKey};
use motet_psbt::bip322::MessageSignature;
use motet_psbt::descriptor::Descriptor;
use motet_psbt::{Group as PsbtGroup, Keychain, Location, PathId, RawPsbt, SpendPlan, Version, WalletPolicy};
use motet_wallet::{ApprovalScreen, GroupNames, Registry, check_terms, is_hidden};
use motet_wire::{Derivation, Item};

use crate::fuzz_wire::Target;
use crate::sim::plan::Spend;
use crate::sim::transactions::{Deriving, Group, Lie, Terms, truth};
pub use combining::combine;
pub use messages::message;
pub use policies::policy;

/// A spend of two own coins and one of others by the key path of a group with a script tree.
const SPEND: Spend =
    Spend { has_tree: true, by_leaf: false, own: 2, foreign: 1, has_change: true, sighash: 0, lie: None };

static GROUP: LazyLock<Group> = LazyLock::new(|| group(Deriving::Aggregate));
/// A group of the same members that derives their keys.
static OF_MEMBERS: LazyLock<Group> = LazyLock::new(|| group(Deriving::Members));
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry::new();
    registry.add(GROUP.registered.clone()).expect("the first group");
    let mut other = OF_MEMBERS.registered.clone();
    other.rename("of members").expect("a short name");
    registry.add(other).expect("another group");
    registry
});
/// Honest requests by the key path and by the leaf, of each group.
static HONEST: LazyLock<Vec<(&'static Group, Terms)>> = LazyLock::new(|| {
    let leaf = Spend { by_leaf: true, foreign: 0, ..SPEND };
    let groups: [&'static Group; 2] = [&GROUP, &OF_MEMBERS];
    groups.into_iter().flat_map(|group| [SPEND, leaf].map(|spend| (group, Terms::of(&spend, group)))).collect()
});

/// The secret keys of the members.
fn secrets() -> [SecretKey; 3] {
    [1, 2, 3].map(|number| SecretKey::from_bytes(&[number; 32]).expect("a scalar"))
}

fn group(deriving: Deriving) -> Group {
    let mut keys: Vec<PublicKey> = secrets().iter().map(SecretKey::public_key).collect();
    keys.sort();
    Group::new(&keys, deriving, true)
}

/// Any bytes as a PSBT: what is read is written to the same bytes, in both versions it has the same transaction, and combined with
/// itself it is the same.
pub fn container(data: &[u8]) {
    let Ok(psbt) = RawPsbt::parse(data) else { return };
    let bytes = psbt.to_bytes();
    if data.starts_with(b"psbt\xff") {
        assert_eq!(bytes, data, "a PSBT is written to other bytes");
    }
    assert_eq!(RawPsbt::parse(&bytes).as_ref(), Ok(&psbt), "a written PSBT is another one");
    assert_eq!(RawPsbt::parse(psbt.to_base64().as_bytes()).as_ref(), Ok(&psbt), "base64 is another PSBT");
    let Ok(transaction) = psbt.unsigned_tx() else { return };
    for version in [Version::V0, Version::V2] {
        let other = psbt.to_version(version).expect("the locktimes agree");
        assert_eq!(RawPsbt::parse(&other.to_bytes()).as_ref(), Ok(&other), "a converted PSBT cannot be read");
        assert_eq!(other.unsigned_tx().as_ref(), Ok(&transaction), "a converted PSBT has another transaction");
    }
    let combined = RawPsbt::combine(&[psbt.clone(), psbt.clone()]);
    assert!(combined.is_ok_and(|combined| combined.unsigned_tx().as_ref() == Ok(&transaction)), "combined with itself");
    for index in 0..psbt.inputs().len() {
        let Some(fields) = psbt.input(index) else { panic!("input {index} is missing") };
        let counts = [fields.origins().count(), fields.leaf_scripts().count(), fields.participants().count()];
        let rounds = [fields.public_nonces().count(), fields.partial_signatures().count()];
        assert!(counts.into_iter().chain(rounds).all(|count| count <= data.len()));
        let _ = (fields.sighash_type(), psbt.prevout(index));
    }
    shown(&psbt);
}

/// A PSBT on the screens of a reader without a group and of its members, and through the roles of a signer: none of them fails, and no
/// line has a character that changes how others are seen.
fn shown(psbt: &RawPsbt) {
    let are_plain = |screen: &ApprovalScreen| {
        assert!(!screen.lines().iter().flat_map(|line| line.chars()).any(is_hidden), "a line with a hidden character");
    };
    if let Ok(screen) = ApprovalScreen::of_claims(psbt, bitcoin::Network::Signet) {
        are_plain(&screen);
        assert!(screen.outputs.iter().all(|output| !output.proven), "a claim that is proven");
    }
    let names: Vec<String> = (1..=3).map(|number| format!("member {number}")).collect();
    for known in [&*GROUP, &*OF_MEMBERS] {
        let group = known.registered.group();
        for path in [PathId::Key, PathId::Leaf(0)] {
            let Ok(plan) = SpendPlan::new(psbt, group, path, 2) else { continue };
            let names = GroupNames { group: Some("group"), members: &names, network: bitcoin::Network::Signet };
            are_plain(&ApprovalScreen::of_plan(&plan, psbt, group, &names));
            let _ = (plan.missing(psbt), plan.verify_partials(psbt));
            let mut updated = psbt.clone();
            if plan.update(&mut updated, group).is_ok() {
                assert_eq!(
                    RawPsbt::parse(&updated.to_bytes()).as_ref(),
                    Ok(&updated),
                    "an updated PSBT cannot be read"
                );
            }
            let _ = plan.finalize(&mut updated);
            let _ = (updated.extract(), MessageSignature::of(&updated), MessageSignature::full(&updated));
        }
    }
}

/// Any text as a descriptor: it has one canonical text, and a group has the same identity by that text.
pub fn descriptor(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(parsed) = Descriptor::parse(text) else { return };
    let canonical = parsed.to_string();
    let again = Descriptor::parse(&canonical).unwrap_or_else(|error| panic!("{canonical} cannot be read: {error}"));
    assert_eq!(again.to_string(), canonical, "a descriptor has two canonical texts");
    assert!(again.had_checksum());
    if let Ok(policy) = WalletPolicy::of_descriptor("fuzz", &parsed) {
        assert_eq!(policy.descriptor().to_string(), canonical, "a wallet policy is of another descriptor");
    }
    let Ok(group) = PsbtGroup::new(parsed) else { return };
    let same = PsbtGroup::new(again).unwrap_or_else(|error| panic!("{canonical} is no group: {error}"));
    assert_eq!(group.id(), same.id(), "a group has two identities");
    for branch in 0..group.branches().min(2) {
        let location = Location { keychain: Keychain(branch), index: 5 };
        let script = |group: &PsbtGroup| group.output(location).ok().map(|output| output.script);
        assert_eq!(script(&group), script(&same), "a group has two addresses at one place");
    }
    assert!(!group.spend_paths().is_empty() || group.participants().is_empty() || !canonical.contains("musig"));
}

/// An honest request with changes, each of four bytes after the first byte, which chooses the request: the checker accepts it
/// unchanged only.
pub fn checker(data: &[u8]) {
    let Some((which, changes)) = data.split_first() else { return };
    let number = usize::from(*which) % HONEST.len();
    let Some((group, honest)) = HONEST.get(number) else { return };
    let mut terms = honest.clone();
    for change in changes.chunks_exact(4).take(32) {
        let [what, at_high, at_low, value] = *change else { return };
        let at = usize::from(u16::from_be_bytes([at_high, at_low]));
        changed(&mut terms, what, at, value);
    }
    match check_terms(&terms.keys, &terms.items, &terms.metadata, &REGISTRY) {
        Ok(verified) => {
            let is_same = terms.keys == honest.keys
                && terms.items == honest.items
                && terms.metadata.transaction == honest.metadata.transaction
                && terms.metadata.amount == honest.metadata.amount;
            assert!(is_same, "a changed request is accepted");
            let keys: Vec<[u8; 32]> = verified.keys().iter().map(|key| key.to_bytes()).collect();
            let by_leaf = verified.spend_path() != PathId::Key;
            let right = truth::check(&group.own, by_leaf, &terms.items, &keys, &terms.metadata);
            assert_eq!(right, Ok(()), "an accepted request is not what it is said to be");
        }
        Err(mismatch) => assert!(mismatch.code().starts_with("E_") && mismatch.reason().len() <= 256),
    }
}

/// Makes one change: `what` chooses the field and how it is changed, `at` the place, `value` the bits.
fn changed(terms: &mut Terms, what: u8, at: usize, value: u8) {
    let count = terms.items.len().max(1);
    let length = terms.metadata.transaction.len().max(1);
    match what % 12 {
        0..=3 => {
            if let Some(byte) = terms.metadata.transaction.get_mut(at % length) {
                *byte ^= value;
            }
        }
        4 => terms.metadata.transaction.insert(at % length, value),
        5 => {
            if at < terms.metadata.transaction.len() {
                terms.metadata.transaction.remove(at);
            }
        }
        6 => {
            if let Some(byte) = terms.items.get_mut(at % count).and_then(|item| item.message.get_mut(at / count % 32)) {
                *byte ^= value;
            }
        }
        7 => {
            if let Some(item) = terms.items.get_mut(at % count) {
                change_derivation(item, at, value);
            }
        }
        8 => terms.items.rotate_left(at % count),
        9 => match value % 2 {
            0 => terms.items.truncate(at % 3),
            _ => terms.items.extend(terms.items.get(at % count).cloned()),
        },
        10 => {
            let signers = terms.keys.len().max(1);
            terms.keys.rotate_left(at % signers);
        }
        _ => terms.metadata.amount = terms.metadata.amount.map(|amount| amount ^ u64::from(value) << (at % 40)),
    }
}

fn change_derivation(item: &mut Item, at: usize, value: u8) {
    if value == 0 {
        item.derivation = Derivation::None;
        return;
    }
    if let Derivation::Bip328 { path } | Derivation::Bip328Taproot { path, .. } = &mut item.derivation {
        match path.get_mut(at % 3) {
            Some(step) => *step ^= u32::from(value),
            None => path.push(u32::from(value)),
        }
    }
    if let Derivation::Members { paths, .. } = &mut item.derivation {
        let number = at % paths.chain_codes.len().max(1);
        let mut chain_codes = paths.chain_codes.to_vec();
        match (chain_codes.get_mut(number), paths.path.get_mut(at % 3)) {
            (Some(chain_code), _) if value.is_multiple_of(3) => {
                *chain_code = value.is_multiple_of(2).then_some([value; 32])
            }
            (_, Some(step)) => *step ^= u32::from(value),
            _ => paths.path.push(u32::from(value)),
        }
        paths.chain_codes = chain_codes.into();
    }
    if let Derivation::Bip328Taproot { merkle_root, .. } | Derivation::Members { taproot: Some(merkle_root), .. } =
        &mut item.derivation
        && value.is_multiple_of(2)
    {
        match merkle_root.as_mut().and_then(|root| root.get_mut(at % 32)) {
            Some(byte) if value.is_multiple_of(4) => *byte ^= value,
            _ => *merkle_root = None,
        }
    }
}

/// All targets, by the names of their folders.
pub const TARGETS: [Target; 6] = [
    ("psbt_container", container),
    ("psbt_combine", combine),
    ("psbt_descriptor", descriptor),
    ("psbt_policy", policy),
    ("bip322_verify", message),
    ("wallet_checker", checker),
];

/// What the corpora start from: sound inputs for a target.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "psbt_container" => {
            let lies = Lie::about_any_group().iter().copied().filter(|lie| *lie != Lie::Blind);
            let of = |lie: Lie| {
                let spend = Spend { by_leaf: lie.is_about_a_leaf(), lie: Some(lie), ..SPEND };
                Terms::of(&spend, &GROUP).metadata.transaction
            };
            let honest = HONEST.iter().map(|(_, terms)| terms.metadata.transaction.clone());
            let old = honest.clone().map(|bytes| {
                let psbt = RawPsbt::parse(&bytes).expect("an honest PSBT");
                psbt.to_version(Version::V0).expect("one locktime").to_bytes()
            });
            let signed = messages::rounds().into_iter().map(|psbt| psbt.to_bytes());
            honest.clone().chain(old).chain(lies.map(of)).chain(signed).collect()
        }
        "psbt_combine" => combining::seeds(),
        "psbt_policy" => policies::seeds(),
        "bip322_verify" => messages::seeds(),
        "psbt_descriptor" => {
            let descriptor = GROUP.registered.group().descriptor();
            let key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
            let other = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5";
            let texts = [
                descriptor.to_string(),
                descriptor.body(),
                format!("tr(musig({key},{other}))"),
                format!("rawtr(musig({key},{other}))"),
                format!("tr({key},pk(musig({other},{key})))"),
                format!("tr(musig({key},{other}),{{pk({key}),and_v(v:pk({other}),after(800000))}})"),
            ];
            texts.into_iter().map(String::into_bytes).collect()
        }
        "wallet_checker" => {
            let nothing: [&[u8]; 2] = [&[0], &[1]];
            let one = (0..12u8).map(|what| vec![what & 1, what, 0, what, 1]);
            let there_and_back = vec![0, 0, 0, 40, 1, 0, 0, 40, 1];
            nothing.into_iter().map(<[u8]>::to_vec).chain(one).chain([there_and_back]).collect()
        }
        other => panic!("there is no target {other}"),
    }
}
