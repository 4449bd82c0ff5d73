//! `motet backup`: one encrypted file with all that a signer needs, but for what could be used twice.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use motet_keystore::{Cost, backup};
use motet_node::event::Completed;
use motet_node::{OsEntropy, Store as _};
use serde_json::json;

use crate::args::BackupArgs;
use crate::backup_file::{Backup, Place, Saved};
use crate::counted::counted;
use crate::exit::{Exit, Failed};
use crate::group_folder::GroupFolder;
use crate::keystore::KeystoreFile;
use crate::output::Output;
use crate::running_signer::{answering, explain};
use crate::{config, contact_book, data_folder, files, passphrase, signer_key};

/// Most bytes of one file in a backup.
const FILE_BYTES: u64 = 4 * 1024 * 1024;

pub(crate) async fn run(args: BackupArgs, config: Option<&Path>) -> Result<Exit, Failed> {
    let output = Output::without_node(args.json);
    if args.file.symlink_metadata().is_ok() {
        let failed = Failed::here(format!("{} exists already, and no backup is overwritten", args.file.display()));
        return Err(failed.hint("name another file"));
    }
    let beside = signer_key::beside(&args.key, args.keystore.keystore.as_deref())?;
    let folder = args.data.clone().unwrap_or_else(|| data_folder::of_key(&beside));
    let (proofs, results) = lasting(&folder).await?;
    let is_in_keystore = signer_key::is_in_keystore(&args.key);
    let mut saved = Vec::new();
    let store = KeystoreFile::of(&args.keystore)?;
    let passphrase = if is_in_keystore {
        let passphrase = passphrase::of(store.path(), args.keystore.passphrase_file.as_deref())?;
        // A backup under a passphrase that does not open the keystore in it would be of no use.
        signer_key::load_with(&args.key, &args.keystore, Some(&passphrase))?;
        save(&mut saved, Place::Keystore, store.path())?;
        passphrase
    } else {
        signer_key::load(&args.key, &args.keystore)?;
        save(&mut saved, Place::KeyFile, &args.key)?;
        passphrase::of_new(&args.file, args.keystore.passphrase_file.as_deref())?
    };
    for path in GroupFolder::files(&args.groups)? {
        save(&mut saved, Place::Group, &path)?;
    }
    // Without a home there is none to save.
    let config = config::place(config).ok();
    for (place, path) in [
        (Place::Config, config),
        (Place::Rules, args.policy.clone()),
        (Place::Contacts, Some(contact_book::path(&folder))),
    ] {
        if let Some(path) = path.filter(|path| path.symlink_metadata().is_ok()) {
            save(&mut saved, place, &path)?;
        }
    }
    let count = saved.len();
    let key = name_of(&args.key)?;
    let content = Backup::new(key, saved, proofs, results).to_bytes()?;
    let sealed = backup::seal(&content, &passphrase, Cost::DEFAULT, &mut OsEntropy).map_err(Failed::here)?;
    let name = args.file.display();
    files::create(&args.file, &sealed).map_err(|error| {
        Failed::here(format!("cannot write {name}: {error}")).hint("mend that, or name another file")
    })?;
    let line = format!(
        "{} in {name}, encrypted; bring it elsewhere, and keep the passphrase apart from it",
        counted(count, "file")
    );
    output.result(&line, &json!({"event": "backup", "file": name.to_string(), "files": count}))?;
    Ok(Exit::Success)
}

/// Proofs and signatures of a data folder: a running signer is asked, and the store of another is read.
async fn lasting(folder: &Path) -> Result<(Vec<String>, Vec<Completed>), Failed> {
    if let Some((client, _)) = answering(folder).await {
        let proofs = client.evidence().await.map_err(|error| explain(&error))?.proofs;
        let results = client.results().await.map_err(|error| explain(&error))?.results;
        return Ok((proofs.iter().map(|proof| hex::encode(&proof.evidence)).collect(), results));
    }
    if !data_folder::has_records(folder) {
        return Ok((Vec::new(), Vec::new()));
    }
    let stored = data_folder::records(folder)?.load().map_err(|error| data_folder::explain(&error, Some(folder)))?;
    let fresh = |result: &Completed| !stored.noted.contains(&result.request);
    let results = stored.results.iter().filter(|result| fresh(result)).cloned().collect();
    Ok((stored.proofs.iter().map(hex::encode).collect(), results))
}

fn save(saved: &mut Vec<Saved>, place: Place, path: &Path) -> Result<(), Failed> {
    let shown = path.display();
    // A link may lead to the file.
    let real = fs::canonicalize(path).map_err(|error| Failed::here(format!("{shown}: {error}")))?;
    let content = files::read_up_to(&real, FILE_BYTES).map_err(|error| Failed::here(format!("{shown}: {error}")))?;
    let content = content.ok_or_else(|| Failed::here(format!("{shown} has more than {FILE_BYTES} bytes")))?;
    saved.push(Saved { place, name: name_of(path)?, content });
    Ok(())
}

fn name_of(path: &Path) -> Result<String, Failed> {
    let name = path.file_name().and_then(OsStr::to_str);
    name.map(str::to_owned).ok_or_else(|| Failed::here(format!("{}: this name cannot be kept", path.display())))
}
