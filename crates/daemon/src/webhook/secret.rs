//! The secret of webhooks, and signatures with it, as Standard Webhooks has them.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::private_file::{self, SecretFileError};

/// The name of the file in the data folder.
pub const FILE: &str = "webhook.secret";
/// The beginning of the text of a secret.
const PREFIX: &str = "whsec_";
/// Bytes of a new secret.
const BYTES: usize = 32;
/// Bytes that a secret may have.
const LENGTHS: core::ops::RangeInclusive<usize> = 24..=64;

/// The secret that signs what is sent.
pub(crate) struct Secret(Vec<u8>);

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// The secret of a data folder, which is made at the first call: `whsec_` and the Base64 form of 32 random bytes.
    pub(super) fn read_or_make(folder: &Path) -> Result<Self, SecretFileError> {
        let path = folder.join(FILE);
        let fault = |what: String| SecretFileError { path: path.clone(), what };
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|error| fault(error.to_string()))?;
        private_file::make(&path, &format!("{PREFIX}{}", STANDARD.encode(bytes)))?;
        let text = private_file::read(&path)?;
        Self::of(&text)
            .ok_or_else(|| fault(format!("this is no secret of a webhook: {PREFIX} and 24 to 64 bytes in Base64")))
    }

    fn of(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        LENGTHS.contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The value of the header `webhook-signature`: `v1,` and the Base64 form of HMAC-SHA256 over id, time and body, with dots between them.
    pub(super) fn signature(&self, id: &str, seconds: u64, body: &[u8]) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in the specification's reference libraries.
    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        let secret = Secret::of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = secret.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_made_once_and_what_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let made = Secret::read_or_make(folder.path()).unwrap();
        assert_eq!((made.0.len(), Secret::read_or_make(folder.path()).unwrap().0), (BYTES, made.0.clone()));
        assert_eq!(format!("{made:?}"), "Secret(..)");
        for text in ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!"] {
            assert!(Secret::of(text).is_none(), "{text}");
        }
    }
}
