//! The configuration's rules, each with an environment of its own: the process' environment is never touched.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use service::config::{load_from, redacted_from};
use service::{Error, http, telemetry};

#[derive(Debug, Deserialize)]
struct Mysql {
    url: String,
    pool_size: u32,
}

#[derive(Debug, Deserialize)]
struct Amqp {
    prefix: String,
}

#[derive(Debug, Deserialize)]
struct Consumer {
    chat_batch_items: usize,
    message_batch_items: usize,
}

#[derive(Debug, Deserialize)]
struct Config {
    http: http::Settings,
    mysql: Mysql,
    amqp: Amqp,
    consumer: Consumer,
    log: telemetry::Settings,
}

const URL: (&str, &str) = ("DATABASE_URL", "mysql://chat:secret@db/chat");

type Variables<'a> = &'a [(&'a str, &'a str)];

/// Variables, what they set, and to which value.
type Case<'a> = (Variables<'a>, fn(&Config) -> String, &'a str);

fn load(variables: Variables<'_>) -> Result<Config, Error> {
    load_from(owned(variables), Some(8080))
}

fn owned(variables: Variables<'_>) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A file that is removed when the test ends.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new(content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("chat-config-{}", uuid::Uuid::new_v4()));
        fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

#[test]
fn the_defaults_are_those_of_the_file() {
    let config = load(&[URL]).unwrap();
    assert_eq!(config.http.address.to_string(), "0.0.0.0");
    assert_eq!(config.http.port, 8080);
    assert_eq!((config.http.workers, config.http.request_bytes), (0, 65536));
    assert_eq!((config.http.drain_ms, config.http.shutdown_ms), (5000, 4000));
    assert_eq!(config.mysql.url, URL.1);
    assert_eq!(config.mysql.pool_size, 16);
    assert_eq!(config.amqp.prefix, "");
    assert_eq!((config.consumer.chat_batch_items, config.consumer.message_batch_items), (1000, 4000));
    assert_eq!((config.log.format, config.log.filter.as_str()), (telemetry::Format::Human, "info"));
}

#[test]
fn every_variable_sets_its_setting() {
    let cases: &[Case<'_>] = &[
        (&[("PORT", "9")], |c| c.http.port.to_string(), "9"),
        (&[("CHAT__HTTP__PORT", "10"), ("PORT", "9")], |c| c.http.port.to_string(), "10"),
        (&[("PORT", "")], |c| c.http.port.to_string(), "8080"),
        (&[("CHAT__MYSQL__POOL_SIZE", " 20 ")], |c| c.mysql.pool_size.to_string(), "20"),
        (&[("CHAT__MYSQL__URL", "mysql://other")], |c| c.mysql.url.clone(), "mysql://other"),
        (&[("CHAT__AMQP__PREFIX", "0123")], |c| c.amqp.prefix.clone(), "0123"),
        (&[("CHAT__AMQP__PREFIX", "true")], |c| c.amqp.prefix.clone(), "true"),
        (&[("CHAT_QUEUE_THRESHOLD", "5")], |c| c.consumer.chat_batch_items.to_string(), "5"),
        (&[("MESSAGE_QUEUE_THRESHOLD", "6")], |c| c.consumer.message_batch_items.to_string(), "6"),
        (&[("LOG_FORMAT", "json")], |c| format!("{:?}", c.log.format), "Json"),
        (&[("LOG_LEVEL", "warn")], |c| c.log.filter.clone(), "warn"),
        (&[("LOG_LEVEL", "warn"), ("RUST_LOG", "debug")], |c| c.log.filter.clone(), "debug"),
        (&[("CHAT__HTTP__ADDRESS", "::1")], |c| c.http.address.to_string(), "::1"),
        (&[("UNRELATED", "x"), ("CHAT_HOME", "x")], |c| c.http.port.to_string(), "8080"),
    ];
    for (variables, read, expected) in cases {
        let config = load(&[&[URL], *variables].concat()).unwrap();
        assert_eq!(read(&config), *expected, "{variables:?}");
    }
}

#[test]
fn mistakes_are_refused_by_name() {
    let cases: &[(Variables<'_>, &str)] = &[
        (&[], "mysql.url is not set: set DATABASE_URL"),
        (&[("DATABASE_URL", "")], "mysql.url is not set: set DATABASE_URL"),
        (
            &[URL, ("CHAT__MYSQL__POOL_SIZ", "1")],
            "the environment variable CHAT__MYSQL__POOL_SIZ names no setting: there is no mysql.pool_siz",
        ),
        (
            &[URL, ("CHAT__NOSUCH__KEY", "1")],
            "the environment variable CHAT__NOSUCH__KEY names no setting: there is no nosuch.key",
        ),
        (&[URL, ("CHAT__MYSQL", "1")], "the environment variable CHAT__MYSQL names no setting: there is no mysql"),
        (
            &[URL, ("CHAT__MYSQL__POOL_SIZE_FILE", "1")],
            "the environment variable CHAT__MYSQL__POOL_SIZE_FILE names no setting: there is no mysql.pool_size_file",
        ),
        (&[URL, ("CHAT__MYSQL__POOL_SIZE", "many")], "CHAT__MYSQL__POOL_SIZE must be a whole number"),
        (&[URL, ("PORT", "http")], "PORT must be a whole number"),
        (&[URL, ("DATABASE_URL_FILE", "/nowhere")], "both DATABASE_URL and DATABASE_URL_FILE are set: set one"),
        (
            &[("CHAT__MYSQL__URL", "a"), ("CHAT__MYSQL__URL_FILE", "b")],
            "both CHAT__MYSQL__URL and CHAT__MYSQL__URL_FILE are set: set one",
        ),
        (&[("DATABASE_URL_FILE", "/nowhere")], "the file named by DATABASE_URL_FILE cannot be read"),
    ];
    for (variables, expected) in cases {
        assert_eq!(load(variables).unwrap_err().to_string(), *expected, "{variables:?}");
    }
}

#[test]
fn values_out_of_range_name_the_setting() {
    for (variable, value, named) in [
        ("PORT", "70000", "http.port"),
        ("PORT", "-1", "http.port"),
        ("CHAT__HTTP__ADDRESS", "localhost", "http.address"),
        ("LOG_FORMAT", "xml", "log.format"),
    ] {
        let sentence = load(&[URL, (variable, value)]).unwrap_err().to_string();
        assert!(sentence.contains(named) || sentence.contains(variable), "{sentence}");
    }
}

#[test]
fn a_file_stands_between_the_defaults_and_the_environment() {
    let file = TemporaryFile::new("[mysql]\npool_size = 7\n[http]\nport = 1\n[consumer]\nchat_batch_items = 2\n");
    let config = load(&[URL, ("CHAT_CONFIG", file.path()), ("CHAT_QUEUE_THRESHOLD", "3")]).unwrap();
    assert_eq!((config.mysql.pool_size, config.http.port, config.consumer.chat_batch_items), (7, 1, 3));
}

#[test]
fn a_files_mistakes_are_refused_by_name() {
    for (content, named) in [
        ("[mysql]\npool_siz = 7\n", "mysql.pool_siz"),
        ("[redis]\nnosuch = 7\n", "redis.nosuch"),
        ("[nosuch]\nkey = 7\n", "nosuch.key"),
        ("pool_size = 7\n", "pool_size"),
        ("[mysql]\npool_size = \"many\"\n", "mysql.pool_size"),
        ("[mysql\n", "TOML"),
    ] {
        let file = TemporaryFile::new(content);
        let sentence = load(&[URL, ("CHAT_CONFIG", file.path())]).unwrap_err().to_string();
        assert!(sentence.contains(named), "{content}: {sentence}");
    }
    let sentence = load(&[URL, ("CHAT_CONFIG", "/nowhere.toml")]).unwrap_err().to_string();
    assert!(sentence.contains("/nowhere.toml"), "{sentence}");
}

#[test]
fn a_mistake_in_a_file_is_told_by_its_place_and_shows_no_secret() {
    for (content, place) in [
        ("[mysql]\nurl = \"mysql://chat:hush@db/chat\n", "line 2"),
        // A number that is too large: the parser does not say where it stands.
        ("[api]\nadmin_token = 98765432109876543210987654321098\n", "not TOML"),
        ("# hush\n\nmysql.url = \"hush\"\nmysql.url = \"hush\"\n", "line 4"),
        ("[api]\nadmin_token = hush hush\n", "line 2"),
    ] {
        let file = TemporaryFile::new(content);
        let variables = [URL, ("CHAT_CONFIG", file.path())];
        for refused in [load(&variables).unwrap_err(), redacted_from::<Config>(owned(&variables), None).unwrap_err()] {
            let told = [refused.to_string(), format!("{refused:?}")].concat();
            assert!(told.contains(file.path()) && told.contains(place), "{content}: {told}");
            assert!(!told.contains("hush") && !told.contains("9876"), "{told}");
        }
    }
}

#[test]
fn a_secret_is_read_from_its_file_without_the_trailing_newline() {
    let file = TemporaryFile::new("mysql://chat:p w@db/chat\r\n\n");
    for variable in ["DATABASE_URL_FILE", "CHAT__MYSQL__URL_FILE"] {
        assert_eq!(load(&[(variable, file.path())]).unwrap().mysql.url, "mysql://chat:p w@db/chat", "{variable}");
    }
}

#[test]
fn the_settings_in_force_are_shown_without_secrets_and_only_for_the_sections_used() {
    let text = redacted_from::<Config>(owned(&[URL, ("CHAT__MYSQL__POOL_SIZE", "20")]), Some(3000)).unwrap();
    for line in ["[http]", "port = 3000", "[mysql]", "pool_size = 20", "url = \"mysql://chat:***@db/chat\"", "prefix = \"\""] {
        assert!(text.lines().any(|shown| shown == line), "{line} in\n{text}");
    }
    assert!(!text.contains("secret") && !text.contains("[redis]"), "{text}");
    assert!(matches!(redacted_from::<Config>(owned(&[]), None), Err(Error::Missing { .. })));
}

#[test]
fn the_collectors_address_is_shown_without_what_gives_access() {
    #[derive(Debug, Deserialize)]
    struct Traced {
        trace: Trace,
    }
    #[derive(Debug, Deserialize)]
    struct Trace {
        endpoint: String,
    }
    for (endpoint, shown) in [
        ("", ""),
        ("http://collector:4318", "http://collector:4318"),
        ("http://user:hush@collector:4318", "http://user:***@collector:4318"),
        ("http://collector:4318/?key=hush", "http://collector:4318/"),
    ] {
        let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)];
        assert_eq!(load_from::<Traced>(owned(&variables), None).unwrap().trace.endpoint, endpoint);
        let text = redacted_from::<Traced>(owned(&variables), None).unwrap();
        assert!(text.lines().any(|line| line == format!("endpoint = \"{shown}\"")), "{text}");
    }
}

#[derive(Debug, Deserialize)]
struct Guarded {
    api: Api,
    redis: Redis,
}

#[derive(Debug, Deserialize)]
struct Redis {
    sentinel_password: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Api {
    admin_token: Option<String>,
}

#[test]
fn a_token_and_a_password_are_read_from_their_files_and_never_shown() {
    let token = |variables: Variables<'_>| load_from::<Guarded>(owned(variables), None).unwrap().api.admin_token;
    assert_eq!(token(&[]), None);
    assert_eq!(token(&[("ADMIN_TOKEN", "a://secret")]).as_deref(), Some("a://secret"));
    let file = TemporaryFile::new("secret\n");
    assert_eq!(token(&[("ADMIN_TOKEN_FILE", file.path())]).as_deref(), Some("secret"));
    // An empty file is a token that the service will refuse, not the absence of one.
    assert_eq!(token(&[("ADMIN_TOKEN_FILE", TemporaryFile::new("\n").path())]).as_deref(), Some(""));
    let from_file = [("CHAT__REDIS__SENTINEL_PASSWORD_FILE", file.path())];
    let password = load_from::<Guarded>(owned(&from_file), None).unwrap().redis.sentinel_password;
    assert_eq!(password.as_deref(), Some("secret"));
    let both = [("ADMIN_TOKEN", "a://secret"), ("CHAT__REDIS__SENTINEL_PASSWORD", "secret")];
    let shown = redacted_from::<Guarded>(owned(&both), None).unwrap();
    for key in ["admin_token", "sentinel_password"] {
        assert!(shown.lines().any(|line| line == format!("{key} = \"***\"")), "{shown}");
    }
    assert!(!shown.contains("secret"), "{shown}");
}

#[derive(Debug, Deserialize)]
struct Reached {
    mysql: Trusting,
    trace: Trusting,
}

#[derive(Debug, Deserialize)]
struct Trusting {
    tls: tls::Trust,
}

#[test]
fn whom_to_trust_is_handed_to_every_section_that_is_reached_over_tls() {
    let authority = TemporaryFile::new(&authority());
    let load = |variables: Variables<'_>| load_from::<Reached>(owned(variables), None).unwrap();
    let none = load(&[]);
    assert_eq!((none.mysql.tls.pem(), none.trace.tls.pem()), (None, None));
    let file = ("CHAT__TLS__CA_FILE", authority.path());
    let both = load(&[file]);
    for trust in [both.mysql.tls, both.trace.tls] {
        assert!(trust.pem().is_some_and(|pem| pem.contains("BEGIN CERTIFICATE")), "{trust:?}");
    }
    let shown = redacted_from::<Reached>(owned(&[file]), None).unwrap();
    let line = format!("ca_file = {:?}", authority.path());
    assert_eq!(shown.matches(&line).count(), 1, "{shown}");
    assert!(shown.contains(&format!("[tls]\n{line}\n")), "{shown}");
    // It is one setting for all.
    let refusal = load_from::<Reached>(owned(&[("CHAT__MYSQL__TLS", "x")]), None).unwrap_err().to_string();
    assert!(refusal.contains("there is no mysql.tls"), "{refusal}");
}

#[test]
fn certificates_that_cannot_be_used_are_refused_in_one_sentence() {
    let empty = TemporaryFile::new("nothing");
    for (path, said) in [("/nowhere/ca.pem", "cannot be read"), (empty.path(), "holds no certificate in PEM form")] {
        let refusal = load(&[URL, ("CHAT__TLS__CA_FILE", path)]).unwrap_err().to_string();
        assert!(refusal.starts_with(&format!("the file {path}, which tls.ca_file names, {said}")), "{refusal}");
    }
}

fn authority() -> String {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
}
