//! A system leaves nothing behind, however its test ends.

use std::{panic::AssertUnwindSafe, path::PathBuf};

use futures_util::FutureExt;
use lapin::{
    Connection, ConnectionProperties,
    options::{ExchangeDeclareOptions, QueueDeclareOptions},
};
use search::SearchIndex;
use testkit::{Server, System};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_that_panics_leaves_nothing_on_the_shared_servers() {
    let mut config: Option<consumer::Config> = None;
    let ends = async {
        let system = System::start().await;
        let chat = system.create_application("short-lived").await.create_chat().await;
        chat.post("x").await;
        chat.await_stored(1).await;
        let config = config.insert(system.config());
        let keys: Vec<String> = system.redis(&["KEYS", &format!("{}*", config.redis.key_prefix)]).await;
        assert_eq!(keys.len(), 3, "the record, an application and a chat: {keys:?}");
        panic!("as a test does");
    };
    assert!(AssertUnwindSafe(ends).catch_unwind().await.is_err());

    let config = config.unwrap();
    let gone = store::Store::connect(&config.mysql).unwrap().acquire().await;
    assert_eq!(gone.map(drop).map_err(|error| error.kind()), Err(store::ErrorKind::Fatal));
    let gone = SearchIndex::connect(&config.elasticsearch).unwrap().check().await;
    assert!(matches!(gone, Err(search::Error::IndexMissing)), "{gone:?}");
    let observer = System::builder().start().await;
    let keys: Vec<String> = observer.redis(&["KEYS", &format!("{}*", config.redis.key_prefix)]).await;
    assert_eq!(keys, Vec::<String>::new());
    assert_nothing_in_the_broker(&config.amqp.topology()).await;
}

async fn assert_nothing_in_the_broker(topology: &events::Topology) {
    let connection = Connection::connect(&std::env::var("AMQP_URL").unwrap(), ConnectionProperties::default()).await.unwrap();
    let queues = topology.partitions().all().map(|partition| topology.queue(partition));
    for queue in queues.chain([topology.dead(), topology.partition_marker()]) {
        let channel = connection.create_channel().await.unwrap();
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        assert!(channel.queue_declare(queue.as_str().into(), passive, Default::default()).await.is_err(), "{queue} is there");
    }
    for exchange in [topology.exchange(), topology.dead()] {
        let channel = connection.create_channel().await.unwrap();
        let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
        let declared =
            channel.exchange_declare(exchange.as_str().into(), lapin::ExchangeKind::Direct, passive, Default::default());
        assert!(declared.await.is_err(), "{exchange} is there");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_that_panics_leaves_no_server_of_its_own() {
    let mut left: Option<(u32, PathBuf)> = None;
    let ends = async {
        let system = System::builder().own(Server::Redis).start().await;
        left = Some((system.stack().pid(Server::Redis).unwrap(), system.stack().root()));
        system.stack().pause(Server::Redis).unwrap();
        panic!("as a test does");
    };
    assert!(AssertUnwindSafe(ends).catch_unwind().await.is_err());
    let (pid, data) = left.unwrap();
    assert!(!PathBuf::from(format!("/proc/{pid}")).exists(), "the server still runs");
    assert!(!data.exists(), "its data is still there");
}
