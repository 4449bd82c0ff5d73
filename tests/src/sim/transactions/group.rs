//! A group of a simulated world: as a wallet registers it, and as [`super::truth`] computes it.

use std::collections::BTreeMap;

use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use bitcoin::{Network, NetworkKind, ScriptBuf};
use motet_core_crypto::PublicKey;
use motet_psbt::{Keychain, Location};
use motet_wallet::RegisteredGroup;

use super::truth::{self, Own};

/// Addresses of each branch that coins and change of these worlds are at.
pub const INDEXES: u32 = 4;

/// The keys that a group's descriptor derives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deriving {
    /// The aggregate key of its members: `musig(A,B)/<0;1>/*`.
    Aggregate,
    /// The members' keys, which are aggregated afterwards: `musig(A/<0;1>/*,B/<0;1>/*)`.
    Members,
}

/// A group of signers that spend together.
#[derive(Debug)]
pub struct Group {
    /// The keys that its descriptor derives.
    pub deriving: Deriving,
    /// The group as members register it.
    pub registered: RegisteredGroup,
    /// Its first addresses, computed by other code.
    pub own: BTreeMap<ScriptBuf, Own>,
}

impl Group {
    /// A confirmed group on signet. With a tree, a leaf has the same signers and a timelock.
    pub fn new(keys: &[PublicKey], deriving: Deriving, has_tree: bool) -> Self {
        let registered = registered(keys, NetworkKind::Test, deriving, |musig| {
            let leaf = format!(",and_v(v:pk({}),older(144))", musig("<2;3>/*"));
            format!("tr({}{})", musig("<0;1>/*"), if has_tree { &leaf } else { "" })
        });
        let own = truth::addresses(keys, deriving, has_tree, INDEXES).expect("keys of a world make a group");
        Self { deriving, registered, own }
    }

    /// The script at a place.
    pub fn script(&self, branch: u32, index: u32) -> ScriptBuf {
        let location = Location { keychain: Keychain(branch), index };
        self.registered.group().output(location).expect("both branches have every index").script
    }
}

/// The confirmed group of a descriptor, made of its `musig()` expressions, each by its path.
pub(super) fn registered(
    keys: &[PublicKey],
    network: NetworkKind,
    deriving: Deriving,
    descriptor: impl Fn(&dyn Fn(&str) -> String) -> String,
) -> RegisteredGroup {
    let xpub = |key: &PublicKey| {
        let xpub = Xpub {
            network,
            depth: 0,
            parent_fingerprint: Fingerprint::default(),
            child_number: ChildNumber::from(0),
            public_key: bitcoin::secp256k1::PublicKey::from_slice(&key.to_bytes()).expect("a key is a point"),
            // Aggregates are derived with a chain code of their own (BIP-328).
            chain_code: ChainCode::from(truth::MEMBERS_CHAIN_CODE),
        };
        xpub.to_string()
    };
    let musig = |path: &str| {
        let participant = |key| match deriving {
            Deriving::Aggregate => xpub(key),
            Deriving::Members => format!("{}/{path}", xpub(key)),
        };
        let participants = keys.iter().map(participant).collect::<Vec<_>>().join(",");
        match deriving {
            Deriving::Aggregate => format!("musig({participants})/{path}"),
            Deriving::Members => format!("musig({participants})"),
        }
    };
    let parsed = descriptor(&musig).parse().expect("a descriptor");
    let network = if network.is_mainnet() { Network::Bitcoin } else { Network::Signet };
    let mut group = RegisteredGroup::new("group", network, parsed).expect("a group");
    let words = group.id().words().join(" ");
    group.confirm(&words).expect("its own words");
    group
}
