//! Threshold groups: m of n signers, as a key path for one set of signers and a leaf for each other set.

use super::Group;
use super::error::GroupError;
use crate::descriptor::{Descriptor, KeyMaterial, SingleKey};

/// Most leaves of a threshold group.
const LEAVES_MAX: usize = 32;

impl Group {
    /// A group in which any `needed` of the signers can spend.
    ///
    /// The first ones sign by the key path, which is the cheapest. Each other set has a leaf, in lexicographic order of the list,
    /// in a balanced tree: its members sign by that leaf.
    ///
    /// # Errors
    ///
    /// [`GroupError`].
    pub fn threshold(needed: usize, signers: &[SingleKey]) -> Result<Self, GroupError> {
        if needed < 2 || needed > signers.len() {
            return Err(GroupError::Threshold { needed, signers: signers.len() });
        }
        let is_plain = |key: &SingleKey| matches!(key.key, KeyMaterial::Xpub(_)) && key.path.is_empty();
        if let Some(number) = signers.iter().position(|key| !is_plain(key)) {
            return Err(GroupError::ThresholdKey { number });
        }
        let sets = sets(needed, signers.len(), LEAVES_MAX + 1)
            .ok_or(GroupError::TooManySets { needed, signers: signers.len() })?;
        let musig = |set: &Vec<usize>| {
            let keys: Vec<_> = set.iter().filter_map(|place| signers.get(*place)).map(SingleKey::to_string).collect();
            format!("musig({})/<0;1>/*", keys.join(","))
        };
        let mut expressions = sets.iter().map(musig);
        let internal = expressions.next().unwrap_or_default();
        let leaves: Vec<_> = expressions.map(|musig| format!("pk({musig})")).collect();
        let tree = if leaves.is_empty() { String::new() } else { format!(",{}", tree(&leaves)) };
        let descriptor = Descriptor::parse(&format!("tr({internal}{tree})"))?;
        // The text was made here, so the checksum that it is given is right.
        Self::new(Descriptor::parse(&descriptor.to_string())?)
    }
}

/// All sets of so many of the first numbers, in lexicographic order. None if there are more than `limit`.
fn sets(size: usize, count: usize, limit: usize) -> Option<Vec<Vec<usize>>> {
    let mut sets = vec![(0..size).collect::<Vec<_>>()];
    while let Some(last) = sets.last() {
        // The last place that can still be raised; the places after it follow it without a gap.
        let raised =
            (0..size).rev().find(|place| last.get(*place).is_some_and(|number| *number < count - size + place));
        let Some(place) = raised else { break };
        let start = last.get(place).map_or(0, |number| number + 1);
        let next = last.iter().copied().take(place).chain(start..start + size - place).collect();
        if sets.len() == limit {
            return None;
        }
        sets.push(next);
    }
    Some(sets)
}

/// A balanced tree of scripts.
fn tree(leaves: &[String]) -> String {
    match leaves {
        [leaf] => leaf.clone(),
        leaves => {
            let (left, right) = leaves.split_at(leaves.len().div_ceil(2));
            format!("{{{},{}}}", tree(left), tree(right))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_come_in_lexicographic_order_up_to_the_limit() {
        assert_eq!(sets(2, 3, 9), Some(vec![vec![0, 1], vec![0, 2], vec![1, 2]]));
        assert_eq!(sets(3, 3, 9), Some(vec![vec![0, 1, 2]]));
        assert_eq!(sets(2, 4, 9).map(|sets| sets.len()), Some(6));
        assert_eq!(sets(3, 7, 33), None);
    }
}
