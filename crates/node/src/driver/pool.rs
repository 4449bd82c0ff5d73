//! Where computations run: here and now while they are short and little else waits, else on threads beside.
//!
//! To wake a thread, and to be woken by it, takes as long as checking a signature, and many times as long where other
//! programs want the machine, too. A session alone would spend most of its time so. A busy node has more to do than one
//! thread can, and what its pool takes in then comes in batches.

use std::sync::Arc;

use motet_coordinator::{Input, Job, Pace, SignerError, SignerTask};
use tracing::Span;

use super::crash::CrashPoint;
use super::crash::crash_if;
use super::{Driver, DriverInput};
use crate::OsEntropy;
use crate::limits;

impl Driver {
    /// Hands a task to the signer that it is for.
    pub(crate) fn ask_signer(&mut self, task: SignerTask) {
        let signs = matches!(task, SignerTask::Sign { .. });
        crash_if(signs && self.crash == Some(CrashPoint::BeforeSigning));
        let Some(signer) = self.signers.get(task.signer()).map(Arc::clone) else {
            self.backlog.extend(task.refused(SignerError::Unknown).map(|answer| Input::SignerAnswered(answer).into()));
            return;
        };
        let span = task.request().map_or_else(Span::none, |request| self.engine.span_of(request));
        let weight = (signer.pace() == Pace::Computes).then(|| task.weight());
        self.run_soon(weight, move || {
            let _entered = span.enter();
            tracing::debug!(signer = %task.signer(), task = task.name(), "a signer is asked");
            task.perform(&*signer).map(|answer| Input::SignerAnswered(answer).into())
        });
    }

    /// Runs a computation of the engine's.
    pub(crate) fn compute(&mut self, job: Job) {
        self.run_soon(job.weight(), move || Some(Input::Computed(job.run(&mut OsEntropy)).into()));
    }

    /// Runs a computation that takes about as long as `weight` checks of signatures, or may wait if there is no weight
    /// to it. What comes of it is handled after the current step, or later.
    pub(crate) fn run_soon(
        &mut self,
        weight: Option<usize>,
        work: impl FnOnce() -> Option<DriverInput> + Send + 'static,
    ) {
        let short = weight.is_some_and(|weight| weight.saturating_add(self.waiting) <= limits::AT_ONCE);
        if short {
            self.backlog.extend(work());
        } else {
            self.in_pool(work);
        }
    }

    /// Runs a computation on the pool of blocking threads, a bounded number at a time.
    fn in_pool(&self, work: impl FnOnce() -> Option<DriverInput> + Send + 'static) {
        let back = self.inputs_in.clone();
        let run = move |permit| {
            let result = work();
            drop(permit);
            // The driver takes what comes back whatever else it waits for; when it is gone, nobody does.
            if let Some(result) = result {
                drop(back.blocking_send(result));
            }
        };
        match Arc::clone(&self.pool).try_acquire_owned() {
            Ok(permit) => drop(tokio::task::spawn_blocking(move || run(permit))),
            Err(_) => {
                let pool = Arc::clone(&self.pool);
                tokio::spawn(async move {
                    let Ok(permit) = pool.acquire_owned().await else { return };
                    drop(tokio::task::spawn_blocking(move || run(permit)));
                });
            }
        }
    }
}
