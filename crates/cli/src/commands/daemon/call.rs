//! A call of a running signer: the client that the command line means, its failures, and short ids of requests.

use std::path::PathBuf;

use motet_daemon::{Client, Token};
use motet_wire::RequestId;
use serde::Serialize;

use crate::args::CalledArgs;
use crate::data_folder;
use crate::exit::Failed;
use crate::output::Output;
pub(super) use crate::running_signer::explain;

/// The client of the running signer that the command line names.
pub(in crate::commands) fn client(called: &CalledArgs) -> Result<Client, Failed> {
    let folder = folder(called)?;
    let Some(address) = called.api else { return Ok(Client::unix(&folder)) };
    let token = Token::read(&folder).map_err(|error| {
        Failed::here(error).hint("the token is in the data folder of a signer that was started with --api ADDRESS")
    })?;
    Ok(Client::tcp(address, token))
}

/// The data folder that the command line names.
pub(in crate::commands) fn folder(called: &CalledArgs) -> Result<PathBuf, Failed> {
    let named = data_folder::named(called.data.as_deref(), called.key.as_deref(), called.keystore.as_deref())?;
    named.ok_or_else(|| {
        let hint = "name its key with --key KEY, its data folder with --data DIR, or either in the configuration";
        Failed::usage("which running signer is meant?").hint(hint)
    })
}

/// The request that begins with these digits, among those that the signer knows.
pub(super) fn resolve(beginning: &str, known: impl IntoIterator<Item = RequestId>) -> Result<RequestId, Failed> {
    if let Ok(whole) = beginning.parse() {
        return Ok(whole);
    }
    let mut matching: Vec<RequestId> =
        known.into_iter().filter(|request| request.to_string().starts_with(beginning)).collect();
    matching.sort();
    matching.dedup();
    match matching.as_slice() {
        [only] => Ok(*only),
        [] => Err(Failed::here(format!("no request here begins with {beginning}"))
            .hint("`motet requests` and `motet sessions` list the ids")),
        several => {
            let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(Failed::here(format!("several requests begin with {beginning}")).hint(ids.join("\n")))
        }
    }
}

/// The request that begins with these digits, among the sessions of the signer.
pub(super) async fn session_of(client: &Client, beginning: &str) -> Result<RequestId, Failed> {
    if let Ok(whole) = beginning.parse() {
        return Ok(whole);
    }
    let sessions = client.sessions().await.map_err(|error| explain(&error))?;
    resolve(beginning, sessions.into_iter().map(|session| session.status.request))
}

/// Prints an answer: lines for people, or its body for programs.
pub(super) fn print(output: &Output, lines: &str, body: &impl Serialize) -> Result<(), Failed> {
    output.result(lines, &serde_json::to_value(body).map_err(Failed::here)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_stands_for_one_request() {
        let request = |first: u8, last: u8| {
            let mut bytes = [0; 32];
            (bytes[0], bytes[31]) = (first, last);
            RequestId::from_bytes(bytes)
        };
        let known = [request(0xab, 1), request(0xab, 2), request(0xcd, 1), request(0xcd, 1)];
        assert_eq!(resolve("cd00", known).unwrap(), request(0xcd, 1));
        assert!(resolve("ab00", known).unwrap_err().what.contains("several"));
        assert!(resolve("ef00", known).unwrap_err().what.contains("no request"));
        let whole = request(0xef, 9);
        assert_eq!(resolve(&whole.to_string(), known).unwrap(), whole);
    }
}
