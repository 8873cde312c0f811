//! Reads the configuration: embedded defaults, then an optional file, then the environment.
//!
//! The defaults list every setting that there is, so whatever else a file or a `CHAT__` variable names is a mistake and is
//! refused. This is the only place that reads the process' environment, and it must never log or return a secret's value
//! otherwise than in the configuration itself.

mod environment;
mod known;
mod redact;
mod sections;

use std::collections::BTreeMap;
use std::ffi::OsString;

use config::{Config, ConfigError, File, FileFormat};
use serde::de::DeserializeOwned;

use crate::Error;
use environment::Environment;
use known::Known;

/// The setting of whose certificates are trusted.
const CA_FILE: &str = "tls.ca_file";
/// The sections that it holds for: each is handed a copy, so that whoever uses one of them need not know of the setting.
const REACHED_OVER_TLS: [&str; 5] = ["mysql", "redis", "amqp", "elasticsearch", "trace"];

/// Names the configuration file.
const FILE_VARIABLE: &str = "CHAT_CONFIG";

/// The configuration of this process. `T` has one field for each section that the service uses. `port` is the service's own
/// default for `http.port`; `None` for a command that serves nothing.
///
/// # Errors
/// An unknown key, a missing or ill-typed value, a file that cannot be read: each names what is at fault.
pub fn load<T: DeserializeOwned>(port: Option<u16>) -> Result<T, Error> {
    load_from(unicode(std::env::vars_os())?, port)
}

/// As [`load`], from the environment given. Empty variables count as unset.
///
/// # Errors
/// As [`load`].
pub fn load_from<T: DeserializeOwned>(
    environment: impl IntoIterator<Item = (String, String)>,
    port: Option<u16>,
) -> Result<T, Error> {
    handed_on(merge(environment, port)?)?.try_deserialize().map_err(named)
}

/// The settings in force for this process in the sections that `T` uses, as text in the form of the configuration file, without
/// passwords.
///
/// # Errors
/// As [`load`].
pub fn redacted<T: DeserializeOwned>(port: Option<u16>) -> Result<String, Error> {
    redacted_from::<T>(unicode(std::env::vars_os())?, port)
}

/// As [`redacted`], from the environment given.
///
/// # Errors
/// As [`load`].
pub fn redacted_from<T: DeserializeOwned>(
    environment: impl IntoIterator<Item = (String, String)>,
    port: Option<u16>,
) -> Result<String, Error> {
    let merged = merge(environment, port)?;
    let mut shown = sections::of::<T>().to_vec();
    if shown.iter().any(|section| REACHED_OVER_TLS.contains(section)) {
        shown.push("tls");
    }
    let text = redact::text(&merged, &shown)?;
    handed_on(merged)?.try_deserialize::<T>().map_err(named)?;
    Ok(text)
}

/// The variables as text. What is not Unicode is none of ours, unless its name is one of ours: a token that were left out in
/// silence would leave a service open.
fn unicode(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Vec<(String, String)>, Error> {
    let mut text = Vec::new();
    for (name, value) in variables {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => text.push((name, value)),
            Err(_) if environment::is_ours(&name) || name == FILE_VARIABLE => {
                return Err(Error::BadValue { variable: name, expected: "text in UTF-8" });
            }
            Err(_) => {}
        }
    }
    Ok(text)
}

fn merge(environment: impl IntoIterator<Item = (String, String)>, port: Option<u16>) -> Result<Config, Error> {
    let environment = Environment::new(environment);
    let known = Known::from_defaults()?;
    let mut builder = Config::builder().add_source(known::defaults());
    if let Some(port) = port {
        builder = builder.set_default("http.port", port)?;
    }
    if let Some(path) = environment.get(FILE_VARIABLE) {
        let file =
            Config::builder().add_source(File::new(path, FileFormat::Toml)).build().map_err(|error| unreadable(path, error))?;
        known.check_file(path, &file)?;
        builder = builder.add_source(file);
    }
    for (key, value) in environment.settings(&known)? {
        builder = builder.set_override(key, value)?;
    }
    Ok(builder.build()?)
}

/// Tells of a file that is not TOML by the place alone: behind it the parser quotes the line, password and all.
fn unreadable(file: &str, error: ConfigError) -> Error {
    let ConfigError::FileParse { cause, .. } = error else { return error.into() };
    let said = cause.to_string();
    let place = said.lines().next().and_then(|line| line.strip_prefix("TOML parse error"));
    Error::NotToml { file: file.to_owned(), place: place.unwrap_or_default().to_owned() }
}

/// Gives each section that may be reached over TLS the setting of whom to trust there.
fn handed_on(merged: Config) -> Result<Config, Error> {
    let ca_file = merged.get_string(CA_FILE)?;
    // Each section reads the file for itself; what is wrong with it is told here, without naming one of them.
    tls::Trust::with_file(&ca_file)?;
    let mut builder = Config::builder().add_source(merged);
    for section in REACHED_OVER_TLS {
        builder = builder.set_override(format!("{section}.{CA_FILE}"), ca_file.as_str())?;
    }
    Ok(builder.build()?)
}

/// Tells of a missing setting by the variable that sets it.
fn named(error: ConfigError) -> Error {
    match missing_key(&error) {
        Some(key) => Error::Missing { variable: environment::variable_for(key), key: key.to_owned() },
        None => error.into(),
    }
}

fn missing_key(error: &ConfigError) -> Option<&str> {
    match error {
        ConfigError::NotFound(key) => Some(key),
        ConfigError::At { error, .. } => missing_key(error),
        _ => None,
    }
}

/// A configuration as `config` holds it: sections of keys.
type Sections = BTreeMap<String, BTreeMap<String, config::Value>>;

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn what_is_not_unicode_is_refused_where_it_is_ours_and_passed_over_elsewhere() {
        let bytes = |text: &[u8]| OsString::from_vec(text.to_vec());
        let read = |name: &[u8], value: &[u8]| unicode([(bytes(name), bytes(value)), (bytes(b"PORT"), bytes(b"9"))]);
        for ours in
            ["ADMIN_TOKEN", "ADMIN_TOKEN_FILE", "DATABASE_URL", "CHAT__API__ADMIN_TOKEN", "CHAT__X__Y_FILE", "CHAT_CONFIG"]
        {
            let sentence = read(ours.as_bytes(), b"secret\xff").unwrap_err().to_string();
            assert_eq!(sentence, format!("{ours} must be text in UTF-8"));
        }
        let others: [(&[u8], &[u8]); 3] = [(b"LS_COLORS", b"\xff"), (b"\xff", b"x"), (b"CHAT_HOME", b"\xff")];
        for (name, value) in others {
            assert_eq!(read(name, value).unwrap(), [("PORT".to_owned(), "9".to_owned())]);
        }
    }
}
