//! A group: a checked descriptor with `musig()`, its addresses, and the ways to spend from them.

mod error;
mod signing;
mod spend;
mod threshold;
mod words;

use bitcoin::{Address, Network, NetworkKind, Script};
use motet_core_crypto::tagged_hash;

pub use error::{GroupError, GroupWarning};
pub use signing::SigningTarget;
pub use spend::{PathId, SpendPath};

use crate::bytes::hex;
use crate::descriptor::{
    Descriptor, DescriptorKind, Fixed, KeyExpr, KeyMaterial, Output, PathExpr, ResolveError, ResolvedKey, SingleKey,
};

/// Branch of a group's descriptor. By convention the first is for receiving and the second for change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Keychain(pub u32);

impl Keychain {
    /// Addresses that are shown to payers.
    pub const RECEIVE: Self = Self(0);
    /// Addresses for change.
    pub const CHANGE: Self = Self(1);

    pub(crate) fn branch(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Place of an address in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The branch of the descriptor.
    pub keychain: Keychain,
    /// The index in the branch.
    pub index: u32,
}

/// Identity of a group: the hash of its canonical descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId([u8; 32]);

impl GroupId {
    /// The 32 bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Eight hexadecimal digits, for display only: a member can make another group with the same digits in minutes.
    pub fn fingerprint(self) -> String {
        hex(self.0.first_chunk::<4>().unwrap_or(&[0; 4]))
    }

    /// Twelve words that members compare before they use a group. They are no secret, and no seed of a wallet.
    ///
    /// They hold 132 bits, so that nobody can make a second group with the same words.
    pub fn words(self) -> [&'static str; 12] {
        words::words(&self.0)
    }
}

/// A group of signers that can spend together.
#[derive(Debug, Clone)]
pub struct Group {
    descriptor: Descriptor,
    branches: u32,
    id: GroupId,
    participants: Vec<SingleKey>,
    network: Option<NetworkKind>,
    /// Aggregations that are the same at all addresses.
    fixed: Vec<Option<Fixed>>,
}

impl Group {
    /// Checks a descriptor for everything that a group needs, in all its branches.
    ///
    /// # Errors
    ///
    /// [`GroupError`]. What is allowed but dangerous is in [`Self::warnings`].
    pub fn new(descriptor: Descriptor) -> Result<Self, GroupError> {
        if descriptor.kind() == DescriptorKind::Other {
            return Err(ResolveError::NotTaproot.into());
        }
        if !descriptor.keys().iter().any(|key| matches!(key, KeyExpr::Musig(_))) {
            return Err(GroupError::NoMusig);
        }
        let branches = descriptor.branches()?;
        let network = check_keys(&descriptor)?;
        for branch in 0..branches {
            check_participants(&descriptor.output(branch, 0)?.keys)?;
        }
        let mut participants: Vec<SingleKey> = Vec::new();
        for single in descriptor.keys().iter().flat_map(KeyExpr::singles) {
            let key = SingleKey { path: PathExpr::EMPTY, ..single.clone() };
            if !participants.iter().any(|listed| listed.key == key.key) {
                participants.push(key);
            }
        }
        let id = GroupId(tagged_hash("motet/group/v1", &[canonical(&descriptor).as_bytes()]));
        let fixed = descriptor.fixed(branches);
        let branches = u32::try_from(branches).map_err(|_| GroupError::NoMusig)?;
        Ok(Self { descriptor, branches, id, participants, network, fixed })
    }

    /// The descriptor.
    pub const fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The identity of the group. It does not depend on the order of participants in the text, or on its checksum.
    pub const fn id(&self) -> GroupId {
        self.id
    }

    /// The number of branches.
    pub const fn branches(&self) -> u32 {
        self.branches
    }

    /// All keys of the group without their paths, each once, in the order of the descriptor.
    pub fn participants(&self) -> &[SingleKey] {
        &self.participants
    }

    /// Properties that are allowed, but should be known before money is sent to the group.
    pub fn warnings(&self) -> Vec<GroupWarning> {
        let mut warnings = Vec::new();
        if !self.descriptor.had_checksum() {
            warnings.push(GroupWarning::NoChecksum);
        }
        match self.descriptor.keys().first() {
            Some(KeyExpr::Single(key)) if !is_unspendable(key) => warnings.push(GroupWarning::SingleKeyPath),
            _ => {}
        }
        let Ok(output) = self.descriptor.output(0, 0) else { return warnings };
        let internal = output.keys.first().map(|key| key.key.x_only());
        for (number, leaf) in output.leaves.iter().enumerate() {
            let is_internal = |key: &usize| output.keys.get(*key).map(|key| key.key.x_only()) == internal;
            if leaf.keys.iter().any(is_internal) {
                warnings.push(GroupWarning::InternalKeyInLeaf { leaf: number });
            }
        }
        for path in self.spend_paths() {
            if let (PathId::Leaf(leaf), Some(found)) = (path.id, path.older)
                && found & !0x0040_ffff != 0
            {
                warnings.push(GroupWarning::StrayTimelock { leaf, found });
            }
        }
        warnings
    }

    /// Keys and scripts at a location.
    ///
    /// # Errors
    ///
    /// [`ResolveError`].
    pub fn output(&self, location: Location) -> Result<Output, ResolveError> {
        self.descriptor.output_of(&self.fixed, location.keychain.branch(), location.index)
    }

    /// The address at a location.
    ///
    /// # Errors
    ///
    /// [`GroupError`]; [`GroupError::Network`] if the group's extended keys are written for another kind of network.
    pub fn address(&self, location: Location, network: Network) -> Result<Address, GroupError> {
        if self.network.is_some_and(|kind| kind != NetworkKind::from(network)) {
            return Err(GroupError::Network);
        }
        let output = self.output(location)?;
        Address::from_script(&output.script, network).map_err(|_| GroupError::Network)
    }

    /// Finds the location of a script among the first `count` addresses of each branch.
    ///
    /// Nothing else proves that an output is the group's own: derivations that a PSBT states are claims.
    pub fn locate(&self, script: &Script, count: u32) -> Option<Location> {
        if !script.is_p2tr() {
            return None;
        }
        self.locations(count).find(|location| self.output(*location).is_ok_and(|output| *output.script == *script))
    }

    /// The locations of the first `count` addresses of each branch, by index.
    pub(crate) fn locations(&self, count: u32) -> impl Iterator<Item = Location> {
        let count = if self.descriptor.is_ranged() { count } else { count.min(1) };
        let branches = self.branches;
        let of = move |index| (0..branches).map(move |branch| Location { keychain: Keychain(branch), index });
        (0..count).flat_map(of)
    }
}

/// The text that the identity is the hash of: with sorted participants in each `musig()`.
fn canonical(descriptor: &Descriptor) -> String {
    descriptor.render(|_, key| match key {
        KeyExpr::Single(single) => single.to_string(),
        KeyExpr::Musig(musig) => {
            let mut participants: Vec<_> = musig.participants.iter().map(SingleKey::to_string).collect();
            participants.sort();
            format!("musig({}){}", participants.join(","), musig.path)
        }
    })
}

/// x coordinate of the point of BIP-341 that nobody has a secret key for.
const UNSPENDABLE: [u8; 32] = [
    0x50, 0x92, 0x9b, 0x74, 0xc1, 0xa0, 0x49, 0x54, 0xb7, 0x8b, 0x4b, 0x60, 0x35, 0xe9, 0x7a, 0x5e, 0x07, 0x8a, 0x5a,
    0x0f, 0x28, 0xec, 0x96, 0xd5, 0x47, 0xbf, 0xee, 0x9a, 0xce, 0x80, 0x3a, 0xc0,
];

pub(crate) fn is_unspendable(key: &SingleKey) -> bool {
    match &key.key {
        KeyMaterial::XOnly(key) => key.to_bytes() == UNSPENDABLE,
        KeyMaterial::Compressed(key) => key.x_only().to_bytes() == UNSPENDABLE,
        KeyMaterial::Uncompressed(_) | KeyMaterial::Xpub(_) => false,
    }
}

/// Checks each key alone. The result is the kind of network that extended keys are written for.
fn check_keys(descriptor: &Descriptor) -> Result<Option<NetworkKind>, GroupError> {
    let mut network = None;
    for (number, key) in descriptor.keys().iter().enumerate() {
        for single in key.singles() {
            let KeyMaterial::Xpub(xpub) = &single.key else { continue };
            let depth = usize::from(xpub.depth);
            let origin = single.origin.as_ref().map(|origin| origin.path.len());
            if let Some(path) = origin.filter(|path| *path != depth) {
                return Err(GroupError::OriginDepth { number, path, depth });
            }
            if *network.get_or_insert(xpub.network) != xpub.network {
                return Err(GroupError::Networks);
            }
        }
        if let KeyExpr::Musig(musig) = key
            && musig.participants.len() < 2
        {
            return Err(GroupError::SingleParticipant { number });
        }
    }
    Ok(network)
}

/// Checks that no participant stands twice in one aggregation: a PSBT has room for one nonce of each.
fn check_participants(keys: &[ResolvedKey]) -> Result<(), GroupError> {
    for (number, key) in keys.iter().enumerate() {
        let sorted = key.musig.as_ref().map(|musig| musig.context.keys()).unwrap_or_default();
        if sorted.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(GroupError::RepeatedParticipant { number });
        }
    }
    Ok(())
}
