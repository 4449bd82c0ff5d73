//! Files that `motet` reads: what is no file never makes it wait.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::Scene;

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn rules_are_read_from_files_and_a_node_never_waits_for_them() {
    let scene = Scene::new();
    let rules = r#"{"rules": [], "otherwise": "ask"}"#;
    pipe(&scene.path("pipe"));
    for command in [&["policy", "check", "pipe"][..], &["run", "--dev", "nobody", "--policy", "pipe"]] {
        let ended = scene.run(command).expect(1);
        assert!(ended.errors.contains("cannot read pipe: it is a pipe"), "{}", ended.errors);
    }
    let ended = scene.run(&["run", "--dev", "nobody", "--policy", "-"]).expect(2);
    assert!(ended.errors.contains("not read from standard input"), "{}", ended.errors);
    // An editor's mark of the byte order says nothing, and what is no UTF-8 is said to be none.
    fs::write(scene.path("marked.json"), format!("\u{feff}{rules}")).unwrap();
    scene.run(&["policy", "check", "marked.json"]).expect(0);
    let wide: Vec<u8> = format!("\u{feff}{rules}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(scene.path("wide.json"), wide).unwrap();
    let ended = scene.run(&["policy", "check", "wide.json"]).expect(2);
    assert!(ended.errors.contains("wide.json is not UTF-8") && ended.errors.contains("save it as"), "{}", ended.errors);
}

#[test]
fn a_command_that_reads_standard_input_dies_by_a_signal() {
    let scene = Scene::new();
    for (signal, number) in [("INT", 2), ("TERM", 15)] {
        let mut motet = scene.start(&["policy", "check", "-"]);
        // More than the pipe holds: it is being read.
        motet.answer(&" ".repeat(200_000));
        motet.signal(signal);
        let ended = motet.wait();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended.status), Some(number), "{}", ended.told(""));
    }
}
