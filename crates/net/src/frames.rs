//! Frames in the log, each in hexadecimal: `MOTET_LOG=motet_net::frames=trace`.

use core::fmt;

use motet_wire::PeerId;

/// Logs a frame with what was done with it, and the peer that it came from or went to.
pub(crate) fn log(what: &'static str, peer: Option<&PeerId>, frame: &[u8]) {
    tracing::trace!(what, peer = peer.map(tracing::field::display), frame = %Hex(frame), "a frame");
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
