//! The proxy between a client and a server that says everything again.

use super::*;

const SOON: Duration = Duration::from_secs(10);

/// A server that says everything again, until it is dropped.
struct Echo(SocketAddr, AbortHandle);

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serve = async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        };
        Self(address, tokio::spawn(serve).abort_handle())
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.1.abort();
    }
}

async fn connect_to(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

/// What comes back for a word, or the error that ends the connection; `None` when nothing comes in time.
async fn say(stream: &mut TcpStream, word: &str, within: Duration) -> Option<io::Result<String>> {
    let exchange = async {
        stream.write_all(word.as_bytes()).await?;
        let mut answer = vec![0; word.len()];
        stream.read_exact(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    timeout(within, exchange).await.ok()
}

#[tokio::test]
async fn an_open_one_carries_both_ways_and_ends_when_both_ends_have() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(vec![echo.0]).await.unwrap();
    let mut stream = connect_to(&proxy).await;
    let long = "x".repeat(3 * PIECE + 1);
    assert_eq!(say(&mut stream, &long, SOON).await.unwrap().unwrap(), long);
    stream.shutdown().await.unwrap();
    let end = timeout(SOON, stream.read(&mut [0])).await.unwrap();
    assert_eq!(end.unwrap(), 0);
}

#[tokio::test]
async fn a_cut_resets_what_is_there_and_what_comes_until_it_is_mended() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(vec![echo.0]).await.unwrap();
    let mut stream = connect_to(&proxy).await;
    say(&mut stream, "before", SOON).await.unwrap().unwrap();
    proxy.set(Mode::Cut);
    assert!(say(&mut stream, "during", SOON).await.unwrap().is_err());
    let mut another = connect_to(&proxy).await;
    assert!(say(&mut another, "during", SOON).await.unwrap().is_err());
    proxy.set(Mode::Open);
    assert_eq!(say(&mut connect_to(&proxy).await, "after", SOON).await.unwrap().unwrap(), "after");
}

#[tokio::test]
async fn a_slow_one_delivers_everything_in_order_and_late_both_ways() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(vec![echo.0]).await.unwrap();
    let mut stream = connect_to(&proxy).await;
    say(&mut stream, "before", SOON).await.unwrap().unwrap();
    proxy.set(Mode::Slow(Duration::from_millis(150)));
    let began = Instant::now();
    assert_eq!(say(&mut stream, "late", SOON).await.unwrap().unwrap(), "late");
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_half_open_one_takes_connections_and_delivers_nothing_and_resets_them_when_it_is_mended() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(vec![echo.0]).await.unwrap();
    let mut old = connect_to(&proxy).await;
    say(&mut old, "before", SOON).await.unwrap().unwrap();
    proxy.set(Mode::HalfOpen);
    let mut new = connect_to(&proxy).await;
    for stream in [&mut old, &mut new] {
        assert!(say(stream, "during", Duration::from_millis(200)).await.is_none());
    }
    proxy.set(Mode::Open);
    for stream in [&mut old, &mut new] {
        assert!(say(stream, "after", SOON).await.unwrap().is_err());
    }
    assert_eq!(say(&mut connect_to(&proxy).await, "after", SOON).await.unwrap().unwrap(), "after");
}

#[tokio::test]
async fn behind_a_half_open_one_a_server_does_not_hear_that_its_client_has_gone_until_it_is_mended() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(vec![listener.local_addr().unwrap()]).await.unwrap();
    let client = connect_to(&proxy).await;
    let (mut server, _) = listener.accept().await.unwrap();
    proxy.set(Mode::HalfOpen);
    drop(client);
    assert!(timeout(Duration::from_millis(200), server.read(&mut [0])).await.is_err());
    proxy.set(Mode::Open);
    assert!(timeout(SOON, server.read(&mut [0])).await.unwrap().is_err());
}

#[tokio::test]
async fn when_one_end_resets_the_other_is_told_though_it_has_nothing_to_say() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(vec![listener.local_addr().unwrap()]).await.unwrap();
    let (client, (server, _)) = (connect_to(&proxy).await, listener.accept().await.unwrap());
    let (another, (other_server, _)) = (connect_to(&proxy).await, listener.accept().await.unwrap());
    for (gone, mut left) in [(client, server), (other_server, another)] {
        gone.set_zero_linger().unwrap();
        drop(gone);
        assert!(timeout(SOON, left.read(&mut [0])).await.unwrap().is_err());
    }
}

#[tokio::test]
async fn led_elsewhere_new_connections_go_there_and_old_ones_stay_until_they_are_reset() {
    let (one, other) = (Echo::start().await, Echo::start().await);
    let proxy = Proxy::start(vec![one.0]).await.unwrap();
    let mut old = connect_to(&proxy).await;
    say(&mut old, "before", SOON).await.unwrap().unwrap();
    proxy.lead_to(other.0);
    drop(one);
    assert_eq!(say(&mut connect_to(&proxy).await, "new", SOON).await.unwrap().unwrap(), "new");
    assert_eq!(say(&mut old, "old", SOON).await.unwrap().unwrap(), "old");
    proxy.reset();
    assert!(say(&mut old, "reset", SOON).await.unwrap().is_err());
}

#[tokio::test]
async fn of_several_servers_it_takes_each_in_turn_and_passes_over_those_that_are_gone() {
    let (one, gone) = (Echo::start().await, Echo::start().await);
    let proxy = Proxy::start(vec![one.0, gone.0]).await.unwrap();
    drop(gone);
    for _ in 0..4 {
        assert_eq!(say(&mut connect_to(&proxy).await, "word", SOON).await.unwrap().unwrap(), "word");
    }
}

#[tokio::test]
async fn it_knows_where_the_connections_lead_that_are_there() {
    let (one, other) = (Echo::start().await, Echo::start().await);
    let proxy = Proxy::start(vec![one.0, other.0]).await.unwrap();
    assert_eq!(proxy.carries_to(), []);
    let (mut first, mut second) = (connect_to(&proxy).await, connect_to(&proxy).await);
    for stream in [&mut first, &mut second] {
        say(stream, "word", SOON).await.unwrap().unwrap();
    }
    let mut carried = proxy.carries_to();
    carried.sort();
    let mut both = vec![one.0, other.0];
    both.sort();
    assert_eq!(carried, both);
    drop((first, second));
    let gone = async {
        while !proxy.carries_to().is_empty() {
            sleep(Duration::from_millis(5)).await
        }
    };
    timeout(SOON, gone).await.unwrap();
}

#[tokio::test]
async fn without_a_server_behind_it_connections_are_reset() {
    let echo = Echo::start().await;
    let target = echo.0;
    drop(echo);
    let proxy = Proxy::start(vec![target]).await.unwrap();
    let gone = async { while say(&mut connect_to(&proxy).await, "word", SOON).await.unwrap().is_ok() {} };
    timeout(SOON, gone).await.unwrap();
}
