//! The approval screen: the facts of a verified transaction in a fixed order, as lines for people and as JSON for programs.
//!
//! The order is: the requester, the group and its spend path, the outputs, what leaves the group, the fee, the warnings, the digest that
//! an approval covers. Members that see the same digest approve the same.

use std::fmt;

use bitcoin::{Address, Amount, FeeRate, SignedAmount};
use motet_core_crypto::PublicKey;
use motet_psbt::{Fact, Location, PathId, Recipient};
use serde::Serialize;

use crate::check::VerifiedTransaction;
use crate::text::quoted;
use crate::warning::Warning;

/// A value with its standing: proven by what is signed, or only claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stated<T> {
    /// The value.
    pub value: T,
    /// True if the signatures are worthless when the value is false.
    pub proven: bool,
}

impl<T> Stated<T> {
    fn of<U>(fact: Fact<U>, convert: impl FnOnce(U) -> T) -> Self {
        match fact {
            Fact::Proven(value) => Self { value: convert(value), proven: true },
            Fact::Claimed(value) => Self { value: convert(value), proven: false },
        }
    }
}

/// The approval screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApprovalScreen {
    /// The signer that asks; none for a proposal that is not sent yet.
    pub requester: Option<ScreenRequester>,
    /// The requester's text, which proves nothing; none if there is none.
    pub description: Option<String>,
    /// The group.
    pub group: ScreenGroup,
    /// The message, if one is signed and nobody is paid.
    pub message: Option<String>,
    /// The outputs in the order of the transaction.
    pub outputs: Vec<ScreenOutput>,
    /// Amount in satoshi that leaves the group, its fee included.
    pub outflow_sat: Stated<i64>,
    /// The fee in satoshi; none for a message.
    pub fee_sat: Option<Stated<u64>>,
    /// The lowest fee rate in satoshi for a virtual byte, with two decimals; none if there are inputs of others.
    pub fee_rate: Option<Stated<String>>,
    /// The fee in percent of what leaves the group, rounded up; none if either is not proven.
    pub fee_percent: Option<u64>,
    /// The warnings.
    pub warnings: Vec<Warning>,
    /// The id of the transaction.
    pub txid: String,
    /// The hash of everything that was verified, in hexadecimal digits.
    pub digest: String,
}

/// The signer that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScreenRequester {
    /// Its key, in hexadecimal digits.
    pub key: String,
    /// Its name in this wallet's registry; none if it is not a member with a name.
    pub member: Option<String>,
}

/// The group and the spend path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScreenGroup {
    /// The name in this wallet's registry.
    pub name: String,
    /// Eight hexadecimal digits of the identity, for display only.
    pub fingerprint: String,
    /// The name of the network.
    pub network: String,
    /// The spend path: `key`, or `leaf 0`, `leaf 1`, ..
    pub spend_path: String,
    /// The names of the members that sign.
    pub signers: Vec<String>,
    /// The number of members of the group.
    pub members: usize,
}

/// Kind of an output on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// An address of others.
    Address,
    /// An address of the group, recognised by derivation.
    Change,
    /// Data.
    Data,
    /// A script without an address.
    Script,
}

/// An output on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScreenOutput {
    /// The kind.
    pub kind: OutputKind,
    /// The address, if there is one.
    pub address: Option<String>,
    /// The branch and the index of the group's own address, such as `1/7`.
    pub location: Option<String>,
    /// The script in hexadecimal digits, if there is no address.
    pub script: Option<String>,
    /// The amount in satoshi.
    pub amount_sat: u64,
    /// True if recipient and amount are proven.
    pub proven: bool,
}

impl VerifiedTransaction {
    /// The approval screen of the transaction.
    pub fn screen(&self) -> ApprovalScreen {
        let view = self.view();
        let requester =
            |key: PublicKey| ScreenRequester { member: self.member(&key).map(str::to_owned), key: key.to_string() };
        ApprovalScreen {
            requester: self.requester().map(requester),
            description: Some(self.description().to_owned()).filter(|text| !text.is_empty()),
            group: ScreenGroup {
                name: self.group_name().to_owned(),
                fingerprint: self.group().fingerprint(),
                network: self.network().to_string(),
                spend_path: match self.spend_path() {
                    PathId::Key => "key".to_owned(),
                    PathId::Leaf(number) => format!("leaf {number}"),
                },
                signers: self.signers().to_vec(),
                members: self.member_count(),
            },
            message: view.message.clone(),
            outputs: view.outputs.iter().map(|output| self.output(output)).collect(),
            outflow_sat: Stated::of(view.outflow, SignedAmount::to_sat),
            fee_sat: view.fee.map(|fee| Stated::of(fee, Amount::to_sat)),
            fee_rate: view.fee_rate.map(|rate| Stated::of(rate, rate_text)),
            fee_percent: self.fee_percent(),
            warnings: self.warnings().to_vec(),
            txid: view.txid.to_string(),
            digest: hex::encode(self.digest()),
        }
    }

    fn output(&self, output: &motet_psbt::OutputView) -> ScreenOutput {
        let proven = output.recipient.clone().proven().is_some() && output.amount.proven().is_some();
        let amount_sat = output.amount.displayed().to_sat();
        let address = |script: &bitcoin::Script| Address::from_script(script, self.network()).ok();
        let plain =
            ScreenOutput { kind: OutputKind::Script, address: None, location: None, script: None, amount_sat, proven };
        match output.recipient.clone().displayed() {
            Recipient::Group(location) => {
                ScreenOutput { kind: OutputKind::Change, location: Some(place(location)), ..plain }
            }
            Recipient::Address(script) => ScreenOutput {
                kind: OutputKind::Address,
                address: address(&script).map(|address| address.to_string()),
                ..plain
            },
            Recipient::Data(script) => {
                ScreenOutput { kind: OutputKind::Data, script: Some(script.to_hex_string()), ..plain }
            }
            Recipient::Unknown(script) => ScreenOutput { script: Some(script.to_hex_string()), ..plain },
        }
    }
}

impl ApprovalScreen {
    /// The lines for people, in the fixed order. No line has a character that changes how others are seen.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(ScreenRequester { key, member }) = &self.requester {
            let name = member.as_ref().map(|name| format!("{name}, ")).unwrap_or_default();
            lines.push(format!("asked by    {name}{key}"));
        }
        if let Some(description) = &self.description {
            lines.push(format!("they say    {} (proves nothing)", quoted(description)));
        }
        let ScreenGroup { name, fingerprint, network, spend_path, signers, members } = &self.group;
        lines.push(format!("group       {name}, {fingerprint}, {network}"));
        let count = signers.len();
        lines.push(format!("signers     {}: {count} of {members}, {spend_path} path", signers.join(" + ")));
        if let Some(message) = &self.message {
            lines.push(format!("message     {}", quoted(message)));
        } else {
            lines.extend(self.outputs.iter().map(ScreenOutput::line));
            lines.push(format!("leaves group  {}{}", signed(self.outflow_sat.value), mark(self.outflow_sat.proven)));
            if let Some(fee) = &self.fee_sat {
                let rate = self.fee_rate.as_ref().map(|rate| format!(", at least {} sat/vB", rate.value));
                let percent = self.fee_percent.map(|percent| format!(", {percent} % of what leaves the group"));
                let (rate, percent) = (rate.unwrap_or_default(), percent.unwrap_or_default());
                lines.push(format!("fee         {}{rate}{percent}{}", coins(fee.value), mark(fee.proven)));
            }
        }
        for Warning { code, severity, text } in &self.warnings {
            lines.push(format!("{:<11} {text} [{code}]", severity.label()));
        }
        lines.push(format!("approval    {}", self.digest));
        lines
    }
}

impl fmt::Display for ApprovalScreen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl ScreenOutput {
    fn line(&self) -> String {
        let amount = coins(self.amount_sat);
        let proven = mark(self.proven);
        let script = self.script.as_deref().unwrap_or_default();
        match self.kind {
            OutputKind::Address => {
                format!("pays        {amount} to {}{proven}", in_fours(self.address.as_deref().unwrap_or_default()))
            }
            OutputKind::Change => {
                format!(
                    "back        {amount} to the group itself, {}{proven}",
                    self.location.as_deref().unwrap_or_default()
                )
            }
            OutputKind::Data => format!("data        {amount} with the script {script}{proven}"),
            OutputKind::Script => format!("pays        {amount} to the script {script}{proven}"),
        }
    }
}

/// A mark behind a value that is not proven.
const fn mark(proven: bool) -> &'static str {
    if proven { "" } else { " (NOT PROVEN)" }
}

/// Branch and index of an own address. By convention branch 1 is for change.
fn place(location: Location) -> String {
    format!("{}/{}", location.keychain.0, location.index)
}

/// A text in groups of four characters, for comparison by eye.
fn in_fours(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// An amount in bitcoins, with all eight decimals.
fn coins(satoshi: u64) -> String {
    format!("{}.{:08} BTC", satoshi / 100_000_000, satoshi % 100_000_000)
}

fn signed(satoshi: i64) -> String {
    let sign = if satoshi < 0 { "-" } else { "" };
    format!("{sign}{}", coins(satoshi.unsigned_abs()))
}

/// A fee rate in satoshi for a virtual byte, rounded down to two decimals.
fn rate_text(rate: FeeRate) -> String {
    // A virtual byte has four weight units.
    let hundredths = rate.to_sat_per_kwu().saturating_mul(4) / 10;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_rates_and_addresses_are_written_for_comparison() {
        assert_eq!(coins(2_100_000_000_000_001), "21000000.00000001 BTC");
        assert_eq!(signed(-1), "-0.00000001 BTC");
        assert_eq!(rate_text(FeeRate::from_sat_per_kwu(250)), "1.00");
        assert_eq!(rate_text(FeeRate::from_sat_per_kwu(1033)), "4.13");
        assert_eq!(in_fours("tb1pabcde"), "tb1p abcd e");
    }
}
