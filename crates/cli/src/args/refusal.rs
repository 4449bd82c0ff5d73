//! The words with which a wrong command line is refused.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::config::words::Completed;

/// Characters of a wrong word that are said again: a peer's address fits.
const QUOTED: usize = 160;
/// Characters of a mistake in the configuration.
const TOLD: usize = 1000;

/// An error that names the options that come from the configuration, where one of them may be the wrong one.
pub(super) fn configured(mut error: clap::Error, completed: &Completed) -> clap::Error {
    if !completed.added.is_empty() && !lacks_a_value(&error) {
        let added: Vec<_> = completed.added.iter().map(|(name, origin)| format!("--{name} ({origin})")).collect();
        let tip = format!("these options come from the configuration: {}", added.join(", "));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// True if nothing is wrong but that a value without an option is missing, such as the id of a request.
fn lacks_a_value(error: &clap::Error) -> bool {
    let missing = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) => missing.as_slice(),
        _ => &[],
    };
    error.kind() == ErrorKind::MissingRequiredArgument && missing.iter().all(|value| !value.starts_with('-'))
}

/// A mistake that is told in a few lines, though a path in it may be as long as the system allows.
pub(super) fn brief(what: String) -> String {
    if what.chars().count() <= TOLD {
        return what;
    }
    what.chars().take(TOLD).chain(['…']).collect()
}

/// An error that quotes no more of a word than fits on a line.
pub(super) fn shortened(mut error: clap::Error) -> clap::Error {
    for kind in [ContextKind::InvalidValue, ContextKind::InvalidArg, ContextKind::InvalidSubcommand] {
        if let Some(ContextValue::String(value)) = error.get(kind)
            && value.chars().count() > QUOTED
        {
            let beginning: String = value.chars().take(QUOTED).chain(['…']).collect();
            error.insert(kind, ContextValue::String(beginning));
        }
    }
    error
}
