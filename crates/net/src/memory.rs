//! The memory that this process uses, and its limit.

use tokio::time::Instant;

use crate::limits;

/// A limit, and the last reading.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: Option<u64>,
    read: Option<(Instant, bool)>,
}

impl Memory {
    pub(crate) const fn new(limit: Option<u64>) -> Self {
        Self { limit, read: None }
    }

    /// True if the process uses as much as it may. It is read once a second at most; where it cannot be read there is no limit.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        let Some(limit) = self.limit else { return false };
        match self.read {
            Some((at, is_full)) if now.saturating_duration_since(at) < limits::MEMORY_READ => is_full,
            _ => {
                let used = memory_stats::memory_stats().map_or(0, |memory| memory.physical_mem);
                let is_full = u64::try_from(used).unwrap_or(u64::MAX) >= limit;
                self.read = Some((now, is_full));
                is_full
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_uses_more_than_it_may_is_full_and_one_without_a_limit_never() {
        let now = Instant::now();
        assert!(Memory::new(Some(1)).is_full(now));
        assert!(!Memory::new(Some(u64::MAX)).is_full(now) && !Memory::new(None).is_full(now));
        let mut memory = Memory::new(Some(u64::MAX));
        assert!(!memory.is_full(now));
        memory.limit = Some(1);
        assert!(!memory.is_full(now), "it was read a moment ago");
        assert!(memory.is_full(now + limits::MEMORY_READ));
    }
}
