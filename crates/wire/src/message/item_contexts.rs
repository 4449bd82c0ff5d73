//! The keys under which the items of one request are signed.

use motet_core_crypto::bip328::AggregateChild;
use motet_core_crypto::{KeyAggContext, PublicKey, XOnlyPublicKey};

use super::request::{Derivation, Item, ItemError};

impl Item {
    /// The key aggregation context under which this item is signed, computed locally from the listed keys.
    ///
    /// # Errors
    ///
    /// [`ItemError`], with negligible probability unless the keys were chosen to cancel each other out.
    pub fn key_context(&self, keys: &[PublicKey]) -> Result<KeyAggContext, ItemError> {
        ItemContexts::new(keys).of(self)
    }

    /// The x-only key under which this item's signature will verify.
    ///
    /// # Errors
    ///
    /// As [`Item::key_context`].
    pub fn verification_key(&self, keys: &[PublicKey]) -> Result<XOnlyPublicKey, ItemError> {
        self.key_context(keys).map(|context| context.aggregate_key())
    }
}

/// The key aggregation contexts of many items under the same keys. The keys are aggregated once, and items whose paths differ in
/// the last step alone share the steps before it.
#[derive(Debug)]
pub struct ItemContexts<'a> {
    keys: &'a [PublicKey],
    aggregate: Option<KeyAggContext>,
    /// The last parent of a derived key, with its path.
    parent: Option<(Vec<u32>, AggregateChild)>,
}

impl<'a> ItemContexts<'a> {
    /// Nothing is computed yet.
    pub const fn new(keys: &'a [PublicKey]) -> Self {
        Self { keys, aggregate: None, parent: None }
    }

    /// The context of one item.
    ///
    /// # Errors
    ///
    /// As [`Item::key_context`].
    pub fn of(&mut self, item: &Item) -> Result<KeyAggContext, ItemError> {
        let (context, taproot) = match &item.derivation {
            Derivation::Members { paths, taproot } => {
                let children = paths.children(self.keys).map_err(ItemError::Derivation)?;
                (KeyAggContext::sorted_in_place(&children).map_err(ItemError::Keys)?, taproot.as_ref())
            }
            Derivation::None => (self.aggregate()?, None),
            Derivation::Taproot { merkle_root } => (self.aggregate()?, Some(merkle_root)),
            Derivation::Bip328 { path } => (self.at(path)?, None),
            Derivation::Bip328Taproot { path, merkle_root } => (self.at(path)?, Some(merkle_root)),
        };
        let Some(merkle_root) = taproot else { return Ok(context) };
        context.with_taproot(merkle_root.as_ref()).map_err(ItemError::Derivation)
    }

    fn aggregate(&mut self) -> Result<KeyAggContext, ItemError> {
        if let Some(aggregate) = &self.aggregate {
            return Ok(aggregate.clone());
        }
        let aggregate = KeyAggContext::new(self.keys).map_err(ItemError::Keys)?;
        Ok(self.aggregate.insert(aggregate).clone())
    }

    /// The key at a path below the aggregate key.
    fn at(&mut self, path: &[u32]) -> Result<KeyAggContext, ItemError> {
        let Some((last, before)) = path.split_last() else { return self.aggregate() };
        let parent = match &self.parent {
            Some((known, parent)) if known == before => parent.clone(),
            _ => {
                let root = AggregateChild::root(self.aggregate()?);
                let parent = root.descendant(before).map_err(ItemError::Derivation)?;
                self.parent.insert((before.to_vec(), parent)).1.clone()
            }
        };
        let child = parent.descendant(&[*last]).map_err(ItemError::Derivation)?;
        Ok(child.into_context())
    }
}
