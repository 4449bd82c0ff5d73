//! The borders of a range, as they are written in a policy file.

use core::ops::RangeInclusive;

use serde::Deserialize;

use super::fault::Fault;
use super::strict::stated;

/// The least and the greatest value, each of which may be left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, bound = "T: Deserialize<'de>")]
pub(super) struct Borders<T> {
    #[serde(default = "none", deserialize_with = "stated")]
    min: Option<T>,
    #[serde(default = "none", deserialize_with = "stated")]
    max: Option<T>,
}

const fn none<T>() -> Option<T> {
    None
}

impl<T: PartialOrd + Copy> Borders<T> {
    /// The range between the borders, with these in place of one that is left out.
    pub(super) fn range(&self, place: &str, least: T, most: T) -> Result<RangeInclusive<T>, Fault> {
        if self.min.is_none() && self.max.is_none() {
            return Err(Fault::new(place, "it has no borders", "give it a \"min\", a \"max\" or both"));
        }
        let range = self.min.unwrap_or(least)..=self.max.unwrap_or(most);
        if range.is_empty() {
            return Err(Fault::new(place, "nothing is within it", "let \"min\" be at most \"max\""));
        }
        Ok(range)
    }
}
