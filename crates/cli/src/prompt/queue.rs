//! Questions that wait for one person: one at a time, so many at most, none longer than it matters.
//!
//! Strangers can ask faster than people answer. A question that waits costs no thread, and those that have lost their
//! point leave by themselves; the one that is being asked is taken back, and the next has its turn.

use core::time::Duration;
use std::sync::{Arc, OnceLock};

use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use super::screen::Over;

/// The message to a person whose time is up.
pub(super) const TIME_IS_UP: &str = "not answered in time";

/// The outcome of a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome<T> {
    /// It was put, and this came of it.
    Put(T),
    /// Its time was up before its turn came.
    Late,
    /// Too many were waiting.
    Crowded,
}

/// The person's attention, and the means to get it.
#[derive(Debug)]
pub(super) struct Queue<S> {
    turn: Arc<Mutex<S>>,
    places: Semaphore,
}

impl<S: Send + 'static> Queue<S> {
    /// A queue with so many places, the one of the question that stands included.
    pub(super) fn new(places: usize, screen: S) -> Self {
        Self { turn: Arc::new(Mutex::new(screen)), places: Semaphore::new(places) }
    }

    /// Asks a question when its turn comes. The question is over when this time has passed, or when the future is
    /// dropped; `why` is the reason as far as it is known.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        patience: Duration,
        why: Arc<OnceLock<String>>,
        question: impl FnOnce(&mut S, Over) -> T + Send + 'static,
    ) -> Outcome<T> {
        let Ok(_place) = self.places.try_acquire() else { return Outcome::Crowded };
        let deadline = Instant::now().checked_add(patience);
        let Some(mut turn) = until(deadline, Arc::clone(&self.turn).lock_owned()).await else {
            return Outcome::Late;
        };
        // The other end is closed with this future; without a pipe, nothing could take the question back.
        let Ok((signal, standing)) = std::io::pipe() else { return Outcome::Late };
        let over = Over { signal, why: Arc::clone(&why) };
        // The turn moves into the thread with the question: no other question may be shown before this one has been
        // taken back.
        let mut answer = tokio::task::spawn_blocking(move || question(&mut turn, over));
        let answered = match until(deadline, &mut answer).await {
            Some(answered) => answered,
            None => {
                // There may be a reason already; then that is the one.
                let _ = why.set(TIME_IS_UP.to_owned());
                drop(standing);
                answer.await
            }
        };
        answered.map_or(Outcome::Late, Outcome::Put)
    }
}

/// The result of the work within that time; `None` if there is none. A time that is too far off to be told never comes.
async fn until<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn unknown() -> Arc<OnceLock<String>> {
        Arc::default()
    }

    /// Occupies the person until the sender sends the answer.
    fn occupy(
        queue: &Arc<Queue<()>>,
    ) -> (tokio::task::JoinHandle<Outcome<bool>>, mpsc::Sender<bool>, mpsc::Receiver<()>) {
        let (answer, answered) = mpsc::channel();
        let (put, is_put) = mpsc::channel();
        let queue = Arc::clone(queue);
        let asking = tokio::spawn(async move {
            let question = move |_: &mut (), _| {
                put.send(()).unwrap();
                answered.recv().unwrap()
            };
            queue.ask(LONG, unknown(), question).await
        });
        (asking, answer, is_put)
    }

    fn never(_: &mut (), _: Over) {
        panic!("it is asked");
    }

    /// A question without an answer: returns the reason why it was over.
    fn unanswered(_: &mut (), mut over: Over) -> Option<String> {
        assert_eq!(over.signal.read(&mut [0]).unwrap(), 0);
        over.why.get().cloned()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_question_is_answered() {
        let queue = Queue::new(1, ());
        for answer in [true, false] {
            assert_eq!(queue.ask(LONG, unknown(), move |_, _| answer).await, Outcome::Put(answer));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_question_that_loses_its_point_before_its_turn_is_never_put_to_the_person() {
        let queue = Arc::new(Queue::new(2, ()));
        let (asking, answer, is_put) = occupy(&queue);
        is_put.recv().unwrap();
        assert_eq!(queue.ask(Duration::ZERO, unknown(), never).await, Outcome::Late);
        // It has given its place back.
        assert_eq!(queue.ask(Duration::ZERO, unknown(), never).await, Outcome::Late);
        answer.send(true).unwrap();
        assert_eq!(asking.await.unwrap(), Outcome::Put(true));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nobody_waits_when_all_places_are_taken() {
        let queue = Arc::new(Queue::new(1, ()));
        let (asking, answer, is_put) = occupy(&queue);
        is_put.recv().unwrap();
        assert_eq!(queue.ask(LONG, unknown(), never).await, Outcome::Crowded);
        answer.send(false).unwrap();
        assert_eq!(asking.await.unwrap(), Outcome::Put(false));
        assert_eq!(queue.ask(LONG, unknown(), |_, _| true).await, Outcome::Put(true));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_question_is_taken_back_when_its_time_is_up_or_nobody_waits_for_it() {
        let queue = Arc::new(Queue::new(2, ()));
        let moment = Duration::from_millis(1);
        assert_eq!(queue.ask(moment, unknown(), unanswered).await, Outcome::Put(Some(TIME_IS_UP.to_owned())));
        let (saw, seen) = mpsc::channel();
        let (put, is_put) = mpsc::channel();
        let asking = tokio::spawn({
            let (queue, why) = (Arc::clone(&queue), Arc::new(OnceLock::from("given up".to_owned())));
            let question = move |screen: &mut (), over| {
                put.send(()).unwrap();
                saw.send(unanswered(screen, over)).unwrap();
            };
            async move { queue.ask(LONG, why, question).await }
        });
        is_put.recv().unwrap();
        asking.abort();
        assert_eq!(seen.recv().unwrap().as_deref(), Some("given up"));
        // The next has its turn.
        assert_eq!(queue.ask(LONG, unknown(), |_, _| true).await, Outcome::Put(true));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_person_is_asked_one_thing_at_a_time_even_if_nobody_waits_for_the_answer() {
        let queue = Arc::new(Queue::new(64, ()));
        let (asking, answer, is_put) = occupy(&queue);
        is_put.recv().unwrap();
        asking.abort();
        assert_eq!(queue.ask(Duration::ZERO, unknown(), never).await, Outcome::Late);
        let speaking = Arc::new(AtomicUsize::new(0));
        let waiting: Vec<_> = (0..32)
            .map(|_| {
                let (queue, speaking) = (Arc::clone(&queue), Arc::clone(&speaking));
                tokio::spawn(async move {
                    let question = move |_: &mut (), _| {
                        let alone = speaking.fetch_add(1, Ordering::SeqCst) == 0;
                        std::thread::yield_now();
                        speaking.fetch_sub(1, Ordering::SeqCst);
                        alone
                    };
                    queue.ask(LONG, unknown(), question).await
                })
            })
            .collect();
        answer.send(true).unwrap();
        for asked in waiting {
            assert_eq!(asked.await.unwrap(), Outcome::Put(true));
        }
    }
}
