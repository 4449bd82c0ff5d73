//! The profiles of simulated worlds: calm, normal, brutal and deep.

/// How hard a world is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// Nothing breaks and nobody lies, but messages take their time.
    Calm,
    /// Some things break, some lie.
    #[default]
    Normal,
    /// Everything breaks.
    Brutal,
    /// Some lie, talk all the time, and come deep into every phase: little breaks but what makes attempts fail.
    Deep,
}

impl Profile {
    /// The profile of this name.
    pub fn named(name: &str) -> Option<Self> {
        [("calm", Self::Calm), ("normal", Self::Normal), ("brutal", Self::Brutal), ("deep", Self::Deep)]
            .into_iter()
            .find_map(|(known, profile)| (known == name).then_some(profile))
    }
}
