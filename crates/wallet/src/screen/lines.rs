//! The approval screen for people.

use std::fmt;

use bitcoin::absolute::LockTime;

use super::{ApprovalScreen, OutputKind, Place, ScreenGroup, ScreenInput, ScreenOutput, ScreenPath, ScreenRequester};
use crate::layout;
use crate::text::quoted;
use crate::warning::Warning;

/// Columns of a line: 80 where it is indented by two.
const WIDTH: usize = 78;
/// Groups of four characters in one line of an address.
const GROUPS: usize = 12;
/// Digits of a script that are shown.
const SCRIPT: usize = 60;

impl ApprovalScreen {
    /// The lines for people, in the fixed order, each of at most 78 columns. No line has a character that changes how others are seen.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut put = |label: &str, text: &str| lines.extend(layout::lines(label, text, WIDTH));
        if let Some(ScreenRequester { key, member }) = &self.requester {
            let name = member.as_ref().map(|name| format!("{name}, ")).unwrap_or_default();
            put("asked by", &format!("{name}{key}"));
        }
        if let Some(description) = &self.description {
            put("they say", &format!("{} (proves nothing)", quoted(description)));
        }
        match &self.group {
            Some(group) => put("group", &group.to_string()),
            None => put("group", "none was named, so that everything here is a claim of the PSBT"),
        }
        if let Some(path) = &self.path {
            put("spends by", &path.to_string());
        }
        if let Some(problem) = &self.problem {
            put("problem", &format!("the group cannot sign it: {problem}; everything here is a claim of the PSBT"));
        }
        if let Some(message) = &self.message {
            put("message", &quoted(message));
        } else {
            for (number, output) in self.outputs.iter().enumerate() {
                put(&format!("output {number}"), &output.text());
            }
            if let Some(outflow) = self.outflow {
                let way = if outflow.value < 0 { "the group receives" } else { "leaves the group, with the fee" };
                put("in all", &format!("{} {way}{}", coins(outflow.value.unsigned_abs()), mark(outflow.proven)));
            }
        }
        if let Some(fee) = self.fee {
            let rate = self.fee_rate.map_or_else(String::new, |rate| format!("  at least {:.2} sat/vB", rate.value));
            let share = self.fee_percent.map_or_else(String::new, |percent| format!("  {percent} % of what leaves"));
            put("fee", &format!("{}{rate}{share}{}", coins(fee.value), mark(fee.proven)));
        }
        for Warning { code, severity, text } in &self.warnings {
            put(severity.label(), &format!("{code}: {text}"));
        }
        for (number, input) in self.inputs.iter().enumerate() {
            put(&format!("input {number}"), &input.text());
        }
        put("locktime", &locktime(self.locktime));
        put("replaced", if self.is_replaceable { "may be, by one with a higher fee" } else { "not announced" });
        put("txid", &self.txid);
        if let Some(digest) = &self.digest {
            put("approval", digest);
        }
        lines
    }
}

impl fmt::Display for ApprovalScreen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// `NAME (FINGERPRINT)`, or the fingerprint alone.
impl fmt::Display for ScreenGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.fingerprint),
            None => f.write_str(&self.fingerprint),
        }
    }
}

/// `key path: alice + bob (of 3 members)`.
impl fmt::Display for ScreenPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.leaf {
            None => f.write_str("key path")?,
            Some(leaf) => write!(f, "leaf {leaf}")?,
        }
        write!(f, ": {} (of {} members)", self.members.join(" + "), self.count)
    }
}

/// `BRANCH/INDEX`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.branch, self.index)
    }
}

impl ScreenOutput {
    fn text(&self) -> String {
        let amount = coins(self.amount.value);
        let mark = mark(self.proven && self.amount.proven);
        let script = || beginning(self.script.as_deref().unwrap_or_default());
        match (self.kind, self.place) {
            (OutputKind::Group, Some(place)) if place.branch == 1 => {
                format!("{amount}  change, {place} of the group{mark}")
            }
            (OutputKind::Group, Some(place)) => format!("{amount}  {place} of the group{mark}"),
            (OutputKind::Address, _) => format!("{amount}{mark}{}", in_fours(self.address.as_deref().unwrap_or("?"))),
            (OutputKind::Data, _) => format!("{amount}  data, and no payment{mark}\n{}", script()),
            (OutputKind::Group | OutputKind::Unknown, _) => {
                format!("{amount}  a script without an address{mark}\n{}", script())
            }
        }
    }
}

impl ScreenInput {
    fn text(&self) -> String {
        let coin = self.amount.map_or_else(
            || "an unknown amount".to_owned(),
            |amount| format!("{}{}", coins(amount.value), mark(amount.proven)),
        );
        let owner = self.place.map_or_else(String::new, |place| format!("  {place} of the group"));
        format!("{coin}{owner} {}", self.outpoint)
    }
}

/// The mark of a value that is not proven.
const fn mark(proven: bool) -> &'static str {
    if proven { "" } else { " (claimed, not proven)" }
}

/// An amount in bitcoins, with all eight decimals.
fn coins(satoshi: u64) -> String {
    format!("{}.{:08} BTC", satoshi / 100_000_000, satoshi % 100_000_000)
}

/// An address in groups of four characters, for comparison by eye, on lines of its own.
fn in_fours(address: &str) -> String {
    let characters: Vec<char> = address.chars().collect();
    let groups: Vec<String> = characters.chunks(4).map(|four| four.iter().collect()).collect();
    groups.chunks(GROUPS).map(|line| format!("\n{}", line.join(" "))).collect()
}

/// The beginning of a script's digits.
fn beginning(digits: &str) -> String {
    digits.get(..SCRIPT).map_or_else(|| digits.to_owned(), |beginning| format!("{beginning}…"))
}

fn locktime(locktime: u32) -> String {
    match LockTime::from_consensus(locktime) {
        LockTime::Blocks(height) if height.to_consensus_u32() == 0 => "none".to_owned(),
        LockTime::Blocks(height) => format!("block {height}"),
        LockTime::Seconds(time) => format!("{time} seconds after the beginning of 1970"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_addresses_and_scripts_are_written_for_comparison() {
        assert_eq!(coins(60_000), "0.00060000 BTC");
        assert_eq!(coins(2_100_000_000_000_001), "21000000.00000001 BTC");
        assert_eq!(in_fours("tb1pabcde"), "\ntb1p abcd e");
        assert_eq!(in_fours(&"x".repeat(62)).lines().map(str::len).collect::<Vec<_>>(), [0, 59, 17]);
        assert_eq!(beginning(&"ab".repeat(40)).chars().count(), SCRIPT + 1);
    }
}
