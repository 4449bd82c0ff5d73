//! Paths after keys: steps, at most one multipath step (BIP-389), and perhaps a wildcard at the end (BIP-380).

use std::fmt;

use bitcoin::bip32::ChildNumber;

use super::error::KeyError;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// One child.
    One(ChildNumber),
    /// One child for each branch of the descriptor: `<a;b>`.
    Branches(Vec<ChildNumber>),
}

/// The end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wildcard {
    /// The path ends with its last step.
    None,
    /// `/*`: the index of the address.
    Normal,
    /// `/*h`: the index of the address, hardened.
    Hardened,
}

/// Path after a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathExpr {
    steps: Vec<Step>,
    wildcard: Wildcard,
}

impl PathExpr {
    /// The path without any step.
    pub const EMPTY: Self = Self { steps: Vec::new(), wildcard: Wildcard::None };

    /// Reads a path: nothing, or steps with a slash before each.
    pub(crate) fn parse(text: &str) -> Result<Self, KeyError> {
        let mut path = Self::EMPTY;
        let mut parts = text.split('/');
        if parts.next() != Some("") {
            return Err(KeyError::Step);
        }
        for part in parts {
            if path.wildcard != Wildcard::None {
                return Err(KeyError::Wildcard);
            }
            match part {
                "*" => path.wildcard = Wildcard::Normal,
                "*h" | "*'" => path.wildcard = Wildcard::Hardened,
                part if part.contains(['<', '>', ';']) => {
                    if path.branches().is_some() {
                        return Err(KeyError::SecondMultipath);
                    }
                    path.steps.push(parse_branches(part)?);
                }
                part => path.steps.push(Step::One(parse_step(part)?)),
            }
        }
        Ok(path)
    }

    /// The steps before the wildcard.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The wildcard.
    pub const fn wildcard(&self) -> Wildcard {
        self.wildcard
    }

    /// The number of steps, the wildcard included.
    pub(crate) fn depth(&self) -> usize {
        self.steps.len() + usize::from(self.wildcard != Wildcard::None)
    }

    /// True if there is neither a step nor a wildcard.
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// The elements of the multipath step, if there is one.
    pub fn branches(&self) -> Option<&[ChildNumber]> {
        self.steps.iter().find_map(|step| match step {
            Step::Branches(children) => Some(&**children),
            Step::One(_) => None,
        })
    }

    /// True if a step or the wildcard is hardened, so that deriving needs the private key.
    pub fn is_hardened(&self) -> bool {
        let is_hardened = |step: &Step| match step {
            Step::One(child) => child.is_hardened(),
            Step::Branches(children) => children.iter().any(ChildNumber::is_hardened),
        };
        self.wildcard == Wildcard::Hardened || self.steps.iter().any(is_hardened)
    }

    /// The path of one branch.
    #[must_use]
    pub(crate) fn branch(&self, branch: usize) -> Self {
        let one = |step: &Step| match step {
            Step::Branches(children) => children.get(branch).map_or_else(|| step.clone(), |child| Step::One(*child)),
            Step::One(_) => step.clone(),
        };
        Self { steps: self.steps.iter().map(one).collect(), wildcard: self.wildcard }
    }

    /// The path of one address. None if there is no such branch, or if the index is 2^31 or more.
    pub fn at(&self, branch: usize, index: u32) -> Option<Vec<ChildNumber>> {
        let mut path = Vec::with_capacity(self.steps.len() + 1);
        for step in &self.steps {
            path.push(match step {
                Step::One(child) => *child,
                Step::Branches(children) => *children.get(branch)?,
            });
        }
        match self.wildcard {
            Wildcard::None => {}
            Wildcard::Normal => path.push(ChildNumber::from_normal_idx(index).ok()?),
            Wildcard::Hardened => path.push(ChildNumber::from_hardened_idx(index).ok()?),
        }
        Some(path)
    }
}

impl fmt::Display for PathExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            match step {
                Step::One(child) => write!(f, "/{}", text(*child))?,
                Step::Branches(children) => {
                    let children: Vec<_> = children.iter().map(|child| text(*child)).collect();
                    write!(f, "/<{}>", children.join(";"))?;
                }
            }
        }
        f.write_str(match self.wildcard {
            Wildcard::None => "",
            Wildcard::Normal => "/*",
            Wildcard::Hardened => "/*h",
        })
    }
}

/// A step as text, with `h` if it is hardened.
pub(crate) fn text(child: ChildNumber) -> String {
    match child {
        ChildNumber::Normal { index } => index.to_string(),
        ChildNumber::Hardened { index } => format!("{index}h"),
    }
}

/// Reads one step. `h` and `'` mark hardened ones, `H` does not.
pub(crate) fn parse_step(text: &str) -> Result<ChildNumber, KeyError> {
    let (digits, is_hardened) = match text.strip_suffix(['h', '\'']) {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    // The parser of integers takes a plus sign, which is none here.
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(KeyError::Step);
    }
    let index = digits.parse().map_err(|_| KeyError::Step)?;
    let child = if is_hardened { ChildNumber::from_hardened_idx(index) } else { ChildNumber::from_normal_idx(index) };
    child.map_err(|_| KeyError::Step)
}

fn parse_branches(text: &str) -> Result<Step, KeyError> {
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).ok_or(KeyError::Multipath)?;
    let children = inner.split(';').map(parse_step).collect::<Result<Vec<_>, _>>().map_err(|_| KeyError::Multipath)?;
    if children.len() < 2 { Err(KeyError::Multipath) } else { Ok(Step::Branches(children)) }
}
