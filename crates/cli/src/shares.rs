//! Nonces and partial signatures that are missing or wrong, by the names of the members.

use std::collections::BTreeMap;

use motet_psbt::{Blame, Missing, Share};
use serde_json::{Value, json};

use crate::known_group::KnownGroup;

/// A line for each member and kind of share that is missing.
pub(crate) fn missing_lines(missing: &[Missing], known: &KnownGroup) -> Vec<String> {
    let mut shares: BTreeMap<(usize, Share), Vec<usize>> = BTreeMap::new();
    for missing in missing {
        shares.entry((missing.signer, missing.share)).or_default().push(missing.input);
    }
    let line = |((member, share), inputs): ((usize, Share), Vec<usize>)| {
        let share = match share {
            Share::Nonce => "nonce",
            Share::PartialSignature => "partial signature",
        };
        format!("{share} of {} for {}", known.member(member), ranges(inputs))
    };
    shares.into_iter().map(line).collect()
}

/// A line for each member whose partial signature is wrong.
pub(crate) fn wrong_lines(wrong: &[Blame], known: &KnownGroup) -> Vec<String> {
    let mut inputs: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for blame in wrong {
        inputs.entry(blame.signer).or_default().push(blame.input);
    }
    let line = |(member, inputs)| {
        format!("the partial signature of {} for {} does not verify", known.member(member), ranges(inputs))
    };
    inputs.into_iter().map(line).collect()
}

/// The missing shares as objects.
pub(crate) fn missing_object(missing: &[Missing], known: &KnownGroup) -> Value {
    let object = |missing: &Missing| {
        let share = match missing.share {
            Share::Nonce => "nonce",
            Share::PartialSignature => "partial_signature",
        };
        json!({"input": missing.input, "member": known.member(missing.signer), "share": share})
    };
    missing.iter().map(object).collect()
}

/// The wrong partial signatures as objects.
pub(crate) fn wrong_object(wrong: &[Blame], known: &KnownGroup) -> Value {
    wrong.iter().map(|blame| json!({"input": blame.input, "member": known.member(blame.signer)})).collect()
}

/// Inputs for people: `input 3`, or `inputs 0-2, 5`.
fn ranges(mut inputs: Vec<usize>) -> String {
    inputs.sort_unstable();
    inputs.dedup();
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for input in &inputs {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *input => *last = *input,
            _ => ranges.push((*input, *input)),
        }
    }
    let range = |(first, last): &(usize, usize)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    let list = ranges.iter().map(range).collect::<Vec<_>>().join(", ");
    format!("{} {list}", if inputs.len() == 1 { "input" } else { "inputs" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_inputs_are_a_range() {
        assert_eq!(ranges(vec![3]), "input 3");
        assert_eq!(ranges(vec![0, 2, 1, 5, 5]), "inputs 0-2, 5");
    }
}
