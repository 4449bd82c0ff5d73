//! The file of a group: its backup, and what members send each other. It holds no secrets.
//!
//! Its first four lines are a descriptor record of BIP-129, which other wallets import. The lines after them are of this program,
//! and the last one is a checksum over all of the others:
//!
//! ```text
//! BSMS 1.0
//! tr(musig([..]xpub..,[..]xpub..)/<0;1>/*)#c7xmkvk2
//! No path restrictions
//! bc1p..
//! motet-group: 1
//! network: bitcoin
//! name: Treasury
//! confirmed: yes
//! birthday: 1796000000
//! member: own Ann
//! member: other Bob
//! device: 0 ledger <64 hexadecimal digits: policy id> <64 hexadecimal digits>
//! checksum: <64 hexadecimal digits>
//! ```

use std::fmt::Write as _;
use std::str::FromStr as _;

use bitcoin::Network;
use motet_core_crypto::tagged_hash;
use motet_psbt::GroupError;
use motet_psbt::descriptor::Descriptor;

use super::{DeviceKind, DeviceRegistration, FIRST, RegisteredGroup, RegistrationError};
use crate::limits::GROUP_FILE_BYTES;

const BSMS: &str = "BSMS 1.0";
const NO_RESTRICTIONS: &str = "No path restrictions";
const VERSION: &str = "1";

/// The reason why a text is not the file of a group. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupFileError {
    /// The text is too long.
    #[error("{found} bytes are too many for the file of a group: {GROUP_FILE_BYTES} are allowed")]
    TooLong {
        /// The number of bytes.
        found: usize,
    },
    /// A line is missing, or is another one than must stand there.
    #[error("line {line}: {expected} expected")]
    Line {
        /// The line.
        line: usize,
        /// The text that must stand there.
        expected: &'static str,
    },
    /// The file is of another version of the format.
    #[error("line {line}: this version of the format is not known here; a newer program has written the file")]
    Version {
        /// The line.
        line: usize,
    },
    /// The checksum is not the one of the text.
    #[error("the checksum is wrong: the file was changed or cut off after it was written; ask for it again")]
    Checksum,
    /// The first address is not the one of the descriptor.
    #[error("the first address in the file is not the descriptor's; one of them was changed, so use neither")]
    Address,
    /// The file has more or fewer members than the descriptor has keys.
    #[error("{found} members in the file, and {expected} keys in its descriptor")]
    Members {
        /// The number of members.
        found: usize,
        /// The number of keys.
        expected: usize,
    },
    /// The group in the file is refused.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
}

impl RegisteredGroup {
    /// The text of the wallet's own file, which is also its backup: everything but secrets.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let address = self.address(FIRST).map(|address| address.to_string()).unwrap_or_default();
        let descriptor = self.group.descriptor();
        let network = self.network;
        let confirmed = if self.is_confirmed { "yes" } else { "no" };
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "{BSMS}\n{descriptor}\n{NO_RESTRICTIONS}\n{address}\nmotet-group: {VERSION}\nnetwork: {network}\nname: {}\nconfirmed: {confirmed}\n",
            self.name
        );
        if let Some(birthday) = self.birthday {
            let _ = writeln!(text, "birthday: {birthday}");
        }
        for member in &self.members {
            let owner = if member.is_own { "own" } else { "other" };
            let space = if member.name.is_empty() { "" } else { " " };
            let _ = writeln!(text, "member: {owner}{space}{}", member.name);
        }
        for device in &self.devices {
            let (policy_id, hmac) = (hex::encode(device.policy_id), hex::encode(device.hmac));
            let _ = writeln!(text, "device: {} {} {policy_id} {hmac}", device.member, device.kind.word());
        }
        let checksum = checksum(&text);
        let _ = writeln!(text, "checksum: {checksum}");
        text
    }

    /// The text for the other members: without the notes of this wallet, that is own members, devices and the confirmation.
    pub fn to_shared_text(&self) -> String {
        self.without_notes().to_text()
    }

    /// Reads the wallet's own file or backup. What it says about own members, devices and the confirmation is believed.
    ///
    /// # Errors
    ///
    /// [`GroupFileError`].
    pub fn restore(text: &str) -> Result<Self, GroupFileError> {
        if text.len() > GROUP_FILE_BYTES {
            return Err(GroupFileError::TooLong { found: text.len() });
        }
        // Mail and editors of other systems end lines otherwise.
        let text = text.replace("\r\n", "\n");
        let mut lines = Lines { rest: text.split_terminator('\n').enumerate().peekable() };
        lines.exact(BSMS, "BSMS 1.0")?;
        let descriptor = Descriptor::parse(lines.next("a descriptor")?).map_err(GroupError::from);
        let descriptor = descriptor.map_err(RegistrationError::from)?;
        if !descriptor.had_checksum() {
            return Err(GroupFileError::Line { line: 2, expected: "a descriptor with its checksum" });
        }
        lines.exact(NO_RESTRICTIONS, "\"No path restrictions\"")?;
        let address = lines.next("the first address")?;
        lines.version()?;
        let is_whole = text
            .rsplit_once("checksum: ")
            .is_some_and(|(body, found)| found.strip_suffix('\n').unwrap_or(found) == checksum(body));
        if !is_whole {
            return Err(GroupFileError::Checksum);
        }
        let network = Network::from_str(lines.field("network", "network: NAME")?);
        let network = network.map_err(|_| lines.wrong("the name of a network"))?;
        let mut group = Self::new(lines.field("name", "name: TEXT")?, network, descriptor)?;
        if group.address(FIRST).map(|own| own.to_string()).as_deref() != Ok(address) {
            return Err(GroupFileError::Address);
        }
        group.is_confirmed = lines.yes_or_no("confirmed", "confirmed: yes, or no")?;
        if let Some(birthday) = lines.optional("birthday") {
            group.birthday = Some(number(birthday).ok_or_else(|| lines.wrong("seconds since 1970"))?);
        }
        let mut count = 0;
        while let Some(member) = lines.optional("member") {
            let (owner, name) = member.split_once(' ').unwrap_or((member, ""));
            let is_own = match owner {
                "own" => true,
                "other" => false,
                _ => return Err(lines.wrong("member: own NAME, or other NAME")),
            };
            if count < group.members.len() {
                group.name_member(count, name)?;
                group.set_own(count, is_own)?;
            }
            count += 1;
        }
        if count != group.members.len() {
            return Err(GroupFileError::Members { found: count, expected: group.members.len() });
        }
        while let Some(device) = lines.optional("device") {
            let device = device_of(device).ok_or_else(|| {
                lines.wrong("device: MEMBER ledger POLICY_ID HMAC, the last two with 64 hexadecimal digits each")
            })?;
            group.add_device(device)?;
        }
        lines.field("checksum", "a known field, or checksum: with 64 hexadecimal digits")?;
        lines.end()?;
        // Each group has one text.
        if group.to_text().trim_end() == text.trim_end() { Ok(group) } else { Err(GroupFileError::Checksum) }
    }

    /// Reads a file that another member has sent. Notes of the other's wallet are dropped, and nothing is confirmed.
    ///
    /// # Errors
    ///
    /// [`GroupFileError`].
    pub fn import(text: &str) -> Result<Self, GroupFileError> {
        Self::restore(text).map(|group| group.without_notes())
    }

    fn without_notes(&self) -> Self {
        let mut group = Self { devices: Vec::new(), is_confirmed: false, ..self.clone() };
        for member in &mut group.members {
            member.is_own = false;
        }
        group
    }
}

/// The lines of a file that are not read yet.
struct Lines<'a> {
    rest: std::iter::Peekable<std::iter::Enumerate<std::str::SplitTerminator<'a, char>>>,
}

impl<'a> Lines<'a> {
    fn next(&mut self, expected: &'static str) -> Result<&'a str, GroupFileError> {
        let wrong = self.wrong_next(expected);
        self.rest.next().map(|(_, line)| line).ok_or(wrong)
    }

    fn exact(&mut self, text: &str, expected: &'static str) -> Result<(), GroupFileError> {
        let wrong = self.wrong_next(expected);
        if self.next(expected)? == text { Ok(()) } else { Err(wrong) }
    }

    /// The value of a field that must be next.
    fn field(&mut self, name: &str, expected: &'static str) -> Result<&'a str, GroupFileError> {
        let wrong = self.wrong_next(expected);
        self.optional(name).ok_or(wrong)
    }

    /// The value of a field, if it is next.
    fn optional(&mut self, name: &str) -> Option<&'a str> {
        let (_, line) = self.rest.peek()?;
        let value = line.strip_prefix(name)?.strip_prefix(": ")?;
        self.rest.next();
        Some(value)
    }

    fn version(&mut self) -> Result<(), GroupFileError> {
        let line = self.number();
        match self.field("motet-group", "motet-group: 1")? {
            VERSION => Ok(()),
            _ => Err(GroupFileError::Version { line }),
        }
    }

    fn yes_or_no(&mut self, name: &str, expected: &'static str) -> Result<bool, GroupFileError> {
        let wrong = self.wrong_next(expected);
        match self.field(name, expected)? {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(wrong),
        }
    }

    fn end(&mut self) -> Result<(), GroupFileError> {
        let wrong = self.wrong_next("the end of the file");
        if self.rest.peek().is_none() { Ok(()) } else { Err(wrong) }
    }

    /// The number of the next line; 0 if there is none.
    fn number(&mut self) -> usize {
        self.rest.peek().map_or(0, |(place, _)| place + 1)
    }

    fn wrong_next(&mut self, expected: &'static str) -> GroupFileError {
        GroupFileError::Line { line: self.number(), expected }
    }

    /// The error for the line that was read last.
    fn wrong(&mut self, expected: &'static str) -> GroupFileError {
        GroupFileError::Line { line: self.number().saturating_sub(1), expected }
    }
}

fn checksum(text: &str) -> String {
    hex::encode(tagged_hash("motet/group-file/v1", &[text.as_bytes()]))
}

/// A decimal number without a sign or leading zeros.
fn number<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    text.parse::<T>().ok().filter(|number| number.to_string() == text)
}

fn device_of(text: &str) -> Option<DeviceRegistration> {
    let mut words = text.split(' ');
    let member = number(words.next()?)?;
    let word = words.next()?;
    let kind = [DeviceKind::Ledger].into_iter().find(|kind| kind.word() == word)?;
    let mut bytes = || <[u8; 32]>::try_from(hex::decode(words.next()?).ok()?).ok();
    let (policy_id, hmac) = (bytes()?, bytes()?);
    words.next().is_none().then_some(DeviceRegistration { member, kind, policy_id, hmac })
}
