//! Every route of the service, in one table: the two families and the older clients' spellings.

use actix_web::web::{Data, ServiceConfig};
use service::http::{Endpoint, endpoint};

use crate::{
    batch, chats, messages,
    openapi::{self, Spelling},
    state::State,
};

/// The business routes, each with its description. Rate limits stand around all of them.
pub(crate) fn table() -> Vec<Endpoint> {
    use Spelling::{Older, Unversioned, V1};
    vec![
        endpoint("/applications/{token}/chats").post(chats::create).documented(openapi::chats(Unversioned)),
        endpoint("/applications/{token}/chats/{number}/messages")
            .post(messages::create)
            .documented(openapi::messages(Unversioned)),
        endpoint("/applications/{token}/chats/{number}/messages:batch")
            .post(batch::create)
            .body_limit(batch::MAX_BYTES)
            .documented(openapi::batch(Unversioned)),
        endpoint("/api/v1/applications/{token}/chats").post(chats::create_v1).documented(openapi::chats(V1)),
        endpoint("/api/v1/applications/{token}/chats/{number}/messages")
            .post(messages::create_v1)
            .documented(openapi::messages(V1)),
        endpoint("/api/v1/applications/{token}/chats/{number}/messages:batch")
            .post(batch::create_v1)
            .body_limit(batch::MAX_BYTES)
            .documented(openapi::batch(V1)),
        endpoint("/chats/{token}").post(chats::create).documented(openapi::chats(Older)),
        endpoint("/chats/{number}/messages").post(messages::create_by_header).documented(openapi::messages(Older)),
    ]
}

/// Registers the table, and nothing beside it.
pub(crate) fn configure(config: &mut ServiceConfig, state: Data<State>) {
    config.app_data(state);
    table().into_iter().for_each(|endpoint| {
        config.service(endpoint);
    });
}
