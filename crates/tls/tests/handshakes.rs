//! Handshakes with servers whose certificates are as they should be, and otherwise, and with servers that speak something else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

use std::{sync::Arc, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tls::{Error, Trust};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_rustls::TlsAcceptor;

/// Long: only a server that says nothing lets it pass.
const LONG: Duration = Duration::from_secs(20);

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority");
        let key = KeyPair::generate().unwrap();
        Self { pem: params.self_signed(&key).unwrap().pem(), issuer: Issuer::new(params, key) }
    }

    fn trust(&self) -> Trust {
        Trust::with_certificates("test", self.pem.clone()).unwrap()
    }

    /// A server that has a certificate for this name, of these years, and says "hello" to whom it has shaken hands with.
    async fn server(&self, name: &str, years: [i32; 2]) -> u16 {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        [params.not_before, params.not_after] = years.map(|year| date_time_ymd(year, 1, 1));
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(vec![certificate], key).unwrap()));
        serve(async move |stream| {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.write_all(b"hello").await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }
}

/// A server for one connection; returns its port.
async fn serve(talk: impl AsyncFnOnce(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // On a thread of its own: the future of a closure cannot be required to be Send.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = listener.into_std().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            if let Ok((stream, _)) = listener.accept().await {
                talk(stream).await;
            }
        });
    });
    port
}

const NOW: [i32; 2] = [2000, 3000];

async fn outcome(trust: &Trust, host: &str, port: u16, within: Duration) -> Result<String, Error> {
    let mut stream = tls::connect(trust, host, port, Instant::now() + within).await?;
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    Ok(said)
}

#[tokio::test]
async fn a_server_is_believed_if_its_certificate_is_signed_by_who_is_trusted_valid_and_its_own() {
    let (ours, foreign) = (Authority::new(), Authority::new());
    let trust = ours.trust();
    let server = ours.server("localhost", NOW).await;
    assert_eq!(outcome(&trust, "localhost", server, LONG).await.as_deref(), Ok("hello"));
    let server = ours.server("127.0.0.1", NOW).await;
    assert_eq!(outcome(&trust, "127.0.0.1", server, LONG).await.as_deref(), Ok("hello"));

    for (authority, name, years, expected) in [
        (&foreign, "localhost", NOW, Error::Untrusted),
        (&ours, "localhost", [2000, 2001], Error::Expired),
        (&ours, "localhost", [2900, 3000], Error::NotYetValid),
        (&ours, "elsewhere.example", NOW, Error::WrongName),
        // An address is no name.
        (&ours, "127.0.0.1", NOW, Error::WrongName),
    ] {
        let server = authority.server(name, years).await;
        let refusal = outcome(&trust, "localhost", server, LONG).await.unwrap_err();
        assert_eq!(refusal, expected, "{name} {years:?}");
        assert!(refusal.is_about_certificate());
    }
    // The built-in list alone knows neither.
    let server = ours.server("localhost", NOW).await;
    assert_eq!(outcome(&Trust::default(), "localhost", server, LONG).await, Err(Error::Untrusted));
}

#[tokio::test]
async fn several_authorities_in_one_file_are_all_trusted() {
    let (one, other) = (Authority::new(), Authority::new());
    let both = Trust::with_certificates("test", format!("# one\n{}\n# other\n{}", one.pem, other.pem)).unwrap();
    for authority in [one, other] {
        let server = authority.server("localhost", NOW).await;
        assert_eq!(outcome(&both, "localhost", server, LONG).await.as_deref(), Ok("hello"));
    }
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_told_from_one_that_cannot_be_reached() {
    let trust = Trust::default();
    let greeting = serve(async |mut stream: TcpStream| {
        let _ = stream.write_all(b"-ERR I speak something else\r\n").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    assert_eq!(outcome(&trust, "localhost", greeting.await, LONG).await, Err(Error::NotSpoken));
    // It hears the client out, so that its end is no reset.
    let closing = serve(async |mut stream: TcpStream| {
        let _ = stream.read(&mut [0; 4096]).await;
    });
    assert_eq!(outcome(&trust, "localhost", closing.await, LONG).await, Err(Error::BrokenOff));
    let silent = serve(async |mut stream: TcpStream| {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let (began, within) = (Instant::now(), Duration::from_millis(300));
    assert_eq!(outcome(&trust, "localhost", silent.await, within).await, Err(Error::Silent));
    assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    assert!(matches!(outcome(&trust, "127.0.0.1", nobody, LONG).await, Err(Error::Unreachable(_))));
    assert_eq!(outcome(&trust, "not a name", nobody, LONG).await, Err(Error::BadName));
}

#[test]
fn a_file_that_holds_no_certificates_is_refused_by_its_name() {
    let directory = std::env::temp_dir().join(format!("tls-test-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = |name: &str, content: &str| {
        let path = directory.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = Authority::new().pem;
    assert!(Trust::with_file("").is_ok());
    assert!(Trust::with_file(&file("good", &good)).is_ok());
    let (empty, damaged) = (file("empty", "nothing\n"), file("damaged", &format!("{good}{}", good.replace("\nMI", "\nXX"))));
    let cut = file("cut", &good[..good.len() / 2]);
    let missing = directory.join("missing").to_str().unwrap().to_owned();
    assert_eq!(Trust::with_file(&empty).unwrap_err(), Error::NoCertificate { file: empty });
    assert_eq!(Trust::with_file(&damaged).unwrap_err(), Error::BadCertificate { file: damaged, number: 2 });
    assert!(matches!(Trust::with_file(&cut), Err(Error::BadCertificate { .. } | Error::NoCertificate { .. })));
    let refusal = Trust::with_file(&missing).unwrap_err();
    assert!(matches!(&refusal, Error::Unreadable { file, .. } if *file == missing), "{refusal}");
    assert!(refusal.to_string().contains(&missing) && refusal.to_string().contains("tls.ca_file"), "{refusal}");
    std::fs::remove_dir_all(&directory).unwrap();
}
