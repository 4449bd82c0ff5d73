//! `motet requests`, `motet approve`, `motet decline`: what waits for an answer, and the answer.

use motet_daemon::Client;
use motet_daemon::api::PendingRequest;
use motet_wire::RequestId;
use serde_json::json;

use super::call::{client, explain, print, resolve};
use crate::args::{ApproveArgs, CalledArgs, DeclineArgs};
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;
use crate::output::Output;
use crate::prompt::{self, Said, somebody_may_answer};

pub(super) async fn list(called: &CalledArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(called.json);
    let waiting = client(called)?.requests().await.map_err(|error| explain(&error))?;
    for request in &waiting {
        print(&output, &lines(request), request)?;
    }
    if waiting.is_empty() {
        output.say("no request waits for an approval");
    }
    Ok(Exit::Success)
}

/// A request that waits, for people.
pub(super) fn lines(request: &PendingRequest) -> String {
    format!("{}\n  digest     {}", request.text.trim(), request.digest)
}

pub(super) async fn approve(args: ApproveArgs) -> Result<Exit, Failed> {
    let called = &args.about.called;
    if args.digest.is_none() && !somebody_may_answer() {
        let failed =
            Failed::usage("there is nobody to ask: standard input is no terminal, and no program can answer there");
        return Err(failed.hint("approve what `motet requests` shows by its digest: --digest DIGEST"));
    }
    let output = Output::without_node(called.json);
    let client = client(called)?;
    let waiting = waiting(&client, &args.about.request).await?;
    let digest = match args.digest {
        Some(digest) => digest,
        None => {
            ask(&waiting).await?;
            waiting.digest
        }
    };
    client.approve(&waiting.request, Some(waiting.signer), &digest).await.map_err(|error| explain(&error))?;
    let line = format!("approved: {}", waiting.request);
    output.result(&line, &json!({"done": true}))?;
    Ok(Exit::Success)
}

/// Shows a request, and waits for the person's yes to it.
async fn ask(waiting: &PendingRequest) -> Result<(), Failed> {
    let (id, text) = (waiting.request.to_string(), format!("\n{}\n", waiting.text.trim()));
    let asked = tokio::task::spawn_blocking(move || prompt::ask(&id, &text));
    let said = Interrupts::listen()?.unless(async { asked.await.map_err(Failed::here) }).await?;
    let nothing = |why: &str| Err(Failed::new(Exit::Cancelled, format!("{why}: the request still waits")));
    match said {
        Said::Yes => Ok(()),
        Said::No => nothing("not approved"),
        Said::Unclear => nothing("no clear answer was given"),
        Said::Gone | Said::Nothing => nothing("nobody could be asked"),
    }
}

/// The request that waits and whose id begins with these digits.
async fn waiting(client: &Client, beginning: &str) -> Result<PendingRequest, Failed> {
    let mut waiting = client.requests().await.map_err(|error| explain(&error))?;
    let request = resolve(beginning, waiting.iter().map(|waiting| waiting.request))?;
    waiting.retain(|waiting| waiting.request == request);
    waiting.pop().ok_or_else(|| not_asked(&request))
}

fn not_asked(request: &RequestId) -> Failed {
    Failed::here(format!("the request {request} does not wait for an approval"))
        .hint("`motet requests` lists those that wait")
}

pub(super) async fn decline(args: DeclineArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(args.about.called.json);
    let client = client(&args.about.called)?;
    let waiting = waiting(&client, &args.about.request).await?;
    let declined = client.decline(&waiting.request, Some(waiting.signer), args.reason).await;
    declined.map_err(|error| explain(&error))?;
    let line = format!("declined: {}", waiting.request);
    output.result(&line, &json!({"done": true}))?;
    Ok(Exit::Success)
}
