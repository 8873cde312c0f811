//! Every route of the service, in one table: the two families and the older clients' spellings.

use actix_web::web::{Data, ServiceConfig};
use service::http::endpoint;

use crate::{batch, chats, messages, state::State};

/// The business routes. Rate limits stand around all of them.
pub(crate) fn configure(config: &mut ServiceConfig, state: Data<State>) {
    config
        .app_data(state)
        .service(endpoint("/applications/{token}/chats").post(chats::create))
        .service(endpoint("/applications/{token}/chats/{number}/messages").post(messages::create))
        .service(endpoint("/applications/{token}/chats/{number}/messages:batch").post(batch::create).body_limit(batch::MAX_BYTES))
        .service(endpoint("/api/v1/applications/{token}/chats").post(chats::create_v1))
        .service(endpoint("/api/v1/applications/{token}/chats/{number}/messages").post(messages::create_v1))
        .service(
            endpoint("/api/v1/applications/{token}/chats/{number}/messages:batch")
                .post(batch::create_v1)
                .body_limit(batch::MAX_BYTES),
        )
        .service(endpoint("/chats/{token}").post(chats::create))
        .service(endpoint("/chats/{number}/messages").post(messages::create_by_header));
}
