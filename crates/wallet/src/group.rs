//! A registered group: a group with its name, its network, the names of its members, and what this wallet knows about it.

mod file;
mod keys;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bitcoin::{Network, ScriptBuf};
use motet_core_crypto::PublicKey;
use motet_psbt::descriptor::{Descriptor, KeyMaterial, SingleKey};
use motet_psbt::{Group, GroupError, GroupId, Keychain, LocatedOutput, Location};

pub use file::GroupFileError;
pub use keys::NotOnNetwork;
pub(crate) use keys::{SigningSet, address_path, derives_first};

use crate::limits::{DEVICES, LOOKAHEAD};
use crate::text::{NameError, check_name};

/// A member of a group: the owner of one of its keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Member {
    name: String,
    is_own: bool,
}

impl Member {
    /// The name, for people; empty if none was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True if this wallet has the member's secret key.
    pub const fn is_own(&self) -> bool {
        self.is_own
    }
}

/// A registration of the group in a hardware wallet, which the device wants back each time it signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceRegistration {
    /// The member whose key the device has, by its number in [`Group::participants`].
    pub member: usize,
    /// The kind of device.
    pub kind: DeviceKind,
    /// The id of the wallet policy (BIP-388) that the device computed.
    pub policy_id: [u8; 32],
    /// The proof that the device's user has confirmed the policy: 32 bytes that only the device can make.
    pub hmac: [u8; 32],
}

/// A kind of hardware wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceKind {
    /// Ledger.
    Ledger,
}

impl DeviceKind {
    /// The word for the kind in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
        }
    }
}

/// The reason why a group cannot be registered, or its registration cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// The descriptor is none of a group.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// A name is refused.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There is no member with this number.
    #[error("there is no member {number}; the group has {count} keys, counted from 0")]
    NoMember {
        /// The number.
        number: usize,
        /// The number of members.
        count: usize,
    },
    /// There are too many device registrations.
    #[error("a group has at most {DEVICES} registrations of devices")]
    TooManyDevices,
}

/// The reason why words do not confirm a group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordsError {
    /// More or fewer words.
    #[error("{found} words instead of 12")]
    Count {
        /// The number of words.
        found: usize,
    },
    /// A word is another one.
    #[error(
        "word {number} is another one: the members do not have the same group; send the group's file again, and send no money"
    )]
    Different {
        /// The position of the word, from 1.
        number: usize,
    },
}

/// A group with its name, its network and its members.
///
/// Members register a group once, and each of them confirms it: they compare its twelve words over a channel that they trust.
#[derive(Debug, Clone)]
pub struct RegisteredGroup {
    name: String,
    network: Network,
    group: Group,
    members: Vec<Member>,
    birthday: Option<u64>,
    devices: Vec<DeviceRegistration>,
    is_confirmed: bool,
    /// Outputs of the first addresses, computed when they are first needed: about 1 kB for an address without scripts.
    ahead: OnceLock<BTreeMap<ScriptBuf, LocatedOutput>>,
}

impl RegisteredGroup {
    /// A group that is not confirmed yet, with members that have no names.
    ///
    /// # Errors
    ///
    /// [`RegistrationError`]; [`GroupError::Network`] if the group's keys are written for another kind of network.
    pub fn new(name: &str, network: Network, descriptor: Descriptor) -> Result<Self, RegistrationError> {
        check_name(name)?;
        let group = Group::new(descriptor)?;
        group.address(FIRST, network)?;
        let members = vec![Member::default(); group.participants().len()];
        let name = name.to_owned();
        let ahead = OnceLock::new();
        Ok(Self { name, network, group, members, birthday: None, devices: Vec::new(), is_confirmed: false, ahead })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The network on which the group has its money.
    pub const fn network(&self) -> Network {
        self.network
    }

    /// The group.
    pub const fn group(&self) -> &Group {
        &self.group
    }

    /// The identity of the group.
    pub const fn id(&self) -> GroupId {
        self.group.id()
    }

    /// The members, in the order of [`Group::participants`].
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The numbers of the members whose secret keys this wallet has.
    pub fn own_members(&self) -> impl Iterator<Item = usize> {
        self.members.iter().enumerate().filter(|(_, member)| member.is_own).map(|(number, _)| number)
    }

    /// Time before which the group had no money, in seconds since 1970. It shortens the search of other wallets.
    pub const fn birthday(&self) -> Option<u64> {
        self.birthday
    }

    /// The registrations in hardware wallets.
    pub fn devices(&self) -> &[DeviceRegistration] {
        &self.devices
    }

    /// True if this wallet's user has compared the twelve words. Before that nothing is signed for the group.
    pub const fn is_confirmed(&self) -> bool {
        self.is_confirmed
    }

    /// The group's address at a location.
    ///
    /// # Errors
    ///
    /// [`GroupError`], if there is no such location.
    pub fn address(&self, location: Location) -> Result<bitcoin::Address, GroupError> {
        self.group.address(location, self.network)
    }

    /// Confirms the group by its twelve words, as another member has read them out. Case and spaces make no difference.
    ///
    /// # Errors
    ///
    /// [`WordsError`]. The group is as confirmed as before then.
    pub fn confirm(&mut self, words: &str) -> Result<(), WordsError> {
        let given: Vec<_> = words.split_whitespace().map(str::to_lowercase).collect();
        let own = self.id().words();
        if given.len() != own.len() {
            return Err(WordsError::Count { found: given.len() });
        }
        match given.iter().zip(own).position(|(given, own)| given != own) {
            Some(place) => Err(WordsError::Different { number: place + 1 }),
            None => {
                self.is_confirmed = true;
                Ok(())
            }
        }
    }

    /// Changes the name.
    ///
    /// # Errors
    ///
    /// [`RegistrationError`].
    pub fn rename(&mut self, name: &str) -> Result<(), RegistrationError> {
        check_name(name)?;
        name.clone_into(&mut self.name);
        Ok(())
    }

    /// Names a member, or takes its name away if the name is empty.
    ///
    /// # Errors
    ///
    /// [`RegistrationError`].
    pub fn name_member(&mut self, number: usize, name: &str) -> Result<(), RegistrationError> {
        if !name.is_empty() {
            check_name(name)?;
        }
        name.clone_into(&mut self.member_mut(number)?.name);
        Ok(())
    }

    /// Says whether this wallet has the secret key of a member.
    ///
    /// # Errors
    ///
    /// [`RegistrationError`].
    pub fn set_own(&mut self, number: usize, is_own: bool) -> Result<(), RegistrationError> {
        self.member_mut(number)?.is_own = is_own;
        Ok(())
    }

    /// Changes the birthday.
    pub const fn set_birthday(&mut self, birthday: Option<u64>) {
        self.birthday = birthday;
    }

    /// Keeps a registration in a hardware wallet. It replaces one of the same member, kind and policy.
    ///
    /// # Errors
    ///
    /// [`RegistrationError`].
    pub fn add_device(&mut self, device: DeviceRegistration) -> Result<(), RegistrationError> {
        self.member_mut(device.member)?;
        let same = |other: &DeviceRegistration| {
            (other.member, other.kind, other.policy_id) == (device.member, device.kind, device.policy_id)
        };
        let place = self.devices.iter().position(same).unwrap_or(self.devices.len());
        if place >= DEVICES {
            return Err(RegistrationError::TooManyDevices);
        }
        self.devices.splice(place..self.devices.len().min(place + 1), [device]);
        Ok(())
    }

    /// The name of a member on a screen: the fingerprint of its key if it has none.
    pub fn member_name(&self, number: usize) -> String {
        let name = self.members.get(number).map(Member::name).filter(|name| !name.is_empty());
        let fingerprint = || self.group.participants().get(number).map_or_else(|| "?".to_owned(), key_fingerprint);
        name.map_or_else(fingerprint, str::to_owned)
    }

    /// The key of each member, without any derivation; none for a form that signs nothing.
    pub fn member_keys(&self) -> Vec<Option<PublicKey>> {
        let key = |single: &SingleKey| match &single.key {
            KeyMaterial::Compressed(key) => Some(*key),
            KeyMaterial::Xpub(xpub) => PublicKey::from_bytes(&xpub.public_key.serialize()).ok(),
            KeyMaterial::Uncompressed(_) | KeyMaterial::XOnly(_) => None,
        };
        self.group.participants().iter().map(key).collect()
    }

    /// Outputs of the first addresses of each branch, by their scripts.
    pub(crate) fn ahead(&self) -> &BTreeMap<ScriptBuf, LocatedOutput> {
        self.ahead.get_or_init(|| {
            let count = if self.group.descriptor().is_ranged() { LOOKAHEAD } else { 1 };
            let places = (0..count).flat_map(|index| {
                (0..self.group.branches()).map(move |branch| Location { keychain: Keychain(branch), index })
            });
            let output = |location| {
                let output = self.group.output(location).ok()?;
                Some((output.script.clone(), LocatedOutput { location, output }))
            };
            places.filter_map(output).collect()
        })
    }

    fn member_mut(&mut self, number: usize) -> Result<&mut Member, RegistrationError> {
        let count = self.members.len();
        self.members.get_mut(number).ok_or(RegistrationError::NoMember { number, count })
    }
}

/// The fingerprint of a member's key: that of its origin, or else of the key itself.
pub fn key_fingerprint(key: &SingleKey) -> String {
    let beginning = |text: String| text.chars().take(8).collect();
    match (&key.origin, &key.key) {
        (Some(origin), _) => origin.fingerprint.to_string(),
        (None, KeyMaterial::Xpub(xpub)) => xpub.fingerprint().to_string(),
        (None, KeyMaterial::Compressed(key)) => beginning(key.to_string()),
        (None, KeyMaterial::XOnly(key)) => beginning(key.to_string()),
        (None, KeyMaterial::Uncompressed(key)) => beginning(key.to_string()),
    }
}

/// The first address for payers, which members compare besides the words.
pub(crate) const FIRST: Location = Location { keychain: Keychain::RECEIVE, index: 0 };
