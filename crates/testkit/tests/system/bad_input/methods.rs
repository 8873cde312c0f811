//! Methods that a path does not answer, on every route of both services.

use testkit::Service::{self, Api, Ingest};

use super::case::{Case, FAMILIES, Request, World};

const ROUTES: [(Service, &str, &[&str]); 10] = [
    (Api, "/applications", &["PUT", "PATCH"]),
    (Api, "/applications/{app}", &["POST"]),
    (Api, "/applications/{app}/chats", &["POST", "PUT", "PATCH"]),
    (Api, "/applications/{app}/chats/1", &["POST"]),
    (Api, "/applications/{app}/chats/1/messages", &["POST", "PUT", "PATCH"]),
    (Api, "/applications/{app}/chats/1/messages/1", &["POST"]),
    (Api, "/applications/{app}/chats/1/messages/search?query=x", &["POST", "PUT", "PATCH"]),
    (Ingest, "/applications/{app}/chats", &["GET", "PUT", "PATCH"]),
    (Ingest, "/applications/{app}/chats/1/messages", &["GET", "PUT", "PATCH"]),
    (Ingest, "/applications/{app}/chats/1/messages:batch", &["GET", "PUT", "PATCH"]),
];

const OLDER: [(Service, &str, &[&str]); 3] = [
    (Ingest, "/chats/{app}", &["GET", "PUT"]),
    (Ingest, "/chats/1/messages", &["GET", "PATCH"]),
    (Api, "/chats/1/messages/search?query=x", &["POST", "PUT"]),
];

/// Answered nowhere: some that exist elsewhere, one in small letters, one that nobody knows.
const NOWHERE: [&str; 7] = ["DELETE", "TRACE", "PROPFIND", "LINK", "get", "Post", "BREW-COFFEE"];

pub(super) fn cases(world: &World) -> Vec<Case> {
    let families = ROUTES.iter().flat_map(|(service, path, wrong)| FAMILIES.map(|family| (*service, family, *path, *wrong)));
    let older = OLDER.iter().map(|(service, path, wrong)| (*service, "", *path, *wrong));
    let mut cases = Vec::new();
    for (service, family, path, wrong) in families.chain(older) {
        let path = world.path(&format!("{family}{path}"));
        for method in wrong.iter().chain(&NOWHERE) {
            cases.push(Request::new(service, method, &path).json("{}").refused(405, "method_not_allowed"));
        }
    }
    cases
}
