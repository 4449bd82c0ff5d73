//! The arguments of `motet advertise` and `motet withdraw`.

use core::time::Duration;

use clap::Args;

use super::called::{CalledArgs, reason};
use super::{number, signers, text, time};

/// The offer of a running signer.
#[derive(Debug, Args)]
pub(crate) struct AdvertiseArgs {
    /// Sign this transaction type; may be repeated [default: any]
    #[arg(long = "type", value_name = "TYPE", value_parser = text::transaction_type)]
    pub(crate) types: Vec<String>,
    /// The smallest amount that is signed for
    #[arg(long, value_name = "NUMBER", default_value = "0", allow_negative_numbers = true, value_parser = number::amount)]
    pub(crate) min_amount: u64,
    /// The largest amount that is signed for [default: any]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = number::amount)]
    pub(crate) max_amount: Option<u64>,
    /// The fee, in the smallest unit of the coin
    #[arg(long, value_name = "NUMBER", default_value = "0", allow_negative_numbers = true, value_parser = number::amount)]
    pub(crate) fee: u64,
    /// A text about the signer, 256 bytes at most
    #[arg(long, value_name = "TEXT", value_parser = text::signer_description)]
    pub(crate) description: Option<String>,
    /// The name that others see
    #[arg(long, value_name = "NICKNAME", value_parser = signers::nickname)]
    pub(crate) nickname: Option<String>,
    /// Life of each advertisement; it is repeated at half of that
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time::advertised)]
    pub(crate) lifetime: Duration,
    #[command(flatten)]
    pub(crate) called: CalledArgs,
}

/// The end of an offer.
#[derive(Debug, Args)]
pub(crate) struct WithdrawArgs {
    /// Why, for the others; 256 bytes at most
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) called: CalledArgs,
}
