//! Threads beside the driver's, and the computations that wait for a place on them.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc};

use super::input::{DriverInput, Work};
use crate::limits;

/// A number of threads, each of which runs one computation at a time.
pub(crate) struct Pool {
    places: Arc<Semaphore>,
    waiting: VecDeque<Work>,
    back: mpsc::Sender<DriverInput>,
}

impl Pool {
    /// A pool whose results come back this way.
    pub(crate) fn new(places: usize, back: mpsc::Sender<DriverInput>) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), waiting: VecDeque::new(), back }
    }

    /// Runs a computation behind those that wait.
    pub(crate) fn run(&mut self, work: impl FnOnce() -> Option<DriverInput> + Send + 'static) {
        self.waiting.push_back(Box::new(work));
        if self.waiting.len() == 1
            && let Ok(place) = Arc::clone(&self.places).try_acquire_owned()
        {
            self.start(place);
        }
    }

    /// Number of computations that wait for a place.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// True if a computation waits for a place.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// True if so many computations wait that no more input should be taken.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= limits::JOBS
    }

    /// Waits for a place.
    pub(crate) fn place(&self) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + use<> {
        Arc::clone(&self.places).acquire_owned()
    }

    /// Starts the computation that has waited longest.
    pub(crate) fn start(&mut self, place: OwnedSemaphorePermit) {
        let Some(work) = self.waiting.pop_front() else { return };
        let back = self.back.clone();
        drop(tokio::task::spawn_blocking(move || {
            let result = work();
            drop(place);
            // The driver takes this result even while it takes no other input. If the driver is gone, the result is not
            // needed.
            if let Some(result) = result {
                drop(back.blocking_send(result));
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use motet_coordinator::Input;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_computations_begin_than_there_are_places_and_the_rest_wait_in_order() {
        const PLACES: usize = 2;
        let (back, mut results) = mpsc::channel(limits::JOBS * 2);
        let mut pool = Pool::new(PLACES, back);
        let (begun, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(std::sync::Barrier::new(PLACES + 1)));
        for number in 0..PLACES + limits::JOBS {
            assert!(!pool.is_full(), "{number}");
            let (begun, gate) = (Arc::clone(&begun), Arc::clone(&gate));
            pool.run(move || {
                let before = begun.fetch_add(1, Ordering::SeqCst);
                if number < PLACES {
                    gate.wait();
                } else {
                    assert_eq!(before, number, "the one that has waited longest is the next");
                }
                Some(DriverInput::from(Input::Tick))
            });
        }
        assert!(pool.is_full() && pool.is_waiting());
        assert!(begun.load(Ordering::SeqCst) <= PLACES);
        tokio::task::block_in_place(|| gate.wait());
        for _ in 0..PLACES {
            results.recv().await.unwrap();
        }
        // One at a time from here, so that their order shows.
        while pool.is_waiting() {
            let place = pool.place().await.unwrap();
            pool.start(place);
            results.recv().await.unwrap();
        }
        assert_eq!(begun.load(Ordering::SeqCst), PLACES + limits::JOBS);
    }
}
