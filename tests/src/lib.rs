//! What Motet's cross-crate tests share: fixtures, and those who attack.

pub mod wire_fixtures;
pub mod wire_forge;
