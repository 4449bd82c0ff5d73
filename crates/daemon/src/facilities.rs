//! Parts of the program around a daemon that its callers may use.

use core::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use motet_node::{PublicKey, Signer};

use crate::keys::Keys;
use crate::webhook::Webhook;

/// The log of the program.
pub trait LogControl: fmt::Debug + Send + Sync {
    /// The filter now.
    fn filter(&self) -> String;

    /// Replaces the filter.
    ///
    /// # Errors
    ///
    /// The reason for which the text is no filter, for people.
    fn set_filter(&self, filter: &str) -> Result<(), String>;
}

/// The keys that callers may have served beside the first one. They name a key; no call carries one.
#[async_trait]
pub trait KeyRing: fmt::Debug + Send + Sync {
    /// The signer with the key of this name.
    ///
    /// # Errors
    ///
    /// The reason for which it cannot be used, for people.
    async fn signer(&self, name: &str) -> Result<Arc<dyn Signer>, String>;

    /// Lets go of a key that is served no more.
    fn release(&self, signer: &PublicKey);
}

/// Parts of the program that a daemon uses; by default, none is there.
#[derive(Debug, Clone, Default)]
pub struct Facilities {
    /// Programs that get events.
    pub webhooks: Vec<Webhook>,
    /// The log.
    pub log: Option<Arc<dyn LogControl>>,
    /// Further keys.
    pub keys: Option<Arc<dyn KeyRing>>,
    /// The key of the first signer, which callers lock and unlock.
    pub signer_keys: Option<Arc<dyn Keys>>,
}
