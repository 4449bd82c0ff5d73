//! QR codes in the terminal.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

use crate::exit::Failed;

/// A text as a code of half blocks, dark on light with its quiet zone, one line for two rows of squares.
pub(crate) fn draw(text: &str) -> Result<String, Failed> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L).map_err(Failed::here)?;
    // A terminal is dark as a rule, and a code is read if its squares are darker than what is around them.
    Ok(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_code_is_square_and_has_a_quiet_zone() {
        let drawn = super::draw(&"A".repeat(218)).unwrap();
        let lines: Vec<&str> = drawn.lines().collect();
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width));
        // Two rows in a line, and four squares of light on each side.
        assert!(lines.len() * 2 >= width && lines.len() * 2 <= width + 1, "{width} {}", lines.len());
        assert!(lines[0].chars().all(|square| square == lines[0].chars().next().unwrap()));
    }
}
