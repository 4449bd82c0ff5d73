//! Texts of other nodes in the log. Addresses, errors and events may repeat bytes that a peer has sent; so they stand
//! in quotes, with everything escaped that could play tricks with a terminal.

use core::fmt;

/// Shows its text as a literal.
pub(crate) struct Quoted<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Debug for Quoted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.to_string(), f)
    }
}

#[cfg(test)]
mod tests {
    use libp2p::Multiaddr;
    use libp2p::multiaddr::Protocol;

    use super::*;

    #[test]
    fn an_address_cannot_write_into_the_log() {
        // A name in an address may be any text, and the text of an address is not escaped.
        let address = Multiaddr::from(Protocol::Dns4("x\n\u{1b}[2J\u{202e}\u{200b}".into()));
        assert!(address.to_string().contains('\u{202e}') && format!("{address:?}").contains('\n'));
        for shown in [format!("{:?}", Quoted(&address)), format!("{:?}", Quoted(format_args!("{address:?}")))] {
            assert!(!shown.contains(['\n', '\u{1b}', '\u{202e}', '\u{200b}']), "{shown:?}");
            assert!(shown.starts_with('"') && shown.contains("/dns4/x\\n"), "{shown}");
        }
    }
}
