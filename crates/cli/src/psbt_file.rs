//! PSBTs in files and on standard input, as bytes or as base64 text.

use std::io::ErrorKind;
use std::path::Path;

use motet_psbt::limits::PSBT_BYTES_MAX;
use motet_psbt::{ParseError, RawPsbt};
use serde_json::json;

use crate::args::{Form, OutputArgs};
use crate::exit::{Exit, Failed};
use crate::files;
use crate::output::Output;

/// The path that stands for standard input.
pub(crate) const INPUT: &str = "-";

/// Bytes of a file: the longest PSBT as base64 text in lines.
const FILE: u64 = PSBT_BYTES_MAX as u64 * 3 / 2;

/// A PSBT that was read, and the form in which it came.
#[derive(Debug)]
pub(crate) struct PsbtFile {
    pub(crate) psbt: RawPsbt,
    pub(crate) form: Form,
}

impl PsbtFile {
    /// Reads a PSBT from a file, or from standard input if the path is `-`.
    pub(crate) fn read(path: &Path) -> Result<Self, Failed> {
        let name = path.display();
        let unread = |error: &dyn core::fmt::Display| Failed::here(format!("cannot read the PSBT {name}: {error}"));
        let bytes = if path == Path::new(INPUT) {
            files::content(std::io::stdin().lock(), FILE).map_err(|error| unread(&error))
        } else {
            files::read_up_to(path, FILE).map_err(|error| unread(&error))
        };
        let long = || refused(path, &ParseError::TooLong { found: PSBT_BYTES_MAX + 1 });
        Self::parse(&bytes?.ok_or_else(long)?).map_err(|error| refused(path, &error))
    }

    /// Reads a PSBT from the content of a file.
    fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let form = if bytes.starts_with(b"psbt\xff") { Form::Binary } else { Form::Base64 };
        // Base64 may come in lines, as mail programs write it.
        let text: Vec<u8>;
        let bytes = match form {
            Form::Binary => bytes,
            Form::Base64 => {
                text = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
                text.as_slice()
            }
        };
        Ok(Self { psbt: RawPsbt::parse(bytes)?, form })
    }
}

/// The failure of a file that holds no PSBT.
fn refused(path: &Path, error: &ParseError) -> Failed {
    let failed = Failed::new(Exit::Refused, format!("{}: {error}", path.display()));
    failed.hint(match error {
        ParseError::NotPsbt(_) => "name a file that holds a PSBT, as bytes or as base64",
        ParseError::TooLong { .. } => "let its maker divide the payment into several transactions",
        ParseError::Base64 | ParseError::Truncated { .. } | ParseError::Trailing { .. } => {
            "the file was damaged on its way: get it again from its maker"
        }
        ParseError::Version { .. } => "let its maker write version 0 or 2",
        ParseError::NotCanonical { .. }
        | ParseError::KeyType { .. }
        | ParseError::DuplicateKey(_)
        | ParseError::TooManyEntries { .. }
        | ParseError::Missing { .. }
        | ParseError::Forbidden { .. }
        | ParseError::Field { .. }
        | _ => "the program that wrote the file is at fault, or the file was damaged: let its maker write it again",
    })
}

/// Writes a PSBT to a file for its owner alone, whole or not at all.
pub(crate) fn write(path: &Path, psbt: &RawPsbt, form: Form, force: bool) -> Result<(), Failed> {
    let content = match form {
        Form::Binary => psbt.to_bytes(),
        Form::Base64 => format!("{}\n", psbt.to_base64()).into_bytes(),
    };
    let written = if force { files::replace(path, &content) } else { files::create(path, &content) };
    written.map_err(|error| {
        let name = path.display();
        if error.kind() == ErrorKind::AlreadyExists {
            return Failed::here(format!("{name} is there already, and it was not changed"))
                .hint("name another file with --output FILE, or replace this one with --force");
        }
        Failed::here(format!("cannot write the PSBT to {name}: {error}")).hint("name another file with --output FILE")
    })
}

/// Hands out a PSBT as the result of a command: to the file that the user named, or to standard output. `done` says what was made.
pub(crate) fn hand_out(
    output: &Output,
    args: &OutputArgs,
    psbt: &RawPsbt,
    form: Form,
    done: &str,
) -> Result<(), Failed> {
    let version = psbt.version().number();
    match &args.output {
        Some(file) => {
            write(file, psbt, args.form.unwrap_or(form), args.force)?;
            output.result(
                &format!("{done}, in {}", file.display()),
                &json!({"event": "psbt", "file": file.display().to_string(), "psbt_version": version}),
            )
        }
        None => {
            let text = psbt.to_base64();
            output.result(&text, &json!({"event": "psbt", "psbt": text, "psbt_version": version}))
        }
    }
}
