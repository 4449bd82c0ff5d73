//! Numbers of things, as people say them.

use core::fmt;

/// Such as `1 item` or `3 items`: a noun whose plural has an s.
pub(crate) fn counted<N: fmt::Display + From<u8> + PartialEq>(number: N, noun: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        let said = [0u16, 1, 2].map(|number| counted(number, "item"));
        assert_eq!(said, ["0 items", "1 item", "2 items"]);
    }
}
