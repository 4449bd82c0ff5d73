//! Seeds of words (BIP-39), and the accounts of groups below them (BIP-87).

use std::io::IsTerminal as _;
use std::path::Path;

use bitcoin::Network;
use motet_node::OsEntropy;
use motet_wallet::keys::{Seed, SeedError, words_of};
use rand_core::TryRng as _;
use serde_json::json;
use zeroize::Zeroizing;

use crate::args::{GroupSeedArgs, SeedArgs};
use crate::exit::{Exit, Failed};
use crate::output::Output;
use crate::secret_file;

/// Words in a line of the terminal.
const COLUMNS: usize = 4;

/// Makes a seed of 24 words: in a file, or shown once on the terminal.
pub(super) fn make(args: &GroupSeedArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(args.json);
    if args.words_file.is_none() && !std::io::stdout().is_terminal() {
        let failed = Failed::usage("the words are secret, and are shown on a terminal alone");
        return Err(failed.hint("write them to a file of your own with --words-file FILE"));
    }
    let mut entropy = Zeroizing::new([0; 32]);
    OsEntropy.try_fill_bytes(entropy.as_mut_slice()).map_err(Failed::here)?;
    let words = words_of(&*entropy).map_err(Failed::here)?;
    let fingerprint = Seed::from_words(&words, "").map_err(Failed::here)?.fingerprint().to_string();
    match &args.words_file {
        Some(path) => {
            secret_file::write_words(path, &words)?;
            let file = path.display().to_string();
            let lines = format!("seed        {fingerprint}\nwritten to  {file} (keep it secret, keep a copy on paper)");
            let told = output.result(&lines, &json!({"event": "seed", "fingerprint": fingerprint, "file": file}));
            told.map_err(|failed| failed.hint(format!("the words have been written to {file}")))?;
        }
        None => output.result(&sheet(&words, &fingerprint), &json!({}))?,
    }
    Ok(Exit::Success)
}

/// The words for a person that writes them down.
fn sheet(words: &str, fingerprint: &str) -> Zeroizing<String> {
    let mut lines = Zeroizing::new(String::with_capacity(2048));
    lines.push_str(
        "Write these words on paper, in this order. They are shown once, and anybody with them has the keys.\n",
    );
    for (place, word) in words.split(' ').enumerate() {
        if place % COLUMNS == 0 {
            lines.push('\n');
        }
        lines.push_str(&format!("{:>4} ", place + 1));
        lines.push_str(word);
        // No word is longer than eight letters.
        (word.len()..10).for_each(|_| lines.push(' '));
    }
    lines.push_str("\n\nseed        ");
    lines.push_str(fingerprint);
    lines
}

/// The key expression of an account of words in a file. Writes its secret key to a file, if one is named.
pub(super) fn account_of_words(
    words: &Path,
    args: &SeedArgs,
    chain: Network,
    output: &Output,
) -> Result<String, Failed> {
    let text = secret_file::read_words(words)?;
    let passphrase = args.seed_passphrase_file.as_deref().map(secret_file::read_passphrase).transpose()?;
    let passphrase = passphrase.as_ref().map_or("", |text| text.as_str());
    account(words, (&text, passphrase), args, chain, output)
}

/// The key expression of an account of a seed, of words and a passphrase. Writes its secret key to a file, if one is named.
pub(super) fn account(
    place: &Path,
    (words, passphrase): (&str, &str),
    args: &SeedArgs,
    chain: Network,
    output: &Output,
) -> Result<String, Failed> {
    let failed = |error: SeedError| Failed::usage(format!("{}: {error}", place.display()));
    let account = Seed::from_words(words, passphrase);
    let account = account.and_then(|seed| seed.account(chain, args.account.unwrap_or_default())).map_err(failed)?;
    let expression = account.key_expression().to_string();
    if let Some(path) = &args.out {
        let signer = account.public_key().to_string();
        secret_file::write_key(path, &account.into_secret_key())?;
        let file = path.display().to_string();
        let lines = format!("signer key  {signer}\nwritten to  {file} (keep it secret)");
        output.result(&lines, &json!({"event": "key", "signer": signer, "file": file}))?;
    }
    Ok(expression)
}
