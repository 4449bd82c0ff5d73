//! Rules as people write them: a JSON file for `motet run --policy` (`docs/operations.md`, "Policies").
//!
//! Reading is strict, since a condition that is misspelt and ignored would widen a rule: unknown, repeated and `null`
//! fields are refused, and so is every name that the file does not define.

mod borders;
mod fault;
mod names;
mod question;
mod schema;
mod strict;
mod transaction;

use std::path::Path;

use motet_core_crypto::PublicKey;
use motet_node::policy::{Facts, Rules};

use crate::exit::{Exit, Failed};
use crate::files::{self, OpenError};
use fault::Fault;
use names::Names;
use strict::Object;

/// Bytes of a file: hundreds of rules with dozens of keys each.
const FILE: u64 = 1024 * 1024;
/// The path that stands for standard input.
const INPUT: &str = "-";
/// The mark that some editors write in front. It says nothing about UTF-8, and JSON may be read without it (RFC 8259).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Rules, and their author's names for the signers.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    pub(crate) rules: Rules,
    names: Names,
}

impl PolicyFile {
    /// Reads a file for a node. A node's standard input is for answers, so `-` is a wrong name here.
    pub(crate) fn read(path: &Path) -> Result<Self, Failed> {
        if path == Path::new(INPUT) {
            let failed = Failed::usage("a node's rules are not read from standard input");
            return Err(failed.hint("save them to a file; standard input is for answers"));
        }
        Self::read_or_take(path)
    }

    /// Reads a file, or standard input if the path is `-`.
    pub(crate) fn read_or_take(path: &Path) -> Result<Self, Failed> {
        Self::parse(&text_of(path)?).map_err(|fault| failed(path, fault))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let Object(written): Object<schema::Written> =
            serde_json::from_str(text).map_err(|error| Fault::json(&error))?;
        let (names, rules) = written.rules()?;
        rules.check().map_err(|error| Fault::of_rules(&error))?;
        Ok(Self { rules, names })
    }

    /// Reads the facts of a made-up request, in this file's names.
    pub(crate) fn read_question(&self, path: &Path) -> Result<Facts, Failed> {
        self.question(&text_of(path)?).map_err(|fault| failed(path, fault))
    }

    fn question(&self, text: &str) -> Result<Facts, Fault> {
        let Object(question): Object<question::Question> =
            serde_json::from_str(text).map_err(|error| Fault::json(&error))?;
        question.facts(&self.names)
    }

    /// A text about keys, with the names of those that have one.
    pub(crate) fn with_names(&self, text: &str) -> String {
        let named = |text: String, (name, key): (&str, &PublicKey)| {
            let key = key.to_string();
            let short = key.get(..12).unwrap_or(&key).to_owned();
            text.replace(&key, &format!("{name} ({short}…)"))
        };
        self.names.signers().fold(text.to_owned(), named)
    }
}

fn failed(path: &Path, fault: Fault) -> Failed {
    Failed::new(Exit::Usage, format!("{}: {fault}", path.display())).hint(fault.next)
}

/// The text of a file; `-` is standard input.
fn text_of(path: &Path) -> Result<String, Failed> {
    let name = path.display();
    let read = if path == Path::new(INPUT) {
        files::content(std::io::stdin().lock(), FILE).map_err(OpenError::Io)
    } else {
        files::read_up_to(path, FILE)
    };
    let bytes = read.map_err(|error| match error {
        OpenError::NoFile(kind) => {
            let hint = "save the text to a file; `motet policy` reads standard input if the name is -";
            Failed::here(format!("cannot read {name}: it is {kind}, not a file")).hint(hint)
        }
        OpenError::Io(error) => Failed::here(format!("cannot read {name}: {error}")),
    })?;
    let bytes = bytes.ok_or_else(|| Failed::usage(format!("{name} is longer than {FILE} bytes")))?;
    let text = core::str::from_utf8(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes));
    text.map(str::to_owned).map_err(|_| Failed::usage(format!("{name} is not UTF-8")).hint("save it as UTF-8"))
}

#[cfg(test)]
mod tests;
