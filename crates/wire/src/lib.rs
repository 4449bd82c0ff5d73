//! Placeholder: the modules beside this file are joined here once the types of `motet-core-crypto` that they hold exist.
