//! The API of a running signer: the options of the signer that serves it, and the commands that call it.

use core::time::Duration;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use motet_daemon::{AddressError, Cursor, USUAL, WebhookAddress, is_event};

use super::advertise::{AdvertiseArgs, WithdrawArgs};
use super::called::{CalledArgs, reason};
use super::signers::{self, Named};
use super::time;

/// Digits of a request's id, and the fewest that may stand for it.
const ID: core::ops::RangeInclusive<usize> = 4..=64;

/// The API that a signer serves.
#[derive(Debug, Args)]
pub(crate) struct ApiArgs {
    /// Serve the API on this address of loopback, too, such as 127.0.0.1:7070; callers show the token in api.token of the data folder
    #[arg(long, value_name = "ADDRESS", conflicts_with = "no_api")]
    pub(crate) api: Option<SocketAddr>,
    /// Serve no API: only the terminal and rules decide
    #[arg(long)]
    pub(crate) no_api: bool,
    /// Keep signatures until a program notes them over the API
    #[arg(long, conflicts_with = "no_api")]
    pub(crate) keep_results: bool,
    /// Post events to this address (https://.., or http:// on loopback), signed with webhook.secret of the data folder; may be repeated
    #[arg(long, env = "MOTET_WEBHOOK", value_name = "URL", conflicts_with = "no_api", value_parser = webhook)]
    pub(crate) webhook: Vec<WebhookAddress>,
    /// Post this event to webhooks; may be repeated [default: those that somebody acts on; docs/api.md]
    #[arg(long, env = "MOTET_WEBHOOK_EVENT", value_name = "EVENT", requires = "webhook", value_parser = event)]
    pub(crate) webhook_event: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DaemonCommand {
    /// List the requests that wait for an approval of a running signer
    Requests(CalledArgs),
    /// Approve a request that waits
    Approve(ApproveArgs),
    /// Decline a request that waits
    Decline(DeclineArgs),
    /// List the sessions of a running signer
    Sessions(CalledArgs),
    /// Show a session of a running signer, and what waits for an approval in it
    Show(RequestArgs),
    /// Follow the events of a running signer
    Watch(WatchArgs),
    /// Print the signatures of a session
    Result(ResultArgs),
    /// Give a session up, for everybody
    Abort(AbortArgs),
    /// Try a session again
    Retry(RetryArgs),
    /// Show the state of a running signer
    Status(CalledArgs),
    /// Offer the service of a running signer to others, in place of its earlier offer
    Advertise(AdvertiseArgs),
    /// Take the offer of a running signer back; it still signs with those that know it
    Withdraw(WithdrawArgs),
    /// List the connections of a running signer
    Peers(CalledArgs),
    /// Show or change the log of a running signer
    Log(LogArgs),
    /// Show what has become of sessions since a running signer started
    Stats(CalledArgs),
    /// Take the key of a running signer out of its memory: it signs nothing until it is unlocked
    Lock(CalledArgs),
    /// Load the key of a running signer again
    Unlock(UnlockArgs),
    /// End a running signer
    Halt(CalledArgs),
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// The new filter: a level such as debug, or parts of the program with levels, as in MOTET_LOG; off for no log [default: show it]
    #[arg(value_name = "LEVEL")]
    pub(crate) filter: Option<String>,
    #[command(flatten)]
    pub(crate) called: CalledArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UnlockArgs {
    #[command(flatten)]
    pub(crate) called: CalledArgs,
    /// The file with the keystore's passphrase; - is standard input [default: the terminal]
    #[arg(long, value_name = "FILE", env = "MOTET_PASSPHRASE_FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RequestArgs {
    /// The request: its id or the beginning of it
    #[arg(value_name = "ID", value_parser = beginning)]
    pub(crate) request: String,
    #[command(flatten)]
    pub(crate) called: CalledArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    pub(crate) about: RequestArgs,
    /// Approve what has this digest, as `motet requests` shows it [default: show the request, and ask on the terminal]
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub(crate) digest: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DeclineArgs {
    #[command(flatten)]
    pub(crate) about: RequestArgs,
    /// Why, for the others; 256 bytes at most
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) called: CalledArgs,
    /// Begin after this place, the `cursor` of an event [default: now]
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<Cursor>,
    /// Only events of this request: its id or the beginning of it
    #[arg(long, value_name = "ID", value_parser = beginning)]
    pub(crate) request: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ResultArgs {
    #[command(flatten)]
    pub(crate) about: RequestArgs,
    /// How long to wait for the end of the session [default: not at all]
    #[arg(long, value_name = "TIME", value_parser = time::searching)]
    pub(crate) wait: Option<Duration>,
    /// Let the signer know that the signatures are in good hands: it keeps them no longer
    #[arg(long)]
    pub(crate) note: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AbortArgs {
    #[command(flatten)]
    pub(crate) about: RequestArgs,
    /// Why, for the others; 256 bytes at most
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    pub(crate) about: RequestArgs,
    /// Ask signer B in the place of signer A, each by its key or as a contact, and A also by the beginning of its key; may be repeated
    #[arg(long, value_name = "A=B", value_parser = seat)]
    pub(crate) replace: Vec<Seat>,
}

/// A place in a request that another signer is to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seat {
    /// The signer that leaves it.
    pub(crate) leaves: Named,
    /// The signer that takes it.
    pub(crate) joins: Named,
}

fn webhook(text: &str) -> Result<WebhookAddress, String> {
    text.parse().map_err(|error: AddressError| error.to_string())
}

fn event(text: &str) -> Result<String, String> {
    let usual = USUAL.join(", ");
    is_event(text).then(|| text.to_owned()).ok_or_else(|| format!("there is no such event; the usual ones are {usual}"))
}

/// The id of a request or the beginning of one.
fn beginning(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('…').to_lowercase();
    if ID.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text);
    }
    Err("the id of a request has 64 hexadecimal digits; the first 4 are enough if no other begins alike".to_owned())
}

fn digest(text: &str) -> Result<String, String> {
    if text.len() == *ID.end() && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_lowercase());
    }
    Err("a digest has 64 hexadecimal digits, as `motet requests` shows them".to_owned())
}

fn seat(text: &str) -> Result<Seat, String> {
    let (leaves, joins) =
        text.split_once('=').ok_or_else(|| "write A=B, each a signer's key or a contact".to_owned())?;
    let signer =
        |text: &str| signers::named(text).map_err(|_| "write A=B, each a signer's key or a contact".to_owned());
    Ok(Seat { leaves: signer(leaves)?, joins: signer(joins)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_may_be_short_and_a_digest_may_not() {
        assert_eq!(beginning("5D0C"), Ok("5d0c".to_owned()));
        assert_eq!(beginning("5d0c2f71…"), Ok("5d0c2f71".to_owned()));
        for text in ["", "5d0", "5d0g", &"0".repeat(65)] {
            assert!(beginning(text).is_err(), "{text}");
        }
        assert!(digest(&"0".repeat(63)).is_err() && digest(&"g".repeat(64)).is_err());
        assert_eq!(digest(&"A".repeat(64)), Ok("a".repeat(64)));
        assert!(reason(&"r".repeat(257)).is_err());
        for text in ["A", "=", "A=", "=B", " =B"] {
            assert!(seat(text).is_err(), "{text}");
        }
        let named = |name: &str| Named::Nickname(name.to_owned());
        assert_eq!(seat("02f9=bob"), Ok(Seat { leaves: named("02f9"), joins: named("bob") }));
    }
}
