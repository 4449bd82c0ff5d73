//! A request that `propose` makes passes the check, and one with a flipped bit does not.

use bitcoin::{ScriptBuf, Sequence, TxOut};
use motet_psbt::{Key, MapId, PathId};
use motet_wallet::{RegisteredGroup, Registry};
use motet_wire::Derivation;
use proptest::prelude::*;

use crate::people::people;
use crate::spends::{Terms, confirmed, output, proposal, psbt, registry, script, strange_taproot, stranger};

const TEXT: &str =
    "tr(musig({0},{1},{2})/<0;1>/*,{pk(musig({0},{1})/<0;1>/*),and_v(v:pk(musig({1},{2})/<0;1>/*),older(144))})";

fn group() -> (RegisteredGroup, Registry) {
    let group = confirmed("group", TEXT, &people(3));
    let registry = registry(&group);
    (group, registry)
}

/// A script: one of the group's own, or a stranger's.
fn scripts() -> impl Strategy<Value = Option<(u32, u32)>> {
    prop_oneof![3 => (0..2_u32, 0..6_u32).prop_map(Some), 1 => Just(None)]
}

fn made(group: &RegisteredGroup, place: Option<(u32, u32)>, is_taproot: bool) -> ScriptBuf {
    match place {
        Some((branch, index)) => script(group.group(), branch, index),
        None if is_taproot => strange_taproot(),
        None => stranger(),
    }
}

#[derive(Debug, Clone)]
struct Spend {
    first: (u32, u32),
    coins: Vec<(Option<(u32, u32)>, u64)>,
    outputs: Vec<(Option<(u32, u32)>, u64)>,
    sighashes: Vec<u8>,
    path: PathId,
    is_taproot: bool,
}

fn spends() -> impl Strategy<Value = Spend> {
    let coins = prop::collection::vec((scripts(), 10_000..1_000_000_u64), 0..4);
    let outputs = prop::collection::vec((scripts(), 1..2_000_u64), 1..4);
    let sighashes = prop::collection::vec(prop::sample::select(vec![0, 0, 1, 0x81]), 5);
    let path = prop::sample::select(vec![PathId::Key, PathId::Leaf(0), PathId::Leaf(1)]);
    ((0..2_u32, 0..6_u32), coins, outputs, sighashes, path, any::<bool>()).prop_map(
        |(first, coins, outputs, sighashes, path, is_taproot)| Spend {
            first,
            coins,
            outputs,
            sighashes,
            path,
            is_taproot,
        },
    )
}

fn terms(group: &RegisteredGroup, spend: &Spend) -> Terms {
    let own = output(50_000, script(group.group(), spend.first.0, spend.first.1));
    let others = spend.coins.iter().map(|(place, amount)| output(*amount, made(group, *place, spend.is_taproot)));
    let prevouts: Vec<TxOut> = std::iter::once(own).chain(others).collect();
    let outputs = spend.outputs.iter().map(|(place, amount)| output(*amount, made(group, *place, spend.is_taproot)));
    let mut source = psbt(&prevouts, outputs.collect(), Sequence::from_height(144));
    for (input, sighash) in spend.sighashes.iter().take(prevouts.len()).enumerate() {
        // A sighash type of a foreign input is its owner's, and has no place in a request.
        source.set(MapId::Input(input), Key::new(0x03, &[]), vec![*sighash, 0, 0, 0]).unwrap();
    }
    Terms::new(&proposal(&source, group, spend.path))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_proposal_always_checks_and_one_with_a_flipped_bit_never_does(spend in spends(), bits in prop::collection::vec(any::<prop::sample::Index>(), 40)) {
        let (group, registry) = group();
        let honest = terms(&group, &spend);
        let verified = honest.check(&registry).unwrap();
        prop_assert_eq!(verified.keys().len(), honest.items.len());
        for bit in bits {
            let mut changed = honest.clone();
            let bytes = &mut changed.metadata.transaction;
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = changed.check(&registry) {
                // With ANYONECANPAY, inputs of others are not signed for: another one makes another transaction.
                prop_assert!(!spend.sighashes.iter().all(|sighash| *sighash < 0x80), "bit {} of the transaction", bit);
                prop_assert!(other.digest() != verified.digest() && other.fee().is_none(), "bit {} of the transaction", bit);
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_a_request_is_noticed() {
    let (group, registry) = group();
    let coin = output(50_000, script(group.group(), 0, 0));
    let source =
        psbt(&[coin], vec![output(40_000, stranger()), output(9_000, script(group.group(), 1, 0))], Sequence::MAX);
    let honest = Terms::new(&proposal(&source, &group, PathId::Key));
    honest.check(&registry).unwrap();
    let refused = |change: &dyn Fn(&mut Terms)| {
        let mut changed = honest.clone();
        change(&mut changed);
        changed.check(&registry).is_err()
    };
    for bit in 0..honest.metadata.transaction.len() * 8 {
        assert!(
            refused(&|terms| terms.metadata.transaction[bit / 8] ^= 1 << (bit % 8)),
            "bit {bit} of the transaction"
        );
    }
    for bit in 0..256 {
        assert!(refused(&|terms| terms.items[0].message[bit / 8] ^= 1 << (bit % 8)), "bit {bit} of the hash");
        assert!(
            refused(&|terms| match &mut terms.items[0].derivation {
                Derivation::Bip328Taproot { merkle_root: Some(root), .. } => root[bit / 8] ^= 1 << (bit % 8),
                other => panic!("{other:?}"),
            }),
            "bit {bit} of the root"
        );
    }
    for bit in 0..64 {
        assert!(
            refused(&|terms| match &mut terms.items[0].derivation {
                Derivation::Bip328Taproot { path, .. } => path[bit / 32] ^= 1 << (bit % 32),
                other => panic!("{other:?}"),
            }),
            "bit {bit} of the path"
        );
        assert!(refused(&|terms| terms.metadata.amount = terms.metadata.amount.map(|amount| amount ^ 1 << bit)));
    }
}
