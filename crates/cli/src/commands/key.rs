//! `motet key`: the keys and seeds in the keystore of this user.

use std::io::IsTerminal as _;
use std::path::Path;

use motet_core_crypto::SecretKey;
use motet_keystore::{Entry, KeyName, Keystore, Secret, SeedWords};
use motet_node::{Clock, OsEntropy};
use motet_wallet::keys::{Seed, words_of};
use rand_core::TryRng as _;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::key_file;
use crate::args::{
    KeyArgs, KeyCommand, KeyExportArgs, KeyImportArgs, KeyListArgs, KeyNewArgs, KeyPassphraseArgs, KeyRemoveArgs,
};
use crate::exit::{Exit, Failed};
use crate::keystore::KeystoreFile;
use crate::output::Output;
use crate::prompt::Typed;
use crate::signer_key::take;
use crate::{files, output, secret_file, text};

pub(crate) fn run(args: &KeyArgs) -> Result<Exit, Failed> {
    match &args.command {
        KeyCommand::New(args) => new(args),
        KeyCommand::Import(args) => import(args),
        KeyCommand::List(args) => list(args),
        KeyCommand::Export(args) => export(args),
        KeyCommand::Remove(args) => remove(args),
        KeyCommand::Passphrase(args) => passphrase(args),
    }
}

fn new(args: &KeyNewArgs) -> Result<Exit, Failed> {
    if let Some(path) = &args.key_file {
        return key_file::make(path, args.json);
    }
    let file = KeystoreFile::of(&args.keystore)?;
    let make = |keystore: &mut Keystore| {
        let secret = match &args.of {
            Some(name) => account(keystore, name, args)?,
            None if args.seed => {
                let mut entropy = Zeroizing::new([0; 32]);
                OsEntropy.try_fill_bytes(entropy.as_mut_slice()).map_err(Failed::here)?;
                let words = words_of(&*entropy).map_err(Failed::here)?;
                Secret::Seed(SeedWords::new(&words, "").map_err(Failed::here)?)
            }
            None => Secret::SignerKey(SecretKey::generate(&mut OsEntropy).map_err(Failed::here)?),
        };
        add(keystore, &args.name, secret)
    };
    // There is no account in a keystore that is not there.
    let shown = file.change(args.of.is_none(), make)?;
    tell_kept(&shown, &file, args.json)
}

/// The key of an account of a seed in the keystore.
fn account(keystore: &Keystore, name: &KeyName, args: &KeyNewArgs) -> Result<Secret, Failed> {
    let Some(Entry { secret: Secret::Seed(seed), .. }) = keystore.get(name) else {
        return Err(Failed::here(format!("--of: there is no seed {name} in the keystore")).hint("see `motet key list`"));
    };
    let seed = Seed::from_words(seed.words(), seed.passphrase()).map_err(Failed::here)?;
    let account = seed.account(args.chain, args.account).map_err(Failed::usage)?;
    Ok(Secret::SignerKey(account.into_secret_key()))
}

fn import(args: &KeyImportArgs) -> Result<Exit, Failed> {
    let secret = match (&args.key_file, &args.words_file) {
        (Some(path), _) => Secret::SignerKey(secret_file::read_key(path)?),
        (None, Some(path)) => {
            let words = secret_file::read_words(path)?;
            let passphrase = args.seed_passphrase_file.as_deref().map(secret_file::read_passphrase).transpose()?;
            let passphrase = passphrase.as_ref().map_or("", |text| text.as_str());
            let wrong = |error: &dyn core::fmt::Display| Failed::usage(format!("{}: {error}", path.display()));
            Seed::from_words(&words, passphrase).map_err(|error| wrong(&error))?;
            let words = Zeroizing::new(words.to_ascii_lowercase());
            Secret::Seed(SeedWords::new(&words, passphrase).map_err(|error| wrong(&error))?)
        }
        (None, None) => return Err(Failed::usage("name a key file with --key-file, or a seed with --words-file")),
    };
    let file = KeystoreFile::of(&args.keystore)?;
    let shown = file.change(true, |keystore| add(keystore, &args.name, secret))?;
    tell_kept(&shown, &file, args.json)
}

/// Adds a secret. Returns its public part.
fn add(keystore: &mut Keystore, name: &KeyName, secret: Secret) -> Result<Shown, Failed> {
    let created = Clock::start().now().wall.0 / 1000;
    let entry = Entry { name: name.clone(), created, secret };
    let shown = Shown::of(&entry)?;
    let named = |error| Failed::here(error).hint("choose another name");
    keystore.add(entry).map_err(named)?;
    Ok(shown)
}

fn tell_kept(shown: &Shown, file: &KeystoreFile<'_>, json: bool) -> Result<Exit, Failed> {
    let place = file.path().display();
    let lines = format!(
        "{}\nkept as     {} in {place}, encrypted (keep a copy of the file, and the passphrase elsewhere)",
        shown.line(),
        shown.name
    );
    let told = Output::without_node(json).result(&lines, &shown.object(file.path()));
    told.map_err(|failed| failed.hint(format!("{} has been written to {place}", shown.name)))?;
    Ok(Exit::Success)
}

fn list(args: &KeyListArgs) -> Result<Exit, Failed> {
    let file = KeystoreFile::of(&args.keystore)?;
    let keystore = file.open()?;
    let output = Output::without_node(args.json);
    for entry in keystore.entries() {
        let shown = Shown::of(entry)?;
        let line = format!("{:<16} {}  {}", shown.name, text::date(shown.created), shown.line());
        output.result(&line, &shown.object(file.path()))?;
    }
    if keystore.entries().is_empty() {
        output.say("the keystore is empty");
    }
    Ok(Exit::Success)
}

fn export(args: &KeyExportArgs) -> Result<Exit, Failed> {
    let file = KeystoreFile::of(&args.keystore)?;
    let name = &args.name;
    if !args.yes {
        confirm(&format!("anybody who can read {} has the key {name} without a passphrase", args.out.display()))?;
    }
    let mut keystore = file.open()?;
    let entry = take(&mut keystore, name, file.path())?;
    let shown = Shown::of(&entry)?;
    let out = args.out.display().to_string();
    let output = Output::without_node(args.json);
    let lines = format!("{}\nwritten to  {out}, not encrypted (keep it secret)", shown.line());
    match entry.secret {
        Secret::SignerKey(key) => {
            secret_file::write_key(&args.out, &key)?;
            output.result(&lines, &json!({"event": "key", "signer": shown.public, "file": out}))?;
        }
        Secret::Seed(seed) if seed.passphrase().is_empty() => {
            secret_file::write_words(&args.out, seed.words())?;
            output.result(&lines, &json!({"event": "seed", "fingerprint": shown.public, "file": out}))?;
        }
        Secret::Seed(seed) => {
            let beside = files::with_ending(&args.out, ".passphrase");
            secret_file::write_passphrase(&beside, seed.passphrase())?;
            secret_file::write_words(&args.out, seed.words())?;
            let beside = beside.display().to_string();
            let lines = format!("{lines}\npassphrase  {beside}");
            let object =
                json!({"event": "seed", "fingerprint": shown.public, "file": out, "seed_passphrase_file": beside});
            output.result(&lines, &object)?;
        }
        Secret::Unknown(_) | _ => {
            let what = format!("{name} is of a kind that this version does not know");
            return Err(Failed::here(what).hint("use a newer version"));
        }
    }
    Ok(Exit::Success)
}

fn remove(args: &KeyRemoveArgs) -> Result<Exit, Failed> {
    let file = KeystoreFile::of(&args.keystore)?;
    let name = &args.name;
    if !args.yes {
        confirm(&format!("without another copy of {name}, nothing can sign with it any more"))?;
    }
    let shown = file.change(false, |keystore| Shown::of(&take(keystore, name, file.path())?))?;
    let place = file.path().display().to_string();
    let lines = format!("{}\nremoved     {name} from {place}", shown.line());
    let object = json!({"event": "removed_key", "name": name.as_str(), "keystore": place});
    Output::without_node(args.json).result(&lines, &object)?;
    Ok(Exit::Success)
}

fn passphrase(args: &KeyPassphraseArgs) -> Result<Exit, Failed> {
    let file = KeystoreFile::of(&args.keystore)?;
    file.change_passphrase(args.new_passphrase_file.as_deref())?;
    let place = file.path().display().to_string();
    let lines = format!("{place} has the new passphrase; older copies of the file still open with the old one");
    Output::without_node(args.json).result(&lines, &json!({"event": "keystore", "keystore": place}))?;
    Ok(Exit::Success)
}

/// Asks the person at the terminal for a yes.
fn confirm(warning: &str) -> Result<(), Failed> {
    if !std::io::stdin().is_terminal() {
        let failed = Failed::usage("this asks for a yes, and standard input is no terminal");
        return Err(failed.hint("say --yes if it is meant"));
    }
    output::note(&format!("{warning}; to go on, type: yes"));
    if Typed::from_now_on().next().is_some_and(|line| line.trim() == "yes") {
        return Ok(());
    }
    Err(Failed::new(Exit::Cancelled, "no yes was typed: nothing was done"))
}

/// The public part of an entry.
struct Shown {
    name: KeyName,
    created: u64,
    kind: &'static str,
    /// The public key of a signer, or the fingerprint of a seed.
    public: String,
}

impl Shown {
    fn of(entry: &Entry) -> Result<Self, Failed> {
        let (kind, public) = match &entry.secret {
            Secret::SignerKey(key) => ("signer_key", key.public_key().to_string()),
            Secret::Seed(seed) => {
                let seed = Seed::from_words(seed.words(), seed.passphrase()).map_err(Failed::here)?;
                ("seed", seed.fingerprint().to_string())
            }
            Secret::Unknown(_) | _ => ("unknown", String::new()),
        };
        Ok(Self { name: entry.name.clone(), created: entry.created, kind, public })
    }

    fn line(&self) -> String {
        match self.kind {
            "signer_key" => format!("signer key  {}", self.public),
            "seed" => format!("seed        {}", self.public),
            _ => "of a kind that this version does not know".to_owned(),
        }
    }

    fn object(&self, keystore: &Path) -> Value {
        let mut object = json!({
            "event": "stored_key", "name": self.name.as_str(), "kind": self.kind, "created": self.created,
            "keystore": keystore.display().to_string(),
        });
        let public = match self.kind {
            "signer_key" => "signer",
            "seed" => "fingerprint",
            _ => return object,
        };
        if let Some(object) = object.as_object_mut() {
            object.insert(public.to_owned(), Value::from(self.public.as_str()));
        }
        object
    }
}
