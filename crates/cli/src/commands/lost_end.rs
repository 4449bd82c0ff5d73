//! The end of a session without signatures as a failure of a command; and the end of one whose last events were lost: its node is asked.

use motet_core_crypto::PublicKey;
use motet_node::SessionStatus;
use motet_node::event::{AbortCause, Completed, Phase};

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

/// The failure of a session that has ended without signatures, for this signer of the node.
pub(crate) fn ended(cause: &AbortCause, may_complete: &[PublicKey], own: &PublicKey, output: &Output) -> Failed {
    let exit = match cause {
        AbortCause::Cancelled => Exit::Cancelled,
        AbortCause::Refused { signer, .. } if signer == own => Exit::Cancelled,
        AbortCause::Internal(_) => Exit::Failure,
        AbortCause::Superseded { .. } => Exit::NonceSafety,
        AbortCause::Refused { .. }
        | AbortCause::Convicted { .. }
        | AbortCause::Unresponsive { .. }
        | AbortCause::Expired
        | AbortCause::Crowded
        | _ => Exit::Session,
    };
    let failed = Failed::new(exit, format!("no signature: {}", output.cause(cause)));
    with_open_end(failed, may_complete, output)
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
    use motet_core_crypto::{SecretKey, schnorr};
    use motet_wire::MonotonicMs;
    use serde_json::{Value, json};

    use super::*;
    use crate::output::Format;

    fn signer() -> SecretKey {
        SecretKey::from_bytes(&[7; 32]).unwrap()
    }

    /// A status as a node would tell it, with some of it changed.
    fn status(changed: &Value) -> SessionStatus {
        let key = signer().public_key();
        let mut status = json!({
            "request": "01".repeat(32), "creator": key.to_string(), "phase": "partial signatures", "attempt": 0, "max_attempts": 1,
            "session": "02".repeat(32), "signers": [key.to_string()], "awaiting": [], "election": "first", "coordinator": 0,
            "items": [{"aggregate_key": key.x_only().to_string(), "message": "6d"}], "signatures": null,
            "phase_ends_in_ms": null, "ends_in_ms": null, "idle_for_ms": 0, "end": null, "retry": null, "retry_of": null, "may_complete": [],
        });
        for (name, value) in changed.as_object().unwrap() {
            status[name] = value.clone();
        }
        serde_json::from_value(status).unwrap()
    }

    #[test]
    fn signatures_whose_event_was_lost_are_those_of_the_status() {
        let output = Output::new(Format::Json, MonotonicMs::default());
        assert!(lost_end(&status(&json!({})), &output).is_none());
        let signature = schnorr::sign(&signer(), b"m", &[0; 32]).unwrap();
        let complete = status(&json!({"phase": "complete", "signatures": [signature.to_string()]}));
        let completed = lost_end(&complete, &output).unwrap().unwrap();
        let [item] = completed.items.as_slice() else { panic!("{completed:?}") };
        assert_eq!((item.message.as_slice(), item.signature), (b"m".as_slice(), signature));
        schnorr::verify(&item.aggregate_key, &item.message, &item.signature).unwrap();
    }

    #[test]
    fn an_end_whose_event_was_lost_says_why_and_who_may_still_sign() {
        let output = Output::new(Format::Json, MonotonicMs::default());
        let mut ended = json!({"phase": "aborted", "end": {"why": "expired"}});
        let failed = lost_end(&status(&ended), &output).unwrap().unwrap_err();
        assert_eq!((failed.exit, failed.next), (Exit::Session, None));
        assert_eq!(failed.what, "no signature: the request has expired");
        ended["may_complete"] = json!([signer().public_key().to_string()]);
        let failed = lost_end(&status(&ended), &output).unwrap().unwrap_err();
        assert!(failed.next.unwrap().contains("may still be completed"));
    }
}
