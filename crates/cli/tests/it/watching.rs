//! The screen of `motet watch` at a real terminal: a person sees what waits, signs it, and leaves.

use std::process::Command;

use crate::api::{Signer, text};
use crate::process::{MOTET, Scene};
use crate::terminal::Terminal;

/// The screen of a signer. The process has no terminal but this one, so that its size is the one that is read.
fn screen(scene: &Scene, signer: &Signer) -> Terminal {
    let mut command = Command::new("setsid");
    command.args(["--wait", MOTET, "watch", "--data", &signer.folder]).env_clear().env("TERM", "xterm-256color");
    command.env("PATH", std::env::var_os("PATH").unwrap()).current_dir(scene.folder());
    let mut terminal = Terminal::start(command);
    terminal.prompts("Sessions");
    terminal
}

/// Ends of a screen: the other buffer is left, and the cursor is shown.
fn is_restored(all: &str) {
    assert!(all.contains("\u{1b}[?1049h") && all.contains("\u{1b}[?1049l"), "{all:?}");
    assert!(all.rfind("\u{1b}[?1049l") > all.rfind("\u{1b}[?1049h") && all.ends_with("\u{1b}[?25h"), "{all:?}");
}

#[test]
fn a_person_signs_at_the_screen_and_the_terminal_is_as_before() {
    let scene = Scene::new();
    let mut alice = Signer::start(&scene, "alice", &[]);
    let mut terminal = screen(&scene, &alice);
    let asked =
        scene.start(&["sign", "--dev", &scene.name("bob"), "--with", &alice.name, "--message", "hello", "--json"]);
    let waiting = alice.waiting(&scene);
    let (id, digest) = (text(&waiting, "request"), text(&waiting, "digest"));
    // Events come before the state is read; this word is shown with a request that waits.
    terminal.prompts("asked");
    terminal.resize(120, 40);
    terminal.types_hidden("a");
    // What stands below a part of the line is not drawn again where it is the same.
    terminal.prompts(&digest[..32]);
    terminal.types_hidden(&format!("yes {}\r", &id[..4]));
    asked.wait().expect(0);
    terminal.prompts("complete");
    terminal.types_hidden("q");
    let (status, all) = terminal.wait();
    assert_eq!(status.code(), Some(0), "{all}");
    is_restored(&all);
}

#[test]
fn ctrl_c_and_the_end_of_the_signer_give_the_terminal_back() {
    let scene = Scene::new();
    let alice = Signer::start(&scene, "alice", &[]);
    let mut terminal = screen(&scene, &alice);
    terminal.presses(3);
    let (status, all) = terminal.wait();
    assert_eq!(status.code(), Some(0), "{all}");
    is_restored(&all);
    let terminal = screen(&scene, &alice);
    scene.run(&["halt", "--data", &alice.folder]).expect(0);
    let (status, all) = terminal.wait();
    assert_eq!(status.code(), Some(1), "{all}");
    assert!(all.contains("the signer has ended"), "{all}");
}

#[test]
fn a_terminal_with_json_or_a_request_gets_lines() {
    let scene = Scene::new();
    let alice = Signer::start(&scene, "alice", &[]);
    let cursor = alice.told(&scene, &["status"])[0]["cursor"].as_str().unwrap().to_owned();
    let first = format!("{}-0", cursor.split_once('-').unwrap().0);
    let mut terminal = Terminal::start(scene.command(&["watch", "--data", &alice.folder, "--after", &first]));
    let line = terminal.shows("SignerAdvertised");
    assert!(line.contains("nickname="), "{line}");
}
