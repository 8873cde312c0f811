//! Every route of the service, in one table: the two families and the older clients' spelling.

use actix_web::web::{Data, ServiceConfig};
use service::http::endpoint;

use crate::{applications, chats, family::V1_PREFIX, messages, paging, search, state::State};

/// The business routes; caching, when it comes, belongs into the handlers of reads. Rate limits stand around all of them.
pub(crate) fn configure(config: &mut ServiceConfig, state: Data<State>) {
    config.app_data(state);
    for prefix in ["", V1_PREFIX] {
        let application = format!("{prefix}/applications/{{token}}");
        let chat = format!("{application}/chats/{{number}}");
        config
            .service(
                endpoint(&format!("{prefix}/applications"))
                    .get(applications::list)
                    .post(applications::create)
                    .compressed()
                    .parameters(paging::PARAMETERS),
            )
            .service(endpoint(&application).get(applications::read).update(applications::update))
            .service(endpoint(&format!("{application}/chats")).get(chats::list).compressed().parameters(paging::PARAMETERS))
            .service(endpoint(&chat).get(chats::read).update(chats::update))
            .service(endpoint(&format!("{chat}/messages")).get(messages::list).compressed().parameters(paging::PARAMETERS))
            .service(endpoint(&format!("{chat}/messages/search")).get(search::search).compressed().parameters(search::PARAMETERS))
            .service(endpoint(&format!("{chat}/messages/{{message}}")).get(messages::read).update(messages::update));
    }
    config.service(endpoint("/chats/{number}/messages/search").get(search::search).compressed().parameters(search::PARAMETERS));
}
