//! Applications: creating, finding, renaming, paging.

use domain::{ApplicationId, ApplicationName, ApplicationToken, PageLimit, Timestamp};
use store::{ErrorKind, Updated, applications, applications::PageOfApplications};

use super::support::{Database, any, application, done, soon};

#[tokio::test]
async fn a_created_application_is_found_by_token_and_by_id() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let (token, name) = (ApplicationToken::generate().unwrap(), ApplicationName::new("Ünï\u{0}côde 🦀").unwrap());
    let created = applications::create(conn, token, &name, Timestamp::now()).await.unwrap();
    assert_eq!((created.version, created.chats_count, created.updated_at), (1, 0, created.created_at));
    assert_eq!(applications::find(conn, token).await.unwrap(), Some(created.clone()));
    assert_eq!(applications::id_of(conn, token).await.unwrap(), Some(created.id));
    let ids = [created.id, ApplicationId::new(u64::MAX)];
    assert_eq!(applications::find_by_ids(conn, &ids).await.unwrap(), [(created.id, token)]);
    assert_eq!(applications::find_by_ids(conn, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn internal_numbers_that_were_passed_are_not_given() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let passed = ApplicationId::new(application(conn).await.id.get() + 1_000);
    applications::pass_ids(conn, passed).await.unwrap();
    let next = application(conn).await.id;
    assert!(next > passed, "{next:?}");
    // The counter does not go back.
    applications::pass_ids(conn, ApplicationId::new(1)).await.unwrap();
    assert!(application(conn).await.id > next);
}

#[tokio::test]
async fn an_unknown_token_is_no_error_and_a_taken_one_is_a_duplicate() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let unknown = ApplicationToken::generate().unwrap();
    assert_eq!(applications::find(conn, unknown).await.unwrap(), None);
    assert_eq!(applications::id_of(conn, unknown).await.unwrap(), None);
    let taken = application(conn).await;
    let error = applications::create(conn, taken.token, &taken.name, Timestamp::now()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert!(!format!("{error} {error:?}").contains(&taken.token.to_string()), "{error:?}");
}

#[tokio::test]
async fn renaming_counts_the_version_and_touches_nothing_else() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let before = application(conn).await;
    let (name, now) = (ApplicationName::new("other").unwrap(), soon());
    let after = done(applications::rename(conn, before.token, &name, now, any).await.unwrap());
    let expected = domain::Application { name: name.clone(), version: 2, updated_at: now, ..before.clone() };
    assert_eq!(after, expected);
    assert_eq!(applications::find(conn, before.token).await.unwrap(), Some(expected));
    // The same name once more is an edit all the same.
    assert_eq!(done(applications::rename(conn, before.token, &name, now, any).await.unwrap()).version, 3);
    let refused = applications::rename(conn, before.token, &name, now, |version| version < 3).await.unwrap();
    assert_eq!(refused, Updated::Refused);
    assert_eq!(applications::find(conn, before.token).await.unwrap().unwrap().version, 3);
    let unknown = ApplicationToken::generate().unwrap();
    assert_eq!(applications::rename(conn, unknown, &name, now, any).await.unwrap(), Updated::Missing);
}

#[tokio::test]
async fn pages_are_found_from_a_token_or_an_ordinal() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let limit = PageLimit::new(2).unwrap();
    let mut tokens = Vec::new();
    for _ in 0..5 {
        tokens.push(application(conn).await.token);
    }
    let cases = [
        (PageOfApplications::First { limit }, 0..2, false, true),
        (PageOfApplications::After { token: tokens[1], limit }, 2..4, true, true),
        (PageOfApplications::After { token: tokens[3], limit }, 4..5, true, false),
        (PageOfApplications::After { token: tokens[4], limit }, 5..5, true, false),
        (PageOfApplications::Before { token: tokens[4], limit }, 2..4, true, true),
        (PageOfApplications::Before { token: tokens[2], limit }, 0..2, false, true),
        (PageOfApplications::Before { token: tokens[0], limit }, 0..0, false, true),
        (PageOfApplications::Ordinal { page: 1, limit }, 0..2, false, true),
        (PageOfApplications::Ordinal { page: 2, limit }, 2..4, true, true),
        (PageOfApplications::Ordinal { page: 3, limit }, 4..5, true, false),
        (PageOfApplications::Ordinal { page: 9, limit }, 5..5, true, false),
    ];
    for (request, expected, has_previous, has_next) in cases {
        let page = applications::list(conn, request).await.unwrap().unwrap();
        let found: Vec<_> = page.entries.iter().map(|entry| entry.token).collect();
        assert_eq!(found, tokens[expected], "{request:?}");
        assert_eq!((page.has_previous, page.has_next), (has_previous, has_next), "{request:?}");
    }
    let token = ApplicationToken::generate().unwrap();
    assert_eq!(applications::list(conn, PageOfApplications::After { token, limit }).await.unwrap(), None);
    assert_eq!(applications::list(conn, PageOfApplications::Before { token, limit }).await.unwrap(), None);
}
