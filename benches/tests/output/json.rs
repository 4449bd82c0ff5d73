//! The lines of a program's JSON output, for tests.

use std::process::Command;

use serde_json::Value;

/// Runs a program with `--json` and these arguments, and reads its lines.
pub(crate) fn lines(program: &str, arguments: &[&str]) -> Vec<Value> {
    let output = Command::new(program).arg("--json").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Sees that these fields of a line are numbers above zero.
pub(crate) fn assert_positive(line: &Value, fields: &[&str]) {
    for field in fields {
        assert!(line[*field].as_f64().is_some_and(|number| number > 0.0), "{field} in {line}");
    }
}
