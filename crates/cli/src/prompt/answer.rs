//! The meaning of a line as an answer to the current question.
//!
//! A yes names the request by the beginning of its id, at least as many digits as the question shows, so that it fits no other
//! question. A no may name it.

/// Digits of a request's id that an answer names at least.
pub(super) const CODE: usize = 4;

/// The meaning of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Sign exactly this.
    Yes,
    /// Do not sign it.
    No,
    /// An answer to another request: the beginning of its id.
    ToAnother(String),
    /// Neither yes nor no to anything.
    Unclear,
}

/// Reads a line as an answer to the request with this id, of which the question shows the beginning `code`.
pub(super) fn read(line: &str, id: &str, code: &str) -> Answer {
    let line = line.to_lowercase();
    let words: Vec<&str> = line.split_whitespace().collect();
    let named = |digits: &str| digits.len() >= code.len() && id.starts_with(digits);
    match words.as_slice() {
        ["n" | "no"] => Answer::No,
        ["yes", digits] if named(digits) => Answer::Yes,
        ["n" | "no", digits] if named(digits) => Answer::No,
        ["yes" | "n" | "no", digits] if is_an_id(digits) => Answer::ToAnother((*digits).to_owned()),
        _ => Answer::Unclear,
    }
}

fn is_an_id(digits: &str) -> bool {
    digits.len() >= CODE && digits.chars().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5d0c2f71aa";

    #[test]
    fn a_yes_names_the_request_and_a_no_may() {
        for line in ["yes 5d0c", "  YES\t5D0C ", "yes 5d0c2f", "yes 5d0c2f71aa"] {
            assert_eq!(read(line, ID, "5d0c"), Answer::Yes, "{line}");
        }
        for line in ["no", "n", "N", "no 5d0c", "n 5d0c2f71aa"] {
            assert_eq!(read(line, ID, "5d0c"), Answer::No, "{line}");
        }
    }

    #[test]
    fn what_fits_every_question_decides_none() {
        let lines =
            ["y", "yes", "Y", "ok", "", "5d0c", "y 5d0c", "yes 5d0", "yes 5d0c yes", "yes5d0c", "yes -", "yes …"];
        for line in lines {
            assert_eq!(read(line, ID, "5d0c"), Answer::Unclear, "{line}");
        }
    }

    #[test]
    fn the_id_of_another_request_decides_nothing() {
        for line in ["yes 77aa", "no 77aa", "yes 5d0c2f71aa0", "no 5d0d"] {
            let named = line.split(' ').next_back().unwrap().to_owned();
            assert_eq!(read(line, ID, "5d0c"), Answer::ToAnother(named), "{line}");
        }
        // As long as another request begins alike, more digits are asked for.
        assert_eq!(read("yes 5d0c", ID, "5d0c2"), Answer::ToAnother("5d0c".to_owned()));
    }
}
