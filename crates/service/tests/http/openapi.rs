//! The document that is made from routes, and the pages that show it.

use actix_web::web::ServiceConfig;
use serde_json::Value;
use service::{
    http::{Endpoint, endpoint},
    openapi::{About, Answer, Document, Operation, document, routes, schemas, undocumented},
    problem::Code,
};
use utoipa::openapi::HttpMethod;

use crate::support::Server;

const ABOUT: About = About { title: "Things", description: "", tags: &[("Things", "What there is.")], has_administrators: false };

fn shown() -> Operation {
    let operation = Operation::new("showThing", "Things", "Show a thing").path("name", "Its name.", schemas::name());
    operation.problems(&[Code::DependencyUnavailable]).answer(200, Answer::new("The thing."))
}

fn things() -> Endpoint {
    endpoint("/things/{name}").get(async || "a thing").documented([(HttpMethod::Get, shown())])
}

fn made() -> Document {
    document(&ABOUT, [things()])
}

fn pages(config: &mut ServiceConfig) {
    routes(made())(config);
}

#[test]
fn a_method_is_described_if_and_only_if_it_is_answered() {
    assert_eq!(undocumented([things()]), Vec::<String>::new());
    let silent = endpoint("/things/{name}").get(async || "a thing").update(async || "changed");
    assert_eq!(
        undocumented([silent.documented([(HttpMethod::Get, shown()), (HttpMethod::Post, shown())])]),
        ["PUT /things/{name}", "PATCH /things/{name}", "POST /things/{name}"]
    );
}

#[test]
fn an_operation_tells_each_problem_with_its_code_and_headers() {
    let document: Value = serde_json::from_str(made().as_str()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let responses = &document["paths"]["/things/{name}"]["get"]["responses"];
    let statuses: Vec<_> = responses.as_object().unwrap().keys().collect();
    assert_eq!(statuses, ["200", "404", "429", "500", "503"]);
    let referred = responses["503"]["$ref"].as_str().unwrap().trim_start_matches('#');
    let unavailable = document.pointer(referred).unwrap();
    let problem = &unavailable["content"]["application/problem+json"];
    assert_eq!(problem["schema"]["allOf"][1]["properties"]["code"]["enum"], serde_json::json!(["dependency_unavailable"]));
    assert_eq!(problem["examples"]["dependency_unavailable"]["value"]["status"], 503);
    for header in ["Retry-After", "X-Request-Id", "Cache-Control"] {
        assert_eq!(unavailable["headers"][header]["required"], true, "{header}");
    }
    let known = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array().unwrap();
    assert_eq!(known.len(), Code::ALL.len());
}

#[actix_web::test]
async fn the_document_and_its_page_are_served_from_the_program() {
    let server = Server::start(pages).await;
    let document = server.get("/api-docs/openapi.json", &[]).await;
    assert_eq!(document.headers()["content-type"], "application/json");
    assert_eq!(document.text().await.unwrap(), made().as_str());
    // The client follows the redirection.
    for path in ["/swagger", "/swagger/", "/swagger/index.html"] {
        let page = server.get(path, &[]).await;
        assert_eq!((page.status().as_u16(), page.headers()["content-type"].to_str().unwrap()), (200, "text/html"), "{path}");
        assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'; script-src 'self'"));
        let page = page.text().await.unwrap();
        for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
            assert!(page.contains(file), "{page}");
            assert_eq!(server.get(&format!("/swagger/{file}"), &[]).await.status(), 200, "{file}");
        }
    }
    let initializer = server.get("/swagger/swagger-initializer.js", &[]).await.text().await.unwrap();
    assert!(initializer.contains("/api-docs/openapi.json"), "{initializer}");
    assert_eq!(server.get("/swagger/nothing", &[]).await.status(), 404);
}
