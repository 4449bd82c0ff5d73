//! `motet keygen`: a signer key in a file.

use motet_core_crypto::SecretKey;
use motet_node::OsEntropy;
use serde_json::json;

use crate::args::KeygenArgs;
use crate::exit::{Exit, Failed};
use crate::output::{Format, Output};
use crate::secret_file;

pub(crate) fn run(args: &KeygenArgs) -> Result<Exit, Failed> {
    let key = SecretKey::generate(&mut OsEntropy).map_err(Failed::here)?;
    secret_file::write_key(&args.out, &key)?;
    let output = Output::new(Format::of(args.json), motet_wire::MonotonicMs::default());
    let signer = key.public_key().to_string();
    let file = args.out.display().to_string();
    let lines = format!("signer key  {signer}\nwritten to  {file} (keep it secret, keep a copy)");
    let told = output.result(&lines, &json!({"event": "key", "signer": signer, "file": file}));
    told.map_err(|failed| failed.hint(format!("the key {signer} has been written to {file}")))?;
    Ok(Exit::Success)
}
