//! Command line of what concerns the program itself: its configuration, completions for shells, and pages of the manual.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show the value of each option that can be configured, and where it comes from
    Show(ConfigShowArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ConfigShowArgs {
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ServiceArgs {
    #[command(subcommand)]
    pub(crate) command: ServiceCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServiceCommand {
    /// Write the unit of a signer for this user's systemd, or print one for the system's
    Install(ServiceInstallArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ServiceInstallArgs {
    /// Print a unit for the whole system, which an administrator puts into place
    #[arg(long)]
    pub(crate) system: bool,
    /// The name of the unit, without .service
    #[arg(long, value_name = "NAME", default_value = "motet", value_parser = unit)]
    pub(crate) name: String,
    /// The encrypted credential with the passphrase of the keystore (systemd-creds encrypt --name=motet-passphrase)
    #[arg(long, value_name = "FILE", value_parser = credential)]
    pub(crate) credential_file: Option<PathBuf>,
    /// Replace a unit of this name
    #[arg(long)]
    pub(crate) force: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Options of motet run, such as --key alice --policy /etc/motet/policy.json
    #[arg(last = true, required = true, value_name = "OPTIONS OF RUN")]
    pub(crate) run: Vec<OsString>,
}

/// A name that systemd takes as it is.
fn unit(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !text.is_empty() && text.len() <= 100 && !text.starts_with('.') && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err("the name of a unit has 1 to 100 letters, digits, -, _ and .".to_owned())
}

/// A path that a unit can name.
fn credential(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let plain = !text.contains([':', '%', '\\', '"', '\'', ' ', '\t', '\n']);
    if path.is_absolute() && plain {
        Ok(path)
    } else {
        Err("write an absolute path without blanks and : % \\ \" '".to_owned())
    }
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write the pages of all commands to this directory [default: the page of motet, on standard output]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
