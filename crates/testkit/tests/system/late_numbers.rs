//! A Redis whose answers come late. A number of which a reader may have been told meanwhile that nothing has it is given to
//! nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use testkit::{System, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, sleep_until},
};
use url::Url;

/// A way to a Redis that holds its answers for so many milliseconds. Commands go through at once.
struct SlowWay {
    url: String,
    hold_ms: Arc<AtomicU64>,
}

impl SlowWay {
    async fn to(redis: &str) -> Self {
        let mut url = Url::parse(redis).unwrap();
        let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(6379));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let hold_ms = Arc::new(AtomicU64::new(0));
        let hold = hold_ms.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(&server).await {
                    forward(client, server, hold.clone());
                }
            }
        });
        Self { url: url.into(), hold_ms }
    }

    fn hold(&self, answers: Duration) {
        self.hold_ms.store(u64::try_from(answers.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

/// Each answer is held for itself: one that comes behind another does not wait twice.
fn forward(client: TcpStream, server: TcpStream, hold_ms: Arc<AtomicU64>) {
    let (mut asked, mut answers) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut asked, &mut to_server).await });
    let (held, mut due) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_server.read(&mut bytes).await {
            let at = Instant::now() + Duration::from_millis(hold_ms.load(Ordering::Relaxed));
            if held.send((at, bytes[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some((at, bytes)) = due.recv().await {
            sleep_until(at).await;
            if answers.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_redis_told_late_is_a_gap_as_its_readers_were_told() {
    let redis = std::env::var("REDIS_URL").expect("REDIS_URL is not set: run the tests with `make test`");
    let way = SlowWay::to(&redis).await;
    let system = System::builder().set("REDIS_URL", &way.url).start().await;
    let chat = system.create_application("late").await.create_chat().await;
    assert_eq!(chat.post("one").await, 1);
    chat.await_stored(1).await;

    // Within the time that Redis has to answer, and beyond that in which a create is published.
    way.hold(Duration::from_millis(1_200));
    let answer = chat.attempt_post("late").send().await;
    way.hold(Duration::ZERO);
    answer.problem(503, "dependency_unavailable");

    assert_eq!(chat.post_until_accepted("three", Duration::from_secs(10)).await, 3);
    chat.await_stored(3).await;
    eventually("the gap is proven", Duration::from_secs(15), async || chat.message(2).await.status == 404).await;
}
