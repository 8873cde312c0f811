//! The settings that there are, and of which type: those of the embedded defaults, and the few that have no default.

use std::collections::BTreeMap;

use config::{Config, File, FileFormat, FileSourceString, ValueKind};

use super::Sections;
use crate::Error;

const DEFAULTS: &str = include_str!("defaults.toml");

/// Settings without a default, each shown by a value of its type.
const WITHOUT_DEFAULT: [(&str, ValueKind); 7] = [
    ("mysql.url", ValueKind::String(String::new())),
    ("redis.url", ValueKind::String(String::new())),
    ("redis.sentinel_password", ValueKind::String(String::new())),
    ("amqp.url", ValueKind::String(String::new())),
    ("elasticsearch.url", ValueKind::String(String::new())),
    ("http.port", ValueKind::I64(0)),
    ("api.admin_token", ValueKind::String(String::new())),
];

/// The embedded defaults.
pub(super) fn defaults() -> File<FileSourceString, FileFormat> {
    File::from_str(DEFAULTS, FileFormat::Toml)
}

/// Every setting, by its key with the section (`mysql.url`), with a value of its type.
pub(super) struct Known(BTreeMap<String, ValueKind>);

impl Known {
    pub(super) fn from_defaults() -> Result<Self, Error> {
        let sections: Sections = Config::builder().add_source(defaults()).build()?.try_deserialize()?;
        let mut settings: BTreeMap<_, _> = WITHOUT_DEFAULT.into_iter().map(|(key, example)| (key.to_owned(), example)).collect();
        for (section, values) in sections {
            settings.extend(values.into_iter().map(|(key, value)| (format!("{section}.{key}"), value.kind)));
        }
        Ok(Self(settings))
    }

    /// Turns the text that an environment variable gives for `key` into a value of the setting's type.
    pub(super) fn parse(&self, variable: &str, key: &str, text: String) -> Result<ValueKind, Error> {
        let bad = |expected| Error::BadValue { variable: variable.to_owned(), expected };
        match self.0.get(key) {
            None => Err(Error::UnknownVariable { variable: variable.to_owned(), key: key.to_owned() }),
            Some(ValueKind::I64(_)) => text.trim().parse().map(ValueKind::I64).map_err(|_| bad("a whole number")),
            Some(ValueKind::Boolean(_)) => text.trim().parse().map(ValueKind::Boolean).map_err(|_| bad("true or false")),
            Some(_) => Ok(ValueKind::String(text)),
        }
    }

    /// Refuses a file with a section or a key that there is not.
    pub(super) fn check_file(&self, path: &str, file: &Config) -> Result<(), Error> {
        let unknown = |key: String| Err(Error::UnknownKey { file: path.to_owned(), key });
        let top: BTreeMap<String, config::Value> = file.clone().try_deserialize()?;
        for (section, value) in top {
            let ValueKind::Table(values) = value.kind else {
                return unknown(section);
            };
            for key in values.keys().map(|key| format!("{section}.{key}")) {
                if !self.0.contains_key(&key) {
                    return unknown(key);
                }
            }
        }
        Ok(())
    }
}
