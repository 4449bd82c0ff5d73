//! The configuration: values of options that a user writes once, in a file (TOML) or in variables of the environment.
//!
//! An option can be configured if its declaration names a variable (`env`). Its key in the file is its name on the command line.
//! A value is used as if it stood on the command line, unless the option stands there itself: so all rules hold for it, and no
//! list of names or values is written twice.

pub(crate) mod words;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};

use crate::exit::Failed;
use crate::{files, user_folders};

/// Most bytes of a file.
const FILE_BYTES: u64 = 64 * 1024;
/// The option that names the file, and is not in it.
const FILE_OPTION: &str = "config";
/// How similar a name is that is meant, perhaps (Jaro-Winkler).
const SIMILAR: f64 = 0.75;

/// The place where a value was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// A variable of the environment, by its name.
    Variable(String),
    /// The file.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Of an option without a value: given or not.
    Flag(bool),
    /// One text, or several if the option may be repeated.
    Texts(Vec<OsString>),
}

/// A configured option.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// The configured options by their names, each with its strongest value.
pub(crate) type Settings = BTreeMap<String, Setting>;

/// All options of a program that can be configured, by their names.
pub(crate) fn options(program: &Command) -> BTreeMap<String, Arg> {
    let mut options = BTreeMap::new();
    collect(program, &mut options);
    options
}

/// The options of one command that can be configured.
fn configurable(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|option| option.get_env().is_some() && option.get_id() != FILE_OPTION)
}

fn collect(command: &Command, options: &mut BTreeMap<String, Arg>) {
    let named = configurable(command).filter_map(|option| Some((option.get_long()?.to_owned(), option.clone())));
    options.extend(named);
    command.get_subcommands().for_each(|command| collect(command, options));
}

/// The file of the configuration: that which the user names, or the one in this user's folder.
///
/// # Errors
///
/// [`Failed`] if the user has neither named one nor has a home.
pub(crate) fn place(named: Option<&Path>) -> Result<PathBuf, Failed> {
    named.map(Path::to_owned).or_else(user_folders::config_file).ok_or_else(|| {
        Failed::here("there is no place for the configuration: HOME is not set").hint("name one with --config FILE")
    })
}

/// Reads the configuration: the variables, and the file that the user names or the one in this user's folder, if it is there.
///
/// # Errors
///
/// The mistake, in words.
pub(crate) fn read(program: &Command, named: Option<&Path>) -> Result<Settings, String> {
    let options = options(program);
    let mut settings = match named.map(Path::to_owned).or_else(named_by_variable) {
        Some(path) => of_file(&path, &options)?,
        None => match user_folders::config_file() {
            Some(path) if path.symlink_metadata().is_ok() => of_file(&path, &options)?,
            _ => Settings::new(),
        },
    };
    for (name, option) in options {
        let Some(variable) = option.get_env().and_then(|variable| variable.to_str()) else { continue };
        // An empty variable is as none.
        let Some(text) = std::env::var_os(variable).filter(|text| !text.is_empty()) else { continue };
        let value = of_text(&option, text).map_err(|what| format!("{variable}: {what}"))?;
        settings.insert(name, Setting { value, origin: Origin::Variable(variable.to_owned()) });
    }
    Ok(settings)
}

fn named_by_variable() -> Option<PathBuf> {
    std::env::var_os("MOTET_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The values in a file.
fn of_file(path: &Path, options: &BTreeMap<String, Arg>) -> Result<Settings, String> {
    let place = path.display();
    let unread = |error: &dyn fmt::Display| format!("cannot read the configuration {place}: {error}");
    let file = files::open(path).map_err(|error| unread(&error))?;
    if file.metadata().map_err(|error| unread(&error))?.permissions().mode() & 0o022 != 0 {
        return Err(format!("{place} can be changed by others than its owner; make it private: chmod 600 {place}"));
    }
    let bytes = files::content(&file, FILE_BYTES).map_err(|error| unread(&error))?;
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(|| unread(&"it is not UTF-8, or too long"))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| format!("{place}: {error}"))?;
    let mut settings = Settings::new();
    for (name, value) in table {
        let option = options.get(&name).ok_or_else(|| {
            let similar = options.keys().map(|known| (strsim::jaro_winkler(known, &name), known));
            let nearest = similar.max_by(|(one, _), (other, _)| one.total_cmp(other));
            let hint = nearest.filter(|(similarity, _)| *similarity >= SIMILAR);
            let hint = hint.map(|(_, known)| format!("; is {known} meant?")).unwrap_or_default();
            format!("{place}: there is no option {name}{hint}")
        })?;
        let value = of_toml(option, &value).map_err(|what| format!("{place}: {name}: {what}"))?;
        settings.insert(name, Setting { value, origin: Origin::File(path.to_owned()) });
    }
    Ok(settings)
}

/// True if an option has no value: it is given or not.
pub(crate) fn is_flag(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::SetTrue)
}

/// True if an option may be repeated.
pub(crate) fn is_list(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::Append)
}

fn of_toml(option: &Arg, value: &toml::Value) -> Result<Value, String> {
    let text = |value: &toml::Value| match value.as_integer() {
        Some(number) => Some(OsString::from(number.to_string())),
        None => value.as_str().map(OsString::from),
    };
    if is_flag(option) {
        return value.as_bool().map(Value::Flag).ok_or_else(|| "write true or false".to_owned());
    }
    if let Some(values) = value.as_array().filter(|_| is_list(option)) {
        let texts = values.iter().map(text).collect::<Option<_>>();
        return texts.map(Value::Texts).ok_or_else(|| "write texts in quotes, with commas between them".to_owned());
    }
    text(value).map(|text| Value::Texts(vec![text])).ok_or_else(|| "write one text in quotes".to_owned())
}

fn of_text(option: &Arg, text: OsString) -> Result<Value, String> {
    if is_flag(option) {
        return match text.to_str() {
            Some("true" | "1") => Ok(Value::Flag(true)),
            Some("false" | "0") => Ok(Value::Flag(false)),
            _ => Err("write true or false".to_owned()),
        };
    }
    if is_list(option) {
        let text = text.to_str().ok_or("it is not UTF-8")?;
        return Ok(Value::Texts(text.split(',').map(|text| OsString::from(text.trim())).collect()));
    }
    Ok(Value::Texts(vec![text]))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Cli;

    fn options() -> BTreeMap<String, Arg> {
        super::options(&Cli::command())
    }

    fn read_text(text: &str) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        files::create(&path, text.as_bytes()).unwrap();
        of_file(&path, &options())
    }

    #[test]
    fn the_options_of_run_can_be_configured_and_dangerous_ones_cannot() {
        let options = options();
        for name in
            ["key", "listen", "peer", "no-upnp", "dht", "delay", "policy", "groups", "keystore", "passphrase-file"]
        {
            assert!(options.contains_key(name), "{name}");
        }
        for name in ["auto-approve", "blind", "yes", "json", "dev", "once", "config", "approve"] {
            assert!(!options.contains_key(name), "{name}");
        }
        for (name, option) in options {
            let variable = format!("MOTET_{}", name.replace('-', "_").to_uppercase());
            assert_eq!(option.get_env().unwrap(), &*variable);
        }
    }

    #[test]
    fn values_have_the_kinds_of_their_options() {
        let settings = read_text("listen = [\"a\", \"b\"]\npeer = \"c\"\nattempts = 2\nlight = true\n").unwrap();
        let texts = |texts: &[&str]| Value::Texts(texts.iter().map(OsString::from).collect());
        assert_eq!(settings["listen"].value, texts(&["a", "b"]));
        assert_eq!(settings["peer"].value, texts(&["c"]));
        assert_eq!(settings["attempts"].value, texts(&["2"]));
        assert_eq!(settings["light"].value, Value::Flag(true));
        for (wrong, words) in [
            ("light = \"yes\"", "light: write true or false"),
            ("key = [\"a\"]", "key: write one text"),
            ("listen = [true]", "listen: write texts"),
            ("listen = 1.5", "listen: write one text"),
            ("lisen = \"a\"", "there is no option lisen; is listen meant?"),
            ("auto-approve = true", "there is no option auto-approve"),
            ("[run]\nlight = true", "there is no option run"),
            ("light = ", "line 1"),
            ("light = true\nlight = true", "line 2"),
        ] {
            let told = read_text(wrong).unwrap_err();
            assert!(told.contains(words), "{told}");
        }
    }

    #[test]
    fn variables_say_true_or_false_and_separate_lists_by_commas() {
        let options = options();
        let of = |name: &str, text: &str| of_text(&options[name], text.into());
        assert_eq!(of("light", "1"), Ok(Value::Flag(true)));
        assert_eq!(of("light", "false"), Ok(Value::Flag(false)));
        assert!(of("light", "yes").is_err());
        assert_eq!(of("listen", "a, b"), Ok(Value::Texts(vec!["a".into(), "b".into()])));
        assert_eq!(of("key", "a,b"), Ok(Value::Texts(vec!["a,b".into()])));
    }
}
