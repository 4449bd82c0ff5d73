//! The sheet of a PSBT in a file: the approval screen of its transaction, and the nonces and signatures that are missing or wrong.

use bitcoin::Network;
use motet_psbt::{Blame, Missing, RawPsbt, SpendPlan};
use motet_wallet::{ApprovalScreen, ScreenGroup, field};
use serde_json::{Value, json};

use crate::args::PlanArgs;
use crate::exit::{Exit, Failed};
use crate::known_group::KnownGroup;
use crate::shares;

/// The sheet of one transaction, as one group sees it, or as a reader without a group does.
#[derive(Debug)]
pub(crate) struct Sheet<'a> {
    screen: ApprovalScreen,
    known: Option<&'a KnownGroup>,
    psbt_version: u32,
    missing: Vec<Missing>,
    wrong: Vec<Blame>,
}

impl<'a> Sheet<'a> {
    /// The sheet of a PSBT for a reader that may know a group. What the group cannot sign is shown all the same, with the reason.
    pub(crate) fn inspect(psbt: &RawPsbt, known: Option<&'a KnownGroup>, args: &PlanArgs) -> Result<Self, Failed> {
        let Some(known) = known else { return Self::of_claims(psbt, args.chain.unwrap_or(Network::Bitcoin)) };
        match known.plan(psbt, args) {
            Ok(plan) => Ok(Self::of_plan(&plan, psbt, known)),
            Err(failed) if failed.exit == Exit::Refused => {
                let mut sheet = Self::of_claims(psbt, known.network)?;
                sheet.screen.group = Some(ScreenGroup::new(&known.group, known.name.as_deref()));
                sheet.screen.problem = Some(failed.what);
                Ok(sheet)
            }
            Err(failed) => Err(failed),
        }
    }

    /// The sheet of a planned spend.
    pub(crate) fn of_plan(plan: &SpendPlan, psbt: &RawPsbt, known: &'a KnownGroup) -> Self {
        Self {
            screen: ApprovalScreen::of_plan(plan, psbt, &known.group, &known.names()),
            known: Some(known),
            psbt_version: psbt.version().number(),
            missing: plan.missing(psbt),
            wrong: plan.verify_partials(psbt),
        }
    }

    /// The claims of a PSBT, for a reader without a group.
    fn of_claims(psbt: &RawPsbt, network: Network) -> Result<Self, Failed> {
        let screen = ApprovalScreen::of_claims(psbt, network).map_err(|error| Failed::new(Exit::Refused, error))?;
        let psbt_version = psbt.version().number();
        Ok(Self { screen, known: None, psbt_version, missing: Vec::new(), wrong: Vec::new() })
    }

    /// The digest that an approval names: it covers transaction, spent outputs, group, spend path and sighash types.
    pub(crate) fn approval(&self) -> Option<&str> {
        self.screen.digest.as_deref()
    }

    /// The sheet as lines, without an end of the last one.
    pub(crate) fn lines(&self) -> String {
        let mut lines = self.screen.lines();
        if let Some(known) = self.known {
            lines.extend(shares::wrong_lines(&self.wrong, known).iter().map(|line| field("WRONG", line)));
            lines.extend(shares::missing_lines(&self.missing, known).iter().map(|line| field("missing", line)));
            if self.missing.is_empty() {
                lines.push(field("missing", "nothing"));
            }
        }
        lines.join("\n")
    }

    /// The sheet as an object, whose keys `docs/operations.md` lists.
    pub(crate) fn object(&self) -> Value {
        let mut object = json!(self.screen);
        let none = || json!([]);
        let missing = self.known.map_or_else(none, |known| shares::missing_object(&self.missing, known));
        let wrong = self.known.map_or_else(none, |known| shares::wrong_object(&self.wrong, known));
        if let Some(object) = object.as_object_mut() {
            object.extend([
                ("event".to_owned(), json!("transaction")),
                ("psbt_version".to_owned(), json!(self.psbt_version)),
                ("missing".to_owned(), missing),
                ("wrong".to_owned(), wrong),
            ]);
        }
        object
    }
}
