//! `motet config show`: the configured options, and where each value comes from.

use std::path::Path;

use clap::{Arg, CommandFactory as _};
use serde_json::{Value as Json, json};

use crate::args::{Cli, ConfigArgs, ConfigCommand};
use crate::config::{self, Origin, Value};
use crate::exit::{Exit, Failed};
use crate::output::Output;

pub(crate) fn run(args: &ConfigArgs, file: Option<&Path>) -> Result<Exit, Failed> {
    let ConfigCommand::Show(args) = &args.command;
    let program = Cli::command();
    let settings = config::read(&program, file).map_err(Failed::usage)?;
    let output = Output::without_node(args.json);
    for (name, option) in config::options(&program) {
        let (value, origin, source) = match settings.get(&name) {
            Some(setting) => {
                let origin = match &setting.origin {
                    Origin::Variable(_) => "environment",
                    Origin::File(_) => "file",
                };
                (value(&setting.value, &option), origin, Some(setting.origin.to_string()))
            }
            None => (default(&option), "default", None),
        };
        let told = source.as_deref().unwrap_or("default");
        let line = if value.is_null() { format!("# {name} is not set") } else { format!("{name} = {value}  # {told}") };
        let object = json!({"event": "setting", "name": name, "value": value, "origin": origin, "source": source});
        output.result(&line, &object)?;
    }
    Ok(Exit::Success)
}

/// A value as the file has it.
fn value(value: &Value, option: &Arg) -> Json {
    match value {
        Value::Flag(given) => Json::from(*given),
        Value::Texts(texts) => {
            let mut texts: Vec<_> = texts.iter().map(|text| text.to_string_lossy()).collect();
            if config::is_list(option) { Json::from(texts) } else { texts.pop().map_or(Json::Null, Json::from) }
        }
    }
}

/// The value without a configuration, if the option has one that does not depend on others.
fn default(option: &Arg) -> Json {
    if config::is_flag(option) {
        return Json::from(false);
    }
    option.get_default_values().first().map_or(Json::Null, |text| Json::from(text.to_string_lossy()))
}
