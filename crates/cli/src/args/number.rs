//! Whole numbers on the command line.

use motet_node::limits;

/// An amount, in the unit on which requesters and signers agree.
pub(crate) fn amount(text: &str) -> Result<u64, String> {
    whole(text, 0, u64::MAX)
}

/// Number of signers to look for: no node knows more.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    let most = u64::try_from(limits::ADVERTISEMENTS).unwrap_or(u64::MAX);
    whole(text, 1, most).map(|count| usize::try_from(count).unwrap_or(limits::ADVERTISEMENTS))
}

fn whole(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("write a whole number from {least} to {most}"))
}
