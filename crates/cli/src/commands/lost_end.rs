//! The end of a session whose last events were lost: its node is asked.

use motet_core_crypto::PublicKey;
use motet_node::SessionStatus;
use motet_node::event::{Completed, Phase};

use crate::exit::{Exit, Failed};
use crate::output::Output;

/// The end of the session, as its node reports it; `None` if it goes on.
pub(crate) fn lost_end(status: &SessionStatus, output: &Output) -> Option<Result<Completed, Failed>> {
    if let Some(completed) = status.completed() {
        return Some(Ok(completed));
    }
    (status.phase == Phase::Aborted).then(|| {
        let why = status.cause.as_ref().map_or_else(|| "the session has ended".to_owned(), |cause| output.cause(cause));
        let failed = Failed::new(Exit::Session, format!("no signature: {why}"));
        Err(with_open_end(failed, &status.may_complete, output))
    })
}

/// Adds to a failure that others may still make the signature, if they may.
pub(crate) fn with_open_end(failed: Failed, may_complete: &[PublicKey], output: &Output) -> Failed {
    if may_complete.is_empty() {
        return failed;
    }
    let names = output.names(may_complete);
    failed.hint(format!(
        "it may still be completed by {names}, since this signer's part is out; `motet run` with this key learns of it"
    ))
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use motet_core_crypto::{SecretKey, schnorr};
    use motet_node::RequestedItem;
    use motet_node::event::AbortCause;
    use motet_wire::{Attempt, AttemptId, Election, MonotonicMs, RequestId, SignerIndex};

    use super::*;
    use crate::output::Format;

    fn signer() -> SecretKey {
        SecretKey::from_bytes(&[7; 32]).unwrap()
    }

    fn status(phase: Phase) -> SessionStatus {
        let request = RequestId::from_bytes([1; 32]);
        let key = signer().public_key();
        SessionStatus {
            request,
            creator: key,
            phase,
            attempt: Attempt(0),
            max_attempts: 1,
            session: AttemptId::derive(&request, Attempt(0)),
            signers: vec![key],
            awaiting: Vec::new(),
            election: Election::default(),
            coordinator: SignerIndex(0),
            items: vec![RequestedItem { aggregate_key: key.x_only(), message: b"m".as_slice().into() }],
            signatures: None,
            phase_ends_in: None,
            ends_in: None,
            idle_for: Duration::ZERO,
            cause: (phase == Phase::Aborted).then_some(AbortCause::Expired),
            retry: None,
            may_complete: Vec::new(),
        }
    }

    #[test]
    fn signatures_whose_event_was_lost_are_those_of_the_status() {
        let output = Output::new(Format::Json, MonotonicMs::default());
        assert!(lost_end(&status(Phase::Partials), &output).is_none());
        let signature = schnorr::sign(&signer(), b"m", &[0; 32]).unwrap();
        let complete = SessionStatus { signatures: Some(vec![signature]), ..status(Phase::Complete) };
        let completed = lost_end(&complete, &output).unwrap().unwrap();
        let [item] = completed.items.as_slice() else { panic!("{completed:?}") };
        assert_eq!((item.message.as_slice(), item.signature), (b"m".as_slice(), signature));
        schnorr::verify(&item.aggregate_key, &item.message, &item.signature).unwrap();
    }

    #[test]
    fn an_end_whose_event_was_lost_is_no_signature_and_says_who_may_still_make_it() {
        let output = Output::new(Format::Json, MonotonicMs::default());
        let failed = lost_end(&status(Phase::Aborted), &output).unwrap().unwrap_err();
        assert_eq!((failed.exit, failed.next), (Exit::Session, None));
        assert_eq!(failed.what, "no signature: the request has expired");
        let open = SessionStatus { may_complete: vec![signer().public_key()], ..status(Phase::Aborted) };
        let failed = lost_end(&open, &output).unwrap().unwrap_err();
        assert!(failed.next.unwrap().contains("may still be completed"));
    }
}
