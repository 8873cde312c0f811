//! Writes events as lines that name the service, for people or for machines.

use std::fmt;
use std::io::{self, IsTerminal};

use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter, format};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use super::{Format, Settings};
use crate::Error;

/// Libraries whose own logs are kept out. The HTTP framework logs an error for each connection that sends it garbage: anybody
/// could flood the log. The broker's client logs each returned message with its payload, which holds what people wrote. What
/// matters of both we log ourselves. A filter that names the target lets it speak again.
const QUIET: &str = "actix_http=off,lapin=off,actix_server=warn";

/// Makes this the process' logging.
pub(super) fn init(settings: &Settings, service: &'static str) -> Result<(), Error> {
    let colours = io::stdout().is_terminal();
    dispatch(settings, service, io::stdout, colours)?.try_init().map_err(|error| Error::Telemetry(error.into()))
}

/// What is logged.
pub(super) fn filter(settings: &Settings) -> Result<EnvFilter, Error> {
    EnvFilter::try_new(format!("{QUIET},{}", settings.filter)).map_err(Error::LogFilter)
}

fn dispatch<W>(settings: &Settings, service: &'static str, writer: W, colours: bool) -> Result<Dispatch, Error>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let logs = tracing_subscriber::fmt().with_env_filter(filter(settings)?).with_writer(writer).with_ansi(colours);
    Ok(match settings.format {
        Format::Human => logs.event_format(Human { service, inner: format() }).into(),
        Format::Json => {
            let inner = format().json().flatten_event(true).with_current_span(false).with_span_list(false);
            logs.json().event_format(Json { service, inner }).into()
        }
    })
}

/// `api 2026-01-01T00:00:00.000Z INFO …`: the service comes first, so that several can share a terminal.
struct Human<F> {
    service: &'static str,
    inner: F,
}

impl<S, N, F> FormatEvent<S, N> for Human<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        write!(writer, "{:<8} ", self.service)?;
        self.inner.format_event(context, writer, event)
    }
}

/// `{"service":"api","timestamp":…}`.
struct Json<F> {
    service: &'static str,
    inner: F,
}

impl<S, N, F> FormatEvent<S, N> for Json<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut object = String::new();
        self.inner.format_event(context, Writer::new(&mut object), event)?;
        let members = object.strip_prefix('{').ok_or(fmt::Error)?;
        write!(writer, "{{\"service\":\"{}\",{members}", self.service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Captured;

    fn line(format: Format, filter: &str) -> Result<String, Error> {
        let captured = Captured::default();
        let settings = Settings { format, filter: filter.to_owned() };
        let writer = captured.clone();
        let dispatch = dispatch(&settings, "api", move || writer.clone(), false)?;
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::info!(count = 7, "said \"so\"");
            tracing::error!(target: "actix_http::h1", "stream error");
            tracing::warn!(target: "lapin::returned_messages", "returned with its body");
        });
        Ok(captured.text())
    }

    #[test]
    fn a_line_for_people_begins_with_the_service() {
        let line = line(Format::Human, "info").unwrap();
        assert!(line.starts_with("api  ") && line.ends_with("said \"so\" count=7\n"), "{line}");
    }

    #[test]
    fn a_line_for_machines_is_one_object() {
        let object: serde_json::Value = serde_json::from_str(&line(Format::Json, "info").unwrap()).unwrap();
        assert_eq!((&object["service"], &object["count"]), (&"api".into(), &7.into()));
        assert_eq!((&object["message"], &object["level"]), (&"said \"so\"".into(), &"INFO".into()));
    }

    #[test]
    fn the_filter_holds_lines_back_and_a_wrong_one_is_refused() {
        assert_eq!(line(Format::Human, "warn").unwrap(), "");
        assert!(line(Format::Human, "actix_http=error").unwrap().contains("stream error"));
        assert!(matches!(line(Format::Human, "info,a=b=c"), Err(Error::LogFilter(_))));
    }
}
