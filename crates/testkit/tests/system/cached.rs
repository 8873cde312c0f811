//! The cache: what was updated through one replica of the api is what every replica shows from then on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use domain::{ApplicationToken, ChatNumber, MessageBody, MessageNumber, Timestamp};
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Application, Builder, Chat, Client, Server, Service, System, eventually};

const UPDATES: u64 = 100;
const HAMMERS: usize = 8;
/// More than a first page: one that is followed by another.
const ENTRIES: usize = 51;
const SOON: Duration = Duration::from_secs(20);

fn with_cache() -> Builder {
    // An entry must outlive the test, so that none is right by having ended.
    System::builder().set("CHAT__CACHE__TTL_MS", 600_000)
}

/// An application with a page of chats, of which the first has a page of messages, all stored.
async fn filled(system: &System) -> (Application, Chat) {
    let application = system.create_application("0").await;
    let chats = join_all((0..ENTRIES).map(|_| application.create_named_chat("0"))).await;
    let chat = application.chat(1);
    join_all((0..ENTRIES).map(|_| chat.post("0"))).await;
    chat.await_stored(ENTRIES as u64).await;
    for chat in chats {
        eventually("a chat is stored", SOON, async || chat.read().await.status == 200).await;
    }
    (application, chat)
}

/// Everywhere that one thing is shown, as paths and how its text is found there.
struct Shown {
    object: String,
    field: &'static str,
    list: Option<String>,
    /// The highest text, a number, that has been shown or answered.
    known: AtomicU64,
}

impl Shown {
    fn of(application: &Application, chat: &Chat) -> [Arc<Self>; 3] {
        let shown = |object: String, field, list| Arc::new(Self { object, field, list, known: AtomicU64::new(0) });
        [
            shown(application.path(), "name", None),
            shown(chat.path(), "name", Some(format!("{}/chats", application.path()))),
            shown(format!("{}/messages/1", chat.path()), "body", Some(format!("{}/messages", chat.path()))),
        ]
    }

    /// Reads it wherever it is shown, on one replica; nowhere it may be older than what was known before.
    async fn read(&self, client: &Client, replica: usize) {
        let known = self.known.load(SeqCst);
        let answer = client.ask_one(Service::Api, replica, "GET", &self.object).send().await;
        let version = answer.header("etag").map(str::to_owned);
        let object = answer.expect(200);
        let mut objects = vec![object];
        if let Some(list) = &self.list {
            objects.push(client.ask_one(Service::Api, replica, "GET", list).send().await.expect(200)[0].clone());
        }
        for object in objects {
            let text = self.text(&object);
            assert!(text >= known, "{} shows {text} after {known} was known: {object}", self.object);
            self.known.fetch_max(text, SeqCst);
        }
        let text = version.and_then(|version| version.trim_matches('"').split('.').next()?.parse::<u64>().ok());
        assert!(text > Some(known), "{} has the tag {text:?} after {known} updates", self.object);
    }

    fn text(&self, object: &Value) -> u64 {
        object[self.field].as_str().unwrap().parse().unwrap()
    }

    async fn update(&self, client: &Client, replica: usize, text: u64) {
        let body = json!({ self.field: text.to_string() });
        let updated = client.ask_one(Service::Api, replica, "PATCH", &self.object).json(body).send().await.expect(200);
        assert_eq!(self.text(&updated), text);
        self.known.fetch_max(text, SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_updates_are_seen_at_once_on_the_other_replica_while_all_of_it_is_read_all_the_time() {
    let system = with_cache().replicas(Service::Api, 2).start().await;
    let (application, chat) = filled(&system).await;
    let shown = Shown::of(&application, &chat);
    let over = Arc::new(AtomicBool::new(false));
    let hammers = (0..HAMMERS).map(|hammer| {
        let (client, shown, over) = (system.client().clone(), shown[hammer % 3].clone(), over.clone());
        tokio::spawn(async move {
            while !over.load(SeqCst) {
                shown.read(&client, hammer % 2).await;
            }
        })
    });
    let hammers: Vec<_> = hammers.collect();
    for update in 1..=UPDATES {
        let replica = update as usize % 2;
        for shown in &shown {
            shown.update(system.client(), replica, update).await;
            shown.read(system.client(), 1 - replica).await;
        }
    }
    over.store(true, SeqCst);
    for hammer in hammers {
        hammer.await.unwrap();
    }
}

/// Behind the cache's back a row is changed, as no service does: who reads the old text has it from the cache.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_is_kept_and_the_first_page_only_when_nothing_can_come_into_it() {
    let system = with_cache().start().await;
    let (application, chat) = filled(&system).await;
    let short = application.chat(2);
    short.post("0").await;
    short.await_stored(1).await;
    let lists = [chat.path(), short.path()].map(|path| format!("{path}/messages"));
    let read = async |path: &str| system.api("GET", path).send().await.expect(200);
    let of_list = async |path: &String| read(path).await[0]["body"].clone();
    // What is read again is kept.
    for path in lists.iter().chain(&lists) {
        assert_eq!(of_list(path).await, "0");
    }
    // The same page by its ordinal.
    assert_eq!(read(&format!("{}?page=1", lists[0])).await, read(&lists[0]).await);
    for _ in 0..2 {
        assert_eq!(chat.message(1).await.expect(200)["body"], "0");
    }
    // Of what is read once nothing is kept. (This one nobody has waited for.)
    assert_eq!(chat.message(2).await.expect(200)["body"], "0");

    let token = ApplicationToken::parse(&application.token).unwrap();
    let conn = &mut *system.store().acquire().await.unwrap();
    let id = store::applications::id_of(conn, token).await.unwrap().unwrap();
    let (text, now) = (MessageBody::new("changed").unwrap(), Timestamp::now());
    for (chat, number) in [(1, 1), (1, 2), (2, 1)] {
        let (chat, number) = (ChatNumber::new(chat).unwrap(), MessageNumber::new(number).unwrap());
        store::messages::edit(conn, id, chat, number, &text, now, |_| true).await.unwrap();
    }
    assert_eq!(chat.message(1).await.expect(200)["body"], "0");
    assert_eq!(chat.message(2).await.expect(200)["body"], "changed");
    assert_eq!(of_list(&lists[0]).await, "0");
    assert_eq!(of_list(&lists[1]).await, "changed");
    let other_size = format!("{}?limit=49", lists[0]);
    assert_eq!(of_list(&other_size).await, "changed");
    // An update sets all of it right.
    chat.edit(1, "right").await.expect(200);
    assert_eq!(chat.message(1).await.expect(200)["body"], "right");
    assert_eq!(of_list(&lists[0]).await, "right");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_reads_are_answered_and_updates_refused_until_it_is_back() {
    let system = with_cache().own(Server::Redis).start().await;
    let application = system.create_application("old").await;
    let rename = async |name: &str| system.api("PUT", &application.path()).json(json!({ "name": name })).send().await;
    let name = async || application.read().await.expect(200)["name"].clone();
    assert_eq!((name().await, name().await), (json!("old"), json!("old")));

    system.stack().kill(Server::Redis).await.unwrap();
    for _ in 0..20 {
        assert_eq!(name().await, "old");
    }
    rename("lost").await.problem(503, "dependency_unavailable");
    // Of what there is not nothing is cached: an unknown token is looked up, and costs no more.
    let unknown = format!("/applications/{}", "0".repeat(32));
    for path in [unknown.clone(), format!("{unknown}/chats/1")] {
        let answer = system.api("PUT", &path).json(json!({ "name": "x" })).send().await;
        answer.problem(404, "application_not_found");
    }
    assert_eq!(name().await, "old");

    system.stack().start(Server::Redis).await.unwrap();
    eventually("an update is made", SOON, async || rename("new").await.status == 200).await;
    assert_eq!((name().await, name().await), (json!("new"), json!("new")));
}
