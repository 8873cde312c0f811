//! Pages of chats and of messages: every edge, with and without gaps.

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use domain::{Page, PageLimit, PageRequest};
use store::{Connection, chats, messages};

use super::support::{Database, add_chats, add_messages, application, chat_number};

/// Numbers 1 to 12 without 4, 5, 6 and 9; pages of three.
const STORED: [u64; 8] = [1, 2, 3, 7, 8, 10, 11, 12];

fn cases() -> Vec<(PageRequest, Vec<u64>, bool, bool)> {
    let limit = PageLimit::new(3).unwrap();
    let after = |after| PageRequest::After { after, limit };
    let before = |before| PageRequest::Before { before, limit };
    let ordinal = |page| PageRequest::ordinal(page, limit).unwrap();
    vec![
        (PageRequest::first(limit), vec![1, 2, 3], false, true),
        (after(3), vec![7, 8, 10], true, true),
        (after(5), vec![7, 8, 10], true, true),
        (after(8), vec![10, 11, 12], true, false),
        (after(11), vec![12], true, false),
        (after(12), vec![], true, false),
        (after(u64::MAX), vec![], true, false),
        (before(7), vec![1, 2, 3], false, true),
        (before(8), vec![2, 3, 7], true, true),
        (before(12), vec![8, 10, 11], true, true),
        (before(13), vec![10, 11, 12], true, false),
        (before(u64::MAX), vec![10, 11, 12], true, false),
        (before(2), vec![1], false, true),
        (before(1), vec![], false, true),
        (before(0), vec![], false, true),
        (ordinal(1), vec![1, 2, 3], false, true),
        (ordinal(2), vec![], true, true),
        (ordinal(3), vec![7, 8], true, true),
        (ordinal(4), vec![10, 11, 12], true, false),
        (ordinal(5), vec![], true, false),
        (PageRequest::Span { first: u64::MAX, limit }, vec![], true, false),
    ]
}

fn told<T>(page: Page<T>, number: impl Fn(&T) -> u64) -> (Vec<u64>, bool, bool) {
    (page.entries.iter().map(number).collect(), page.has_previous, page.has_next)
}

#[tokio::test]
async fn chats_page_by_number() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let (before, app, behind) = (application(conn).await.id, application(conn).await.id, application(conn).await.id);
    for (owner, numbers) in [(before, [1, 5, 40].to_vec()), (app, STORED.to_vec()), (behind, [1, 5, 40].to_vec())] {
        add_chats(conn, owner, numbers).await;
    }
    for (request, entries, has_previous, has_next) in cases() {
        let page = chats::list(conn, app, request).await.unwrap();
        assert_eq!(told(page, |chat| chat.number.get()), (entries, has_previous, has_next), "{request:?}");
    }
}

#[tokio::test]
async fn messages_page_by_number() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    for (chat, numbers) in [(1, [1, 5, 40].to_vec()), (2, STORED.to_vec()), (3, [1, 5, 40].to_vec())] {
        add_messages(conn, app, chat, numbers).await;
    }
    for (request, entries, has_previous, has_next) in cases() {
        let page = messages::list(conn, app, chat_number(2), request).await.unwrap();
        assert_eq!(told(page, |message| message.number.get()), (entries, has_previous, has_next), "{request:?}");
    }
}

#[tokio::test]
async fn an_empty_list_has_empty_pages_and_nothing_beside_them() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    for (request, ..) in cases() {
        assert_eq!(told(chats::list(conn, app, request).await.unwrap(), |chat| chat.number.get()), (vec![], false, false));
        let page = messages::list(conn, app, chat_number(1), request).await.unwrap();
        assert_eq!(told(page, |message| message.number.get()), (vec![], false, false));
    }
}

#[derive(diesel::QueryableByName)]
struct Status {
    #[diesel(sql_type = Text, column_name = "Value")]
    value: String,
}

/// How many statements this session has executed so far, this one among them.
async fn executed(conn: &mut Connection) -> u64 {
    let asked = diesel::sql_query("SHOW SESSION STATUS LIKE 'Com_stmt_execute'").get_result::<Status>(conn).await;
    asked.unwrap().value.parse().unwrap()
}

#[tokio::test]
async fn what_lies_beside_a_page_costs_a_seek_of_its_own_only_where_a_number_is_missing() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await.id;
    add_messages(conn, app, 1, STORED.to_vec()).await;
    let limit = PageLimit::new(3).unwrap();
    for (request, statements) in [
        (PageRequest::first(limit), 1),
        (PageRequest::After { after: 3, limit }, 1),
        (PageRequest::After { after: 12, limit }, 1),
        (PageRequest::Before { before: 7, limit }, 1),
        (PageRequest::Span { first: 8, limit }, 1),
        (PageRequest::After { after: 5, limit }, 2),
        (PageRequest::Before { before: 13, limit }, 2),
        (PageRequest::Span { first: 10, limit }, 2),
    ] {
        let before = executed(conn).await;
        messages::list(conn, app, chat_number(1), request).await.unwrap();
        assert_eq!(executed(conn).await - before - 1, statements, "{request:?}");
    }
}
