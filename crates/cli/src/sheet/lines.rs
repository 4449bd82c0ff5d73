//! The sheet for people, in lines of at most 80 columns.

use bitcoin::Amount;
use bitcoin::absolute::LockTime;
use motet_psbt::{Fact, Location, OutputView, Recipient};
use motet_wallet::Warning;

use super::Sheet;
use crate::shares;
use crate::text::{escaped, quoted};

/// Columns of a line.
const WIDTH: usize = 80;
/// Columns before the text of a line.
const LABEL: usize = 11;
/// Groups of four characters in one line of an address.
const GROUPS: usize = 12;
/// Digits of a script that are shown.
const SCRIPT: usize = 60;

impl Sheet<'_> {
    /// The sheet as lines, without an end of the last one.
    pub(crate) fn lines(&self) -> String {
        let mut lines = Vec::new();
        let mut put = |label: &str, text: &str| lines.push(field(label, text));
        match (self.known, &self.path) {
            (Some(known), Some(path)) => {
                put("group", &known.title());
                put("spends by", &known.path_line(path));
            }
            (Some(known), None) => put("group", &known.title()),
            (None, _) => put("group", "none was named, so that everything here is a claim of the PSBT"),
        }
        if let Some(problem) = &self.problem {
            put("problem", &format!("the group cannot sign it: {problem}; everything here is a claim of the PSBT"));
        }
        if let Some(message) = &self.message {
            put("message", &quoted(message));
        } else {
            for (number, output) in self.outputs.iter().enumerate() {
                put(&format!("output {number}"), &self.output_line(output));
            }
        }
        if let Some(outflow) = self.outflow
            && self.message.is_none()
        {
            let satoshi = outflow.displayed().to_sat();
            let amount = amount(Amount::from_sat(satoshi.unsigned_abs()));
            let way = if satoshi < 0 { "the group receives" } else { "leaves the group, with the fee" };
            put("in all", &format!("{amount} {way}{}", mark(&outflow)));
        }
        if let Some(fee) = self.fee {
            put("fee", &self.fee_line(fee));
        }
        for (number, input) in self.inputs.iter().enumerate() {
            let coin = input.amount.map_or_else(
                || "an unknown amount".to_owned(),
                |found| format!("{}{}", amount(found.displayed()), mark(&found)),
            );
            let owner =
                input.location.map_or_else(String::new, |location| format!("  {} of the group", place(location)));
            put(&format!("input {number}"), &format!("{coin}{owner} {}", input.outpoint));
        }
        put("locktime", &locktime(self.locktime));
        put("replaced", if self.is_replaceable { "may be, by one with a higher fee" } else { "not announced" });
        for Warning { code, severity, text } in &self.warnings {
            put(severity.label(), &format!("{code}: {text}"));
        }
        if let Some(known) = self.known {
            for line in shares::wrong_lines(&self.wrong, known) {
                put("WRONG", &line);
            }
            for line in shares::missing_lines(&self.missing, known) {
                put("missing", &line);
            }
            if self.path.is_some() && self.missing.is_empty() {
                put("missing", "nothing");
            }
        }
        put("txid", &self.txid.to_string());
        if let Some(approval) = &self.approval {
            put("approval", approval);
        }
        lines.join("\n")
    }

    fn output_line(&self, output: &OutputView) -> String {
        let to = match output.recipient.clone().displayed() {
            Recipient::Group(location) if location.keychain.0 == 1 => {
                format!("  change, {} of the group", place(location))
            }
            Recipient::Group(location) => format!("  {} of the group", place(location)),
            Recipient::Address(script) => {
                let address = self.address(&script).unwrap_or_default();
                let characters: Vec<char> = address.chars().collect();
                let groups: Vec<String> = characters.chunks(4).map(|four| four.iter().collect()).collect();
                groups.chunks(GROUPS).map(|line| format!("\n{}", line.join(" "))).collect()
            }
            Recipient::Data(script) => format!("  data, and no payment\n{}", beginning(&script.to_hex_string())),
            Recipient::Unknown(script) => {
                format!("  a script without an address\n{}", beginning(&script.to_hex_string()))
            }
        };
        let claimed =
            if output.recipient.clone().proven().is_none() { mark(&output.recipient) } else { mark(&output.amount) };
        match to.split_once('\n') {
            Some((first, rest)) => format!("{}{first}{claimed}\n{rest}", amount(output.amount.displayed())),
            None => format!("{}{to}{claimed}", amount(output.amount.displayed())),
        }
    }

    fn fee_line(&self, fee: Fact<Amount>) -> String {
        let rate = self
            .fee_rate
            .map_or_else(String::new, |rate| format!("  at least {:.1} sat/vB", super::object::rate(rate.displayed())));
        let outflow = self.outflow.map_or(0, |outflow| outflow.displayed().to_sat());
        let share = fee.displayed().to_sat().saturating_mul(100).checked_div(u64::try_from(outflow).unwrap_or(0));
        let share = share.map_or_else(String::new, |share| format!("  {share} % of what leaves"));
        format!("{}{rate}{share}{}", amount(fee.displayed()), mark(&fee))
    }
}

/// The mark of a value that is not proven.
const fn mark<T>(fact: &Fact<T>) -> &'static str {
    match fact {
        Fact::Proven(_) => "",
        Fact::Claimed(_) => "  (claimed, not proven)",
    }
}

/// An amount in bitcoin, with all eight decimals.
fn amount(amount: Amount) -> String {
    let satoshi = amount.to_sat();
    format!("{}.{:08} BTC", satoshi / 100_000_000, satoshi % 100_000_000)
}

/// Branch and index of an address.
fn place(location: Location) -> String {
    format!("{}/{}", location.keychain.0, location.index)
}

fn locktime(locktime: LockTime) -> String {
    match locktime {
        LockTime::Blocks(height) if height.to_consensus_u32() == 0 => "none".to_owned(),
        LockTime::Blocks(height) => format!("block {height}"),
        LockTime::Seconds(time) => format!("{time} seconds after the beginning of 1970"),
    }
}

/// The beginning of a script's digits.
fn beginning(digits: &str) -> String {
    digits.get(..SCRIPT).map_or_else(|| digits.to_owned(), |beginning| format!("{beginning}…"))
}

/// A label and its text, which goes on in further lines below itself.
pub(crate) fn field(label: &str, text: &str) -> String {
    let mut lines = vec![format!("{label:<LABEL$}")];
    for (number, part) in text.split('\n').enumerate() {
        if number > 0 {
            lines.push(" ".repeat(LABEL));
        }
        for word in part.split(' ') {
            // Names of members and files are texts of others.
            let word = escaped(word);
            let Some(line) = lines.last_mut() else { continue };
            let is_begun = line.len() > LABEL;
            if is_begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(format!("{}{word}", " ".repeat(LABEL)));
            } else {
                if is_begun {
                    line.push(' ');
                }
                line.push_str(&word);
            }
        }
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_go_on_below_themselves_within_80_columns() {
        let text = "word ".repeat(40);
        let shown = field("label", text.trim());
        assert!(shown.lines().count() == 3 && shown.lines().all(|line| line.chars().count() <= WIDTH), "{shown}");
        assert!(shown.lines().skip(1).all(|line| line.starts_with(&" ".repeat(LABEL))), "{shown}");
        assert_eq!(field("a", "b\nc"), format!("{:<LABEL$}b\n{:<LABEL$}c", "a", ""));
    }

    #[test]
    fn amounts_have_all_decimals() {
        assert_eq!(amount(Amount::from_sat(60_000)), "0.00060000 BTC");
        assert_eq!(amount(Amount::from_sat(100_000_000)), "1.00000000 BTC");
    }
}
