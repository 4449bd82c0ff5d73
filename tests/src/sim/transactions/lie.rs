//! Lies of a creator, each in one field of its request, and the code by which honest members decline.

use bitcoin::absolute::LockTime;
use bitcoin::{Amount, NetworkKind, Sequence, Transaction, TxOut, consensus};
use motet_psbt::{Key, Keychain, Location, MapId, RawPsbt, Version};
use motet_wire::{Derivation, RequestMetadata};

use super::group::{Group, registered};
use super::terms::{Terms, strange_taproot};
use crate::sim::plan::Spend;

/// A lie in one field. The first input is the group's own, the last one is of others; the first output pays others, the second
/// one is change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lie {
    /// The amount that leaves the group.
    Amount,
    /// The amount of an output.
    OutputAmount,
    /// The recipient of an output.
    OutputScript,
    /// The amount of an own coin.
    OwnAmount,
    /// The amount of a coin of others.
    ForeignAmount,
    /// The script of a coin of others.
    ForeignScript,
    /// The script of an own coin is that of another one.
    OwnScript,
    /// A sighash type that the hashes are not of.
    SighashType,
    /// A sighash type that is not defined.
    UndefinedSighashType,
    /// The path of an item's key.
    Path,
    /// The merkle root of an item.
    MerkleRoot,
    /// The order of the items.
    ItemOrder,
    /// An item is missing.
    ItemCount,
    /// The hash of an item.
    Hash,
    /// The order of the keys.
    KeyOrder,
    /// A coin of others is marked as own.
    ForeignAsOwn,
    /// An own coin is not marked, its item is missing, and its amount is left out.
    HiddenInput,
    /// A payment is marked as change.
    FakeChange,
    /// Change is not marked.
    HiddenChange,
    /// The transaction is of a group with the same members on another network.
    Network,
    /// The locktime is not the one that is signed.
    Locktime,
    /// The sequence does not satisfy the timelock of the leaf.
    Timelock,
    /// A field that does not belong there.
    Field,
    /// The transaction is cut off.
    Malformed,
    /// A payment that claims to be a message.
    Message,
    /// The hashes without their transaction.
    Blind,
    /// The chain code of a member's key, in a group that derives these keys.
    ChainCode,
}

impl Lie {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::Amount,
        Self::OutputAmount,
        Self::OutputScript,
        Self::OwnAmount,
        Self::ForeignAmount,
        Self::ForeignScript,
        Self::OwnScript,
        Self::SighashType,
        Self::UndefinedSighashType,
        Self::Path,
        Self::MerkleRoot,
        Self::ItemOrder,
        Self::ItemCount,
        Self::Hash,
        Self::KeyOrder,
        Self::ForeignAsOwn,
        Self::HiddenInput,
        Self::FakeChange,
        Self::HiddenChange,
        Self::Network,
        Self::Locktime,
        Self::Timelock,
        Self::Field,
        Self::Malformed,
        Self::Message,
        Self::Blind,
        Self::ChainCode,
    ];

    /// Those that can be told about any group.
    pub fn about_any_group() -> &'static [Self] {
        Self::ALL.split_last().map_or(&[], |(_, others)| others)
    }

    /// The code by which every honest member declines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Amount => "E_AMOUNT",
            Self::OutputAmount
            | Self::OutputScript
            | Self::OwnAmount
            | Self::ForeignAmount
            | Self::ForeignScript
            | Self::SighashType
            | Self::Hash
            | Self::Locktime => "E_SIGHASH",
            Self::OwnScript | Self::ForeignAsOwn | Self::Network => "E_FALSE_INPUT",
            Self::UndefinedSighashType => "E_SIGHASH_TYPE",
            Self::Path => "E_PATH",
            Self::MerkleRoot => "E_MERKLE_ROOT",
            Self::ItemOrder => "E_ITEM_ORDER",
            Self::ItemCount => "E_ITEMS",
            Self::KeyOrder => "E_KEY_ORDER",
            Self::HiddenInput => "E_HIDDEN_INPUT",
            Self::FakeChange => "E_FALSE_CHANGE",
            Self::HiddenChange => "E_HIDDEN_CHANGE",
            Self::Timelock => "E_TIMELOCK",
            Self::Field => "E_TX_FIELD",
            Self::Malformed => "E_TX_MALFORMED",
            Self::Message => "E_MESSAGE",
            Self::Blind => "E_TYPE",
            Self::ChainCode => "E_CHAIN_CODE",
        }
    }

    /// The name of what a liar does, for the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Amount => "lies about the amount",
            Self::OutputAmount => "lies about an output's amount",
            Self::OutputScript => "lies about a recipient",
            Self::OwnAmount => "lies about an own coin's amount",
            Self::ForeignAmount => "lies about another coin's amount",
            Self::ForeignScript => "lies about another coin's script",
            Self::OwnScript => "lies about an own coin's script",
            Self::SighashType => "lies about the sighash type",
            Self::UndefinedSighashType => "asks for an undefined sighash type",
            Self::Path => "lies about a path",
            Self::MerkleRoot => "lies about a merkle root",
            Self::ItemOrder => "lies about the order of items",
            Self::ItemCount => "leaves an item out",
            Self::Hash => "lies about a hash",
            Self::KeyOrder => "lies about the order of keys",
            Self::ForeignAsOwn => "marks another's coin as own",
            Self::HiddenInput => "hides an own coin",
            Self::FakeChange => "marks a payment as change",
            Self::HiddenChange => "hides change",
            Self::Network => "spends from another network",
            Self::Locktime => "lies about the locktime",
            Self::Timelock => "ignores a timelock",
            Self::Field => "adds a field",
            Self::Malformed => "cuts the transaction off",
            Self::Message => "calls a payment a message",
            Self::Blind => "shows no transaction",
            Self::ChainCode => "lies about a chain code",
        }
    }

    /// True if the lie is about a leaf, so that the coins have to be spent by one.
    pub const fn is_about_a_leaf(self) -> bool {
        matches!(self, Self::Timelock)
    }

    /// True if the lie is about members' keys, so that they have to be derived before they are aggregated.
    pub const fn is_about_members(self) -> bool {
        matches!(self, Self::ChainCode)
    }

    /// The terms with this lie in them.
    pub(super) fn told_in(self, mut terms: Terms, spend: &Spend, group: &Group) -> Terms {
        let foreign = MapId::Input(spend.own);
        let origin = |terms: &Terms| {
            let psbt = RawPsbt::parse(&terms.metadata.transaction).expect("an honest PSBT");
            let origin = psbt.input(0).and_then(|fields| fields.origins().next());
            origin.expect("the first input is marked")
        };
        match self {
            Self::Amount => terms.metadata.amount = terms.metadata.amount.map(|amount| amount - 1),
            Self::OutputAmount => in_transaction(&mut terms, |transaction| {
                transaction.output[0].value = Amount::from_sat(1);
            }),
            Self::OutputScript => in_transaction(&mut terms, |transaction| {
                transaction.output[0].script_pubkey = strange_taproot();
            }),
            Self::OwnAmount => in_prevout(&mut terms, 0, |prevout| prevout.value += Amount::from_sat(1)),
            Self::ForeignAmount => in_prevout(&mut terms, spend.own, |prevout| prevout.value += Amount::from_sat(1)),
            Self::ForeignScript => {
                in_prevout(&mut terms, spend.own, |prevout| prevout.script_pubkey = strange_taproot())
            }
            Self::OwnScript => {
                let other = group.script(0, 3);
                in_prevout(&mut terms, 0, |prevout| prevout.script_pubkey = other);
            }
            Self::SighashType => set(&mut terms, MapId::Input(0), Key::new(0x03, &[]), vec![0x81, 0, 0, 0]),
            Self::UndefinedSighashType => set(&mut terms, MapId::Input(0), Key::new(0x03, &[]), vec![4, 0, 0, 0]),
            Self::Path => in_derivation(&mut terms, |path, _| path[1] += 1),
            Self::MerkleRoot => in_derivation(&mut terms, |_, root| match root {
                Some(root) => root[0] ^= 1,
                None => *root = Some([7; 32]),
            }),
            Self::ItemOrder => terms.items.swap(0, 1),
            Self::ItemCount => terms.items.truncate(1),
            Self::Hash => terms.items[0].message[0] ^= 1,
            Self::KeyOrder => terms.keys.reverse(),
            Self::ForeignAsOwn => {
                let origin = origin(&terms);
                set(&mut terms, foreign, Key::new(0x16, &origin.key_data()), origin.value());
            }
            Self::HiddenInput => {
                in_psbt(&mut terms, |psbt| {
                    psbt.remove(MapId::Input(0), |key| key.kind() == 0x16).expect("a map of the file");
                });
                terms.items.remove(0);
                terms.metadata.amount = terms.metadata.amount.map(|amount| amount - 100_000);
            }
            Self::FakeChange => {
                let origin = origin(&terms);
                set(&mut terms, MapId::Output(0), Key::new(0x07, &origin.key_data()), origin.value());
            }
            Self::HiddenChange => in_psbt(&mut terms, |psbt| {
                psbt.remove(MapId::Output(1), |key| key.kind() == 0x07).expect("a map of the file");
            }),
            Self::Network => {
                let main = registered(&terms.keys, NetworkKind::Main, group.deriving, |musig| {
                    format!("tr({})", musig("<4;5>/*"))
                });
                let script = |branch, index| {
                    let location = Location { keychain: Keychain(branch), index };
                    main.group().output(location).expect("both branches have every index").script
                };
                return Terms::honest(&Spend { lie: None, ..*spend }, &main, script);
            }
            Self::Locktime => in_transaction(&mut terms, |transaction| {
                transaction.lock_time = LockTime::from_consensus(1);
            }),
            Self::Timelock => in_transaction(&mut terms, |transaction| {
                transaction.input[0].sequence = Sequence::from_height(143);
            }),
            Self::Field => set(&mut terms, MapId::Global, Key::new(0xfc, b"\x01x\x00"), Vec::new()),
            Self::Malformed => {
                terms.metadata.transaction.pop();
            }
            Self::Message => set(&mut terms, MapId::Global, Key::new(0x09, &[]), b"hello".to_vec()),
            Self::Blind => terms.metadata = RequestMetadata::default(),
            Self::ChainCode => {
                for item in &mut terms.items {
                    if let Derivation::Members { paths, .. } = &mut item.derivation {
                        let others = paths.chain_codes.iter().skip(1).copied();
                        paths.chain_codes = core::iter::once(Some([8; 32])).chain(others).collect();
                    }
                }
            }
        }
        terms
    }
}

fn in_psbt(terms: &mut Terms, change: impl FnOnce(&mut RawPsbt)) {
    let mut psbt = RawPsbt::parse(&terms.metadata.transaction).expect("an honest PSBT");
    change(&mut psbt);
    terms.metadata.transaction = psbt.to_bytes();
}

fn set(terms: &mut Terms, map: MapId, key: Key, value: Vec<u8>) {
    in_psbt(terms, |psbt| psbt.set(map, key, value).expect("a map of the file"));
}

fn in_prevout(terms: &mut Terms, input: usize, change: impl FnOnce(&mut TxOut)) {
    in_psbt(terms, |psbt| {
        let mut prevout = psbt.prevout(input).expect("each prevout is there");
        change(&mut prevout);
        psbt.set(MapId::Input(input), Key::new(0x01, &[]), consensus::serialize(&prevout)).expect("a map of the file");
    });
}

/// A lie in the transaction itself, with all other fields as they were.
fn in_transaction(terms: &mut Terms, change: impl FnOnce(&mut Transaction)) {
    in_psbt(terms, |psbt| {
        let mut transaction = psbt.unsigned_tx().expect("an honest transaction");
        change(&mut transaction);
        let mut other = RawPsbt::new(Version::V2, &transaction);
        for (id, map) in psbt.maps() {
            for (key, value) in map.entries() {
                // Fields of the transaction itself are there already.
                let _ = other.add(id, key.clone(), value.to_vec());
            }
        }
        *psbt = other;
    });
}

fn in_derivation(terms: &mut Terms, change: impl FnOnce(&mut Vec<u32>, &mut Option<[u8; 32]>)) {
    match &mut terms.items[0].derivation {
        Derivation::Bip328Taproot { path, merkle_root } => change(path, merkle_root),
        Derivation::Members { paths, taproot: Some(merkle_root) } => change(&mut paths.path, merkle_root),
        _ => {}
    }
}
