//! `motet contact`: names for signers, and links with their places.

use std::path::Path;

use motet_daemon::Client;
use motet_daemon::api::Status;
use motet_net::address_to_wire;
use motet_wire::{Contact, Link, NetworkId, limits};
use serde_json::json;

use super::daemon::call::folder;
use crate::args::{
    CalledArgs, ContactAddArgs, ContactArgs, ContactCommand, ContactRemoveArgs, ContactShowArgs, NodeArgs, Whom,
};
use crate::contact_book::{ContactBook, Entry};
use crate::exit::{Exit, Failed};
use crate::output::Output;
use crate::running_signer::{answering, explain};
use crate::text::{self, printable};
use crate::{data_folder, qr};

pub(crate) async fn run(args: ContactArgs) -> Result<Exit, Failed> {
    match args.command {
        ContactCommand::Add(args) => add(args).await,
        ContactCommand::List(called) => list(&called),
        ContactCommand::Show(args) => show(&args).await,
        ContactCommand::Remove(args) => remove(args).await,
    }
}

async fn add(args: ContactAddArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(args.called.json);
    let folder = folder(&args.called)?;
    let running = answering(&folder).await;
    let contact = match args.whom {
        Whom::Link(contact) => *contact,
        Whom::Key(signer) => {
            let network = network(running.as_ref())?;
            Contact { network, signer, peer: None, addresses: Vec::new(), name: String::new() }
        }
    };
    let name = args.name.or_else(|| Some(contact.name.clone()).filter(|name| !name.is_empty()));
    let name = name.ok_or_else(|| {
        Failed::usage("this contact needs a name").hint("name it with --name NAME; its key or its link has none")
    })?;
    let entry = Entry { name, contact, is_mutual: args.mutual };
    data_folder::make(&folder)?;
    ContactBook::change(&folder, |book| book.insert(entry.clone()).map_err(Failed::usage))?;
    tell(&output, &entry, "kept")?;
    if let Some((client, status)) = running {
        take_up(&client, &status, &entry).await?;
    }
    Ok(Exit::Success)
}

/// Lets a running signer know of a contact, and connect with its node.
async fn take_up(client: &Client, status: &Status, entry: &Entry) -> Result<(), Failed> {
    if entry.contact.network.to_string() != status.network {
        return Ok(());
    }
    if entry.is_mutual {
        client.set_contact(entry.contact.signer, true).await.map_err(|error| explain(&error))?;
    }
    for address in entry.addresses() {
        // An address that cannot be used is shown by `motet status`.
        drop(client.connect(&address).await);
    }
    Ok(())
}

/// The network of a contact without a link.
fn network(running: Option<&(Client, Status)>) -> Result<NetworkId, Failed> {
    let name = running.map_or(NodeArgs::NETWORK, |(_, status)| &status.network);
    NetworkId::new(name).map_err(Failed::here)
}

fn list(called: &CalledArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(called.json);
    let book = ContactBook::read(&folder(called)?)?;
    for entry in book.entries() {
        tell(&output, entry, "")?;
    }
    if book.entries().is_empty() {
        output.say("no contact");
    }
    Ok(Exit::Success)
}

async fn show(args: &ContactShowArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(args.called.json);
    let folder = folder(&args.called)?;
    let entry = match &args.contact {
        Some(named) => {
            let book = ContactBook::read(&folder)?;
            book.find(named).cloned().ok_or_else(|| unknown(&named.to_string(), &folder))?
        }
        None => oneself(&folder, args.nickname.as_deref()).await?,
    };
    tell(&output, &entry, "")?;
    if !args.called.json && !args.no_qr {
        let code = Link::Contact(entry.contact).to_qr().map_err(Failed::here)?;
        output.say(&qr::draw(&code)?);
    }
    Ok(Exit::Success)
}

/// The signer that runs with a folder, as others keep it.
async fn oneself(folder: &Path, nickname: Option<&str>) -> Result<Entry, Failed> {
    let Some((_, status)) = answering(folder).await else {
        let what = format!("no motet runs with {}, so that the place of its signer is not known", folder.display());
        return Err(Failed::here(what).hint("start it with `motet run`, or name a contact: motet contact show CONTACT"));
    };
    let signer = *status.signers.first().ok_or_else(|| Failed::here("the running node serves no signer"))?;
    // Others are told addresses that lead here from elsewhere, if there are any.
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for address in &status.connections.listening {
        let is_near = address.starts_with("/ip4/127.") || address.starts_with("/ip6/::1/");
        let list = if is_near { &mut near } else { &mut far };
        list.extend(address_to_wire(address));
    }
    let mut addresses = if far.is_empty() { near } else { far };
    addresses.truncate(limits::LINK_ADDRESSES_MAX);
    let contact = Contact {
        network: NetworkId::new(&status.network).map_err(Failed::here)?,
        signer,
        peer: Some(status.peer.parse().map_err(|_| Failed::here("the running node has a strange peer id"))?),
        addresses,
        name: nickname.unwrap_or_default().to_owned(),
    };
    Ok(Entry { name: nickname.unwrap_or_default().to_owned(), contact, is_mutual: false })
}

async fn remove(args: ContactRemoveArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(args.called.json);
    let folder = folder(&args.called)?;
    data_folder::make(&folder)?;
    let removed = ContactBook::change(&folder, |book| {
        book.remove(&args.contact).ok_or_else(|| unknown(&args.contact.to_string(), &folder))
    })?;
    if removed.is_mutual
        && let Some((client, _)) = answering(&folder).await
    {
        client.set_contact(removed.contact.signer, false).await.map_err(|error| explain(&error))?;
    }
    let signer = removed.contact.signer;
    let line = format!("forgotten: {}  {signer}", text::nickname(&removed.name));
    output.result(&line, &json!({"event": "removed_contact", "name": removed.name, "signer": signer}))?;
    Ok(Exit::Success)
}

fn unknown(named: &str, folder: &Path) -> Failed {
    let what = format!("there is no contact {} in {}", printable(named), folder.display());
    Failed::new(Exit::NotFound, what).hint("`motet contact list` lists them")
}

fn tell(output: &Output, entry: &Entry, before: &str) -> Result<(), Failed> {
    let Entry { name, contact, is_mutual } = entry;
    let link = Link::Contact(contact.clone()).to_uri().map_err(Failed::here)?;
    let addresses = entry.addresses();
    let mut lines = format!("{:<16}  {}  on {}", text::nickname(name), contact.signer, contact.network);
    if !before.is_empty() {
        lines = format!("{before}: {lines}");
    }
    if *is_mutual {
        lines.push_str("  (mutual)");
    }
    for address in &addresses {
        lines.push_str(&format!("\n  at    {}", printable(address)));
    }
    lines.push_str(&format!("\n  link  {link}"));
    let object = json!({
        "event": "contact", "name": name, "signer": contact.signer, "network": contact.network.to_string(),
        "addresses": addresses, "link": link, "mutual": is_mutual,
    });
    output.result(&lines, &object)
}
