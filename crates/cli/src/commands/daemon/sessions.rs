//! `motet sessions`, `motet show`, `motet result`, `motet abort`, `motet retry`: sessions of a running signer.

use core::time::Duration;

use motet_core_crypto::PublicKey;
use motet_daemon::Client;
use motet_daemon::api::{Replace, Retried, Retry, Session};
use motet_node::event::Phase;
use motet_node::{Clock, RequestId, SessionStatus};
use serde_json::json;

use super::answers;
use super::call::{client, explain, folder, print, resolve, session_of};
use crate::args::{AbortArgs, CalledArgs, Named, RequestArgs, ResultArgs, RetryArgs, Seat};
use crate::commands::{asking, lost_end};
use crate::contact_book::ContactBook;
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;
use crate::output::Output;
use crate::text::{self, printable};

/// Digits of an id in a list: enough to tell apart what one signer has.
const SHORT: usize = 16;

pub(super) async fn list(called: &CalledArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(called.json);
    let sessions = client(called)?.sessions().await.map_err(|error| explain(&error))?;
    for session in &sessions {
        let id = session.status.request.to_string();
        let line = format!("{}  {}", id.get(..SHORT).unwrap_or(&id), state(&session.status, &output));
        print(&output, &line, session)?;
    }
    if sessions.is_empty() {
        output.say("no session");
    }
    Ok(Exit::Success)
}

/// The state of a session in a line.
fn state(status: &SessionStatus, output: &Output) -> String {
    let left = |time: Option<Duration>| time.map(|time| format!(", {} s left", time.as_secs())).unwrap_or_default();
    match (&status.phase, &status.cause) {
        (Phase::Complete, _) => "complete".to_owned(),
        (Phase::Aborted, Some(cause)) => format!("ended without signatures: {}", output.cause(cause)),
        (Phase::Aborted, None) => "ended without signatures".to_owned(),
        (phase, _) if status.awaiting.is_empty() => format!("{phase}{}", left(status.phase_ends_in)),
        (phase, _) => {
            let awaited = output.names(&status.awaiting);
            format!("{phase}: waits for {awaited}{}", left(status.phase_ends_in))
        }
    }
}

pub(super) async fn show(args: &RequestArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(args.called.json);
    let client = client(&args.called)?;
    let request = session_of(&client, &args.request).await?;
    let session = client.session(&request).await.map_err(|error| explain(&error))?;
    print(&output, &lines(&session, &output), &session)?;
    if !args.called.json {
        let waiting = client.requests().await.map_err(|error| explain(&error))?;
        for waiting in waiting.iter().filter(|waiting| waiting.request == request) {
            let short = request.to_string();
            let short = short.get(..SHORT).unwrap_or(&short);
            let how = format!("to sign it: motet approve {short}   to decline it: motet decline {short}");
            output.say(&format!("\nwaits for your approval: {}\n{how}", answers::lines(waiting)));
        }
    }
    Ok(Exit::Success)
}

/// A session for people.
fn lines(session: &Session, output: &Output) -> String {
    let status = &session.status;
    let mut text = format!("request    {}\n", status.request);
    text.push_str(&format!("  state      {}\n", state(status, output)));
    text.push_str(&format!("  attempt    {} of {}\n", status.attempt.0 + 1, status.max_attempts));
    text.push_str(&format!("  asked by   {}\n", status.creator));
    for (index, signer) in status.signers.iter().enumerate() {
        text.push_str(&format!("  signer {:<3} {signer}\n", index + 1));
    }
    for item in &status.items {
        text.push_str(&format!("  message    {}\n  under key  {}\n", text::message(&item.message), item.aggregate_key));
    }
    if !status.may_complete.is_empty() {
        text.push_str(&format!("  it may still be completed by {}\n", output.names(&status.may_complete)));
    }
    text.trim_end().to_owned()
}

pub(super) async fn result(args: &ResultArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(args.about.called.json);
    let client = client(&args.about.called)?;
    // Signatures that nobody has noted are kept when their session is forgotten.
    let kept = client.results().await.map_err(|error| explain(&error))?.results;
    let sessions = client.sessions().await.map_err(|error| explain(&error))?;
    let known = sessions.into_iter().map(|session| session.status.request);
    let request = resolve(&args.about.request, known.chain(kept.iter().map(|kept| kept.request)))?;
    let completed = match kept.into_iter().find(|kept| kept.request == request) {
        Some(completed) => completed,
        None => {
            let status = match args.wait {
                None => client.session(&request).await.map_err(|error| explain(&error))?.status,
                Some(time) => Interrupts::listen()?.unless(end(&client, &request, time)).await?,
            };
            let going = || {
                let failed = Failed::new(Exit::Incomplete, format!("no signature yet: {}", state(&status, &output)));
                failed.hint("wait for it with --wait TIME")
            };
            lost_end::lost_end(&status, &output).ok_or_else(going)??
        }
    };
    print(&output, &format!("signed{}", asking::lines(&completed)), &completed)?;
    if args.note {
        client.note(&request).await.map_err(|error| explain(&error))?;
    }
    Ok(Exit::Success)
}

/// The session when it has ended, or when this time is up.
async fn end(client: &Client, request: &RequestId, time: Duration) -> Result<SessionStatus, Failed> {
    let clock = Clock::start();
    loop {
        let left = time.saturating_sub(Duration::from_millis(clock.now().mono.0));
        let session = client.end_of(request, left).await.map_err(|error| explain(&error))?;
        if session.status.phase.has_ended() || left.is_zero() {
            return Ok(session.status);
        }
    }
}

pub(super) async fn abort(args: AbortArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(args.about.called.json);
    let client = client(&args.about.called)?;
    let request = session_of(&client, &args.about.request).await?;
    client.abort(&request, args.reason).await.map_err(|error| explain(&error))?;
    output.result(&format!("given up: {request}"), &json!({"done": true}))?;
    Ok(Exit::Success)
}

pub(super) async fn retry(args: RetryArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(args.about.called.json);
    let client = client(&args.about.called)?;
    let request = session_of(&client, &args.about.request).await?;
    let mut replace = Vec::new();
    if !args.replace.is_empty() {
        let book = ContactBook::read(&folder(&args.about.called)?)?;
        let session = client.session(&request).await.map_err(|error| explain(&error))?;
        for Seat { leaves, joins } in &args.replace {
            replace.push(Replace {
                leaves: leaving(leaves, &book, &session.status.signers)?,
                joins: joining(joins, &book)?,
            });
        }
    }
    let next = client.retry(&request, &Retry { replace }).await.map_err(|error| explain(&error))?;
    print(&output, &format!("goes on as {next}"), &Retried { request: next })?;
    Ok(Exit::Success)
}

/// A signer of a request: by its key, as a contact, or by the beginning of its key, since the request has no other signers.
fn leaving(named: &Named, book: &ContactBook, signers: &[PublicKey]) -> Result<PublicKey, Failed> {
    let beginning = match book.resolve(named) {
        Named::Key(key) => return Ok(key),
        Named::Nickname(text) => text.to_lowercase(),
    };
    let mut matching = signers.iter().filter(|signer| signer.to_string().starts_with(&beginning));
    match (matching.next(), matching.next()) {
        (Some(only), None) => Ok(*only),
        (None, _) => Err(unknown(named, "no contact and no signer of the request")),
        (Some(_), Some(_)) => Err(unknown(named, "the beginning of several signers' keys")),
    }
}

/// A signer that takes a place: by its key or as a contact. Anybody can make a key with a chosen beginning, so that a beginning is not enough.
fn joining(named: &Named, book: &ContactBook) -> Result<PublicKey, Failed> {
    match book.resolve(named) {
        Named::Key(key) => Ok(key),
        Named::Nickname(_) => Err(unknown(named, "neither a contact nor the key of a signer")),
    }
}

fn unknown(named: &Named, is: &str) -> Failed {
    let failed = Failed::usage(format!("--replace: {} is {is}", printable(&named.to_string())));
    failed.hint("`motet show ID` lists the signers of a request, and `motet contact list` the contacts")
}

#[cfg(test)]
mod tests {
    use motet_core_crypto::SecretKey;
    use motet_wire::{Contact, NetworkId};

    use super::*;
    use crate::contact_book::Entry;

    #[test]
    fn a_signer_that_leaves_is_one_of_the_request_and_one_that_joins_is_named_with_certainty() {
        let [bob, carol] = [7, 8].map(|byte| SecretKey::from_bytes(&[byte; 32]).unwrap().public_key());
        let mut book = ContactBook::default();
        let contact = Contact {
            network: NetworkId::test(),
            signer: carol,
            peer: None,
            addresses: Vec::new(),
            name: String::new(),
        };
        book.insert(Entry { name: "carol".to_owned(), contact, is_mutual: false }).unwrap();
        let named = |text: &str| Named::Nickname(text.to_owned());
        let digits = bob.to_string();
        for of_bob in [Named::Key(bob), named(&digits[..8]), named(&digits[..8].to_uppercase())] {
            assert_eq!(leaving(&of_bob, &book, &[bob, carol]).unwrap(), bob);
        }
        assert_eq!(leaving(&named("carol"), &book, &[bob, carol]).unwrap(), carol);
        // Both keys begin with 0, and neither with f.
        for wrong in ["0", "f", "dave"] {
            assert_eq!(leaving(&named(wrong), &book, &[bob, carol]).unwrap_err().exit, Exit::Usage);
        }
        assert_eq!(joining(&named("carol"), &book).unwrap(), carol);
        assert_eq!(joining(&Named::Key(bob), &book).unwrap(), bob);
        assert_eq!(joining(&named(&digits[..8]), &book).unwrap_err().exit, Exit::Usage);
    }
}
