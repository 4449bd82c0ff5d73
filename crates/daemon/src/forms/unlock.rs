//! The passphrase of a keystore.

use core::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::{Zeroize as _, Zeroizing};

/// The secret that unlocks the signers' keys. It is overwritten when dropped.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    /// The passphrase of the keystore; a key file needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passphrase: Option<String>,
}

impl Unlock {
    /// With this passphrase, or without one.
    pub fn new(passphrase: Option<&Zeroizing<String>>) -> Self {
        Self { passphrase: passphrase.map(|passphrase| passphrase.as_str().to_owned()) }
    }

    pub(crate) fn into_passphrase(mut self) -> Option<Zeroizing<String>> {
        self.passphrase.take().map(Zeroizing::new)
    }
}

impl Drop for Unlock {
    fn drop(&mut self) {
        self.passphrase.zeroize();
    }
}

impl fmt::Debug for Unlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unlock").finish_non_exhaustive()
    }
}
