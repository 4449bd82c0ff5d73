//! The stories of `docs/journeys.md`: each is played as it stands there, on real processes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::pages::{Step, fits, steps};
use crate::process::{MOTET, Motet, Scene};

const PAGE: &str = include_str!("../../../../docs/journeys.md");
/// People, whose names as signers are made unique: multicast carries them from test to test.
const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

/// The story under this heading.
fn story(heading: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split_once("\n## ").map_or(rest, |(story, _)| story)
}

/// A person's terminal: a shell in the folder of its machine. Everything that it shows is on standard output.
struct Terminal {
    shell: Motet,
    commands: usize,
    /// The number of lines that have been read.
    read: usize,
}

impl Terminal {
    /// `who` begins with the person; what follows a comma is another terminal of the same machine.
    fn new(scene: &Scene, who: &str) -> Self {
        let home = scene.path(who.split(',').next().unwrap());
        std::fs::create_dir_all(&home).unwrap();
        let programs = Path::new(MOTET).parent().unwrap().display();
        let path = format!("PATH={programs}:{}", std::env::var("PATH").unwrap());
        let home = home.to_str().unwrap();
        let mut shell = scene.start_other("env", &["-C", home, &format!("HOME={home}"), &path, "bash"]);
        // The shell tells exit codes that are not zero as the page does.
        shell.answer("exec 2>&1");
        Self { shell, commands: 0, read: 0 }
    }

    /// Types a command. The one before it has to end first.
    fn command(&mut self, command: &str) {
        if self.commands > 0 {
            let mark = format!("@ command {} is done", self.commands);
            self.line(&mark, &mark);
        }
        self.commands += 1;
        let end = format!("code=$?; [ $code = 0 ] || echo exit code $code; echo '@ command {} is done'", self.commands);
        self.shell.answer(&format!("{command}; {end}"));
    }

    /// Waits for a line as the page shows it.
    fn line(&mut self, shown: &str, what: &str) -> String {
        loop {
            while let Some(line) = self.shell.output().get(self.read) {
                self.read += 1;
                if fits(shown, line) {
                    return line.clone();
                }
                assert!(!line.starts_with("@ command "), "{what}: ends without {shown:?}\n{}", self.shell.told());
            }
            assert!(self.shell.another_line(what), "{what}: {shown:?} does not come out\n{}", self.shell.told());
        }
    }

    /// The address of the node that runs here, with its peer id.
    fn address(&self) -> Option<String> {
        let lines = || self.shell.output().iter().rev();
        let address = lines().find_map(|line| line.split_once("listens on "))?.1;
        let peer = lines().find_map(|line| Some(line.split_once(", peer ")?.1.split_once(';')?.0));
        // A node without a signer.
        let peer = peer.or_else(|| lines().find_map(|line| line.strip_prefix("node ")?.split(',').next()))?;
        Some(format!("{address}/p2p/{peer}"))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A shell that is killed leaves its program behind; most have ended.
        self.shell.kill_child();
    }
}

/// A line with the texts that were shown before.
fn filled(shown_before: &BTreeMap<&str, String>, line: &str) -> String {
    shown_before.iter().fold(line.to_owned(), |line, (word, text)| line.replace(word, text))
}

/// Plays a story.
fn play(heading: &str) {
    let scene = Scene::new();
    let mut terminals: BTreeMap<&str, Terminal> = BTreeMap::new();
    let (mut address, mut place) = (String::new(), None);
    // Texts that a program has shown, by the words that stand for them.
    let mut shown_before = BTreeMap::from(["REQUEST", "DIGEST"].map(|word| (word, String::new())));
    let names: Vec<(&str, String)> = PEOPLE.iter().map(|person| (*person, scene.name(person))).collect();
    let named = |text: &str| {
        let words = text.split_inclusive(|character: char| !character.is_ascii_alphanumeric());
        let renamed = words.map(|word| {
            let (name, end) = word.split_at(word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).len());
            let unique = names.iter().find(|(person, _)| *person == name).map_or(name, |(_, unique)| unique);
            // Files keep their names.
            format!("{}{end}", if end == "." { name } else { unique })
        });
        renamed.collect::<String>()
    };
    let steps = steps(story(heading), "journeys.rs");
    assert!(steps.len() > 4, "{heading} has {} steps", steps.len());
    for step in steps {
        let (Step::Command { who, .. } | Step::Line { who, .. } | Step::Shown { who, .. } | Step::Killed(who)) = step
        else {
            panic!("no payments here");
        };
        let terminal = terminals.entry(who).or_insert_with(|| Terminal::new(&scene, who));
        let (what, shown) = match step {
            Step::Command { command, shown, .. } => {
                terminal.command(&filled(&shown_before, &named(command).replace("ADDRESS", &address)));
                (command, shown)
            }
            Step::Line { line, .. } => {
                terminal.shell.answer(&filled(&shown_before, line));
                continue;
            }
            Step::Killed(_) => {
                assert!(terminal.shell.kill_child());
                continue;
            }
            Step::Shown { shown, .. } => ("what runs there", shown),
            Step::Payment(_) => continue,
        };
        for line in shown {
            let word = shown_before.keys().copied().find(|word| {
                line.strip_suffix(word).is_some_and(|before| before.ends_with("request ") || before.ends_with("     "))
            });
            let came = if let Some(word) = word {
                let came = terminal.line(&format!("{}…", line.trim_end_matches(word)), what);
                shown_before.insert(word, came.rsplit(' ').next().unwrap().to_owned());
                came
            } else {
                terminal.line(&filled(&shown_before, &named(line)), what)
            };
            let is_there = came.contains("listens on ") || came.contains("advertises its signer");
            // The first node of a story is the one that others name.
            if is_there && *place.get_or_insert(who) == who {
                address = terminal.address().unwrap();
            }
        }
    }
}

#[test]
fn three_terminals_make_one_signature() {
    play("Three terminals, one signature");
}

#[test]
fn a_signer_declines_with_a_reason() {
    play("A signer declines, with a reason");
}

#[test]
fn a_signer_is_killed_in_the_middle_of_a_session() {
    play("A signer is killed in the middle of a session");
}

#[test]
fn rules_approve_small_amounts_and_refuse_large_ones() {
    play("Rules approve small amounts, and refuse large ones");
}

#[test]
fn everything_restarts_in_the_middle_of_a_session() {
    play("Everything restarts in the middle of a session");
}

#[test]
fn a_keystore_is_locked_unlocked_and_halted() {
    play("A keystore is locked, unlocked, and halted");
}

#[test]
fn a_node_without_a_key_brings_five_signers_together() {
    play("A node without a key brings five signers together");
}

#[test]
fn a_request_waits_for_a_signer_that_is_off() {
    play("A request waits for a signer that is off");
}

#[test]
fn every_story_of_the_page_is_played() {
    let source = include_str!("journeys.rs");
    let headings: Vec<&str> = PAGE.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert!(headings.iter().all(|heading| source.contains(&format!("play(\"{heading}\")"))), "{headings:?}");
}
