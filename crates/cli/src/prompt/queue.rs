//! Questions that wait for one person: one at a time, so many at most, none longer than it matters.
//!
//! Strangers can ask faster than people answer. A question that waits costs no thread, and those that have lost their
//! point leave by themselves; the one that is being answered cannot be taken back, and its answer comes too late.

use core::time::Duration;
use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore};

/// What became of a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The person has said so.
    Answered(bool),
    /// It lost its point before its turn came.
    Late,
    /// Too many were waiting.
    Crowded,
}

/// The person's attention.
#[derive(Debug)]
pub(super) struct Queue {
    turn: Arc<Mutex<()>>,
    places: Semaphore,
}

impl Queue {
    /// A queue with so many places, the one of who is being answered included.
    pub(super) fn new(places: usize) -> Self {
        Self { turn: Arc::default(), places: Semaphore::new(places) }
    }

    /// Puts a question when its turn comes, unless that takes longer than this.
    pub(super) async fn ask(&self, patience: Duration, question: impl FnOnce() -> bool + Send + 'static) -> Outcome {
        let Ok(_place) = self.places.try_acquire() else { return Outcome::Crowded };
        let Ok(turn) = tokio::time::timeout(patience, Arc::clone(&self.turn).lock_owned()).await else {
            return Outcome::Late;
        };
        // The turn goes with the question: whoever asked may stop waiting, and still nobody else may speak.
        let answer = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            question()
        });
        Outcome::Answered(answer.await.unwrap_or(false))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    /// Occupies the person until the sender says what is answered.
    fn occupy(queue: &Arc<Queue>) -> (tokio::task::JoinHandle<Outcome>, mpsc::Sender<bool>, mpsc::Receiver<()>) {
        let (answer, answered) = mpsc::channel();
        let (put, is_put) = mpsc::channel();
        let queue = Arc::clone(queue);
        let asking = tokio::spawn(async move {
            let question = move || {
                put.send(()).unwrap();
                answered.recv().unwrap()
            };
            queue.ask(LONG, question).await
        });
        (asking, answer, is_put)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_question_is_answered() {
        let queue = Queue::new(1);
        for answer in [true, false] {
            assert_eq!(queue.ask(LONG, move || answer).await, Outcome::Answered(answer));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_loses_patience_is_never_put_to_the_person() {
        let queue = Arc::new(Queue::new(2));
        let (asking, answer, is_put) = occupy(&queue);
        is_put.recv().unwrap();
        assert_eq!(queue.ask(Duration::ZERO, || panic!("it is asked")).await, Outcome::Late);
        // It has given its place back.
        assert_eq!(queue.ask(Duration::ZERO, || panic!("it is asked")).await, Outcome::Late);
        answer.send(true).unwrap();
        assert_eq!(asking.await.unwrap(), Outcome::Answered(true));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nobody_waits_when_all_places_are_taken() {
        let queue = Arc::new(Queue::new(1));
        let (asking, answer, is_put) = occupy(&queue);
        is_put.recv().unwrap();
        assert_eq!(queue.ask(LONG, || panic!("it is asked")).await, Outcome::Crowded);
        answer.send(false).unwrap();
        assert_eq!(asking.await.unwrap(), Outcome::Answered(false));
        assert_eq!(queue.ask(LONG, || true).await, Outcome::Answered(true));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_person_is_asked_one_thing_at_a_time_even_if_nobody_waits_for_the_answer() {
        let queue = Arc::new(Queue::new(64));
        let (asking, answer, is_put) = occupy(&queue);
        is_put.recv().unwrap();
        asking.abort();
        assert_eq!(queue.ask(Duration::ZERO, || panic!("it is asked")).await, Outcome::Late);
        let speaking = Arc::new(AtomicUsize::new(0));
        let waiting: Vec<_> = (0..32)
            .map(|_| {
                let (queue, speaking) = (Arc::clone(&queue), Arc::clone(&speaking));
                tokio::spawn(async move {
                    let question = move || {
                        let alone = speaking.fetch_add(1, Ordering::SeqCst) == 0;
                        std::thread::yield_now();
                        speaking.fetch_sub(1, Ordering::SeqCst);
                        alone
                    };
                    queue.ask(LONG, question).await
                })
            })
            .collect();
        answer.send(true).unwrap();
        for asked in waiting {
            assert_eq!(asked.await.unwrap(), Outcome::Answered(true));
        }
    }
}
