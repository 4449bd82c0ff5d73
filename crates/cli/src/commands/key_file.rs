//! A signer key in a file that is not encrypted.

use std::path::Path;

use motet_core_crypto::SecretKey;
use motet_node::OsEntropy;
use serde_json::json;

use crate::exit::{Exit, Failed};
use crate::output::Output;
use crate::secret_file;

/// Makes a signer key, and writes it to a file that must not exist.
pub(crate) fn make(path: &Path, json: bool) -> Result<Exit, Failed> {
    let key = SecretKey::generate(&mut OsEntropy).map_err(Failed::here)?;
    secret_file::write_key(path, &key)?;
    let signer = key.public_key().to_string();
    let file = path.display().to_string();
    let lines = format!("signer key  {signer}\nwritten to  {file} (keep it secret, keep a copy)");
    let told = Output::without_node(json).result(&lines, &json!({"event": "key", "signer": signer, "file": file}));
    told.map_err(|failed| failed.hint(format!("the key {signer} has been written to {file}")))?;
    Ok(Exit::Success)
}
