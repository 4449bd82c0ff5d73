//! `motet watch`: the events of a running signer as they happen, as lines.

use motet_daemon::Told;
use serde_json::{Value, json};

use super::call::{client, explain, session_of};
use crate::args::WatchArgs;
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;
use crate::output::Output;
use crate::text::printable;

/// The event in the place of those that are lost.
pub(super) const LOST: &str = "lost";

pub(super) async fn run(args: WatchArgs) -> Result<Exit, Failed> {
    let mut interrupts = Interrupts::listen()?;
    let output = Output::without_node(args.called.json);
    let client = client(&args.called)?;
    let mut after = args.after;
    let request = match &args.request {
        Some(beginning) => Some(session_of(&client, beginning).await?),
        None => None,
    };
    loop {
        let listen = client.watch(after, request.as_ref());
        let mut events = interrupts.unless(async { listen.await.map_err(|error| explain(&error)) }).await?;
        after = None;
        loop {
            let told = tokio::select! {
                told = events.next() => told,
                () = interrupts.next() => return Ok(Exit::Success),
            };
            match told {
                Some(Ok(told)) => {
                    say(&output, &told)?;
                    if told.event == LOST {
                        after = told.id.parse().ok();
                    }
                }
                Some(Err(error)) => return Err(explain(&error)),
                // It was too slow, and goes on from where it is told to.
                None if after.is_some() => break,
                None => return Err(Failed::here("the signer has ended")),
            }
        }
    }
}

fn say(output: &Output, told: &Told) -> Result<(), Failed> {
    let mut object: Value = serde_json::from_str(&told.data).map_err(Failed::here)?;
    let line = line(&told.event, &object);
    if let Some(object) = object.as_object_mut() {
        object.insert("cursor".to_owned(), json!(told.id));
    }
    output.result(&line, &object)
}

/// An event for people: its name, and its keys as they are.
pub(super) fn line(name: &str, object: &Value) -> String {
    let mut line = format!("{name:<24}");
    for (key, value) in object.as_object().into_iter().flatten().filter(|(key, _)| *key != "event") {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        line.push_str(&format!(" {key}={}", printable(&value)));
    }
    line
}
