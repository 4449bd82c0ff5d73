//! Logs on standard error, if `MOTET_LOG` asks for them (`docs/operations.md`, Logs).
//!
//! A session's span changes while it lives. The usual formatter appends changed fields and keeps the old ones; here the
//! latest value of a field replaces the one before. The usual formatter also writes most values as they are; here they
//! are escaped and in one line, since many contain texts of strangers.

use core::fmt;
use std::env::VarError;
use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use motet_daemon::LogControl;
use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields, SubscriberBuilder};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload;

use crate::exit::Failed;
use crate::text::{escaped, json};

/// The environment variable with the filter of the log.
const VARIABLE: &str = "MOTET_LOG";
/// The environment variable with the form of the log: `text` or `json`.
const FORMAT: &str = "MOTET_LOG_FORMAT";

/// Lets logs go where they belong, filtered as the user wants.
///
/// # Errors
///
/// [`Failed`] if the filter is none.
pub(crate) fn start() -> Result<(), Failed> {
    let wanted = std::env::var(VARIABLE).or_else(|error| match error {
        VarError::NotPresent => Ok("off".to_owned()),
        VarError::NotUnicode(_) => Err(wrong(VARIABLE, &error)),
    })?;
    let filter = EnvFilter::try_new(wanted).map_err(|error| wrong(VARIABLE, &error))?;
    let shown = filter.to_string();
    let builder = SubscriberBuilder::default()
        .with_writer(std::io::stderr)
        // It would say on standard error, and panic, that standard error takes nothing.
        .log_internal_errors(false);
    let reload: Reload = match std::env::var(FORMAT).as_deref() {
        Ok("json") => {
            let builder = builder.json().flatten_event(true).map_event_format(OneLine);
            let builder = builder.with_env_filter(filter).with_filter_reloading();
            let handle = builder.reload_handle();
            builder.init();
            Reload::new(move |filter| handle.reload(filter), shown)
        }
        Err(VarError::NotPresent) | Ok("text" | "") => {
            // Colours are for terminals; a file is for searching.
            let builder = builder.fmt_fields(Latest).with_ansi(std::io::stderr().is_terminal());
            let builder = builder.with_env_filter(filter).with_filter_reloading();
            let handle = builder.reload_handle();
            builder.init();
            Reload::new(move |filter| handle.reload(filter), shown)
        }
        _ => return Err(wrong(FORMAT, &"it is text or json")),
    };
    // The program starts its log once.
    drop(RELOAD.set(Arc::new(reload)));
    Ok(())
}

/// The log of this program for those that change it while it runs; none before it has been started.
pub(crate) fn control() -> Option<Arc<dyn LogControl>> {
    RELOAD.get().map(|reload| Arc::clone(reload) as Arc<dyn LogControl>)
}

static RELOAD: OnceLock<Arc<Reload>> = OnceLock::new();

/// The filter of a log that goes on.
struct Reload {
    replace: Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>,
    filter: Mutex<String>,
}

impl Reload {
    fn new(replace: impl Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync + 'static, filter: String) -> Self {
        Self { replace: Box::new(replace), filter: Mutex::new(filter) }
    }
}

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reload(..)")
    }
}

impl LogControl for Reload {
    fn filter(&self) -> String {
        self.filter.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_filter(&self, text: &str) -> Result<(), String> {
        let filter = EnvFilter::try_new(text).map_err(|error| error.to_string())?;
        let shown = filter.to_string();
        (self.replace)(filter).map_err(|error| error.to_string())?;
        *self.filter.lock().unwrap_or_else(PoisonError::into_inner) = shown;
        Ok(())
    }
}

/// Lines of JSON that are harmless in a terminal, too.
struct OneLine<F>(F);

impl<S, N, F> FormatEvent<S, N> for OneLine<F>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        writeln!(writer, "{}", json(line.trim_end()))
    }
}

fn wrong(variable: &str, error: &dyn fmt::Display) -> Failed {
    let hint = "write a level, such as debug, or a part of the program and its level, such as motet_node=trace";
    Failed::usage(format!("the environment variable {variable} cannot be used: {error}")).hint(hint)
}

/// Fields as `name=value`, of each name the latest value.
struct Latest;

impl<'writer> FormatFields<'writer> for Latest {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut harmless = Harmless { writer, first: true, written: Ok(()) };
        fields.record(&mut harmless);
        harmless.written
    }

    fn add_fields(&self, current: &'writer mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        fields.record(&mut Outdated(&mut current.fields));
        if !current.fields.is_empty() {
            current.fields.push(' ');
        }
        self.format_fields(current.as_writer(), fields)
    }
}

/// Writes fields as the usual formatter does, but harmless.
struct Harmless<'writer> {
    writer: Writer<'writer>,
    first: bool,
    written: fmt::Result,
}

impl Harmless<'_> {
    fn write(&mut self, name: &str, value: &dyn fmt::Debug) -> fmt::Result {
        if !core::mem::take(&mut self.first) {
            self.writer.write_char(' ')?;
        }
        // The name of a field is a word of this program; so is the text of an event, which has none.
        match (name, self.writer.has_ansi_escapes()) {
            ("message", _) => {}
            (name, false) => write!(self.writer, "{name}=")?,
            (name, true) => write!(self.writer, "\u{1b}[3m{name}\u{1b}[0m\u{1b}[2m=\u{1b}[0m")?,
        }
        self.writer.write_str(&escaped(&format!("{value:?}")))
    }
}

impl Visit for Harmless<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.written.is_ok() {
            self.written = self.write(field.name(), value);
        }
    }
}

/// Removes the old value of a field that is about to be written again. Values of spans that change are single words.
struct Outdated<'a>(&'a mut String);

impl Visit for Outdated<'_> {
    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
        let name = field.name();
        let is_it = |word: &str| bare(word).strip_prefix(name).is_some_and(|rest| bare(rest).starts_with('='));
        let kept: Vec<&str> = self.0.split(' ').filter(|word| !word.is_empty() && !is_it(word)).collect();
        *self.0 = kept.join(" ");
    }
}

/// A word without the colours at its beginning.
fn bare(mut word: &str) -> &str {
    while let Some(rest) = word.strip_prefix('\u{1b}').and_then(|rest| rest.split_once('m')) {
        word = rest.1;
    }
    word
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(colours: bool) -> String {
        let written = Written::default();
        let to = written.clone();
        let subscriber =
            SubscriberBuilder::default().fmt_fields(Latest).with_ansi(colours).with_writer(move || to.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            let empty = tracing::field::Empty;
            let span = tracing::error_span!("session", request = 7, phase = empty, awaiting = empty);
            for (phase, awaiting) in [("Joining", "1:ab,2:cd"), ("Nonces", "2:cd"), ("Partials", "nobody")] {
                span.record("phase", tracing::field::display(phase));
                span.record("awaiting", tracing::field::display(awaiting));
            }
            span.in_scope(|| tracing::info!("a line"));
        });
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn words_of_strangers_are_harmless_in_a_line_of_the_log() {
        for colours in [false, true] {
            let strange = "a\u{1b}[2Jb\u{202e}c\u{200b}d\ne";
            let written = Written::default();
            let to = written.clone();
            let subscriber = SubscriberBuilder::default()
                .fmt_fields(Latest)
                .with_ansi(colours)
                .with_writer(move || to.clone())
                .finish();
            tracing::subscriber::with_default(subscriber, || {
                let span = tracing::error_span!("session", seen = %strange);
                let _entered = span.enter();
                tracing::info!(shown = %strange, debugged = ?strange, text = strange, "{strange}");
            });
            let line = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
            assert_eq!(line.matches('\n').count(), 1, "{line:?}");
            assert!(!line.contains(['\u{202e}', '\u{200b}']) && !line.contains("\u{1b}[2J"), "{line:?}");
            assert_eq!(line.contains('\u{1b}'), colours, "{line:?}");
        }
    }

    #[test]
    fn a_span_shows_the_latest_value_of_each_field_once() {
        let line = logged(false);
        assert!(line.contains("session{request=7 phase=Partials awaiting=nobody}"), "{line}");
        let coloured = logged(true);
        for name in ["request", "phase", "awaiting"] {
            assert_eq!(coloured.matches(name).count(), 1, "{coloured}");
        }
    }
}
