//! Which environment variable sets which setting.

use std::collections::BTreeMap;

use config::Value;

use super::known::Known;
use crate::Error;

/// `CHAT__SECTION__KEY` sets `section.key`.
const PREFIX: &str = "CHAT__";
/// A secret's variable with this ending names a file that holds the secret.
const FILE_SUFFIX: &str = "_FILE";

/// Names by which operators know a setting already. Of two for one setting the later one wins, and `CHAT__…` over both.
const WELL_KNOWN: [(&str, &str); 13] = [
    ("DATABASE_URL", "mysql.url"),
    ("REDIS_URL", "redis.url"),
    ("AMQP_URL", "amqp.url"),
    ("ELASTICSEARCH_URL", "elasticsearch.url"),
    ("RATE_LIMIT_PER_MINUTE", "rate_limit.per_minute"),
    ("ADMIN_TOKEN", "api.admin_token"),
    ("CHAT_QUEUE_THRESHOLD", "consumer.chat_batch_items"),
    ("MESSAGE_QUEUE_THRESHOLD", "consumer.message_batch_items"),
    ("PORT", "http.port"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "trace.endpoint"),
    ("LOG_FORMAT", "log.format"),
    ("LOG_LEVEL", "log.filter"),
    ("RUST_LOG", "log.filter"),
];

/// The secrets are the URLs, each of which may hold a password, the passwords, and the tokens.
pub(super) fn is_secret(key: &str) -> bool {
    [".url", "_password", "_token"].iter().any(|end| key.ends_with(end))
}

/// The variable to tell an operator of, for a setting.
pub(super) fn variable_for(key: &str) -> String {
    match WELL_KNOWN.iter().find(|(_, known)| *known == key) {
        Some((name, _)) => (*name).to_owned(),
        None => format!("{PREFIX}{}", key.replace('.', "__").to_uppercase()),
    }
}

/// Whether a variable of this name sets something here.
pub(super) fn is_ours(name: &str) -> bool {
    let value = name.strip_suffix(FILE_SUFFIX).unwrap_or(name);
    name.starts_with(PREFIX) || WELL_KNOWN.iter().any(|(known, _)| *known == value)
}

/// The variables that are set, which an empty one is not.
pub(super) struct Environment(BTreeMap<String, String>);

impl Environment {
    pub(super) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// What the variables set, in the order in which it is to be applied.
    pub(super) fn settings(&self, known: &Known) -> Result<Vec<(String, Value)>, Error> {
        let well_known = WELL_KNOWN.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned()));
        let mut settings = Vec::new();
        for (variable, key) in well_known.chain(self.prefixed()) {
            if let Some(text) = self.value(&variable, &key)? {
                let kind = known.parse(&variable, &key, text)?;
                settings.push((key, Value::new(Some(&variable), kind)));
            }
        }
        Ok(settings)
    }

    /// The `CHAT__…` variables and their keys; `CHAT__MYSQL__URL_FILE` stands for `CHAT__MYSQL__URL`.
    fn prefixed(&self) -> BTreeMap<String, String> {
        let with_key = |name: &String| {
            let key = |name: &str| Some(name.strip_prefix(PREFIX)?.to_lowercase().replacen("__", ".", 1));
            let of_secret = name.strip_suffix(FILE_SUFFIX).and_then(|name| Some((name.to_owned(), key(name)?)));
            of_secret.filter(|(_, key)| is_secret(key)).or_else(|| Some((name.clone(), key(name)?)))
        };
        self.0.keys().filter_map(with_key).collect()
    }

    /// The variable's value, or for a secret the content of the file that `<variable>_FILE` names.
    fn value(&self, variable: &str, key: &str) -> Result<Option<String>, Error> {
        let value = self.get(variable);
        let file_variable = format!("{variable}{FILE_SUFFIX}");
        let Some(path) = self.get(&file_variable).filter(|_| is_secret(key)) else {
            return Ok(value.map(str::to_owned));
        };
        if value.is_some() {
            return Err(Error::BothSet(variable.to_owned()));
        }
        let content = std::fs::read_to_string(path).map_err(|source| Error::SecretFile { variable: file_variable, source })?;
        Ok(Some(content.trim_end_matches(['\r', '\n']).to_owned()))
    }
}
