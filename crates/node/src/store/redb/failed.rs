//! The words for what redb could not do.

use std::io::ErrorKind;

use motet_coordinator::StoreError;

#[expect(clippy::wildcard_enum_match_arm, reason = "redb has many errors; users can do something about a few")]
pub(super) fn failed(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::DatabaseAlreadyOpen => StoreError::InUse,
        redb::Error::Corrupted(detail) => StoreError::Damaged(detail),
        redb::Error::Io(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => {
            StoreError::Damaged(error.to_string())
        }
        redb::Error::Io(error) => StoreError::Io { kind: error.kind(), detail: error.to_string() },
        error => StoreError::Failed(error.to_string()),
    }
}

/// The error of a record that no version of this program has written.
pub(super) fn damaged() -> StoreError {
    StoreError::Damaged("a record makes no sense".to_owned())
}
