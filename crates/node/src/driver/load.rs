//! The load of a node, for its pipeline (`docs/protocol.md` §10): strangers pay more when it is more than half full.

use motet_wire::Load;
use tokio::sync::mpsc;

/// The load of a queue.
pub(crate) fn of<T>(queue: &mpsc::Receiver<T>) -> Load {
    let percent = queue.len().saturating_mul(100).checked_div(queue.max_capacity()).unwrap_or(100);
    Load::percent(u8::try_from(percent).unwrap_or(100))
}

#[cfg(test)]
mod tests {
    use motet_wire::Difficulty;
    use motet_wire::work::HashWork;

    use super::*;

    #[tokio::test]
    async fn a_queue_that_is_more_than_half_full_makes_strangers_pay_more() {
        let (to, mut queue) = mpsc::channel(20);
        let demanded = |queue: &mpsc::Receiver<()>| HashWork::default().demanded(of(queue));
        assert_eq!(of(&queue), Load::IDLE);
        for _ in 0..10 {
            to.send(()).await.unwrap();
        }
        assert_eq!(of(&queue), Load::percent(50));
        assert_eq!(demanded(&queue), Difficulty::STANDARD);
        to.send(()).await.unwrap();
        assert!(demanded(&queue) > Difficulty::STANDARD);
        for _ in 0..9 {
            to.send(()).await.unwrap();
        }
        assert_eq!(demanded(&queue), Difficulty::HIGHEST);
        while queue.try_recv().is_ok() {}
        assert_eq!(demanded(&queue), Difficulty::STANDARD);
    }
}
