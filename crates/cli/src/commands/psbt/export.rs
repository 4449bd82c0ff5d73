//! `motet psbt export`: a copy with all that the group knows, for members that sign with another program or a device.

use motet_psbt::{ExportError, Profile};

use crate::args::ExportArgs;
use crate::exit::{Exit, Failed};
use crate::known_group::KnownGroup;
use crate::output::Output;
use crate::psbt_file::{PsbtFile, hand_out};

pub(super) fn run(args: &ExportArgs) -> Result<Exit, Failed> {
    let known = KnownGroup::find(&args.group.group, &args.group.plan)?;
    let member = args.member.as_ref().map(|member| known.number(member)).transpose()?;
    let file = PsbtFile::read(&args.file)?;
    let plan = known.plan(&file.psbt, &args.group.plan)?;
    let (copy, done) = match args.profile.zip(member) {
        Some((profile, member)) => {
            let copy = plan.export(&file.psbt, &known.group, profile, member).map_err(|error| refused(&error))?;
            (copy, format!("a copy for {} of {}", program(profile), known.member(member)))
        }
        None => {
            let mut copy = file.psbt;
            plan.update(&mut copy, &known.group).map_err(|error| refused(&ExportError::Edit(error)))?;
            (copy, "a copy with the group's keys".to_owned())
        }
    };
    hand_out(&Output::without_node(args.json), &args.output, &copy, file.form, &done)?;
    Ok(Exit::Success)
}

const fn program(profile: Profile) -> &'static str {
    match profile {
        Profile::Core => "the Bitcoin Core",
        Profile::Ledger => "the Ledger",
        Profile::Coldcard => "the Coldcard",
    }
}

fn refused(error: &ExportError) -> Failed {
    let failed = Failed::new(Exit::Refused, error);
    failed.hint(if matches!(error, ExportError::Derivation { .. } | ExportError::Participants { .. }) {
        "this member has to sign with another program; the group stays as it is"
    } else {
        "the PSBT contradicts the group: let its maker write it again"
    })
}
