//! The back-up of Redis, taken, kept and put in place by the script that operators run, as the manual says.

use std::{fs, path::PathBuf, time::Duration};

use testkit::{Server, Service, System, eventually};

const SCRIPT: &str = include_str!("../../../../deploy/backup/redis-backup");
/// How soon creates must succeed again.
const BACK_WITHIN: Duration = Duration::from_secs(30);
/// Older than any back-up is kept.
const ANCIENT: &str = "redis-20200101T000000Z.rdb";
/// The directories of the back-ups and of Redis, as the script sees them.
const BACKUPS: &str = "/data/backups";
const DATA: &str = "/data/redis";

struct Backups<'a>(&'a System);

impl Backups<'_> {
    fn directory(&self) -> PathBuf {
        self.0.stack().root().join("backups")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with(".cleaned")).collect();
        names.sort();
        names
    }

    /// What the script says when it succeeds, or why it does not.
    async fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let url = self.0.stack().urls().redis.clone();
        let note = format!("{}backup", self.0.config::<consumer::Config>().redis.key_prefix);
        let environment = [("REDIS_URL", url.as_str()), ("BACKUP_KEEP_DAYS", "2"), ("BACKUP_NOTE_KEY", &note)];
        self.run_in(&environment, arguments).await
    }

    async fn run_in(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Result<String, String> {
        let environment = [environment, &[("BACKUP_DIR", BACKUPS)]].concat();
        let said = self.0.stack().redis_script(SCRIPT, arguments, &environment).await;
        said.map(|said| String::from_utf8(said).unwrap()).map_err(|error| error.to_string())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_put_back_from_its_back_up_goes_on_in_a_new_epoch() {
    let system = System::builder().own(Server::Redis).start().await;
    let backups = Backups(&system);
    fs::create_dir(backups.directory()).unwrap();
    fs::write(backups.directory().join(ANCIENT), "").unwrap();
    let application = system.create_application("backed up").await;
    let chat = application.create_chat().await;
    let keyed = || chat.attempt_post("before").header("idempotency-key", "before-the-back-up");
    assert_eq!(keyed().send().await.expect(201)["number"], 1);
    chat.await_stored(1).await;
    // It waits so long for others that want a copy as well.
    system.redis::<()>(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"]).await;

    let said = backups.run(&[]).await.unwrap();
    assert!(said.contains(&format!("removed: {BACKUPS}/{ANCIENT}")), "{said}");
    let names = backups.names();
    assert_eq!(names.len(), 1, "{names:?}");
    backups.run(&["fresh", "3600"]).await.unwrap();
    let age = async || {
        let metrics = system.ask(Service::Consumer, "GET", "/metrics").send().await.text();
        let age = metrics.lines().find_map(|line| line.strip_prefix("chat_redis_backup_age_seconds "));
        age.map(|age| age.parse::<f64>().unwrap())
    };
    eventually("the back-up's age is told", BACK_WITHIN, async || age().await.is_some_and(|age| age < 60.0)).await;
    for number in 2..=4 {
        assert_eq!(chat.post("younger than the back-up").await, number);
    }

    let refused = backups.run(&["restore", "latest", DATA]).await.unwrap_err();
    assert!(refused.contains("Redis is running"), "{refused}");
    // Who names no address is not believed to have stopped it.
    let refused = backups.run_in(&[], &["restore", "latest", DATA]).await.unwrap_err();
    assert!(refused.contains("REDIS_URL is not set"), "{refused}");
    // Nor who cannot speak with it, as with a certificate that is not trusted, or does not know how.
    let url = system.stack().urls().redis.clone();
    for wrong in [url.replacen("redis://", "rediss://", 1), url.replacen("redis://", "", 1)] {
        let refused = backups.run_in(&[("REDIS_URL", wrong.as_str())], &["restore", "latest", DATA]).await.unwrap_err();
        assert!(refused.contains("nobody can tell whether Redis is running"), "{refused}");
    }
    system.stack().stop(Server::Redis).await.unwrap();
    let failed = backups.run(&[]).await.unwrap_err();
    assert!(failed.contains("not backed up"), "{failed}");
    assert_eq!(backups.names(), names);
    fs::write(backups.directory().join("torn.rdb"), &fs::read(backups.directory().join(&names[0])).unwrap()[..60]).unwrap();
    let refused = backups.run(&["restore", &format!("{BACKUPS}/torn.rdb"), DATA]).await.unwrap_err();
    assert!(refused.contains("is damaged"), "{refused}");

    let said = backups.run(&["restore", "latest", DATA]).await.unwrap();
    assert!(said.contains(&names[0]) && said.contains("kept what was there"), "{said}");
    system.stack().start(Server::Redis).await.unwrap();

    // Numbers that are younger than the back-up are not given again.
    assert_eq!(chat.post_until_accepted("after", BACK_WITHIN).await, 5);
    chat.await_stored(5).await;
    let opened = store::epochs::history(&mut system.store().acquire().await.unwrap(), 1).await.unwrap();
    assert_eq!(opened[0].reason, "redis_restarted");
    // What a snapshot alone can tell: the key's create is known, and is not done again.
    assert_eq!(keyed().send().await.expect(201)["number"], 1);
    let numbers: Vec<u64> = chat.messages().await.into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}
