//! `motet restore`: a backup becomes files again, where there are none.

use std::path::{Path, PathBuf};

use motet_keystore::limits::BACKUP_BYTES;
use motet_keystore::{OpenError, backup};
use motet_node::{Record, Store as _};
use serde_json::json;

use crate::args::RestoreArgs;
use crate::backup_file::{Backup, Place};
use crate::exit::{Exit, Failed};
use crate::group_folder::GroupFolder;
use crate::output::Output;
use crate::{config, contact_book, data_folder, files, keystore, passphrase};

/// More bytes than the largest backup has.
const FILE_BYTES: usize = BACKUP_BYTES + 1024;

pub(crate) fn run(args: &RestoreArgs, config: Option<&Path>) -> Result<Exit, Failed> {
    let output = Output::without_node(args.json);
    let name = args.file.display();
    let most = u64::try_from(FILE_BYTES).unwrap_or(u64::MAX);
    let bytes = files::read_up_to(&args.file, most).map_err(|error| Failed::here(format!("{name}: {error}")))?;
    let bytes = bytes.filter(|bytes| backup::is_backup(bytes)).ok_or_else(|| {
        Failed::new(Exit::Refused, format!("{name} is no backup")).hint("name a file that `motet backup` has written")
    })?;
    let passphrase = passphrase::of(&args.file, args.keystore.passphrase_file.as_deref())?;
    let content = backup::open(&bytes, &passphrase).map_err(|error| {
        if error == OpenError::Locked {
            return Failed::new(Exit::Locked, format!("{name}: the passphrase is wrong, or the file is damaged"));
        }
        Failed::new(Exit::Refused, format!("{name}: {error}"))
    })?;
    let backup = Backup::parse(&content)?;
    let places = Places::of(args, &backup, config)?;
    // All places are free before any is taken.
    let targets = backup.files.iter().map(|saved| places.of_file(saved.place, &saved.name)).collect::<Vec<_>>();
    for target in targets.iter().chain([&places.data]) {
        if target.symlink_metadata().is_ok() {
            let what = format!("{} exists already, and a backup overwrites nothing", target.display());
            return Err(Failed::here(what)
                .hint("nothing was restored; move it away, or name other places (motet help restore)"));
        }
    }
    let unwritten = |path: &Path, error: &dyn core::fmt::Display| {
        let what = format!("cannot write {}: {error}", path.display());
        Failed::here(what).hint("mend that, remove what was restored so far, and restore again")
    };
    files::make_folder(&places.data).map_err(|error| unwritten(&places.data, &error))?;
    for (saved, target) in backup.files.iter().zip(&targets) {
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.map_or(Ok(()), files::make_folder).map_err(|error| unwritten(target, &error))?;
        files::create(target, &saved.content).map_err(|error| unwritten(target, &error))?;
        let line = format!("restored {}", target.display());
        output.result(&line, &json!({"event": "restored", "file": target.display().to_string()}))?;
    }
    let mut records = Vec::new();
    for proof in &backup.proofs {
        let evidence =
            hex::decode(proof).map_err(|_| Failed::new(Exit::Refused, "a proof in this backup is damaged"))?;
        records.push(Record::Proved { evidence: evidence.into() });
    }
    // A request that has ended is never signed again, and its signatures wait for whoever has not noted them.
    records.extend(
        backup.results.iter().map(|result| Record::Ended { request: result.request, result: Some(result.clone()) }),
    );
    let store = data_folder::new_records(&places.data)?;
    store.commit(&records).map_err(|error| data_folder::explain(&error, Some(&places.data)))?;
    let key = places.key.display();
    output.say(&format!(
        "the signer begins as a new node with its old key: end every other process with this key first, since two of them \
         contradict each other\nnext:\n  motet doctor --key {key}\n  motet run --key {key}"
    ));
    Ok(Exit::Success)
}

/// Places of the files.
struct Places {
    /// The key, as `--key` names it.
    key: PathBuf,
    keystore: PathBuf,
    data: PathBuf,
    groups: PathBuf,
    config: PathBuf,
}

impl Places {
    fn of(args: &RestoreArgs, backup: &Backup, config: Option<&Path>) -> Result<Self, Failed> {
        let is_file = backup.files.iter().any(|saved| saved.place == Place::KeyFile);
        let key = match &args.key {
            Some(key) if is_file => key.clone(),
            _ => PathBuf::from(&backup.key),
        };
        let keystore = keystore::path(args.keystore.keystore.as_deref())?;
        let beside = if is_file { key.clone() } else { keystore.with_file_name(&backup.key) };
        let data = args.data.clone().unwrap_or_else(|| data_folder::of_key(&beside));
        let groups = GroupFolder::place(&args.groups)?;
        let config = config::place(config)?;
        Ok(Self { key, keystore, data, groups, config })
    }

    fn of_file(&self, place: Place, name: &str) -> PathBuf {
        match place {
            Place::Keystore => self.keystore.clone(),
            Place::KeyFile => self.key.clone(),
            Place::Group => self.groups.join(name),
            Place::Config => self.config.clone(),
            Place::Rules => self.config.with_file_name(name),
            Place::Contacts => contact_book::path(&self.data),
        }
    }
}
