//! How often this node may speak to everybody: what comes more often, others drop without a word (rules V-30 and V-31).

use core::time::Duration;

use motet_core_crypto::PublicKey;
use motet_wire::{Kind, MonotonicMs, Rate, ValidatorLimits};

use super::Engine;
use super::announce::Minting;
use crate::error::CommandError;

/// A minute, and a little more: what is sent at even distances does not arrive at such.
const MINUTE: Duration = Duration::from_secs(63);

/// When others have forgotten what this node has said, as they count it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OwnRate {
    forgotten: MonotonicMs,
}

impl OwnRate {
    /// Notes that something has been said.
    pub(super) fn said(&mut self, rate: Rate, now: MonotonicMs) {
        self.forgotten = self.forgotten.max(now).saturating_add(interval(rate));
    }

    /// How long to wait before something more is taken by others, if so much is about to be said besides; none, if it is taken at once.
    fn wait(self, rate: Rate, about: usize, now: MonotonicMs) -> Option<Duration> {
        let more = interval(rate).saturating_mul(u32::try_from(about.saturating_add(1)).unwrap_or(u32::MAX));
        let room = interval(rate).saturating_mul(u32::try_from(rate.burst).unwrap_or(u32::MAX));
        let wait = self.forgotten.max(now).saturating_add(more).since(now).saturating_sub(room);
        (!wait.is_zero()).then_some(wait)
    }
}

fn interval(rate: Rate) -> Duration {
    MINUTE / u32::try_from(rate.per_minute.max(1)).unwrap_or(u32::MAX)
}

/// How often one signer may be advertised.
pub(super) fn advertising_rate() -> Rate {
    Rate { per_minute: 1, burst: motet_wire::limits::ADVERTISEMENTS_AT_ONCE.into() }
}

impl Engine {
    /// How often this node may ask these signers: those that it shares live sessions with take more.
    pub(super) fn asking_rate(&self, keys: &[PublicKey]) -> Rate {
        let others = keys.iter().filter(|key| !self.identities.contains_key(key));
        let shared = others.map(|key| {
            let peer = self.directory.of_signer(key).map(|known| known.advertisement.delegation.peer);
            peer.map_or(0, |peer| self.sessions_with(&peer))
        });
        let limits = ValidatorLimits::default();
        let factor = match shared.min().unwrap_or_default() {
            0 => 1,
            sessions => {
                let sessions = u64::try_from(sessions).unwrap_or(u64::MAX);
                limits.member_factor.saturating_add(limits.session_factor.saturating_mul(sessions))
            }
        };
        ValidatorLimits::author(Kind::SigningRequest).times(factor)
    }

    /// Refuses a request that others would drop.
    pub(super) fn check_asking(&self, keys: &[PublicKey], now: MonotonicMs) -> Result<(), CommandError> {
        let rate = self.asking_rate(keys);
        let about = self.minting.values().filter(|minting| matches!(minting, Minting::Request { .. })).count();
        match self.asked.wait(rate, about, now) {
            Some(next) => Err(CommandError::TooOften { what: "requests", per_minute: rate.per_minute, next }),
            None => Ok(()),
        }
    }

    /// Refuses an advertisement that others would drop.
    pub(super) fn check_advertising(&self, signer: &PublicKey, now: MonotonicMs) -> Result<(), CommandError> {
        let about = |minting: &&Minting| match minting {
            Minting::Advertisement { advertisement, .. } => advertisement.delegation.signer == *signer,
            Minting::Request { .. } | Minting::Resource { .. } => false,
        };
        let about = self.minting.values().filter(about).count();
        let (offered, rate) = (self.identities.get(signer).map(|identity| identity.offered), advertising_rate());
        match offered.unwrap_or_default().wait(rate, about, now) {
            Some(next) => {
                Err(CommandError::TooOften { what: "advertisements of a signer", per_minute: rate.per_minute, next })
            }
            None => Ok(()),
        }
    }
}
