//! The tutorial `docs/treasury.md`: every command of it is typed as it stands there, each member's in a terminal of its own.

use std::path::Path;

use motet_psbt::descriptor::Descriptor;
use motet_psbt::{Group, RawPsbt, Version};

use crate::pages::{Step, fits, steps};
use crate::process::{MOTET, Motet, Scene};
use crate::treasury::{accepted, spend};

const PAGE: &str = include_str!("../../../../docs/treasury.md");
const MEMBERS: [&str; 3] = ["alice", "bob", "carol"];
/// A member's terminal: a shell in the folder of its machine, on which `stick` leads to the folder that all have.
struct Terminal {
    shell: Motet,
    commands: usize,
    questions: usize,
    /// The lines that the page shows of a program that still runs.
    running: Vec<&'static str>,
    read: usize,
}

impl Terminal {
    fn new(scene: &Scene, member: &str) -> Self {
        let home = scene.path(member);
        std::fs::create_dir(&home).unwrap();
        std::os::unix::fs::symlink(scene.path("stick"), home.join("stick")).unwrap();
        let programs = Path::new(MOTET).parent().unwrap().display();
        let path = format!("PATH={programs}:{}", std::env::var("PATH").unwrap());
        let home = home.to_str().unwrap();
        let arguments =
            ["-C", home, "-u", "XDG_DATA_HOME", "-u", "MOTET_GROUPS", &format!("HOME={home}"), &path, "bash"];
        Self { shell: scene.start_other("env", &arguments), commands: 0, questions: 0, running: Vec::new(), read: 0 }
    }

    /// Types a command. A program that waits for its next line still runs afterwards.
    fn command(&mut self, command: &str, shown: Vec<&'static str>) {
        self.running = shown;
        self.shell.answer(&format!("{command} || exit 1"));
        if command.starts_with("motet run ") {
            self.shell.output_line("listens on");
            return;
        }
        if command.starts_with("motet psbt request ") {
            self.approve();
            return;
        }
        if command.starts_with("motet psbt sign ") {
            self.approve();
            if self.shell.output_line_of(&["nonces written to", "signed, in"]) == 0 {
                self.shell.error_line("now type the path of the merged file:");
                return;
            }
        }
        self.end(command);
    }

    /// Answers a question with yes.
    fn approve(&mut self) {
        let question = self.shell.question_after(self.questions);
        self.questions += 1;
        self.shell.answer(&format!("yes {question}"));
    }

    /// The address of the node that runs here, with its peer id.
    fn address(&self) -> String {
        let after = |before: &str| {
            let line = self.shell.output().iter().rfind(|line| line.contains(before)).unwrap();
            line.rsplit_once(before).unwrap().1.split([' ', ';']).next().unwrap().to_owned()
        };
        format!("{}/p2p/{}", after("listens on "), after(", peer "))
    }

    /// Waits until the shell has done everything, and compares what came out with the page.
    fn end(&mut self, what: &str) {
        self.commands += 1;
        let mark = format!("@ command {} is done", self.commands);
        self.shell.answer(&format!("echo '{mark}'"));
        self.shell.output_line(&mark);
        let mut lines = self.shell.output()[self.read..].iter();
        for shown in self.running.drain(..) {
            assert!(
                lines.any(|line| fits(shown, line)),
                "{what}: {shown:?} does not come out\n{:?}",
                self.shell.output()
            );
        }
        self.read = self.shell.output().len();
    }
}

#[test]
fn the_tutorial_of_a_treasury_of_three_does_what_it_says() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("stick")).unwrap();
    let mut terminals = MEMBERS.map(|member| Terminal::new(&scene, member));
    let place = |name: &str| MEMBERS.iter().position(|member| *member == name).unwrap();
    let group = || {
        let text = std::fs::read_to_string(scene.path("stick/treasury.group")).unwrap();
        Group::new(Descriptor::parse(text.lines().nth(1).unwrap()).unwrap()).unwrap()
    };
    let mut payment: Option<RawPsbt> = None;
    let mut address = String::new();
    let mut waiting = Vec::new();
    let mut count = 0;
    for step in steps(PAGE, "tutorial.rs") {
        count += 1;
        match step {
            Step::Command { who: member, command, shown } => {
                let words = if command.contains("WORDS") { group().id().words().join(" ") } else { String::new() };
                let terminal = &mut terminals[place(member)];
                terminal.command(&command.replace("WORDS", &words).replace("ADDRESS", &address), shown);
                if command.starts_with("motet run ") {
                    if waiting.is_empty() {
                        address = terminal.address();
                    }
                    waiting.push(place(member));
                }
                if command.starts_with("motet psbt request ") {
                    waiting.iter().for_each(|other| terminals[*other].approve());
                    terminals[place(member)].end(command);
                    waiting.drain(..).for_each(|other| terminals[other].end("motet run"));
                }
            }
            Step::Line { who: member, line } => {
                let terminal = &mut terminals[place(member)];
                terminal.shell.answer(line);
                // Before that, the program would take what is typed for the shell.
                terminal.shell.output_line("signed, in");
                terminal.end(line);
            }
            Step::Shown { .. } | Step::Killed(_) => panic!("this page has no such steps"),
            Step::Payment(file) => {
                let psbt = spend(&group(), 2, Version::V2);
                std::fs::write(scene.path(file), psbt.to_bytes()).unwrap();
                payment = Some(psbt);
            }
        }
    }
    assert!(count > 29, "the page has {count} steps");
    let hex = std::fs::read_to_string(scene.path("stick/payment.hex")).unwrap();
    let payment = payment.unwrap();
    accepted(hex.trim(), &payment);
    let signed = RawPsbt::parse(&std::fs::read(scene.path("stick/rent.final.psbt")).unwrap()).unwrap();
    let transaction = signed.extract().unwrap();
    accepted(&hex::encode(bitcoin::consensus::serialize(&transaction)), &payment);
    for mut terminal in terminals {
        terminal.shell.close_input();
        terminal.shell.wait().expect(0);
    }
}
