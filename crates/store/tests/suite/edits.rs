//! What edits of applications, chats and messages have in common: each is later than what it replaces, whatever the clock says of
//! whoever makes it.

use domain::{ChatNumber, MessageNumber, Timestamp};
use store::{applications, chats, messages};

use super::support::{Database, add_chats, add_messages, any, application, body, done};

#[tokio::test]
async fn each_edit_is_later_than_the_one_before_whatever_the_clock_says() {
    let db = Database::create().await;
    let conn = &mut db.connection().await;
    let app = application(conn).await;
    add_chats(conn, app.id, [1]).await;
    add_messages(conn, app.id, 1, [1]).await;
    let (chat, message) = (ChatNumber::FIRST, MessageNumber::FIRST);
    let created_at = [
        app.updated_at,
        chats::find(conn, app.id, chat).await.unwrap().unwrap().updated_at,
        messages::find(conn, app.id, chat, message).await.unwrap().unwrap().updated_at,
    ];
    let at = |moment: Timestamp, later_ms| Timestamp::from_unix_millis(moment.to_unix_millis() + later_ms).unwrap();
    let mut last = created_at;
    // A clock that is right; one that stands still, as it does within a millisecond; one that was put back, or is another
    // machine's.
    for (clock_ms, expected_ms) in [(1_000, 1_000), (1_000, 1_001), (-60_000, 1_002), (5_000, 5_000)] {
        let [of_application, of_chat, of_message] = created_at.map(|moment| at(moment, clock_ms));
        let edited = [
            done(applications::rename(conn, app.token, &app.name, of_application, any).await.unwrap()).updated_at,
            done(chats::rename(conn, app.id, chat, None, of_chat, any).await.unwrap()).updated_at,
            done(messages::edit(conn, app.id, chat, message, &body("new"), of_message, any).await.unwrap()).updated_at,
        ];
        assert_eq!(edited, created_at.map(|moment| at(moment, expected_ms)), "{clock_ms}");
        assert!(edited.iter().zip(&last).all(|(edited, before)| edited > before), "{clock_ms}");
        let stored = [
            applications::find(conn, app.token).await.unwrap().unwrap().updated_at,
            chats::find(conn, app.id, chat).await.unwrap().unwrap().updated_at,
            messages::find(conn, app.id, chat, message).await.unwrap().unwrap().updated_at,
        ];
        assert_eq!(stored, edited, "{clock_ms}");
        last = edited;
    }
}
