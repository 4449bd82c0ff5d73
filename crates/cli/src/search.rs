//! The search for signers: advertisements that other nodes send are read first, and the DHT is asked beside it.

use core::time::Duration;

use motet_node::SignerQuery;

use crate::asker::{Asker, Offered};
use crate::exit::{Exit, Failed};
use crate::text::printable;

/// Pause between two rounds of the search.
const PAUSE: Duration = Duration::from_millis(250);

/// Shows `look` the known signers, again and again, until it has the wanted ones. `None` if it still has not when the
/// time is up; then it has seen all that were found.
pub(crate) async fn search<T>(
    node: &Asker,
    wishes: &SignerQuery,
    time: Duration,
    mut look: impl FnMut(&[Offered]) -> Result<Option<T>, Failed>,
) -> Result<Option<T>, Failed> {
    let looking = async {
        loop {
            node.meet().await;
            let known = node.known(wishes).await?;
            if let Some(done) = look(&known)? {
                return Ok::<_, Failed>(done);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    // The DHT may know of signers that no node has told of. It takes seconds, and the signers that are found before do
    // not wait for it.
    let asking = async {
        loop {
            tokio::time::sleep(PAUSE).await;
            node.look(wishes).await?;
        }
    };
    let either = async {
        tokio::select! {
            found = looking => found,
            failed = asking => failed,
        }
    };
    if let Ok(found) = tokio::time::timeout(time, either).await {
        return found.map(Some);
    }
    look(&node.known(wishes).await?)
}

/// Adds the user's next steps to the failure of a search.
pub(crate) async fn explain(failed: Failed, node: &Asker) -> Failed {
    if failed.exit != Exit::NotFound || failed.next.is_some() {
        return failed;
    }
    let named = unreached(node).await;
    let exit = if node.is_alone().await { Exit::NoPeers } else { failed.exit };
    Failed { exit, ..failed.hint(hint(&named)) }
}

/// The state of each node that was named with `--peer` or `--relay`: its address, and whether it is connected or the
/// reason why not.
async fn unreached(node: &Asker) -> Vec<(String, String)> {
    let words = |contact: &str, reason: Option<&str>| match (contact, reason) {
        ("connected", _) => "connected".to_owned(),
        (_, None) => "not connected yet".to_owned(),
        (_, Some(reason)) => format!("not connected: {}", printable(reason)),
    };
    let named = node.named().await.into_iter();
    named.map(|(address, contact, reason)| (printable(&address), words(&contact, reason.as_deref()))).collect()
}

/// The hint for a signer that was not found: the nodes that were named, each with its state.
fn hint(named: &[(String, String)]) -> String {
    if named.is_empty() {
        return "check that they run, on the same network, and name a node that runs with --peer".to_owned();
    }
    let states: Vec<String> = named.iter().map(|(address, state)| format!("\n  --peer {address}: {state}")).collect();
    format!(
        "check that they run, on the same network, and that the nodes named with --peer are reached:{}",
        states.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_names_each_node_and_its_state() {
        let hint = hint(&[("/ip4/192.0.2.1/tcp/1/p2p/x".to_owned(), "not connected: refused".to_owned())]);
        assert!(hint.ends_with("\n  --peer /ip4/192.0.2.1/tcp/1/p2p/x: not connected: refused"), "{hint}");
        assert!(super::hint(&[]).contains("name a node that runs with --peer"));
    }
}
