//! The metrics of a running signer, and what is built on them: the page, the dashboard, the alerts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::api::{Signer, answer, get};
use crate::lab::skip;
use crate::process::Scene;

const PAGE: &str = include_str!("../../../../docs/operations.md");

fn deployed(file: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy")).join(file)
}

/// The names of our metrics in a text.
fn named(text: &str) -> BTreeSet<String> {
    let is_part = |character: char| character.is_ascii_lowercase() || character == '_';
    let words = text.split(|character: char| !is_part(character));
    words.filter(|word| word.starts_with("motet_") && word.len() > 6).map(str::to_owned).collect()
}

/// The metrics of a signer that is connected with another one, as names of samples.
fn exposed() -> BTreeSet<String> {
    let scene = Scene::new();
    let alice = Signer::start(&scene, "alice", &["--auto-approve"]);
    let sign = ["sign", "--dev", &scene.name("bob"), "--with", &alice.name, "--message", "m"];
    let mut bob = Signer::start(&scene, "carol", &[]);
    bob.motet.output_line(&alice.name);
    scene.run(&sign).expect(0);
    let (status, text) = answer(&mut alice.unix(), &get("/metrics", ""));
    let text = text.as_str().unwrap();
    assert!(status == 200 && text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
    assert!(text.contains("motet_events_total{event=\"SessionComplete\"} 1\n"), "{text}");
    checked(text);
    let samples = text.lines().filter(|line| line.starts_with("motet_"));
    samples.map(|line| line.split(['{', ' ']).next().unwrap().to_owned()).collect()
}

/// Lets Prometheus itself judge the text, where it is there.
fn checked(text: &str) {
    use std::io::Write as _;
    let Some(mut promtool) = promtool() else { return };
    // Prometheus' linter reads the older form, which has no last line.
    let mut child = promtool
        .args(["check", "metrics", "--extended"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let own: String = text.lines().filter(|line| line.contains("motet_")).map(|line| format!("{line}\n")).collect();
    child.stdin.take().unwrap().write_all(own.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(!errors.contains("error while linting"), "{errors}");
}

/// Prometheus' own tool; none, said on standard error, where it is missing.
fn promtool() -> Option<Command> {
    if Command::new("promtool").arg("--version").output().is_ok_and(|ended| ended.status.success()) {
        return Some(Command::new("promtool"));
    }
    skip("promtool is missing (Debian: prometheus)");
    None
}

#[test]
fn the_page_the_dashboard_and_the_alerts_name_metrics_that_are_there() {
    let exposed = exposed();
    let (_, section) = PAGE.split_once("\n## Metrics\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `motet_")).map(|line| line.split('|').nth(1).unwrap());
    let documented: BTreeSet<String> = rows.flat_map(named).collect();
    assert_eq!(documented, exposed);
    let dashboard: Value =
        serde_json::from_str(&std::fs::read_to_string(deployed("grafana-dashboard.json")).unwrap()).unwrap();
    let mut asked = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let names = named(target["expr"].as_str().unwrap());
            assert!(!names.is_empty() && names.is_subset(&exposed), "{target}");
            asked += 1;
        }
    }
    assert!(asked >= 12, "{asked}");
    let rules = std::fs::read_to_string(deployed("prometheus-alerts.yml")).unwrap();
    let expressions: String = rules.lines().filter(|line| !line.contains("summary:")).collect();
    assert!(named(&expressions).is_subset(&exposed), "{:?}", named(&expressions));
    // Each alert leads to a symptom of the runbook.
    let mut alerts = 0;
    for heading in rules.lines().filter_map(|line| line.trim().strip_prefix("runbook: \"docs/operations.md: ")) {
        assert!(PAGE.contains(&format!("\n### {}\n", heading.trim_end_matches('"'))), "{heading}");
        alerts += 1;
    }
    assert_eq!(alerts, 5);
}

#[test]
fn each_alert_is_raised_by_its_fault_and_by_nothing_else() {
    let Some(mut promtool) = promtool() else { return };
    let ended = promtool.args(["test", "rules"]).arg(deployed("prometheus-alerts.test.yml")).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}
