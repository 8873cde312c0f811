//! Declares what a path answers, once: HEAD, OPTIONS, 405, the report of unknown query parameters and the OpenAPI document follow
//! from it.

use std::time::Duration;

use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, web};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::time::timeout;
use utoipa::openapi::HttpMethod;

use super::compress::compress;
use super::settings::OwnBodyLimit;
use super::unknown_parameters::Known;
use crate::openapi::Operation;
use crate::problem::Problem;

/// What the path `pattern` answers; add the methods to it, then give it to the server's configuration.
///
/// ```
/// # use service::http::endpoint;
/// # async fn list() -> &'static str { "" }
/// # async fn create() -> &'static str { "" }
/// # fn configure(config: &mut actix_web::web::ServiceConfig) {
/// config.service(endpoint("/applications").get(list).post(create));
/// # }
/// ```
pub fn endpoint(pattern: &str) -> Endpoint {
    Endpoint {
        pattern: pattern.to_owned(),
        resource: web::resource(pattern),
        allow: Vec::new(),
        compressed: false,
        within: None,
        parameters: &[],
        operations: Vec::new(),
    }
}

/// A path and the methods that it answers.
pub struct Endpoint {
    pattern: String,
    resource: Resource,
    allow: Vec<&'static str>,
    compressed: bool,
    within: Option<Duration>,
    parameters: &'static [&'static str],
    operations: Vec<(HttpMethod, Operation)>,
}

impl Endpoint {
    /// Answers GET, and HEAD with the same head and no body.
    pub fn get<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.method(Method::GET, "GET", handler.clone()).method(Method::HEAD, "HEAD", handler)
    }

    /// Answers POST.
    pub fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.method(Method::POST, "POST", handler)
    }

    /// Answers PUT and PATCH alike: an update changes the fields that it names.
    pub fn update<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.method(Method::PUT, "PUT", handler.clone()).method(Method::PATCH, "PATCH", handler)
    }

    /// Takes bodies of so many bytes here, whatever `http.request_bytes` says.
    pub fn body_limit(self, bytes: usize) -> Self {
        Self { resource: self.resource.app_data(OwnBodyLimit(bytes)), ..self }
    }

    /// Answers 503 `timeout` where a handler of the methods that are added from now on takes longer, and drops what it does. The
    /// time begins when the request and its body have come.
    pub fn within(self, within: Duration) -> Self {
        Self { within: Some(within), ..self }
    }

    /// Compresses large answers for clients that accept it: for lists.
    pub fn compressed(self) -> Self {
        Self { compressed: true, ..self }
    }

    /// Names the query parameters that GET reads; without this it reads none, and other methods never do. Whichever others a
    /// request has are named in its answer's header `X-Unknown-Parameters`.
    pub fn parameters(self, names: &'static [&'static str]) -> Self {
        Self { parameters: names, ..self }
    }

    /// Describes the methods, for the OpenAPI document.
    pub fn documented(mut self, operations: impl IntoIterator<Item = (HttpMethod, Operation)>) -> Self {
        self.operations.extend(operations);
        self
    }

    /// The methods that were added, and HEAD where there is GET.
    pub(crate) fn methods(&self) -> &[&'static str] {
        &self.allow
    }

    /// The path, and what was said of its methods.
    pub(crate) fn into_operations(self) -> (String, Vec<(HttpMethod, Operation)>) {
        (self.pattern, self.operations)
    }

    fn method<F, Args>(mut self, method: Method, name: &'static str, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.allow.push(name);
        self.resource = self.resource.route(web::method(method).to(InTime { handler, within: self.within }));
        self
    }
}

/// A handler that may take so long.
#[derive(Clone)]
struct InTime<F> {
    handler: F,
    within: Option<Duration>,
}

impl<F, Args> Handler<Args> for InTime<F>
where
    F: Handler<Args>,
    Args: 'static,
{
    type Output = Result<F::Output, Problem>;
    type Future = LocalBoxFuture<'static, Self::Output>;

    fn call(&self, args: Args) -> Self::Future {
        let (answer, within) = (self.handler.call(args), self.within);
        async move {
            match within {
                None => Ok(answer.await),
                Some(within) => timeout(within, answer).await.map_err(|_| Problem::timeout()),
            }
        }
        .boxed_local()
    }
}

impl HttpServiceFactory for Endpoint {
    fn register(mut self, config: &mut AppService) {
        self.allow.push("OPTIONS");
        let allow = self.allow.join(", ");
        let other_methods = move |method: Method| {
            let allow = allow.clone();
            async move {
                match method {
                    Method::OPTIONS => Ok(HttpResponse::NoContent().insert_header((ALLOW, allow)).finish()),
                    _ => Err(Problem::method_not_allowed(allow)),
                }
            }
        };
        let resource = self.resource.app_data(Known(self.parameters)).default_service(web::to(other_methods));
        if self.compressed {
            resource.wrap(from_fn(compress)).register(config);
        } else {
            resource.register(config);
        }
    }
}
