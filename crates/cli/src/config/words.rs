//! A command line, completed by the configuration.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::{Origin, Settings, Value};
use crate::args::ALTERNATIVES;

/// The option of throw-away nodes, which have no configuration.
const DEV: &str = "dev";

/// A command line with the configured options that it does not have.
#[derive(Debug)]
pub(crate) struct Completed {
    pub(crate) words: Vec<OsString>,
    /// The options that were added, and the place of each.
    pub(crate) added: Vec<(String, Origin)>,
}

/// The commands without variables: their values come from the configuration alone.
pub(crate) fn without_variables(command: Command) -> Command {
    command.mut_args(|option| option.env(Resettable::Reset)).mut_subcommands(without_variables)
}

/// Adds what is configured and fits: not for an option that is there, nor against one that is there. Of two configured options that
/// exclude each other, the one of a variable counts.
///
/// # Errors
///
/// The mistake in the configuration, in words.
pub(crate) fn complete(program: &Command, words: Vec<OsString>) -> Result<Completed, String> {
    let unchanged = |words| Ok(Completed { words, added: Vec::new() });
    let mut command = without_variables(program.clone()).ignore_errors(true);
    // Help, and the version, need no configuration.
    let Ok(matches) = command.try_get_matches_from_mut(&words) else { return unchanged(words) };
    command.build();
    // The same command with its variables: another command may have another option of the same name.
    let (mut leaf, mut declared, mut found) = (&command, program, &matches);
    while let Some((name, below)) = found.subcommand() {
        let both = (leaf.find_subcommand(name), declared.find_subcommand(name));
        let (Some(one), Some(other)) = both else { break };
        (leaf, declared, found) = (one, other, below);
    }
    let configurable: Vec<_> = super::configurable(declared).map(Arg::get_id).collect();
    let takes = |option: &&Arg| configurable.contains(&option.get_id());
    let open: Vec<&Arg> = leaf.get_arguments().filter(takes).filter(|option| !is_typed(found, option)).collect();
    let is_dev = leaf.get_arguments().any(|option| option.get_id() == DEV && is_typed(found, option));
    if open.is_empty() || is_dev {
        return unchanged(words);
    }
    let named = found.try_get_one::<PathBuf>(super::FILE_OPTION).ok().flatten().cloned();
    let settings = super::read(program, named.as_deref())?;
    let typed = leaf.get_arguments().filter(|option| is_typed(found, option)).collect();
    Ok(with(words, leaf, typed, &open, &settings))
}

fn is_typed(matches: &ArgMatches, option: &Arg) -> bool {
    matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine)
}

fn with<'a>(
    mut words: Vec<OsString>,
    leaf: &'a Command,
    mut taken: Vec<&'a Arg>,
    open: &[&'a Arg],
    settings: &Settings,
) -> Completed {
    let mut more = Vec::new();
    let mut added = Vec::new();
    // Variables are stronger than the file, so they come first.
    let mut set: Vec<_> = open.iter().filter_map(|option| Some((settings.get(option.get_long()?)?, *option))).collect();
    set.sort_by(|(one, _), (other, _)| one.origin.cmp(&other.origin));
    for (setting, option) in set {
        let Some(name) = option.get_long() else { continue };
        if taken.iter().any(|other| exclude_each_other(leaf, option, other) || are_alternatives(leaf, option, other)) {
            continue;
        }
        match &setting.value {
            Value::Flag(false) => continue,
            Value::Flag(true) => more.push(OsString::from(format!("--{name}"))),
            Value::Texts(texts) => more.extend(texts.iter().map(|text| {
                let mut word = OsString::from(format!("--{name}="));
                word.push(text);
                word
            })),
        }
        // Two options of the file that exclude each other are the user's to mend.
        if matches!(setting.origin, Origin::Variable(_)) {
            taken.push(option);
        }
        added.push((name.to_owned(), setting.origin.clone()));
    }
    // What follows a lone -- is no option.
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    words.splice(end..end, more);
    Completed { words, added }
}

fn are_alternatives(command: &Command, one: &Arg, other: &Arg) -> bool {
    let mut groups = command.get_groups().filter(|group| group.get_id() == ALTERNATIVES);
    groups.any(|group| [one, other].iter().all(|option| group.get_args().any(|id| id == option.get_id())))
}

fn exclude_each_other(command: &Command, one: &Arg, other: &Arg) -> bool {
    let conflicts = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|option| option.get_id() == other.get_id())
    };
    one.get_id() != other.get_id() && (conflicts(one, other) || conflicts(other, one))
}
