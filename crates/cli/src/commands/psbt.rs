//! `motet psbt`: transactions of groups, in files or with the other members over the network, from the first look to the transaction that is broadcast.

mod export;
mod finish;
mod merge;
mod request;
pub(crate) mod sign;

use serde_json::json;

use crate::args::{InspectArgs, MissingArgs, PsbtArgs, PsbtCommand};
use crate::exit::{Exit, Failed};
use crate::known_group::KnownGroup;
use crate::output::Output;
use crate::psbt_file::PsbtFile;
use crate::shares;
use crate::sheet::Sheet;

pub(crate) async fn run(args: PsbtArgs) -> Result<Exit, Failed> {
    match args.command {
        PsbtCommand::Inspect(args) => inspect(&args),
        PsbtCommand::Missing(args) => missing(&args),
        PsbtCommand::Combine(args) => merge::run(&args),
        PsbtCommand::Export(args) => export::run(&args),
        PsbtCommand::Sign(args) => sign::run(args).await,
        PsbtCommand::Request(args) => request::run(*args).await,
        PsbtCommand::Finalize(args) => finish::finalize(&args),
        PsbtCommand::Extract(args) => finish::extract(&args),
    }
}

fn inspect(args: &InspectArgs) -> Result<Exit, Failed> {
    let known = args.group.as_ref().map(|group| KnownGroup::find(group, &args.plan)).transpose()?;
    let file = PsbtFile::read(&args.file)?;
    let sheet = Sheet::inspect(&file.psbt, known.as_ref(), &args.plan)?;
    Output::without_node(args.json).result(&sheet.lines(), &sheet.object())?;
    Ok(Exit::Success)
}

fn missing(args: &MissingArgs) -> Result<Exit, Failed> {
    let known = KnownGroup::find(&args.group.group, &args.group.plan)?;
    let psbt = PsbtFile::read(&args.file)?.psbt;
    let plan = known.plan(&psbt, &args.group.plan)?;
    let (missing, wrong) = (plan.missing(&psbt), plan.verify_partials(&psbt));
    let mut lines = shares::wrong_lines(&wrong, &known);
    lines.extend(shares::missing_lines(&missing, &known));
    if lines.is_empty() {
        lines.push("nothing is missing".to_owned());
    }
    let object = json!({
        "event": "missing",
        "missing": shares::missing_object(&missing, &known),
        "wrong": shares::wrong_object(&wrong, &known),
    });
    Output::without_node(args.json).result(&lines.join("\n"), &object)?;
    Ok(if !wrong.is_empty() {
        Exit::Invalid
    } else if missing.is_empty() {
        Exit::Success
    } else {
        Exit::Incomplete
    })
}
