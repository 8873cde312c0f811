//! The routes by which people and programs read the document: `/api-docs/openapi.json`, and Swagger UI under `/swagger/`.
//!
//! Swagger UI's files are in the program; nothing is loaded from elsewhere, and its page is not allowed to.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION},
    web::{Data, Path, ServiceConfig},
};
use utoipa_swagger_ui::Config;

use super::Document;
use crate::{http::endpoint, problem::Problem};

const DOCUMENT: &str = "/api-docs/openapi.json";
/// Swagger UI writes styles into its page, and draws its icons from `data:` addresses.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                           font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes, to be called on the server's configuration.
pub fn routes(document: Document) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let page: Arc<Config<'static>> = Arc::new(Config::from(DOCUMENT).validator_url("none"));
    move |config| {
        config
            .app_data(Data::new(document.clone()))
            .app_data(Data::from(Arc::clone(&page)))
            .service(endpoint(DOCUMENT).get(show))
            .service(endpoint("/swagger").get(to_the_page))
            .service(endpoint("/swagger/{file:.*}").get(file));
    }
}

async fn show(document: Data<Document>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(document.as_str().to_owned())
}

/// The page's own addresses are relative to its folder.
async fn to_the_page() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "/swagger/")).finish()
}

async fn file(path: Path<String>, page: Data<Config<'static>>) -> Result<HttpResponse, Problem> {
    let found = utoipa_swagger_ui::serve(&path, page.into_inner()).map_err(Problem::internal)?;
    let file = found.ok_or_else(Problem::route_not_found)?;
    Ok(HttpResponse::Ok()
        .content_type(file.content_type)
        .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(file.bytes.into_owned()))
}
