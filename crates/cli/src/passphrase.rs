//! The passphrase of a keystore: from a file, from the service manager, or from the person at the terminal.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use motet_keystore::Passphrase;
use zeroize::Zeroizing;

use crate::args::KeystoreArgs;
use crate::exit::{Exit, Failed};
use crate::interrupt::Interrupts;
use crate::prompt::hidden::{self, Hidden};
use crate::secret_file;

/// The name of the credential that a service manager hands over (systemd: `LoadCredential=motet-passphrase:FILE`).
const CREDENTIAL: &str = "motet-passphrase";

/// The passphrase of a keystore that exists.
pub(crate) fn of(keystore: &Path, file: Option<&Path>) -> Result<Passphrase, Failed> {
    match file.map(Path::to_owned).or_else(handed_over) {
        Some(file) => read(&file),
        None => ask(&format!("passphrase of {}: ", keystore.display()), "--passphrase-file FILE"),
    }
}

/// True if the passphrase can be read again, without a person.
pub(crate) fn is_there(args: &KeystoreArgs) -> bool {
    args.passphrase_file.as_ref().is_some_and(|file| file.as_os_str() != "-") || handed_over().is_some()
}

/// The text of the passphrase that unlocks the key of a running signer.
pub(crate) fn to_unlock(file: Option<&Path>) -> Result<Zeroizing<String>, Failed> {
    match file {
        Some(file) => secret_file::read_keystore_passphrase(file),
        None => type_in("passphrase of the signer's keystore: ", "--passphrase-file FILE"),
    }
}

/// The passphrase of a keystore that is made. A person types it twice.
pub(crate) fn of_new(keystore: &Path, file: Option<&Path>) -> Result<Passphrase, Failed> {
    match file.map(Path::to_owned).or_else(handed_over) {
        Some(file) => read(&file),
        None => ask_twice(keystore, "--passphrase-file FILE"),
    }
}

/// The passphrase that takes the place of an earlier one. A person types it twice.
pub(crate) fn another(keystore: &Path, file: Option<&Path>) -> Result<Passphrase, Failed> {
    file.map_or_else(|| ask_twice(keystore, "--new-passphrase-file FILE"), read)
}

fn read(file: &Path) -> Result<Passphrase, Failed> {
    let text = secret_file::read_keystore_passphrase(file)?;
    Passphrase::new(text).map_err(|error| Failed::usage(format!("{}: {error}", file.display())))
}

/// The file in the folder of secrets that a service manager hands over, if it is there.
fn handed_over() -> Option<PathBuf> {
    let file = PathBuf::from(std::env::var_os(secret_file::HANDED_OVER)?).join(CREDENTIAL);
    (file.is_absolute() && file.exists()).then_some(file)
}

fn ask_twice(keystore: &Path, option: &str) -> Result<Passphrase, Failed> {
    let first = ask(&format!("new passphrase of {}: ", keystore.display()), option)?;
    let again = ask("the same again: ", option)?;
    if first.is_same(&again) {
        return Ok(first);
    }
    Err(Failed::new(Exit::Cancelled, "the two passphrases are not the same: nothing was changed"))
}

fn ask(question: &str, option: &str) -> Result<Passphrase, Failed> {
    Passphrase::new(type_in(question, option)?).map_err(Failed::usage)
}

fn type_in(question: &str, option: &str) -> Result<Zeroizing<String>, Failed> {
    if !std::io::stdin().is_terminal() {
        let failed = Failed::usage("the keystore needs a passphrase, and standard input is no terminal");
        return Err(failed.hint(format!("name a file with the passphrase: {option}; - is standard input")));
    }
    match hidden::ask(question).map_err(Failed::here)? {
        Hidden::Line(line) => Ok(line),
        Hidden::Cancelled => Err(Interrupts::cancelled()),
        Hidden::Ended => Err(Failed::new(Exit::Cancelled, "no passphrase was typed: the terminal has gone")),
    }
}
