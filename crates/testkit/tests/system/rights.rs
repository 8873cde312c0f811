//! The users that docs/OPERATIONS.md tells to make may do what the system needs, and no more: what stands there is done here.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use deadpool_redis::redis;
use mysql_async::{Conn, prelude::Queryable};
use serde_json::json;
use testkit::{Server, Service, System};
use url::Url;

/// The blocks of commands in the section on users, in their order.
fn blocks() -> Vec<String> {
    let text = include_str!("../../../../docs/OPERATIONS.md");
    let (_, section) = text.split_once("\n### Users\n").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    section.split("\n```\n").skip(1).step_by(2).map(str::to_owned).collect()
}

/// All of this ending beneath a directory.
fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let found = paths.flat_map(|path| if path.is_dir() { files(&path, ending) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|extension| extension == ending)).collect()
}

/// A branch of a script that is taken once in a blue moon fails then, if the user may not call what it calls.
#[test]
fn the_user_of_redis_may_call_all_that_scripts_call() {
    let blocks = blocks();
    let user = blocks[2].lines().find(|line| line.starts_with("ACL SETUSER chat on ")).unwrap();
    let allowed: BTreeSet<&str> = user.split_whitespace().filter_map(|word| word.strip_prefix('+')).collect();
    let scripts = files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")), "lua");
    let text = |path: &PathBuf| fs::read_to_string(path).unwrap().to_lowercase().replace("redis.pcall(", "redis.call(");
    let texts = scripts.iter().map(text).collect::<String>();
    let called: BTreeSet<&str> =
        texts.split("redis.call('").skip(1).filter_map(|call| call.split_once('\'')).map(|(command, _)| command).collect();
    assert!(called.contains("incrby") && called.contains("zadd"), "{called:?}");
    assert_eq!(called.difference(&allowed).collect::<Vec<_>>(), [&""; 0]);
}

/// The server's URL for this user, at this place.
fn url_of(url: &str, user: &str, password: &str, path: &str) -> String {
    let mut url = Url::parse(url).unwrap();
    url.set_username(user).unwrap();
    url.set_password(Some(password)).unwrap();
    url.set_path(path);
    url.to_string()
}

/// An index and its aliases have rights of their own: those that lead to a version give none under an alias, nor to make one.
#[test]
fn who_indexes_may_use_every_name_that_is_indexed_under() {
    let blocks = blocks();
    let role: serde_json::Value = blocks[4]
        .lines()
        .skip_while(|line| *line != "PUT /_security/role/chat-index")
        .nth(1)
        .map(|body| serde_json::from_str(body).unwrap())
        .unwrap();
    let [names, privileges] = ["names", "privileges"].map(|key| role["indices"][0][key].as_array().unwrap().clone());
    for privilege in ["read", "write", "manage"] {
        assert!(privileges.contains(&privilege.into()), "{privilege}");
    }
    // In use, being made (`SearchIndex::successor`), and the versions behind both.
    for name in ["chat-messages", "chat-messages-next", "chat-messages-v*"] {
        assert!(names.contains(&name.into()), "{name}");
    }
}

async fn as_root(url: &str, statements: &str) {
    let mut connection = Conn::from_url(url).await.unwrap();
    for statement in statements.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        connection.query_drop(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    connection.disconnect().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_with_the_rights_in_the_handbook_can_do_everything_and_nothing_else() {
    let none = [Service::Api, Service::Ingest, Service::Consumer];
    let servers = [Server::Mysql, Server::Redis, Server::Rabbitmq];
    let builder = servers.into_iter().fold(System::builder(), testkit::Builder::own);
    let system = none.into_iter().fold(builder, |builder, service| builder.replicas(service, 0)).start().await;
    let urls = system.stack().urls().clone();
    let blocks = blocks();
    let [mysql, mysql_of_ingest, redis_acl, rabbitmq, _elasticsearch] = blocks.as_slice() else {
        panic!("{} blocks", blocks.len());
    };

    as_root(&urls.mysql, mysql).await;
    let mysql_of = |user: &str, number: u8| url_of(&urls.mysql, user, &format!("PASSWORD-{number}"), "chat");
    store::migrate(&store::Settings::new(mysql_of("chat-migrate", 1))).await.unwrap();
    as_root(&urls.mysql, mysql_of_ingest).await;
    for line in redis_acl.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let _: redis::Value = system.redis(&words).await;
    }
    for line in rabbitmq.lines() {
        let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches('\'')).collect();
        assert_eq!(words[0], "rabbitmqctl");
        system.stack().rabbitmqctl(&words[1..]).await.unwrap();
    }

    let redis_url = url_of(&urls.redis, "chat", "PASSWORD", "");
    let amqp_of = |user: &str, number: u8| url_of(&urls.amqp, user, &format!("PASSWORD-{number}"), "chat");
    for (service, mysql, amqp) in [
        (Service::Consumer, mysql_of("chat", 2), amqp_of("chat-consumer", 2)),
        (Service::Api, mysql_of("chat", 2), amqp_of("chat", 1)),
        (Service::Ingest, mysql_of("chat-ingest", 3), amqp_of("chat", 1)),
    ] {
        let settings = [
            ("DATABASE_URL", mysql.as_str()),
            ("REDIS_URL", &redis_url),
            ("AMQP_URL", &amqp),
            ("CHAT__REDIS__KEY_PREFIX", "chat:"),
            ("CHAT__AMQP__PREFIX", ""),
            ("RATE_LIMIT_PER_MINUTE", "100000"),
            ("CHAT__CONSUMER__COUNT_INTERVAL_MS", "500"),
            ("CHAT__CONSUMER__COUNT_FIRST_MS", "100"),
        ];
        system.try_launch(service, &settings).await.unwrap();
    }
    system.ready().await;

    let application = system.create_application("of little power").await;
    let chat = application.create_chat().await;
    for number in 1..=2 {
        let answer = chat.attempt_post("Uneasy lies the head").header("Idempotency-Key", &format!("once-{number}")).send().await;
        assert_eq!(answer.expect(201)["number"], number);
    }
    let again = chat.attempt_post("Uneasy lies the head").header("Idempotency-Key", "once-2").send().await;
    assert_eq!(again.expect(201)["number"], 2);
    chat.await_stored(2).await;
    chat.edit(1, "that wears a crown").await.expect(200);
    chat.await_found("crown", &[1], Duration::from_secs(10)).await;
    chat.message(9).await.problem(404, "message_not_found");
    let batch = json!({ "messages": [{ "body": "one" }, { "body": "two" }] });
    assert!(chat.attempt_batch(batch).send().await.status < 300);
    chat.await_stored(4).await;
    testkit::eventually("the counts are brought up to date", Duration::from_secs(15), async || {
        chat.read().await.expect(200)["messages_count"] == 4
    })
    .await;

    // Without its record ingest opens a new epoch, whose counters are set behind fences, which the consumer answers.
    let client = redis::Client::open(redis_url.as_str()).unwrap();
    let mut as_chat = client.get_multiplexed_async_connection().await.unwrap();
    let removed: u8 = redis::cmd("UNLINK").arg("chat:record").query_async(&mut as_chat).await.unwrap();
    assert_eq!(removed, 1);
    testkit::eventually("numbers are given again", Duration::from_secs(15), async || {
        chat.attempt_post("than a king's").send().await.status < 300
    })
    .await;

    // And what they need not do, they may not.
    let mut connection = Conn::from_url(mysql_of("chat", 2)).await.unwrap();
    assert!(connection.query_drop("DROP TABLE messages").await.unwrap_err().to_string().contains("denied"));
    let mut connection = Conn::from_url(mysql_of("chat-ingest", 3)).await.unwrap();
    assert!(connection.query_drop("DELETE FROM messages").await.unwrap_err().to_string().contains("denied"));
    let refused = redis::cmd("FLUSHALL").exec_async(&mut as_chat).await.unwrap_err();
    assert_eq!(refused.code(), Some("NOPERM"), "{refused}");
    let elsewhere = redis::cmd("GET").arg("other:key").exec_async(&mut as_chat).await.unwrap_err();
    assert_eq!(elsewhere.code(), Some("NOPERM"), "{elsewhere}");
}
