//! Asks the person at the terminal.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use motet_coordinator::{Decision, Policy, Proposal};
use motet_wire::{Commitments, Derivation};

use crate::output::printable;

/// One question at a time.
static TERMINAL: Mutex<()> = Mutex::new(());

/// Shows exactly what would be signed, and waits for a yes.
#[derive(Debug)]
pub(crate) struct Prompt;

#[async_trait]
impl Policy for Prompt {
    async fn decide(&self, proposal: Proposal) -> Decision {
        let declined = || Decision::Decline { reason: "declined".to_owned() };
        let answer = tokio::task::spawn_blocking(move || ask(&proposal)).await;
        if answer.unwrap_or(false) { Decision::Approve } else { declined() }
    }
}

/// The question goes to standard error, so that standard output stays what programs read.
fn ask(proposal: &Proposal) -> bool {
    let _only_one = TERMINAL.lock().unwrap_or_else(PoisonError::into_inner);
    let mut terminal = std::io::stderr().lock();
    let _ = write!(terminal, "{}sign this? [y/N] ", describe(proposal));
    let _ = terminal.flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    if !std::io::stdin().is_terminal() {
        let _ = writeln!(terminal, "{}", answer.trim());
    }
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// What is approved, in words.
fn describe(proposal: &Proposal) -> String {
    let terms = &proposal.terms;
    let mut text = format!("\nrequest {}\n", proposal.request);
    text.push_str(&format!("  asked by   {}\n", terms.creator.signer));
    for (index, key) in terms.keys.iter().enumerate() {
        let you = if *key == proposal.signer { " (you)" } else { "" };
        text.push_str(&format!("  signer {:<3} {key}{you}\n", index + 1));
    }
    for ((index, item), key) in terms.items.iter().enumerate().zip(&proposal.keys) {
        text.push_str(&format!("  message {:<2} {}\n", index + 1, message(&item.message)));
        text.push_str(&format!("  under key  {key}{}\n", derivation(&item.derivation)));
    }
    if !terms.metadata.description.is_empty() {
        text.push_str(&format!(
            "  they say   {} (nothing ties this to the message)\n",
            printable(&terms.metadata.description)
        ));
    }
    if let Some(amount) = terms.metadata.amount {
        text.push_str(&format!("  they say   amount {amount} (nothing ties this to the message)\n"));
    }
    if terms.options.commitments == Commitments::Off {
        text.push_str("  without nonce commitments\n");
    }
    text
}

fn message(bytes: &[u8]) -> String {
    match core::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => format!("{text:?} ({} bytes)", bytes.len()),
        _ => format!("{} ({} bytes)", hex::encode(bytes), bytes.len()),
    }
}

fn derivation(derivation: &Derivation) -> String {
    match derivation {
        Derivation::None => String::new(),
        Derivation::Taproot { merkle_root } => match merkle_root {
            None => " (Taproot, no scripts)".to_owned(),
            Some(root) => format!(" (Taproot, scripts {})", hex::encode(root)),
        },
        Derivation::Bip328 { path } => format!(" (BIP-328 path {path:?})"),
        Derivation::Bip328Taproot { path, .. } => format!(" (BIP-328 path {path:?}, Taproot)"),
        _ => " (a derivation that this version does not know)".to_owned(),
    }
}
