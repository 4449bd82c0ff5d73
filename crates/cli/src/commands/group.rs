//! `motet group`: groups that are made or imported once, compared by twelve words, and then signed for by name.

mod seed;

use std::path::Path;

use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use bitcoin::{NetworkKind, secp256k1};
use motet_core_crypto::{SecretKey, tagged_hash};
use motet_psbt::descriptor::{Descriptor, SingleKey};
use motet_psbt::{Group, Keychain, Location, PathId};
use motet_wallet::limits::GROUP_FILE_BYTES;
use motet_wallet::{GroupFileError, RegisteredGroup, RegistrationError, Registry, field};
use serde_json::{Value, json};

use crate::args::{
    GroupAddressArgs, GroupCommand, GroupCommandArgs, GroupExportArgs, GroupImportArgs, GroupKeyArgs, GroupNewArgs,
    GroupRestoreArgs, GroupShowArgs, GroupWordsArgs, KeystoreArgs,
};
use crate::exit::{Exit, Failed};
use crate::files;
use crate::group_folder::GroupFolder;
use crate::known_group::{KnownGroup, chain_of};
use crate::output::Output;
use crate::psbt_file::INPUT;
use crate::signer_key::{self, KeyOrSeed};

/// The first address for payers, which members compare besides the words.
const FIRST: Location = Location { keychain: Keychain::RECEIVE, index: 0 };

pub(crate) fn run(args: &GroupCommandArgs) -> Result<Exit, Failed> {
    match &args.command {
        GroupCommand::Seed(args) => seed::make(args),
        GroupCommand::Key(args) => key(args),
        GroupCommand::New(args) => new(args),
        GroupCommand::Import(args) => import(args),
        GroupCommand::Words(args) => words(args),
        GroupCommand::Address(args) => address(args),
        GroupCommand::Show(args) => show(args),
        GroupCommand::Export(args) => export(args),
        GroupCommand::Backup(args) => {
            let folder = GroupFolder::open(&args.groups)?;
            let text = folder.group(&args.name)?.to_text();
            hand_out(
                &Output::without_node(args.json),
                args.output.as_deref(),
                &text,
                "the backup of the group, without secrets",
            )
        }
        GroupCommand::Restore(args) => restore(args),
    }
}

fn key(args: &GroupKeyArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(args.json);
    let expression = match (&args.key, &args.seed.words_file) {
        (Some(place), _) => match signer_key::load_any(place, &args.keystore)? {
            KeyOrSeed::Seed(seed) => {
                seed::account(place, (seed.words(), seed.passphrase()), &args.seed, args.chain, &output)?
            }
            KeyOrSeed::Key(_) if args.seed.account.is_some() || args.seed.out.is_some() => {
                let what = format!("--account and --out are for a seed, and {} is one key", place.display());
                return Err(Failed::usage(what));
            }
            KeyOrSeed::Key(key) => expression(&key.secret, args.chain.into())?.to_string(),
        },
        (None, Some(words)) => seed::account_of_words(words, &args.seed, args.chain, &output)?,
        (None, None) => return Err(Failed::usage("name a key with --key, or a seed with --words-file")),
    };
    output.result(&expression, &json!({"event": "group_key", "key_expression": expression}))?;
    Ok(Exit::Success)
}

/// The key expression of a signer's key: an extended key at the top of its tree.
///
/// Its chain code is a hash of the secret key, so that the key alone restores it, and nobody else computes the keys below it.
fn expression(key: &SecretKey, network: NetworkKind) -> Result<Xpub, Failed> {
    let public_key = secp256k1::PublicKey::from_slice(&key.public_key().to_bytes()).map_err(Failed::here)?;
    let chain_code = tagged_hash("motet/chain-code/v1", &[key.dangerous_to_bytes().as_slice()]);
    let (parent_fingerprint, child_number) = (Fingerprint::default(), ChildNumber::Normal { index: 0 });
    let chain_code = ChainCode::from(chain_code);
    Ok(Xpub { network, depth: 0, parent_fingerprint, child_number, public_key, chain_code })
}

fn new(args: &GroupNewArgs) -> Result<Exit, Failed> {
    let keys: Vec<SingleKey> = args.member.iter().map(|member| member.key.clone()).collect();
    let refused = |error: &dyn core::fmt::Display| {
        Failed::usage(error)
            .hint("give each member once: --member NAME=KEY, with the key that `motet group key` prints")
    };
    let group = Group::threshold(args.threshold.unwrap_or(keys.len()), &keys).map_err(|error| refused(&error))?;
    let chain = chain_of(&group, args.chain)?;
    let descriptor = group.descriptor().clone();
    let mut made = RegisteredGroup::new(&args.name, chain, descriptor).map_err(|error| unregistered(&error))?;
    for member in &args.member {
        let number = group.participants().iter().position(|key| key.key == member.key.key);
        made.name_member(number.unwrap_or(usize::MAX), &member.name).map_err(|error| unregistered(&error))?;
    }
    register(made, args.key.as_deref(), &args.keystore, GroupFolder::open(&args.groups)?, args.json)
}

fn import(args: &GroupImportArgs) -> Result<Exit, Failed> {
    let text = if args.file.contains('(') { args.file.clone() } else { read(Path::new(&args.file))? };
    let mut group = if text.starts_with("BSMS") {
        RegisteredGroup::import(&text).map_err(|error| unread(&args.file, &error))?
    } else {
        let Some(name) = &args.name else {
            return Err(Failed::usage("a descriptor has no name for the group").hint("name the group: --name NAME"));
        };
        let known = KnownGroup::of_descriptor(text.trim(), args.chain)?;
        let descriptor: Descriptor = known.group.descriptor().clone();
        RegisteredGroup::new(name, known.network, descriptor).map_err(|error| unregistered(&error))?
    };
    if let Some(name) = &args.name {
        group.rename(name).map_err(|error| unregistered(&error))?;
    }
    register(group, args.key.as_deref(), &args.keystore, GroupFolder::open(&args.groups)?, args.json)
}

/// Registers a group that nobody has confirmed, and tells how that is done.
fn register(
    mut group: RegisteredGroup,
    key: Option<&Path>,
    keystore: &KeystoreArgs,
    mut folder: GroupFolder,
    json: bool,
) -> Result<Exit, Failed> {
    if let Some(path) = key {
        let own = signer_key::load(path, keystore)?.secret.public_key();
        let number = KnownGroup::of_registered(&group).number_of(&own).ok_or_else(|| {
            Failed::new(Exit::Refused, format!("the key {own} in {} is of no member of this group", path.display()))
                .hint("nothing was registered; send the maker of the group the key that `motet group key` prints")
        })?;
        group.set_own(number, true).map_err(|error| unregistered(&error))?;
    }
    folder.add(group.clone())?;
    tell(&group, &folder.registry, &Output::without_node(json))
}

fn words(args: &GroupWordsArgs) -> Result<Exit, Failed> {
    let mut folder = GroupFolder::open(&args.groups)?;
    let mut group = folder.group(&args.name)?.clone();
    if let Some(words) = &args.confirm {
        group.confirm(words).map_err(|error| {
            Failed::new(Exit::Refused, format!("the group is not confirmed: {error}"))
                .hint("compare again over a channel that you trust, such as a call")
        })?;
        folder.replace(group.clone())?;
    }
    tell(&group, &folder.registry, &Output::without_node(args.json))
}

fn address(args: &GroupAddressArgs) -> Result<Exit, Failed> {
    let folder = GroupFolder::open(&args.groups)?;
    let group = folder.group(&args.name)?;
    if !group.is_confirmed() {
        return Err(unconfirmed(group.name()));
    }
    let output = Output::without_node(args.json);
    let keychain = if args.change { Keychain::CHANGE } else { Keychain::RECEIVE };
    for index in args.index..args.index.saturating_add(args.count) {
        let address = group.address(Location { keychain, index }).map_err(Failed::usage)?.to_string();
        let object =
            json!({"event": "group_address", "address": address, "place": {"branch": keychain.0, "index": index}});
        output.result(&address, &object)?;
    }
    Ok(Exit::Success)
}

fn show(args: &GroupShowArgs) -> Result<Exit, Failed> {
    let folder = GroupFolder::open(&args.groups)?;
    let output = Output::without_node(args.json);
    if let Some(name) = &args.name {
        return tell(folder.group(name)?, &folder.registry, &output);
    }
    for group in folder.registry.groups() {
        let state = if group.is_confirmed() { "" } else { "  not confirmed" };
        let line = format!("{}  {} members{state}", KnownGroup::of_registered(group).title(), group.members().len());
        output.result(&line, &object(group, &folder.registry))?;
    }
    if folder.registry.is_empty() {
        output.say("no group is registered");
    }
    Ok(Exit::Success)
}

fn export(args: &GroupExportArgs) -> Result<Exit, Failed> {
    let folder = GroupFolder::open(&args.groups)?;
    let group = folder.group(&args.name)?;
    let (text, what) = match args.profile {
        Some(profile) => {
            let text = profile.descriptor(group.group().descriptor()).map_err(Failed::here)?;
            (format!("{text}\n"), "the descriptor of the group")
        }
        None => (group.to_shared_text(), "the group's file for its other members"),
    };
    hand_out(&Output::without_node(args.json), args.output.as_deref(), &text, what)
}

fn restore(args: &GroupRestoreArgs) -> Result<Exit, Failed> {
    let text = read(&args.file)?;
    let group = RegisteredGroup::restore(&text).map_err(|error| unread(&args.file.display().to_string(), &error))?;
    let mut folder = GroupFolder::open(&args.groups)?;
    folder.add(group.clone())?;
    tell(&group, &folder.registry, &Output::without_node(args.json))
}

/// Hands out the text of a group: to a file that must not exist, or to standard output.
fn hand_out(output: &Output, file: Option<&Path>, text: &str, what: &str) -> Result<Exit, Failed> {
    match file {
        Some(path) => {
            let name = path.display();
            files::create(path, text.as_bytes()).map_err(|error| {
                Failed::here(format!("cannot write {name}: {error}")).hint("name a file that does not exist yet")
            })?;
            output.result(&format!("{what}, in {name}"), &json!({"event": "group_file", "file": name.to_string()}))?;
        }
        None => output.result(text.trim_end(), &json!({"event": "group_file", "content": text}))?,
    }
    Ok(Exit::Success)
}

fn read(path: &Path) -> Result<String, Failed> {
    let name = path.display();
    let most = GROUP_FILE_BYTES as u64;
    let unread = |error: &dyn core::fmt::Display| Failed::here(format!("cannot read the group {name}: {error}"));
    let bytes = if path == Path::new(INPUT) {
        files::content(std::io::stdin().lock(), most).map_err(|error| unread(&error))?
    } else {
        files::read_up_to(path, most).map_err(|error| unread(&error))?
    };
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| Failed::new(Exit::Refused, format!("{name} holds no group: it is no text, or too long")))
}

/// What is dangerous or unusual about a group, by itself and beside the other groups here.
fn remarks(group: &RegisteredGroup, registry: &Registry) -> Vec<String> {
    let known = KnownGroup::of_registered(group);
    let shared = registry.sharing(group).into_iter().map(|(other, members)| {
        let members: Vec<&str> = members.into_iter().map(|member| known.member(member)).collect();
        format!(
            "the group {} has the same key of {}: everybody sees that the two belong together; give each group an account of its own \
             (motet group key --account NUMBER)",
            other.name(),
            members.join(", ")
        )
    });
    group.group().warnings().iter().map(ToString::to_string).chain(shared).collect()
}

/// Tells everything about a group.
pub(crate) fn tell(group: &RegisteredGroup, registry: &Registry, output: &Output) -> Result<Exit, Failed> {
    let known = KnownGroup::of_registered(group);
    let mut lines = vec![field("group", &known.title()), field("chain", group.network().to_core_arg())];
    for (number, member) in known.members.iter().enumerate() {
        let is_own = group.members().get(number).is_some_and(motet_wallet::Member::is_own);
        lines
            .push(field(&format!("member {}", number + 1), &format!("{member}{}", if is_own { " (you)" } else { "" })));
    }
    for path in group.group().spend_paths() {
        lines.push(field("spends by", &known.path_line(&path)));
    }
    lines.extend(remarks(group, registry).iter().map(|remark| field("WARNING", remark)));
    lines.push(field("descriptor", &group.group().descriptor().to_string()));
    lines.push(field("words", &group.id().words().join(" ")));
    lines.push(field("address", &group.address(FIRST).map_err(Failed::here)?.to_string()));
    lines.push(if group.is_confirmed() {
        field("confirmed", "yes")
    } else {
        field(
            "confirmed",
            "no: compare words and address with the other members over a channel that you trust, such as a call; then type what \
             they read out: motet group words NAME --confirm \"WORDS\"",
        )
    });
    output.result(&lines.join("\n"), &object(group, registry))?;
    Ok(Exit::Success)
}

fn object(group: &RegisteredGroup, registry: &Registry) -> Value {
    let known = KnownGroup::of_registered(group);
    let participants = group.group().participants().iter();
    let members = participants
        .zip(group.members())
        .zip(&known.members)
        .map(|((key, member), name)| json!({"name": name, "key_expression": key.to_string(), "own": member.is_own()}));
    let paths = group.group().spend_paths().into_iter().map(|path| {
        let leaf = match path.id {
            PathId::Key => None,
            PathId::Leaf(leaf) => Some(leaf),
        };
        let members: Vec<_> = path.signers.iter().map(|signer| known.member(*signer)).collect();
        json!({"leaf": leaf, "members": members})
    });
    json!({
        "event": "group",
        "group": {"name": group.name(), "fingerprint": group.id().fingerprint()},
        "chain": group.network().to_core_arg(),
        "members": members.collect::<Vec<_>>(),
        "paths": paths.collect::<Vec<_>>(),
        "descriptor": group.group().descriptor().to_string(),
        "words": group.id().words(),
        "address": group.address(FIRST).map(|address| address.to_string()).unwrap_or_default(),
        "confirmed": group.is_confirmed(),
        "remarks": remarks(group, registry),
    })
}

/// The failure of a command that needs a confirmed group.
pub(crate) fn unconfirmed(name: &str) -> Failed {
    Failed::new(Exit::Refused, format!("the group {name} is not confirmed"))
        .hint("compare its words with the other members first: motet group words NAME --confirm \"WORDS\"")
}

fn unregistered(error: &RegistrationError) -> Failed {
    Failed::new(Exit::Refused, format!("the group is refused: {error}"))
}

fn unread(name: &str, error: &GroupFileError) -> Failed {
    Failed::new(Exit::Refused, format!("{name}: {error}")).hint("ask for the file again")
}
