//! What tests of several commands need.

use domain::{ApplicationId, ApplicationToken, ChatNumber, EventId, MessageBody, MessageNumber, Timestamp};
use events::MessageCreated;
use testkit::{Application, System};

/// The application's key.
pub(crate) async fn id_of(system: &System, application: &Application) -> ApplicationId {
    let token = ApplicationToken::parse(&application.token).unwrap();
    let found = store::applications::find(&mut system.store().acquire().await.unwrap(), token).await;
    found.unwrap().unwrap().id
}

pub(crate) fn message(application_id: ApplicationId, number: u64, body: &str) -> MessageCreated {
    MessageCreated {
        event_id: EventId::generate(),
        application_id,
        chat: ChatNumber::FIRST,
        number: MessageNumber::new(number).unwrap(),
        body: MessageBody::new(body).unwrap(),
        created_at: Timestamp::now(),
        request_id: "test".to_owned(),
    }
}
