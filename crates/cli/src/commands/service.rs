//! `motet service`: units of systemd that run a signer.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use serde_json::json;

use crate::args::{Cli, Command, ServiceArgs, ServiceCommand, ServiceInstallArgs};
use crate::exit::{Exit, Failed};
use crate::output::Output;
use crate::{files, user_folders};

/// The place of units in this user's folder for configuration.
const UNITS: &str = "systemd/user";

/// Restrictions that both managers can set up.
const RESTRICTED: &str = "\
NoNewPrivileges=yes
UMask=0077
LimitCORE=0
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
";

/// Restrictions that the system's manager alone can set up.
const CONFINED: &str = "\
DynamicUser=yes
StateDirectory=motet
StateDirectoryMode=0700
WorkingDirectory=%S/motet
Environment=HOME=%S/motet XDG_DATA_HOME=%S/motet XDG_CONFIG_HOME=%E
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
RemoveIPC=yes
";

pub(crate) fn run(args: &ServiceArgs) -> Result<Exit, Failed> {
    let ServiceCommand::Install(args) = &args.command;
    let output = Output::without_node(args.json);
    let text = unit(args, &std::env::current_exe().map_err(Failed::here)?)?;
    if args.system {
        output.result(text.trim_end(), &json!({"event": "unit", "content": text}))?;
        return Ok(Exit::Success);
    }
    let folder = user_folders::config().and_then(|folder| Some(folder.parent()?.join(UNITS)));
    let folder = folder.ok_or_else(|| {
        Failed::here("there is no place for a unit: HOME is not set").hint("print one for the whole system: --system")
    })?;
    let name = format!("{}.service", args.name);
    let path = folder.join(&name);
    install(&path, &text, args.force)?;
    let shown = path.display().to_string();
    output.result(&format!("wrote {shown}"), &json!({"event": "unit", "file": shown}))?;
    output.say(&format!(
        "start it:           systemctl --user daemon-reload && systemctl --user enable --now {name}\n\
         without a login:    loginctl enable-linger"
    ));
    Ok(Exit::Success)
}

fn install(path: &Path, text: &str, force: bool) -> Result<(), Failed> {
    let unwritten = |error: std::io::Error| {
        let failed = Failed::here(format!("cannot write {}: {error}", path.display()));
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            return failed.hint("to replace it: --force; or choose another name with --name NAME");
        }
        failed
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unwritten)?;
    }
    let written = if force { files::replace(path, text.as_bytes()) } else { files::create(path, text.as_bytes()) };
    written.map_err(unwritten)
}

/// The unit. Its command line is one that this program takes.
fn unit(args: &ServiceInstallArgs, program: &Path) -> Result<String, Failed> {
    let words = ["motet".into(), "run".into()].into_iter().chain(args.run.iter().cloned());
    let parsed = Cli::try_parse_from(words).map_err(|error| {
        let text = error.to_string();
        Failed::usage(text.lines().next().unwrap_or_default().trim_start_matches("error: "))
            .hint("write the options of `motet run` after --, such as: motet service install -- --key alice")
    })?;
    if !matches!(&parsed.command, Command::Run(run) if run.node.dev.is_none() && !run.once) {
        return Err(Failed::usage("a service keeps its key, and goes on after a session: leave --dev and --once out"));
    }
    let mut command = vec![quoted(program.to_str())?, "run".to_owned()];
    for word in &args.run {
        command.push(quoted(word.to_str())?);
    }
    let mut service = format!("Type=notify\nNotifyAccess=main\nExecStart={}\n", command.join(" "));
    service.push_str("Restart=on-failure\nRestartSec=5\nTimeoutStopSec=20\nWatchdogSec=60\n");
    // A wrong command line, and a keystore that does not open, do not get better by themselves.
    service.push_str("RestartPreventExitStatus=2 9\n");
    if let Some(file) = &args.credential_file {
        service.push_str(&format!("LoadCredentialEncrypted=motet-passphrase:{}\n", file.display()));
    }
    if args.system {
        service.push_str(CONFINED);
    } else {
        // Names of files mean the same as on this command line.
        let here: PathBuf = std::env::current_dir().map_err(Failed::here)?;
        service.push_str(&format!("WorkingDirectory={}\n", path_of(here.to_str())?));
    }
    let target = if args.system { "multi-user.target" } else { "default.target" };
    let network = if args.system { "Wants=network-online.target\nAfter=network-online.target\n" } else { "" };
    Ok(format!(
        "[Unit]\nDescription=Motet signer\n{network}\n[Service]\n{service}{RESTRICTED}\n[Install]\nWantedBy={target}\n"
    ))
}

/// A word of a command line as a unit has it.
fn quoted(word: Option<&str>) -> Result<String, Failed> {
    let word = printable_word(word)?;
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,+@%".contains(&byte);
    if !escaped.is_empty() && escaped.bytes().all(plain) {
        return Ok(escaped);
    }
    Ok(format!("\"{escaped}\""))
}

/// A path that is the whole value of a setting.
fn path_of(path: Option<&str>) -> Result<String, Failed> {
    Ok(printable_word(path)?.replace('\\', "\\\\").replace('%', "%%"))
}

fn printable_word(word: Option<&str>) -> Result<&str, Failed> {
    word.filter(|word| !word.contains(char::is_control))
        .ok_or_else(|| Failed::usage("a unit takes UTF-8 without control characters alone"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_the_same_in_a_unit() {
        for (word, expected) in [
            ("--key", "--key"),
            ("a b", "\"a b\""),
            ("50%", "50%%"),
            ("$HOME", "\"$$HOME\""),
            ("a\"b\\", "\"a\\\"b\\\\\""),
            ("", "\"\""),
            (";", "\";\""),
        ] {
            assert_eq!(quoted(Some(word)).unwrap(), expected);
        }
        assert!(quoted(Some("a\nExecStartPre=/bin/x")).is_err() && quoted(None).is_err());
    }
}
