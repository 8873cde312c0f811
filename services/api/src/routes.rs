//! Every route of the service, in one table: the two families and the older clients' spelling.

use std::time::Duration;

use actix_web::web::{Data, ServiceConfig};
use service::{
    health,
    http::{Endpoint, Family, endpoint},
    openapi::Document,
};

use crate::{applications, chats, messages, openapi, parameters, search, state::State};

/// Where only the descriptions are wanted.
const NO_MATTER: Duration = Duration::ZERO;

/// The business routes, each with its description and answered `within` this time. Rate limits stand around all of them.
pub(crate) fn table(within: Duration) -> Vec<Endpoint> {
    let endpoint = |pattern: &str| endpoint(pattern).within(within);
    let mut table = Vec::new();
    for family in Family::ALL {
        let all = format!("{}/applications", family.prefix());
        let application = format!("{all}/{{token}}");
        let chat = format!("{application}/chats/{{number}}");
        table.extend([
            endpoint(&all)
                .get(applications::list)
                .post(applications::create)
                .compressed()
                .parameters(parameters::PARAMETERS)
                .documented(openapi::applications::all(family)),
            endpoint(&application)
                .get(applications::read)
                .update(applications::update)
                .documented(openapi::applications::one(family)),
            endpoint(&format!("{application}/chats"))
                .get(chats::list)
                .compressed()
                .parameters(parameters::PARAMETERS)
                .documented(openapi::chats::all(family)),
            endpoint(&chat).get(chats::read).update(chats::update).documented(openapi::chats::one(family)),
            endpoint(&format!("{chat}/messages"))
                .get(messages::list)
                .compressed()
                .parameters(parameters::PARAMETERS)
                .documented(openapi::messages::all(family)),
            endpoint(&format!("{chat}/messages/search"))
                .get(search::search)
                .compressed()
                .parameters(search::PARAMETERS)
                .documented(openapi::search::search(family)),
            endpoint(&format!("{chat}/messages/{{message}}"))
                .get(messages::read)
                .update(messages::update)
                .documented(openapi::messages::one(family)),
        ]);
    }
    table.push(
        endpoint("/chats/{number}/messages/search")
            .get(search::search)
            .compressed()
            .parameters(search::PARAMETERS)
            .documented(openapi::search::by_header()),
    );
    table
}

/// The service's OpenAPI document, made from the table and from what every service serves beside it.
pub fn document() -> Document {
    service::openapi::document(&openapi::ABOUT, table(NO_MATTER).into_iter().chain(health::endpoints()))
}

/// Registers the table, and nothing beside it.
pub(crate) fn configure(config: &mut ServiceConfig, state: Data<State>) {
    let within = state.settings.answered_within();
    config.app_data(state);
    table(within).into_iter().for_each(|endpoint| {
        config.service(endpoint);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_nothing_else() {
        assert_eq!(service::openapi::undocumented(table(NO_MATTER)), Vec::<String>::new());
    }

    #[test]
    fn the_committed_document_is_this_one() {
        let committed = include_str!("../../../docs/openapi/api.json");
        assert!(
            committed == document().as_str(),
            "docs/openapi/api.json is not what the code says; renew it with `make openapi`"
        );
    }
}
