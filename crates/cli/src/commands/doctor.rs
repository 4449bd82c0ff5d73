//! `motet doctor`: is everything in place, and what is to be done next?

mod finding;
mod local;
mod network;

use serde_json::json;

use crate::args::DoctorArgs;
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;
use crate::output::Output;
use crate::text::printable;
use finding::{Finding, State};

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
