//! Writes the settings in force for an operator to read, with the secrets' passwords left out.

use config::{Config, ValueKind};

use super::{Sections, environment::is_secret};
use crate::Error;

/// The sections named, in the form of the configuration file.
pub(super) fn text(config: &Config, wanted: &[&str]) -> Result<String, Error> {
    let sections: Sections = config.clone().try_deserialize()?;
    let mut text = String::new();
    for (section, values) in sections.iter().filter(|(section, _)| wanted.contains(&section.as_str())) {
        text.push_str(&format!("[{section}]\n"));
        for (key, value) in values {
            let value = match &value.kind {
                ValueKind::String(value) if matches!(key.as_str(), "url" | "endpoint") && !value.is_empty() => {
                    format!("{:?}", url(value))
                }
                ValueKind::String(_) if is_secret(&format!("{section}.{key}")) => "\"***\"".to_owned(),
                ValueKind::String(value) => format!("{value:?}"),
                other => other.to_string(),
            };
            text.push_str(&format!("{key} = {value}\n"));
        }
        text.push('\n');
    }
    Ok(text)
}

/// The URL without its password and its query. What cannot be told apart is hidden: a password may hold any character.
fn url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "***".to_owned();
    };
    let Some((credentials, host)) = rest.rsplit_once('@') else {
        return format!("{scheme}://{}", without_query(rest));
    };
    // Whether the @ stands behind a user or in the query, nobody can say.
    if credentials.contains('?') {
        return format!("{scheme}://***");
    }
    let host = without_query(host);
    match credentials.split_once([':', '/']) {
        Some((user, _)) => format!("{scheme}://{user}:***@{host}"),
        // Over HTTP it may be a key.
        None if scheme.starts_with("http") => format!("{scheme}://***@{host}"),
        None => format!("{scheme}://{credentials}:***@{host}"),
    }
}

fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::url;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (full, shown) in [
            ("http://localhost:9200", "http://localhost:9200"),
            ("mysql://chat:secret@db:3306/chat", "mysql://chat:***@db:3306/chat"),
            ("redis://:secret@cache/0", "redis://:***@cache/0"),
            ("mysql://chat:se/cr@et:x@db/chat?ssl=secret", "mysql://chat:***@db/chat"),
            ("amqp://chat@mq/%2f", "amqp://chat:***@mq/%2f"),
            ("http://search:9200/?key=secret", "http://search:9200/"),
            ("http://search:9200/?key=secret@x", "http://***"),
            ("mysql://db/chat?password=secret@secret", "mysql://***"),
            ("mysql://chat:secret?secret@db/chat", "mysql://***"),
            ("https://secret@search:9200", "https://***@search:9200"),
            ("secret", "***"),
        ] {
            assert_eq!(url(full), shown);
        }
    }
}
