//! Wallet policies (BIP-388): a descriptor as a template and a list of keys, as hardware wallets register it.

use bitcoin::bip32::ChildNumber;

use crate::descriptor::{
    Descriptor, DescriptorError, KeyError, KeyExpr, KeyMaterial, PathExpr, SingleKey, Step, Wildcard,
};

/// The reason why a wallet policy was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A placeholder that is not `@` and a number.
    #[error("character {position}: @ must be followed by the number of a key")]
    Placeholder {
        /// The position in the template, from zero.
        position: usize,
    },
    /// Placeholders that are not numbered in the order of their first appearance.
    #[error("@{found} stands where @{expected} must be used first: keys are numbered by first appearance")]
    Order {
        /// The number found.
        found: usize,
        /// The number that is not used yet.
        expected: usize,
    },
    /// More or fewer keys than the template uses.
    #[error("the template uses {used} keys, and {given} are given")]
    KeyCount {
        /// The number of keys in the template.
        used: usize,
        /// The number of keys in the list.
        given: usize,
    },
    /// A key that is not an extended public key, or has a path after it.
    #[error("key @{number} must be an extended public key without a path after it")]
    KeyForm {
        /// The number of the key.
        number: usize,
    },
    /// A key of the list is not readable.
    #[error("key @{number}: {problem}")]
    Key {
        /// The number of the key.
        number: usize,
        /// The reason.
        problem: KeyError,
    },
    /// The same key twice in the list.
    #[error("keys @{first} and @{second} are equal")]
    EqualKeys {
        /// One of the numbers.
        first: usize,
        /// The other one.
        second: usize,
    },
    /// A key that stands in the template itself.
    #[error("key {number} of the template is not a placeholder")]
    NotPlaceholder {
        /// The number of the key expression in the template.
        number: usize,
    },
    /// A path that is neither `/**` nor `/<M;N>/*`.
    #[error("key {number} of the template must be followed by /** or /<M;N>/* and nothing else")]
    Path {
        /// The number of the key expression in the template.
        number: usize,
    },
    /// Derivation before aggregation, which BIP-390 allows and BIP-388 does not.
    #[error(
        "key {number} of the template derives participants before it aggregates them: such groups have no wallet policy"
    )]
    DerivedParticipants {
        /// The number of the key expression in the template.
        number: usize,
    },
    /// One key twice in one `musig()`.
    #[error("key {number} of the template has one participant twice")]
    RepeatedParticipant {
        /// The number of the key expression in the template.
        number: usize,
    },
    /// The same keys with the same branch in two places.
    #[error("keys {first} and {second} of the template have the same keys and share a branch")]
    SharedBranch {
        /// The number of one key expression in the template.
        first: usize,
        /// The number of the other one.
        second: usize,
    },
    /// A placeholder where no key can be, or in an expression that this version does not know.
    #[error("placeholder @{place} of the template stands where no key is read")]
    Misplaced {
        /// The number of the placeholder.
        place: usize,
    },
    /// The template with its keys is not a descriptor.
    #[error(transparent)]
    Descriptor(#[from] DescriptorError),
}

/// A wallet policy: a name for people, a template with `@0`, `@1`, .. in place of keys, and the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletPolicy {
    name: String,
    template: String,
    keys: Vec<SingleKey>,
    descriptor: Descriptor,
}

impl WalletPolicy {
    /// Makes a wallet policy of its parts.
    ///
    /// # Errors
    ///
    /// [`PolicyError`].
    pub fn new(name: &str, template: &str, keys: &[&str]) -> Result<Self, PolicyError> {
        let parse = |(number, key): (usize, &&str)| {
            SingleKey::parse(key).map_err(|problem| PolicyError::Key { number, problem })
        };
        let keys = keys.iter().enumerate().map(parse).collect::<Result<Vec<_>, _>>()?;
        check_keys(&keys)?;
        let (text, places) = filled(template, &keys)?;
        let descriptor = Descriptor::parse(&text)?;
        check_expressions(descriptor.keys(), &places)?;
        Ok(Self { name: name.to_owned(), template: template.to_owned(), keys, descriptor })
    }

    /// The wallet policy of a descriptor, if it has one.
    ///
    /// # Errors
    ///
    /// [`PolicyError`].
    pub fn of_descriptor(name: &str, descriptor: &Descriptor) -> Result<Self, PolicyError> {
        let mut keys: Vec<SingleKey> = Vec::new();
        let mut placeholder = |single: &SingleKey| {
            let key = SingleKey { path: PathExpr::EMPTY, ..single.clone() };
            let place = keys.iter().position(|listed| *listed == key).unwrap_or_else(|| {
                keys.push(key);
                keys.len() - 1
            });
            format!("@{place}{}", short(&single.path))
        };
        let template = descriptor.render(|_, key| match key {
            KeyExpr::Single(single) => placeholder(single),
            KeyExpr::Musig(musig) => {
                let participants: Vec<_> = musig.participants.iter().map(&mut placeholder).collect();
                format!("musig({}){}", participants.join(","), short(&musig.path))
            }
        });
        let keys: Vec<_> = keys.iter().map(SingleKey::to_string).collect();
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        Self::new(name, &template, &keys)
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The template.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// The keys.
    pub fn keys(&self) -> &[SingleKey] {
        &self.keys
    }

    /// The descriptor: the template with its keys.
    pub const fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }
}

fn check_keys(keys: &[SingleKey]) -> Result<(), PolicyError> {
    for (number, key) in keys.iter().enumerate() {
        let KeyMaterial::Xpub(xpub) = &key.key else { return Err(PolicyError::KeyForm { number }) };
        if !key.path.is_empty() {
            return Err(PolicyError::KeyForm { number });
        }
        let is_equal =
            |other: &SingleKey| matches!(&other.key, KeyMaterial::Xpub(other) if other.public_key == xpub.public_key);
        match keys.iter().take(number).position(is_equal) {
            Some(first) => return Err(PolicyError::EqualKeys { first, second: number }),
            None => continue,
        }
    }
    Ok(())
}

/// Path of a receiving and a change branch, and its short form in a template.
const BRANCHES: (&str, &str) = ("/<0;1>/*", "/**");

/// A path as a template has it.
fn short(path: &PathExpr) -> String {
    let path = path.to_string();
    if path == BRANCHES.0 { BRANCHES.1.to_owned() } else { path }
}

/// The template with keys in it, and the numbers of the placeholders in their order. A short path stands behind a placeholder or its
/// `musig()`; the same characters elsewhere are no path.
fn filled(template: &str, keys: &[SingleKey]) -> Result<(String, Vec<usize>), PolicyError> {
    let mut text = String::new();
    let mut places = Vec::new();
    let mut used = 0;
    let mut rest = template;
    let mut is_in_musig = false;
    while let Some((before, after)) = rest.split_once('@') {
        text.push_str(before);
        is_in_musig = before.ends_with("musig(") || (is_in_musig && before == ",");
        let (digits, after) = after.split_at(after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len()));
        let position = template.len() - after.len() - digits.len();
        let has_leading_zero = digits.len() > 1 && digits.starts_with('0');
        let place: usize =
            digits.parse().ok().filter(|_| !has_leading_zero).ok_or(PolicyError::Placeholder { position })?;
        if place > used {
            return Err(PolicyError::Order { found: place, expected: used });
        }
        used = used.max(place + 1);
        places.push(place);
        // A number that is not in the list is found below: the text is not used then.
        text.push_str(&keys.get(place).map(SingleKey::to_string).unwrap_or_default());
        rest = after;
        if let Some(after) = rest.strip_prefix(')').filter(|_| is_in_musig) {
            text.push(')');
            rest = after;
            is_in_musig = false;
        }
        let (path, after) = rest.split_at(rest.find([',', ')', '}']).unwrap_or(rest.len()));
        rest = after;
        match path.strip_suffix(BRANCHES.1) {
            Some(first) => text.extend([first, BRANCHES.0]),
            None => text.push_str(path),
        }
    }
    text.push_str(rest);
    if used != keys.len() {
        return Err(PolicyError::KeyCount { used, given: keys.len() });
    }
    Ok((text, places))
}

/// Checks that all keys come from placeholders, and their paths.
fn check_expressions(expressions: &[KeyExpr], places: &[usize]) -> Result<(), PolicyError> {
    let mut rest = places;
    let mut seen: Vec<(Vec<usize>, [ChildNumber; 2])> = Vec::new();
    for (number, expression) in expressions.iter().enumerate() {
        let count = expression.singles().len();
        // Keys of the template itself have no placeholder, so the placeholders are used up before the keys.
        let (own, after) = rest.split_at_checked(count).ok_or(PolicyError::NotPlaceholder { number })?;
        rest = after;
        let path = match expression {
            KeyExpr::Single(single) => &single.path,
            KeyExpr::Musig(musig) => {
                if musig.participants.iter().any(|participant| !participant.path.is_empty()) {
                    return Err(PolicyError::DerivedParticipants { number });
                }
                &musig.path
            }
        };
        let branches = policy_branches(path).ok_or(PolicyError::Path { number })?;
        let mut own = own.to_vec();
        own.sort_unstable();
        if own.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(PolicyError::RepeatedParticipant { number });
        }
        let shared = |(other, taken): &(Vec<usize>, [ChildNumber; 2])| {
            *other == own && taken.iter().any(|branch| branches.contains(branch))
        };
        if let Some(first) = seen.iter().position(shared) {
            return Err(PolicyError::SharedBranch { first, second: number });
        }
        seen.push((own, branches));
    }
    rest.first().map_or(Ok(()), |place| Err(PolicyError::Misplaced { place: *place }))
}

/// The two branches of a path `/<M;N>/*`. None for any other path.
fn policy_branches(path: &PathExpr) -> Option<[ChildNumber; 2]> {
    match (path.steps(), path.wildcard()) {
        ([Step::Branches(children)], Wildcard::Normal) => match children[..] {
            [first, second] if first.is_normal() && second.is_normal() && first != second => Some([first, second]),
            _ => None,
        },
        _ => None,
    }
}
