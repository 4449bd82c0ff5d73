//! `motet sessions`, `motet show`, `motet result`, `motet abort`, `motet retry`: sessions of a running signer.

use core::time::Duration;

use motet_daemon::Client;
use motet_daemon::api::{Retried, Retry, Session};
use motet_node::event::Phase;
use motet_node::{Clock, RequestId, SessionStatus};
use serde_json::json;

use super::answers;
use super::call::{client, explain, print, resolve, session_of};
use crate::args::{AbortArgs, CalledArgs, RequestArgs, ResultArgs, RetryArgs};
use crate::commands::{asking, lost_end};
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;
use crate::output::Output;
use crate::text;

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
        if matches!(session.status.phase, Phase::Complete | Phase::Aborted) || left.is_zero() {
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
    let next = client.retry(&request, &Retry { replace: args.replace }).await.map_err(|error| explain(&error))?;
    print(&output, &format!("goes on as {next}"), &Retried { request: next })?;
    Ok(Exit::Success)
}
