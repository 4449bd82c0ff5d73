//! The words with which a wrong command line is refused.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::config::words::Completed;

/// Characters of a wrong value that are said again: a peer's address fits.
const QUOTED: usize = 160;

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

/// An error that quotes no more of a value than fits on a line.
pub(super) fn shortened(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue)
        && value.chars().count() > QUOTED
    {
        let beginning: String = value.chars().take(QUOTED).chain(['…']).collect();
        error.insert(ContextKind::InvalidValue, ContextValue::String(beginning));
    }
    error
}
