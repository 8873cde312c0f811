//! TLS towards all four servers: the whole system over it, and what is said of servers that are not who they should be.

use std::{path::PathBuf, time::Duration};

use broker::Publisher;
use devstack::{Quiet, Stack, StackOptions, Urls};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use sequencer::Sequencer;
use store::Store;
use testkit::{Certificates, Server, Service, System, eventually};
use tokio_util::sync::CancellationToken;

/// How soon a service must have found out what is wrong: attempts are made about once a second.
const SOON: Duration = Duration::from_secs(15);

/// An authority, and the certificate for `localhost` that it gives servers: until the first of January of that year.
fn certificates(until: i32) -> Certificates {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "the authority of a test");
    let authority_key = KeyPair::generate().unwrap();
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let mut server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    server.distinguished_name.push(DnType::CommonName, "localhost");
    server.not_before = date_time_ymd(2000, 1, 1);
    server.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    Certificates { authority: pem, server: server.signed_by(&key, &issuer).unwrap().pem(), key: key.serialize_pem() }
}

/// A file that is removed with the value.
struct File(PathBuf);

impl File {
    fn new(content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("chat-test-{}.pem", uuid::Uuid::new_v4().simple()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The URLs by their variables; the first has a database.
fn variables(urls: &Urls) -> Vec<(&'static str, String)> {
    let mut mysql = url::Url::parse(&urls.mysql).unwrap();
    mysql.set_path("chat");
    vec![
        ("DATABASE_URL", mysql.to_string()),
        ("REDIS_URL", urls.redis.clone()),
        ("AMQP_URL", urls.amqp.clone()),
        ("ELASTICSEARCH_URL", urls.elasticsearch.clone()),
    ]
}

/// What is said of each of the servers when an adapter is to use it.
async fn verdicts(variables: &[(&'static str, String)], ca_file: &str) -> [(Server, String); 4] {
    let tls = ("CHAT__TLS__CA_FILE".to_owned(), ca_file.to_owned());
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).chain([tls]);
    let config: api::Config = service::config::load_from(environment, Some(1)).unwrap();
    let (store, sequencer) = (Store::connect(&config.mysql).unwrap(), Sequencer::connect(&config.redis).unwrap());
    let index = ::search::SearchIndex::connect(&config.elasticsearch).unwrap();
    let over = CancellationToken::new();
    let publisher = Publisher::start(&config.amqp, over.clone());
    // Before the first attempt has failed it only says that there is no connection.
    eventually("the broker is found wrong", SOON, async || matches!(publisher.check(), Err(broker::Error::Tls(_)))).await;
    let refusal = |outcome: Result<(), String>| outcome.expect_err("it must not be believed");
    let verdicts = [
        (Server::Mysql, refusal(store.ping().await.map_err(|error| error.to_string()))),
        (Server::Redis, refusal(sequencer.check().await.map_err(|error| error.to_string()))),
        (Server::Rabbitmq, refusal(publisher.check().map_err(|error| error.to_string()))),
        (Server::Elasticsearch, refusal(index.check().await.map_err(|error| error.to_string()))),
    ];
    over.cancel();
    verdicts
}

fn all_say(verdicts: &[(Server, String)], sentence: &str) {
    for (server, said) in verdicts {
        assert!(said.contains("over TLS") && said.contains(sentence), "{server}: {said}");
        assert!(!said.contains("guest") && !said.contains("://"), "{server}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_system_works_over_tls_and_believes_no_other_servers() {
    let system = System::builder().over_tls(certificates(3000)).start().await;
    let chat = system.create_application("secret").await.create_chat().await;
    assert_eq!(chat.post("Speak softly").await, 1);
    chat.await_stored(1).await;
    assert_eq!(chat.message(1).await.expect(200)["body"], "Speak softly");
    chat.await_found("SOFT", &[1], Duration::from_secs(10)).await;
    chat.edit(1, "and carry a big stick").await.expect(200);
    chat.await_found("big st", &[1], Duration::from_secs(10)).await;
    for service in [Service::Api, Service::Ingest, Service::Consumer] {
        let ready = system.ask(service, "GET", "/readyz").send().await.expect(200);
        assert_eq!(ready["status"], "ok", "{service:?}: {ready}");
    }

    // Another authority: each server is refused, in a sentence that tells what to do.
    let foreign = File::new(&certificates(3000).authority);
    let urls = variables(system.stack().urls());
    let untrusted = "signed by nobody who is trusted here: the file that tls.ca_file names must hold its CA's";
    all_say(&verdicts(&urls, foreign.name()).await, untrusted);
    all_say(&verdicts(&urls, "").await, untrusted);
    // The right authority, and another name.
    let authority = system.stack().data_dir(Server::Redis).join("tls/authority.pem");
    let by_address: Vec<_> = urls.iter().map(|(name, url)| (*name, url.replace("localhost", "127.0.0.1"))).collect();
    all_say(&verdicts(&by_address, authority.to_str().unwrap()).await, "for another name than the URL's");
    // A service that does not believe its servers starts, is not ready, and says why.
    system.try_launch(Service::Api, &[("CHAT__TLS__CA_FILE", foreign.name())]).await.unwrap();
    let report = async || system.client().ask_one(Service::Api, 1, "GET", "/readyz").send().await.expect(503);
    let dependencies = ["mysql", "redis", "rabbitmq", "elasticsearch"];
    eventually("/readyz names the reason for every server", SOON, async || {
        let report = report().await;
        let says = |name: &&str| report["dependencies"][*name]["detail"].as_str().is_some_and(|said| said.contains(untrusted));
        dependencies.iter().all(says)
    })
    .await;
    // Without TLS nobody is let in.
    let plain = urls[0].1.replace("?require_ssl=true", "");
    let refusal = Store::connect(&store::Settings::new(plain)).unwrap().ping().await.unwrap_err().to_string();
    assert!(refusal.contains("asks for TLS"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_whose_certificates_have_expired_are_refused() {
    let certificates = certificates(2001);
    let authority = File::new(&certificates.authority);
    let elasticsearch = devstack::ElasticsearchOptions { heap_mib: 256, short_lived: true };
    let options = StackOptions { certificates: Some(certificates), elasticsearch, ..StackOptions::default() };
    let _turn = testkit::turn().await;
    let stack = Stack::up(options, &Quiet).await.unwrap();
    all_say(&verdicts(&variables(stack.urls()), authority.name()).await, "has expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_speak_no_tls_are_refused() {
    let shared = |name: &str| std::env::var(name).unwrap();
    let with_path = |url: String| {
        let mut url = url::Url::parse(&url).unwrap();
        url.set_path("chat");
        url.set_query(Some("require_ssl=true"));
        url.to_string()
    };
    let urls = [
        ("DATABASE_URL", with_path(shared("DATABASE_URL"))),
        ("REDIS_URL", shared("REDIS_URL").replacen("redis:", "rediss:", 1)),
        ("AMQP_URL", shared("AMQP_URL").replacen("amqp:", "amqps:", 1)),
        ("ELASTICSEARCH_URL", shared("ELASTICSEARCH_URL").replacen("http:", "https:", 1)),
    ];
    let [mysql, others @ ..] = verdicts(&urls, "").await;
    all_say(&others, "not speak TLS on this port");
    // MySQL makes itself certificates, which nobody knows.
    all_say(&[mysql], "the server's certificate");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_by_which_nobody_would_be_checked_are_refused() {
    let system =
        System::builder().replicas(Service::Api, 0).replicas(Service::Ingest, 0).replicas(Service::Consumer, 0).start().await;
    let (damaged, missing) = (File::new("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "/nonexistent/ca.pem");
    for (variable, value, said) in [
        ("CHAT__TLS__CA_FILE", missing, "/nonexistent/ca.pem, which tls.ca_file names, cannot be read"),
        ("CHAT__TLS__CA_FILE", damaged.name(), "is damaged: its certificate 1 cannot be read"),
        ("CHAT__TLS__CA_FILE", "/dev/null", "holds no certificate in PEM form"),
        ("DATABASE_URL", "mysql://u:hidden@localhost/chat?require_ssl=true&verify_ca=false", "without a check"),
        ("DATABASE_URL", "mysql://u:hidden@localhost/chat?require_ssl=true&verify_identity=false", "without a check"),
        ("REDIS_URL", "rediss://u:hidden@localhost/#insecure", "redis.url is not of the form"),
    ] {
        for service in [Service::Ingest, Service::Api, Service::Consumer] {
            let refusal = system.try_launch(service, &[(variable, value)]).await.expect_err("it must not start");
            assert!(refusal.contains(said) && !refusal.contains("hidden"), "{service:?}: {refusal}");
        }
    }
}
