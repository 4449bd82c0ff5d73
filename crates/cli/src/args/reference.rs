//! The page `docs/cli.md`: every command and option, made of the tree of commands. `MOTET_BLESS=1` makes it anew.

use core::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};

use super::Cli;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");

/// The beginning of the page.
const TITLE: &str = "\
# The command line

Every command and every option, made of the program's own definitions: a test fails when this page is out of date, and makes it anew with `MOTET_BLESS=1`.
[operations.md](operations.md) describes what the commands do, with their output, files and exit codes.

An option with a variable takes its value from the command line, else from that variable, else from the file of the configuration, where its key is its name without the dashes (\"Configuration\" in
[operations.md](operations.md)). `-h` and `--help` explain every command. `-V` and `--version` print the version.
";

fn page() -> String {
    let mut text = TITLE.to_owned();
    let program = Cli::command();
    text.push_str("\nOptions of all commands:\n");
    table(&program, &mut text);
    for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
        section(command, "motet", &mut text);
    }
    text
}

/// A command and those below it.
fn section(command: &Command, above: &str, text: &mut String) {
    let path = format!("{above} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let aliases: Vec<String> =
        command.get_visible_aliases().map(|alias| format!(" Also: `{above} {alias}`.")).collect();
    write!(text, "\n## {path}\n\n{about}.{}\n", aliases.concat()).unwrap();
    if command.has_subcommands() {
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            section(below, &path, text);
        }
        return;
    }
    let usage = command.clone().bin_name(&path).disable_help_flag(true).render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").split_whitespace().collect::<Vec<_>>().join(" ");
    write!(text, "\n```text\n{usage}\n```\n").unwrap();
    table(command, text);
}

/// The arguments and options of a command.
fn table(command: &Command, text: &mut String) {
    let mut shown = command.get_arguments().filter(|argument| !argument.is_hide_set()).peekable();
    if shown.peek().is_none() {
        return;
    }
    text.push_str("\n| option | does | default | variable |\n|---|---|---|---|\n");
    for argument in shown {
        let default: Vec<_> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
        let default = if takes_value(argument) { quoted(&default.join(", ")) } else { String::new() };
        let variable = argument.get_env().map(|name| quoted(&name.to_string_lossy())).unwrap_or_default();
        writeln!(text, "| {} | {} | {default} | {variable} |", quoted(&name(argument)), does(argument)).unwrap();
    }
}

/// The name of an argument, with that of its value.
fn name(argument: &Arg) -> String {
    let own = argument.get_id().as_str().to_uppercase().replace('_', "-");
    let value = argument.get_value_names().map_or(own, |names| names.join(" "));
    match argument.get_long() {
        Some(long) if takes_value(argument) => format!("--{long} {value}"),
        Some(long) => format!("--{long}"),
        None => value,
    }
}

/// The help of an argument, with the values that it can have.
fn does(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let possible = argument.get_possible_values();
    let names: Vec<String> = possible.iter().map(|value| quoted(value.get_name())).collect();
    let values =
        if takes_value(argument) && !names.is_empty() { format!(": {}", names.join(", ")) } else { String::new() };
    format!("{}{values}", help.replace('|', "\\|"))
}

fn takes_value(argument: &Arg) -> bool {
    argument.get_action().takes_values()
}

fn quoted(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", text.replace('|', "\\|")) }
}

#[test]
fn the_page_of_the_command_line_is_up_to_date() {
    let page = page();
    if std::env::var_os("MOTET_BLESS").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let there = std::fs::read_to_string(PAGE).unwrap();
    let differs = page.lines().zip(there.lines()).find(|(is, was)| is != was);
    assert!(page == there, "docs/cli.md is out of date: make it anew with MOTET_BLESS=1; {differs:?}");
    // A word of each kind: a command below another one, an option, a variable, a default, a choice.
    for word in ["## motet key new", "`--listen MULTIADDR`", "`MOTET_PEER`", "`30s`", "`hash-based`", "## motet halt"] {
        assert!(page.contains(word), "{word}");
    }
    assert!(!page.contains("keygen"), "a hidden command is not shown");
}
