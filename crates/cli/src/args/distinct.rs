//! Lists on the command line.

use core::fmt::Display;

/// Checks that nothing stands in a list twice, and that there are not more than so many.
pub(super) fn distinct<T: Display + PartialEq>(option: &str, values: &[T], most: usize) -> Result<(), String> {
    if values.len() > most {
        return Err(format!("{option}: these are {}, and at most {most} are possible", values.len()));
    }
    let mut before = values.iter().enumerate();
    let again = before.find(|(index, value)| values.iter().take(*index).any(|earlier| earlier == *value));
    again.map_or(Ok(()), |(_, value)| Err(format!("{option}: {value} stands there twice; name each once")))
}
