//! Command line of `motet message`: messages that a group signs under one of its addresses (BIP-322).

use bitcoin::Address;
use bitcoin::address::NetworkUnchecked;
use clap::{Args, Subcommand};
use motet_psbt::bip322::MessageSignature;

use super::psbt::{GroupArgs, SignerArgs};

#[derive(Debug, Args)]
pub(crate) struct MessageArgs {
    #[command(subcommand)]
    pub(crate) command: MessageCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MessageCommand {
    /// Sign a message as a member of the group, in the two rounds of `motet psbt sign`
    Sign(Box<MessageSignArgs>),
    /// Verify the signature of a message under a Taproot address
    Verify(MessageVerifyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct MessageSignArgs {
    /// The group's address that signs
    #[arg(long)]
    pub(crate) address: Address<NetworkUnchecked>,
    /// The message
    #[arg(long, value_name = "TEXT")]
    pub(crate) message: String,
    #[command(flatten)]
    pub(crate) group: GroupArgs,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MessageVerifyArgs {
    /// The address
    #[arg(long)]
    pub(crate) address: Address<NetworkUnchecked>,
    /// The message
    #[arg(long, value_name = "TEXT")]
    pub(crate) message: String,
    /// The signature: base64 after smp, ful or pof, or without a prefix
    #[arg(long)]
    pub(crate) signature: MessageSignature,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}
