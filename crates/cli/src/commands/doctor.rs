//! `motet doctor`: is everything in place, and what is to be done next?

mod local;
mod network;

use serde_json::json;

use crate::args::DoctorArgs;
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;
use crate::output::Output;
use crate::text::printable;

/// The state of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    /// It works, and could be better.
    Warn,
    /// It does not work.
    Fail,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// The state of one thing as it was found, and the next step.
#[derive(Debug)]
struct Finding {
    check: &'static str,
    state: State,
    text: String,
    next: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, state: State::Ok, text: text.into(), next: None }
    }

    fn warn(check: &'static str, text: impl Into<String>, next: impl Into<String>) -> Self {
        Self { check, state: State::Warn, text: text.into(), next: Some(next.into()) }
    }

    fn fail(check: &'static str, text: impl Into<String>, next: impl Into<String>) -> Self {
        Self { check, state: State::Fail, text: text.into(), next: Some(next.into()) }
    }

    /// A failure in the words of the part that has failed.
    fn failed(check: &'static str, failed: Failed) -> Self {
        Self { check, state: State::Fail, text: failed.what, next: failed.next }
    }
}

pub(crate) async fn run(args: DoctorArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(args.node.json);
    let mut findings = Vec::new();
    let place = local::look(&args.node, &mut findings).await;
    Interrupts::listen()?
        .unless(async {
            network::look(&args, place, &mut findings).await;
            Ok(())
        })
        .await?;
    for Finding { check, state, text, next } in &findings {
        let mut line = format!("{:<5} {check:<14} {}", state.word(), printable(text));
        if let Some(next) = next {
            line.push_str(&format!("\n      {:<14} {}", "next:", printable(next)));
        }
        let object = json!({"event": "check", "check": check, "state": state.word(), "text": text, "hint": next});
        output.result(&line, &object)?;
    }
    if findings.iter().any(|finding| finding.state == State::Fail) {
        return Err(Failed::here("something does not work: see the lines with fail"));
    }
    Ok(Exit::Success)
}
