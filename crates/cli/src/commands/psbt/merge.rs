//! `motet psbt combine`: all that several files know about one transaction, in one file.

use motet_psbt::{CombineError, Place, RawPsbt};

use crate::args::{CombineArgs, Form};
use crate::exit::{Exit, Failed};
use crate::known_group::KnownGroup;
use crate::output::Output;
use crate::psbt_file::{INPUT, PsbtFile, hand_out};
use crate::shares;

pub(super) fn run(args: &CombineArgs) -> Result<Exit, Failed> {
    let known = args.group.as_ref().map(|group| KnownGroup::find(group, &args.plan)).transpose()?;
    if args.files.iter().filter(|file| file.as_os_str() == INPUT).count() > 1 {
        return Err(Failed::usage("standard input is named twice, and can be read once").hint("name files"));
    }
    let files = args.files.iter().map(|file| PsbtFile::read(file)).collect::<Result<Vec<_>, _>>()?;
    let form = files.first().map_or(Form::Binary, |file| file.form);
    let psbts: Vec<RawPsbt> = files.into_iter().map(|file| file.psbt).collect();
    let psbt = RawPsbt::combine(&psbts).map_err(|error| refused(args, &error))?;
    let mut done = format!("{} PSBTs combined", psbts.len());
    if let Some(known) = known {
        let plan = known.plan(&psbt, &args.plan)?;
        wrong(&shares::wrong_lines(&plan.verify_partials(&psbt), &known))?;
        for line in shares::missing_lines(&plan.missing(&psbt), &known) {
            done = format!("missing: {line}\n{done}");
        }
    }
    hand_out(&Output::without_node(args.json), &args.output, &psbt, form, &done)?;
    Ok(Exit::Success)
}

/// Fails if partial signatures are wrong.
pub(super) fn wrong(lines: &[String]) -> Result<(), Failed> {
    if lines.is_empty() {
        return Ok(());
    }
    let failed = Failed::new(Exit::Invalid, lines.join("; "));
    Err(failed.hint("ask that member for its file again; if it is wrong again, begin anew without this member's file"))
}

/// The failure of files that do not fit together, with the names of the files.
fn refused(args: &CombineArgs, error: &CombineError) -> Failed {
    let names = args.files.iter().enumerate();
    let names: Vec<_> = names.map(|(number, name)| format!("file {number} is {}", name.display())).collect();
    let is_nonce = |place: &Place| place.field_name() == Some("PSBT_IN_MUSIG2_PUB_NONCE");
    let next = if matches!(error, CombineError::Conflict { place, .. } if is_nonce(place)) {
        "a member has made nonces twice: take its newest file, and leave out all files with its older nonce"
    } else if matches!(error, CombineError::DifferentTransaction { .. }) {
        "leave out the file of the other transaction; if it should be of this one, its sender has changed it"
    } else {
        "leave out the wrong file"
    };
    Failed::new(Exit::Refused, error).hint(format!("{}\n{next}", names.join(", ")))
}
