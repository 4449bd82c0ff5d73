//! The arguments of `motet contact`.

use clap::{Args, Subcommand};
use motet_core_crypto::PublicKey;
use motet_wire::{Contact, Link};

use super::called::CalledArgs;
use super::signers::{self, Named};

/// The contacts of this user.
#[derive(Debug, Args)]
pub(crate) struct ContactArgs {
    #[command(subcommand)]
    pub(crate) command: ContactCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ContactCommand {
    /// Keep a signer under a name, which --with takes from then on
    Add(ContactAddArgs),
    /// List the contacts
    List(CalledArgs),
    /// Show the link of a contact or of the running signer itself, and its QR code
    Show(ContactShowArgs),
    /// Forget a contact
    Remove(ContactRemoveArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ContactAddArgs {
    /// The signer: a link such as motet:mcontact1.., or a key
    #[arg(value_name = "LINK", value_parser = whom)]
    pub(crate) whom: Whom,
    /// The name for it [default: the name in the link]
    #[arg(long, value_name = "NAME", value_parser = signers::nickname)]
    pub(crate) name: Option<String>,
    /// That signer has this one as a contact, too: requests among such contacts have no proof of work, and are dropped by all others
    #[arg(long)]
    pub(crate) mutual: bool,
    #[command(flatten)]
    pub(crate) called: CalledArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ContactShowArgs {
    /// The contact: its name or its key [default: the running signer itself]
    #[arg(value_name = "CONTACT", value_parser = signers::named)]
    pub(crate) contact: Option<Named>,
    /// The name that the running signer gives itself in its link
    #[arg(long, value_name = "NICKNAME", conflicts_with = "contact", value_parser = signers::nickname)]
    pub(crate) nickname: Option<String>,
    /// Show no QR code
    #[arg(long)]
    pub(crate) no_qr: bool,
    #[command(flatten)]
    pub(crate) called: CalledArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ContactRemoveArgs {
    /// The contact: its name or its key
    #[arg(value_name = "CONTACT", value_parser = signers::named)]
    pub(crate) contact: Named,
    #[command(flatten)]
    pub(crate) called: CalledArgs,
}

/// A signer to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whom {
    Key(PublicKey),
    Link(Box<Contact>),
}

pub(super) fn whom(text: &str) -> Result<Whom, String> {
    let text = text.trim();
    if text.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("motet:")) {
        return match text.parse() {
            Ok(Link::Contact(contact)) => Ok(Whom::Link(Box::new(contact))),
            Ok(Link::Request(_)) => Err("this link is one of a request, and not of a signer".to_owned()),
            Err(error) => Err(format!("this link cannot be read: {error}; copy the whole of it")),
        };
    }
    match signers::named(text)? {
        Named::Key(key) => Ok(Whom::Key(key)),
        Named::Nickname(_) => {
            Err("write a link, as `motet contact show` prints it, or a key of 66 hexadecimal digits".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_a_link_or_a_key() {
        let key = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
        assert!(matches!(whom(key), Ok(Whom::Key(_))));
        for wrong in ["alice", "motet:mcontact1", "motet:", "", "mcontact1qq", "mot\u{e9}t:"] {
            assert!(whom(wrong).is_err(), "{wrong}");
        }
    }
}
