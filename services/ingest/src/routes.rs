//! Every route of the service, in one table: the two families and the older clients' spellings.

use actix_web::web::{Data, ServiceConfig};
use service::{
    health,
    http::{Endpoint, Family, endpoint},
    openapi::Document,
};

use crate::{
    batch, chats, messages,
    openapi::{self, Spelling},
    state::State,
};

/// The business routes, each with its description. Rate limits stand around all of them.
pub(crate) fn table() -> Vec<Endpoint> {
    let mut table = Vec::new();
    for family in Family::ALL {
        let all = format!("{}/applications/{{token}}/chats", family.prefix());
        let messages = format!("{all}/{{number}}/messages");
        let spelling = Spelling::Of(family);
        table.extend([
            endpoint(&all).post(chats::create).documented(openapi::chats(spelling)),
            endpoint(&messages).post(messages::create).documented(openapi::messages(spelling)),
            endpoint(&format!("{messages}:batch"))
                .post(batch::create)
                .body_limit(batch::MAX_BYTES)
                .documented(openapi::batch(spelling)),
        ]);
    }
    table.extend([
        endpoint("/chats/{token}").post(chats::create).documented(openapi::chats(Spelling::Older)),
        endpoint("/chats/{number}/messages").post(messages::create).documented(openapi::messages(Spelling::Older)),
    ]);
    table
}

/// The service's OpenAPI document, made from the table and from what every service serves beside it.
pub fn document() -> Document {
    service::openapi::document(&openapi::ABOUT, table().into_iter().chain(health::endpoints()))
}

/// Registers the table, and nothing beside it.
pub(crate) fn configure(config: &mut ServiceConfig, state: Data<State>) {
    config.app_data(state);
    table().into_iter().for_each(|endpoint| {
        config.service(endpoint);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        assert_eq!(service::openapi::undocumented(table()), Vec::<String>::new());
    }

    #[test]
    fn the_committed_document_is_this_one() {
        let committed = include_str!("../../../docs/openapi/ingest.json");
        assert!(
            committed == document().as_str(),
            "docs/openapi/ingest.json is not what the code says; renew it with `make openapi`"
        );
    }
}
