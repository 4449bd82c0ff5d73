//! The picture of a real run that the README shows: `motet demo` at a terminal, as an SVG.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anstyle_svg::Term;

use crate::judge::Signed;
use crate::process::Scene;
use crate::terminal::Terminal;

/// Columns of the terminal in the picture: a longer line goes on below, as it does on a screen.
const COLUMNS: usize = 100;
/// The command in the first line, as the README has it.
const COMMAND: &str = "$ cargo run --release -- demo";

fn place() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/images/demo.svg")
}

/// The run as a terminal shows it.
fn wrapped(shown: &str) -> String {
    let mut lines = vec![format!("\u{1b}[1m{COMMAND}\u{1b}[0m")];
    for line in shown.lines() {
        let characters: Vec<char> = line.trim_end().chars().collect();
        if line.contains('\u{1b}') || characters.is_empty() {
            lines.push(characters.iter().collect());
        } else {
            lines.extend(characters.chunks(COLUMNS).map(|part| part.iter().collect()));
        }
    }
    lines.join("\n")
}

/// The lines of a picture without its colours.
fn lines(picture: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut in_tag = true;
    for character in picture.split_once("<text").unwrap().1.chars() {
        match character {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            _ if !in_tag => plain.push(character),
            _ => {}
        }
    }
    let plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    // Each line is indented as the tag in which it stands.
    let shown = plain.lines().map(|line| line.strip_prefix("    ").unwrap_or(line).trim_end().to_owned());
    shown.filter(|line| !line.is_empty()).collect()
}

/// The sentences of a run, without names, numbers, keys and the ways on which something was heard.
fn sentences(lines: &[String]) -> BTreeSet<String> {
    let sentence = |line: &String| {
        let said = line.split_once(" ms ")?.1.trim_start().split_once(' ')?.1.split('[').next()?.to_owned();
        let word = |word: &str| match word {
            "alice" | "bob" | "carol" => "NAME".to_owned(),
            word if word.starts_with('(') => "KEY".to_owned(),
            word if word.starts_with("/ip") => "ADDRESS".to_owned(),
            word => word.to_owned(),
        };
        Some(said.split_whitespace().map(word).collect::<Vec<_>>().join(" "))
    };
    lines.iter().filter_map(sentence).collect()
}

/// The value behind this label, with the lines on which it goes on.
fn value(lines: &[String], label: &str) -> String {
    let at = lines.iter().position(|line| line.trim_start().starts_with(label)).unwrap();
    let first = lines[at].trim_start().strip_prefix(label).unwrap().trim().to_owned();
    let more = lines[at + 1..].iter().take_while(|line| !line.starts_with(' '));
    first + &more.cloned().collect::<String>()
}

#[test]
fn the_picture_in_the_readme_is_a_run_of_the_demo() {
    let (status, shown) = Terminal::start(Scene::new().command(&["demo"])).wait();
    assert!(status.success(), "{shown}");
    let made = Term::new().render_svg(&wrapped(&shown));
    if std::env::var_os("MOTET_BLESS").is_some() {
        fs::write(place(), &made).unwrap();
    }
    let kept = fs::read_to_string(place()).unwrap();
    let (made, kept) = (lines(&made), lines(&kept));
    assert_eq!(
        sentences(&made),
        sentences(&kept),
        "docs/images/demo.svg shows something else: MOTET_BLESS=1 makes it anew"
    );
    for picture in [&made, &kept] {
        assert!(picture.iter().any(|line| line.ends_with(COMMAND)), "{picture:?}");
        let signed = Signed {
            key: value(picture, "aggregate key").parse().unwrap(),
            message: value(picture, "message").into_bytes(),
            signature: value(picture, "signature").parse().unwrap(),
        };
        signed.verify();
    }
}
