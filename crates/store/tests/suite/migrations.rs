//! Migrations: from nothing, again, all at once, and back.

use std::{fs, path::PathBuf};

use store::{ErrorKind, Store, migrate};

use super::support::{Database, application, figure};

/// The migrations' folders, in order.
fn folders() -> Vec<PathBuf> {
    let all = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations")).unwrap();
    let mut folders: Vec<_> = all.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

#[tokio::test]
async fn the_database_is_made_and_a_second_run_changes_nothing() {
    let db = Database::nameless();
    let first = migrate(&db.settings()).await.unwrap();
    assert_eq!(first.versions.len(), folders().len(), "{first:?}");
    assert!(first.versions.is_sorted());
    application(&mut *db.connection().await).await;
    assert!(migrate(&db.settings()).await.unwrap().versions.is_empty());
    assert_eq!(figure(&mut *db.connection().await, "SELECT COUNT(*) FROM applications").await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_at_once_apply_each_migration_once() {
    let db = Database::nameless();
    let all: Vec<_> = (0..6)
        .map(|_| {
            let settings = db.settings();
            tokio::spawn(async move { migrate(&settings).await.unwrap().versions })
        })
        .collect();
    let mut applied = Vec::new();
    for one in all {
        applied.extend(one.await.unwrap());
    }
    applied.sort();
    assert_eq!(applied.len(), folders().len(), "{applied:?}");
    applied.dedup();
    assert_eq!(applied.len(), folders().len());
}

#[tokio::test]
async fn every_migration_can_be_taken_back() {
    let db = Database::create().await;
    for folder in folders().iter().rev() {
        db.sql(&fs::read_to_string(folder.join("down.sql")).unwrap()).await;
    }
    let left = format!("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '{}'", db.name());
    // The migrations' own record.
    assert_eq!(figure(&mut *db.connection().await, &left).await.unwrap(), 1);
}

#[tokio::test]
async fn every_table_is_innodb_and_holds_every_character() {
    let db = Database::create().await;
    let odd = format!(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '{}' AND table_name NOT LIKE '\\_\\_diesel%' \
         AND (engine <> 'InnoDB' OR table_collation <> 'utf8mb4_bin')",
        db.name()
    );
    assert_eq!(figure(&mut *db.connection().await, &odd).await.unwrap(), 0);
}

#[tokio::test]
async fn a_server_that_refuses_or_is_not_there_is_told_apart() {
    let db = Database::nameless();
    let mut settings = db.settings();
    // Which kind of login MySQL pretends to an unknown user depends on the name.
    for name in 0..12 {
        settings.url = db.settings().url.replacen("//root@", &format!("//nobody-{name}:secret@"), 1);
        let error = migrate(&settings).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fatal, "{error:?}");
        assert!(!format!("{error:?} {error} {settings:?}").contains("secret"));
    }
    settings.url = "mysql://root@127.0.0.1:1/chat".to_owned();
    assert_eq!(migrate(&settings).await.unwrap_err().kind(), ErrorKind::Transient);
    for url in ["mysql://root@127.0.0.1:1", "mysql://root@127.0.0.1:1/", "postgres://root@127.0.0.1:1/chat", ""] {
        settings.url = url.to_owned();
        assert_eq!(migrate(&settings).await.unwrap_err().kind(), ErrorKind::Fatal, "{url}");
        assert_eq!(Store::connect(&settings).unwrap_err().kind(), ErrorKind::Fatal, "{url}");
    }
}
