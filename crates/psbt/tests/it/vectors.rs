//! The official vectors of a BIP as the tests read them.

use motet_psbt::{Malformed, MapId, ParseError, RawPsbt};
use serde_json::Value;

pub(crate) fn load(name: &str) -> Value {
    let path = format!("{}/../../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).expect(&path)).unwrap()
}

/// One PSBT of a BIP.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) base64: String,
}

impl Case {
    pub(crate) fn of(value: &Value) -> Self {
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        Self { name: [text("case"), text("stage")].join(" "), base64: text("base64") }
    }

    pub(crate) fn parse(&self) -> Result<RawPsbt, ParseError> {
        RawPsbt::parse(self.base64.as_bytes())
    }

    /// Asserts that the PSBT is accepted, and written as it was read.
    pub(crate) fn accepted(&self) -> RawPsbt {
        let psbt = self.parse().unwrap_or_else(|error| panic!("{}: {error}", self.name));
        assert_eq!(psbt.to_base64(), self.base64, "{}", self.name);
        assert_eq!(RawPsbt::parse(&psbt.to_bytes()), Ok(psbt.clone()), "{}", self.name);
        psbt
    }
}

/// The PSBTs of a file whose section contains a text.
pub(crate) fn section(file: &str, section: &str) -> Vec<Case> {
    let all = load(file);
    let chosen = all.as_array().unwrap().iter().filter(|case| case["section"].as_str().unwrap().contains(section));
    chosen.map(Case::of).collect()
}

/// The place and the reason of an error about one entry: map, field name, problem.
pub(crate) fn field_problem(error: &ParseError) -> Option<(MapId, &'static str, Malformed)> {
    match error {
        ParseError::Field { place, problem } => Some((place.map, place.field_name()?, *problem)),
        _ => None,
    }
}

/// Asserts that each PSBT is the one that these words describe, and refused for this reason.
pub(crate) fn assert_refused(cases: &[Case], expected: &[(&str, (MapId, &'static str, Malformed))]) {
    assert_eq!(cases.len(), expected.len());
    for (case, (words, reason)) in cases.iter().zip(expected) {
        assert!(case.name.contains(words), "{} is not about {words}", case.name);
        let error = case.parse().expect_err(&case.name);
        assert_eq!(field_problem(&error), Some(*reason), "{}: {error}", case.name);
    }
}
