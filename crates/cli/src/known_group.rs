//! The group that a command is about: its descriptor, the names of its members, and its chain.

use std::path::Path;

use bitcoin::{Network, NetworkKind};
use motet_core_crypto::PublicKey;
use motet_psbt::descriptor::{Descriptor, KeyMaterial, SingleKey};
use motet_psbt::limits::DESCRIPTOR_BYTES_MAX;
use motet_psbt::{Group, PathId, PlanError, RawPsbt, SpendPath, SpendPlan};
use motet_wallet::{GroupNames, RegisteredGroup, ScreenGroup, ScreenPath, key_fingerprint};

use crate::args::PlanArgs;
use crate::exit::{Exit, Failed};
use crate::files;
use crate::group_folder::GroupFolder;

/// A group, with its members' names for people.
#[derive(Debug)]
pub(crate) struct KnownGroup {
    pub(crate) group: Group,
    /// The name under which the group is registered here.
    pub(crate) name: Option<String>,
    /// The names of the members, in the order of [`Group::participants`].
    pub(crate) members: Vec<String>,
    pub(crate) network: Network,
    /// True for a registered group whose words nobody has compared.
    pub(crate) is_unconfirmed: bool,
}

impl KnownGroup {
    /// Finds a group: by the name under which it is registered, by a file, or by its descriptor.
    pub(crate) fn find(text: &str, args: &PlanArgs) -> Result<Self, Failed> {
        // A descriptor has a parenthesis, and a name or a file that has one can be written in another way.
        if text.contains('(') {
            return Self::of_descriptor(text, args.chain);
        }
        let folder = GroupFolder::open(&args.groups)?;
        let path = Path::new(text);
        // A registered name is first: a file that somebody has left in this folder does not take its place.
        let unknown = match folder.group(text) {
            Ok(registered) => return Self::of_registered(registered).on(args.chain),
            Err(failed) => failed,
        };
        if !path.exists() {
            return Err(unknown);
        }
        let read = files::read_up_to(path, DESCRIPTOR_BYTES_MAX as u64 + 1024);
        let hint = "name a registered group, or a file with a descriptor, or write the descriptor itself in quotes";
        let content =
            read.map_err(|error| Failed::here(format!("cannot read the group {text}: {error}")).hint(hint))?;
        let content = content.and_then(|content| String::from_utf8(content).ok());
        let refused =
            |error: &dyn core::fmt::Display| Failed::new(Exit::Refused, format!("{text}: {error}")).hint(hint);
        let content = content.ok_or_else(|| refused(&"it does not hold the descriptor of a group"))?;
        if content.starts_with("BSMS") {
            let group = RegisteredGroup::import(&content).map_err(|error| refused(&error))?;
            return Self::of_registered(&group).on(args.chain);
        }
        Self::of_descriptor(content.trim(), args.chain)
    }

    /// The same group on the chain that the user named, if that is possible.
    fn on(self, chain: Option<Network>) -> Result<Self, Failed> {
        match chain {
            Some(_) => Ok(Self { network: chain_of(&self.group, chain)?, ..self }),
            None => Ok(self),
        }
    }

    /// A registered group.
    pub(crate) fn of_registered(registered: &RegisteredGroup) -> Self {
        let group = registered.group().clone();
        Self {
            name: Some(registered.name().to_owned()),
            members: (0..group.participants().len()).map(|number| registered.member_name(number)).collect(),
            network: registered.network(),
            is_unconfirmed: !registered.is_confirmed(),
            group,
        }
    }

    pub(crate) fn of_descriptor(text: &str, chain: Option<Network>) -> Result<Self, Failed> {
        let refused = |error: &dyn core::fmt::Display| {
            Failed::new(Exit::Refused, format!("the group's descriptor is refused: {error}"))
                .hint("copy the descriptor again from the program or the member that made it")
        };
        let descriptor = Descriptor::parse(text).map_err(|error| refused(&error))?;
        let group = Group::new(descriptor).map_err(|error| refused(&error))?;
        let network = chain_of(&group, chain)?;
        let members = group.participants().iter().map(key_fingerprint).collect();
        Ok(Self { group, name: None, members, network, is_unconfirmed: false })
    }

    /// The name of the group and its fingerprint.
    pub(crate) fn title(&self) -> String {
        ScreenGroup::new(&self.group, self.name.as_deref()).to_string()
    }

    /// The names for an approval screen.
    pub(crate) fn names(&self) -> GroupNames<'_> {
        GroupNames { group: self.name.as_deref(), members: &self.members, network: self.network }
    }

    /// The name of a member.
    pub(crate) fn member(&self, number: usize) -> &str {
        self.members.get(number).map_or("?", String::as_str)
    }

    /// The number of the member with this public key.
    pub(crate) fn number_of(&self, own: &PublicKey) -> Option<usize> {
        self.group.participants().iter().position(|single| match &single.key {
            KeyMaterial::Xpub(xpub) => xpub.public_key.serialize() == own.to_bytes(),
            KeyMaterial::Compressed(key) => key == own,
            KeyMaterial::Uncompressed(_) | KeyMaterial::XOnly(_) => false,
        })
    }

    /// The number of the member that a text names: by its number from 1, its name, or the fingerprint of its key.
    pub(crate) fn number(&self, text: &str) -> Result<usize, Failed> {
        let number = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let is_named = |member: usize, key: &SingleKey| self.member(member) == text || key_fingerprint(key) == text;
        let named = || self.group.participants().iter().enumerate().position(|(member, key)| is_named(member, key));
        number.filter(|number| *number < self.members.len()).or_else(named).ok_or_else(|| {
            let members = self.members.join(", ");
            Failed::usage(format!("--member: the group has no member {text}"))
                .hint(format!("its members are {members}"))
        })
    }

    /// The spend path that the user chose: a leaf, or the first path of the group.
    pub(crate) fn spend_path(&self, leaf: Option<usize>) -> Result<SpendPath, Failed> {
        let mut paths = self.group.spend_paths().into_iter();
        let found = match leaf {
            Some(leaf) => paths.find(|path| path.id == PathId::Leaf(leaf)),
            None => paths.next(),
        };
        found.ok_or_else(|| {
            Failed::usage("--leaf: the group has no such leaf").hint(format!("its spend paths: {}", self.path_list()))
        })
    }

    /// A spend path for people: its kind and its signers.
    pub(crate) fn path_line(&self, path: &SpendPath) -> String {
        ScreenPath::new(&self.group, path, &self.members).to_string()
    }

    /// All spend paths for people.
    pub(crate) fn path_list(&self) -> String {
        self.group.spend_paths().iter().map(|path| self.path_line(path)).collect::<Vec<_>>().join("; ")
    }

    /// Plans a spend of a PSBT.
    pub(crate) fn plan(&self, psbt: &RawPsbt, args: &PlanArgs) -> Result<SpendPlan, Failed> {
        let path = self.spend_path(args.leaf)?;
        SpendPlan::new(psbt, &self.group, path.id, args.addresses).map_err(|error| unplanned(&error))
    }
}

/// The failure of a PSBT that a group cannot sign as it is.
pub(crate) fn unplanned(error: &PlanError) -> Failed {
    let failed = Failed::new(Exit::Refused, error);
    match error {
        PlanError::NoOwnInput { .. } => failed.hint(
            "check that --group names the right group; search further with --addresses if it has used more addresses",
        ),
        PlanError::Modifiable => failed.hint("let its maker finish the transaction, and export the PSBT again"),
        PlanError::Timelock { .. } => failed
            .hint("let its maker set the sequence or the locktime that the leaf demands, or wait for another path"),
        PlanError::NoSuchPath => failed.hint("choose another spend path with --leaf NUMBER"),
        PlanError::Locktime(_)
        | PlanError::Prevout(_)
        | PlanError::Sighash { .. }
        | PlanError::NoSingleOutput { .. }
        | PlanError::Message(_)
        | PlanError::Resolve(_)
        | _ => failed.hint("nothing was signed; let the maker of the PSBT write it again"),
    }
}

/// The chain of a group: the one that the user named, if the group's keys are for it, or else the one that they say.
pub(crate) fn chain_of(group: &Group, chain: Option<Network>) -> Result<Network, Failed> {
    let kind = group.participants().iter().find_map(SingleKey::network);
    match (chain, kind) {
        (Some(chain), Some(kind)) if NetworkKind::from(chain) != kind => {
            Err(Failed::usage(format!("--chain {}: the group's keys are for another chain", chain.to_core_arg()))
                .hint("xpub keys are for main, and tpub keys for test, signet and regtest"))
        }
        (Some(chain), _) => Ok(chain),
        (None, Some(NetworkKind::Test)) => Ok(Network::Testnet),
        (None, Some(NetworkKind::Main) | None) => Ok(Network::Bitcoin),
    }
}
