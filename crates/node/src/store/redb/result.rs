//! Results in the file: the signatures of requests, as bytes.
//!
//! `request 32 | attempt id 32 | (aggregate key 32 | signature 64 | length of the message 4, big-endian | message) for each item`

use motet_coordinator::StoreError;
use motet_coordinator::event::{Completed, SignedItem};
use motet_core_crypto::{Signature, XOnlyPublicKey};
use motet_wire::{AttemptId, RequestId};
use redb::{TableDefinition, WriteTransaction};

use super::failed::failed;
use super::queue;

pub(super) const RESULTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("results");

/// Keeps a result; the oldest makes room.
pub(super) fn keep(transaction: &WriteTransaction, completed: &Completed) -> Result<(), StoreError> {
    queue::append(transaction, RESULTS, &to_bytes(completed), crate::limits::RESULTS)
}

/// Forgets the result of a request.
pub(super) fn forget(transaction: &WriteTransaction, request: &RequestId) -> Result<(), StoreError> {
    let mut results = transaction.open_table(RESULTS).map_err(failed)?;
    results.retain(|_, bytes| !bytes.starts_with(request.as_bytes())).map_err(failed)
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
    fn a_result_is_kept_whole_until_it_is_noted_and_the_oldest_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let store = RedbStore::open(&folder.path().join("store")).unwrap();
        let most = u16::try_from(crate::limits::RESULTS).unwrap();
        let ended = |number: u16| {
            let result = completed(number);
            Record::Ended { request: result.request, result: Some(result) }
        };
        store.commit(&(0..=most).map(ended).collect::<Vec<_>>()).unwrap();
        store.commit(&[Record::Noted { request: completed(5).request }]).unwrap();
        let results = store.load().unwrap().results;
        let expected: Vec<Completed> = (1..=most).filter(|number| *number != 5).map(completed).collect();
        assert_eq!(results, expected);
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
