//! Results in the file: the signatures of requests, as bytes.
//!
//! `request 32 | attempt id 32 | (aggregate key 32 | signature 64 | length of the message 4, big-endian | message) for each item`

use motet_coordinator::StoreError;
use motet_coordinator::event::{Completed, SignedItem};
use motet_core_crypto::{Signature, XOnlyPublicKey};
use motet_wire::{AttemptId, RequestId};
use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::failed::{damaged, failed};
use super::queue;

pub(super) const RESULTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("results");
pub(super) const NOTED: TableDefinition<'_, &[u8; 32], ()> = TableDefinition::new("noted");

/// Keeps a result. Beyond the limit, the oldest that has been noted makes room, or the oldest if none has; its request is
/// handed back.
pub(super) fn keep(transaction: &WriteTransaction, completed: &Completed) -> Result<Option<RequestId>, StoreError> {
    let mut results = transaction.open_table(RESULTS).map_err(failed)?;
    queue::push(&mut results, &to_bytes(completed))?;
    if !queue::exceeds(&results, crate::limits::RESULTS)? {
        return Ok(None);
    }
    let mut noted = transaction.open_table(NOTED).map_err(failed)?;
    let mut gone = None;
    for entry in results.iter().map_err(failed)? {
        let (number, bytes) = entry.map_err(failed)?;
        let request = *bytes.value().first_chunk::<32>().ok_or_else(damaged)?;
        let is_noted = noted.get(&request).map_err(failed)?.is_some();
        if is_noted || gone.is_none() {
            gone = Some((number.value(), request));
        }
        if is_noted {
            break;
        }
    }
    let Some((number, request)) = gone else { return Ok(None) };
    results.remove(number).map_err(failed)?;
    noted.remove(&request).map_err(failed)?;
    Ok(Some(RequestId::from_bytes(request)))
}

/// Notes that the application has the result of a request, if it is kept.
pub(super) fn note(transaction: &WriteTransaction, request: &RequestId) -> Result<(), StoreError> {
    let results = transaction.open_table(RESULTS).map_err(failed)?;
    // The latest are noted first.
    for entry in results.iter().map_err(failed)?.rev() {
        if entry.map_err(failed)?.1.value().starts_with(request.as_bytes()) {
            let mut noted = transaction.open_table(NOTED).map_err(failed)?;
            noted.insert(request.as_bytes(), ()).map_err(failed)?;
            break;
        }
    }
    Ok(())
}

fn to_bytes(completed: &Completed) -> Vec<u8> {
    let mut bytes = completed.request.as_bytes().to_vec();
    bytes.extend(completed.session.as_bytes());
    for item in &completed.items {
        bytes.extend(item.aggregate_key.to_bytes());
        bytes.extend(item.signature.to_bytes());
        bytes.extend(u32::try_from(item.message.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(&item.message);
    }
    bytes
}

/// The result in some bytes; none if they are not one.
pub(super) fn parse(bytes: &[u8]) -> Option<Completed> {
    let (request, rest) = bytes.split_first_chunk::<32>()?;
    let (session, mut rest) = rest.split_first_chunk::<32>()?;
    let mut items = Vec::new();
    while !rest.is_empty() {
        let (key, after) = rest.split_first_chunk::<32>()?;
        let (signature, after) = after.split_first_chunk::<64>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let (message, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        items.push(SignedItem {
            aggregate_key: XOnlyPublicKey::from_bytes(key).ok()?,
            message: message.to_vec(),
            signature: Signature::from_bytes(signature),
        });
        rest = after;
    }
    Some(Completed { request: RequestId::from_bytes(*request), session: AttemptId::from_bytes(*session), items })
}

#[cfg(test)]
mod tests {
    use motet_coordinator::Record;
    use motet_core_crypto::SecretKey;
    use motet_wire::Attempt;

    use super::super::{RedbStore, Store};
    use super::*;

    fn completed(number: u16) -> Completed {
        let mut request = [0; 32];
        request[..2].copy_from_slice(&number.to_be_bytes());
        let request = RequestId::from_bytes(request);
        let aggregate_key = SecretKey::from_bytes(&[9; 32]).unwrap().public_key().x_only();
        let item = |length: usize| SignedItem {
            aggregate_key,
            message: vec![7; length],
            signature: Signature::from_bytes(&[8; 64]),
        };
        let session = AttemptId::derive(&request, Attempt(2));
        Completed { request, session, items: vec![item(0), item(32), item(1000)] }
    }

    #[test]
    fn a_result_is_kept_whole_and_the_oldest_that_was_noted_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let store = RedbStore::open(&folder.path().join("store")).unwrap();
        let most = u16::try_from(crate::limits::RESULTS).unwrap();
        let ended = |number: u16| {
            let result = completed(number);
            Record::Ended { request: result.request, result: Some(result) }
        };
        let noted = |number: u16| Record::Noted { request: completed(number).request };
        store.commit(&(0..=most).map(ended).collect::<Vec<_>>()).unwrap();
        store.commit(&[noted(0), noted(7), noted(5)]).unwrap();
        let snapshot = store.load().unwrap();
        assert_eq!(snapshot.results, (1..=most).map(completed).collect::<Vec<_>>());
        assert_eq!(snapshot.noted, [completed(5).request, completed(7).request]);
        store.commit(&[ended(most + 1)]).unwrap();
        let snapshot = store.load().unwrap();
        let expected: Vec<Completed> = (1..=most + 1).filter(|number| *number != 5).map(completed).collect();
        assert_eq!(snapshot.results, expected);
        assert_eq!(snapshot.noted, [completed(7).request]);
    }

    #[test]
    fn bytes_that_are_cut_off_are_no_result() {
        let bytes = to_bytes(&completed(3));
        assert_eq!(parse(&bytes), Some(completed(3)));
        let whole = [64, 64 + 100, 64 + 100 + 132, bytes.len()];
        for length in (0..bytes.len()).filter(|length| !whole.contains(length)) {
            assert_eq!(parse(&bytes[..length]), None, "{length}");
        }
    }
}
