//! Command lines of real options with hostile values: each is a valid command or a mistake with code 2, and never a panic.

use core::cell::Cell;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use clap::error::ErrorKind;
use clap::{ArgAction, Command, CommandFactory as _};
use proptest::collection::vec;
use proptest::prelude::{Strategy as _, any};
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::{Cli, parse};

/// Command lines in one run.
const CASES: u32 = 2500;
/// Words of one option that is repeated without an end.
const REPEATED: usize = 300;
/// Bytes of a value that no option takes.
const HUGE: usize = 100_000;
/// Characters of an answer to a mistake: it quotes no more than it needs, however long the command line is.
const ANSWER: usize = 6000;

/// The way in which an option stands in a command line.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// `--name value`, or the value alone where it has no name.
    Apart,
    /// `--name=value`
    Joined,
    /// `--name`
    Bare,
    /// `--name=value` again and again
    Repeated,
    /// The value alone.
    Stray,
}

const SHAPES: [Shape; 5] = [Shape::Apart, Shape::Joined, Shape::Bare, Shape::Repeated, Shape::Stray];

/// The commands that can be typed, each as its words.
fn commands(command: &Command, above: &[String], found: &mut Vec<(Vec<String>, Command)>) {
    for below in command.get_subcommands() {
        let words: Vec<String> = above.iter().cloned().chain([below.get_name().to_owned()]).collect();
        found.push((words.clone(), below.clone()));
        commands(below, &words, found);
    }
}

/// Values of options: right ones, wrong ones, and those that programs stumble over.
fn values() -> Vec<OsString> {
    let key = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
    let id = "12D3KooWSahP5pFRCEfaziPEba7urXGeif6T1y8jmodzdFUvzBHj";
    let texts = [
        // Right ones of many options.
        "alice",
        "bob,carol",
        "7",
        "0/7",
        "10s",
        "2m",
        "500ms",
        "dev",
        "main",
        "regtest",
        "auto",
        "tcp,quic",
        "yes",
        "5d0c2f71",
        "a=b",
        "lexicographic",
        "127.0.0.1:7070",
        "/ip4/127.0.0.1/tcp/0",
        "00ff",
        "./file",
        key,
        "http://127.0.0.1:1/",
        "SessionComplete",
        "bash",
        "core",
        // Nothing, and what only looks like something.
        "",
        " ",
        ",",
        ",,",
        "=",
        "==",
        "-",
        "--",
        "---",
        "-1",
        "+1",
        "-0",
        "0",
        "00",
        "1e9",
        "0x10",
        "1.5",
        "NaN",
        "inf",
        "true",
        "null",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999999999999",
        "18446744073709551615h",
        "4294967296",
        "2147483648",
        // What strings and paths may hold.
        "/",
        "..",
        "../../../etc/passwd",
        "~",
        "$HOME",
        "`id`",
        "%s%n",
        "a\0b",
        "a\nb",
        "a\tb",
        "\u{1b}[31m",
        "\u{202e}txt",
        "\u{feff}alice",
        "e\u{301}\u{301}\u{301}",
        "ß",
        "İ",
        "😀",
        "/ip4",
        "/ip4/1.2.3.4/tcp/99999/p2p/x",
        "/p2p-circuit",
        "[::1]:0",
        "256.256.256.256:1",
        "motet:mcontact1",
        "motet:",
        "mkey1",
        "=alice",
        "alice=",
        "--help",
        "-h",
        "--json",
        "--config=/nowhere",
        "help",
        "run",
    ];
    let mut values: Vec<OsString> = texts.into_iter().map(OsString::from).collect();
    values.extend([format!("/ip4/192.0.2.1/tcp/1/p2p/{id}").into(), format!("0x{key}").into(), key[..60].into()]);
    values.extend(
        [&b"\xff\xfe"[..], b"alice\xff", b"\xc3", b"/ip4/\x80", b"=\xff"]
            .map(|bytes| OsString::from_vec(bytes.to_vec())),
    );
    values.extend(["x", "0", ",", "/", "=", "\u{301}", "é"].map(|text| OsString::from(text.repeat(HUGE / text.len()))));
    values.push(OsString::from_vec(vec![0xff; HUGE]));
    values
}

/// The words of one option.
fn words(name: Option<&str>, value: &OsString, shape: Shape) -> Vec<OsString> {
    let joined = |name: &str| {
        let mut word = OsString::from(format!("--{name}="));
        word.push(value);
        word
    };
    match (shape, name) {
        (Shape::Apart, Some(name)) => vec![format!("--{name}").into(), value.clone()],
        (Shape::Joined, Some(name)) => vec![joined(name)],
        (Shape::Bare, Some(name)) => vec![format!("--{name}").into()],
        // A long value that is repeated would be more than a system lets a command line be.
        (Shape::Repeated, Some(name)) if value.len() < 1000 => vec![joined(name); REPEATED],
        (Shape::Repeated | Shape::Stray, _) | (_, None) => vec![value.clone()],
    }
}

/// Parses a command line, as the program does. True if it is a valid one.
fn judge(line: &[OsString]) -> Result<bool, TestCaseError> {
    match parse(line.iter().cloned()) {
        Ok(_) => Ok(true),
        // Help, or the version.
        Err(told) if !told.use_stderr() => Ok(false),
        Err(mistake) => {
            let text = mistake.render().to_string();
            // A command that needs another word after it shows its help.
            let is_told =
                text.starts_with("error: ") || mistake.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
            let is_right = mistake.exit_code() == 2 && is_told && text.chars().count() <= ANSWER;
            let shown: String = text.chars().take(2000).collect();
            is_right.then_some(false).ok_or_else(|| TestCaseError::fail(format!("{} characters: {shown}", text.len())))
        }
    }
}

#[test]
fn no_command_line_makes_the_parser_panic() {
    let mut known = Vec::new();
    commands(&Cli::command(), &[], &mut known);
    let values = values();
    let option = (any::<Index>(), any::<Index>(), any::<Index>());
    // A command, its options, and the place at which the command's own words stand among them.
    let lines = (any::<Index>(), vec(option, 0..7), any::<Index>(), any::<bool>());
    let (valid, wrong) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let ran = runner.run(
        &lines.prop_map(|(command, options, place, first)| {
            let (path, command) = command.get(&known);
            let arguments: Vec<_> = command.get_arguments().collect();
            let mut line: Vec<OsString> = Vec::new();
            for (argument, value, shape) in options {
                let (value, shape) = (value.get(&values), *shape.get(&SHAPES));
                let argument = (!arguments.is_empty()).then(|| argument.get(&arguments));
                let is_flag = argument.is_some_and(|argument| matches!(argument.get_action(), ArgAction::SetTrue));
                let shape = if is_flag && matches!(shape, Shape::Apart) { Shape::Bare } else { shape };
                line.extend(words(argument.and_then(|argument| argument.get_long()), value, shape));
            }
            // Most lines begin with their command; in the others it stands where it does not belong.
            let at = if first { 0 } else { place.index(line.len() + 1) };
            line.splice(at..at, path.iter().map(OsString::from));
            line.insert(0, "motet".into());
            line
        }),
        |line| {
            let counter = if judge(&line)? { &valid } else { &wrong };
            counter.set(counter.get() + 1);
            Ok(())
        },
    );
    ran.unwrap();
    // Both kinds are there, so that the values are not only wrong ones.
    assert!(valid.get() >= 50 && wrong.get() >= 1000, "{} valid, {} wrong", valid.get(), wrong.get());
}
