//! `motet init`: the first start, step by step.

use std::io::IsTerminal as _;
use std::path::Path;

use motet_core_crypto::SecretKey;
use motet_keystore::{Entry, KeyName, Secret};
use motet_node::{Clock, OsEntropy};
use serde::Serialize;
use serde_json::json;

use crate::args::{InitArgs, NodeArgs, Whom, network_name, nickname};
use crate::contact_book::{self, ContactBook};
use crate::exit::{Exit, Failed};
use crate::keystore::KeystoreFile;
use crate::output::{Output, note};
use crate::prompt::Typed;
use crate::{config, data_folder, files, signer_key};

/// The name of a key that nobody has named.
const NAME: &str = "signer";

/// The configuration that is written.
#[derive(Serialize)]
struct Settings<'a> {
    key: &'a str,
    network: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keystore: Option<String>,
}

pub(crate) fn run(args: &InitArgs, config: Option<&Path>) -> Result<Exit, Failed> {
    let output = Output::without_node(args.json);
    let config = config::place(config)?;
    if config.symlink_metadata().is_ok() {
        let failed = Failed::here(format!("there is a configuration already: {}", config.display()));
        return Err(failed
            .hint("a first start is behind you: look with `motet doctor`, or name another file with --config FILE"));
    }
    let entries = args.contact.iter().map(contact).collect::<Result<Vec<_>, _>>()?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => {
            asked("name of the signer's key", NAME, |text| text.parse::<KeyName>().map_err(|error| error.to_string()))?
        }
    };
    let network = match &args.network {
        Some(network) => network.clone(),
        None => asked("network", NodeArgs::NETWORK, network_name)?,
    };
    let nickname = match &args.nickname {
        Some(nickname) => Some(nickname.clone()),
        None => asked("nickname that others see, or nothing", "", |text| {
            if text.is_empty() { Ok(None) } else { nickname(text).map(Some) }
        })?,
    };
    let file = KeystoreFile::of(&args.keystore)?;
    let secret = SecretKey::generate(&mut OsEntropy).map_err(Failed::here)?;
    let signer = secret.public_key();
    let created = Clock::start().now().wall.0 / 1000;
    let entry = Entry { name: name.clone(), created, secret: Secret::SignerKey(secret) };
    file.change(true, |keystore| {
        let taken = |error| Failed::here(error).hint("choose another name, or look with `motet key list`");
        keystore.add(entry).map_err(taken)
    })?;
    let key = Path::new(name.as_str());
    let folder = data_folder::of_key(&signer_key::beside(key, Some(file.path()))?);
    data_folder::make(&folder)?;
    for entry in entries {
        ContactBook::change(&folder, |book| book.insert(entry).map_err(Failed::usage))?;
    }
    let settings = Settings {
        key: name.as_str(),
        network: network.to_string(),
        nickname: nickname.as_deref(),
        keystore: args.keystore.keystore.as_ref().map(|path| path.display().to_string()),
    };
    let text = toml::to_string(&settings).map_err(Failed::here)?;
    let parent = config.parent().filter(|parent| !parent.as_os_str().is_empty());
    let made = parent.map_or(Ok(()), files::make_folder);
    made.and_then(|()| files::create(&config, text.as_bytes())).map_err(|error| {
        let failed = Failed::here(format!("cannot write {}: {error}", config.display()));
        failed.hint(format!("the key {name} is in {}; name it with --key", file.path().display()))
    })?;
    let (keystore, data, config) = (file.path().display(), folder.display(), config.display());
    let lines = format!(
        "signer         {signer}\n  key          {name} in {keystore}, encrypted\n  data folder  {data}\n  \
         configuration {config}\nnext:\n  motet doctor\n  motet run"
    );
    let object = json!({
        "event": "initialized", "name": name.as_str(), "signer": signer, "keystore": keystore.to_string(),
        "data": data.to_string(), "config": config.to_string(),
    });
    output.result(&lines, &object)?;
    Ok(Exit::Success)
}

fn contact(whom: &Whom) -> Result<contact_book::Entry, Failed> {
    match whom {
        Whom::Link(contact) if !contact.name.is_empty() => {
            Ok(contact_book::Entry { name: contact.name.clone(), contact: (**contact).clone(), is_mutual: false })
        }
        Whom::Link(_) | Whom::Key(_) => {
            let failed = Failed::usage("--contact: this contact has no name");
            Err(failed.hint("add it afterwards: motet contact add LINK --name NAME"))
        }
    }
}

/// The answer of the person at the terminal, or the default if there is none.
fn asked<T>(question: &str, default: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<T, Failed> {
    if !std::io::stdin().is_terminal() {
        return read(default).map_err(Failed::usage);
    }
    let mut typed = Typed::from_now_on();
    loop {
        note(&format!("{question} [{default}]:"));
        let line =
            typed.next().ok_or_else(|| Failed::new(Exit::Cancelled, "the terminal has gone: nothing was made"))?;
        let text = line.trim();
        match read(if text.is_empty() { default } else { text }) {
            Ok(answer) => return Ok(answer),
            Err(what) => note(&what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_that_is_written_is_one() {
        let network = motet_wire::NetworkId::test().to_string();
        let settings = Settings { key: "alice", network, nickname: None, keystore: None };
        let table: toml::Table = toml::to_string(&settings).unwrap().parse().unwrap();
        assert_eq!((table["key"].as_str(), table.len()), (Some("alice"), 2));
    }
}
