//! Pages that tell a story: commands and lines that people type, each in a terminal, and the lines that they are shown.

/// Stands for anything on a page.
const ANYTHING: char = '…';

/// A step of a page.
pub(crate) enum Step<'a> {
    /// A person types a command, and is shown these lines.
    Command { who: &'a str, command: &'a str, shown: Vec<&'a str> },
    /// A person types a line into a program that waits.
    Line { who: &'a str, line: &'a str },
    /// The program that runs in a terminal shows further lines.
    Shown { who: &'a str, shown: Vec<&'a str> },
    /// The program that runs in a terminal is killed.
    Killed(&'a str),
    /// The wallet writes a payment to this file.
    Payment(&'a str),
}

/// The steps of a page that this test types.
pub(crate) fn steps<'a>(page: &'a str, test: &str) -> Vec<Step<'a>> {
    let mut steps = Vec::new();
    let mut lines = page.lines();
    let by_test = format!("; typed by crates/cli/tests/it/{test} -->");
    while let Some(line) = lines.next() {
        let between = |before: &str, after: &str| line.strip_prefix(before)?.strip_suffix(after);
        steps.extend(between("<!-- the wallet writes ", " -->").map(Step::Payment));
        steps.extend(between("<!-- killed: ", " -->").map(Step::Killed));
        let commands = between("<!-- by hand: ", &by_test);
        let typed = between("<!-- typed: ", " -->");
        let shown = between("<!-- shown: ", " -->");
        let Some(who) = commands.or(typed).or(shown) else { continue };
        assert!(lines.next().unwrap().starts_with("```"));
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if typed.is_some() {
            steps.extend(block.into_iter().map(|line| Step::Line { who, line }));
            continue;
        }
        // A line of its own stands for any lines.
        let means = |line: &&str| *line != ANYTHING.to_string();
        if shown.is_some() {
            steps.push(Step::Shown { who, shown: block.into_iter().filter(means).collect() });
            continue;
        }
        for line in block.into_iter().filter(means) {
            match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push(Step::Command { who, command, shown: Vec::new() }),
                (None, Some(Step::Command { shown, .. })) => shown.push(line),
                (None, _) => panic!("{line:?} follows no command"),
            }
        }
    }
    steps
}

/// True if a line is as a page shows it.
pub(crate) fn fits(shown: &str, line: &str) -> bool {
    let mut parts = shown.split(ANYTHING);
    let first = parts.next().unwrap();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    for part in parts {
        let Some(place) = rest.find(part) else { return false };
        rest = &rest[place + part.len()..];
    }
    rest.is_empty() || shown.ends_with(ANYTHING)
}

#[test]
fn a_shown_line_stands_for_what_it_leaves_out() {
    assert!(fits("signer key  …", "signer key  02ab") && fits("…", "x") && fits("a…c", "abc") && fits("a", "a"));
    assert!(!fits("a", "ab") && !fits("a…d", "abc") && !fits("b…", "ab"));
}
