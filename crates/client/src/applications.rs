//! Applications: created, read, renamed, listed.

use reqwest::Method;
use serde_json::json;

use crate::{Application, Client, Error, List, connection::Service::Api, send::with_body};

impl Client {
    /// Creates an application. The service knows no idempotency keys for this: where an answer is lost, an application may be
    /// left that nobody knows the token of.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_application(&self, name: &str) -> Result<Application, Error> {
        let request = self.as_admin(self.request(Method::POST, self.url(Api, &["applications"])?));
        self.send(with_body(request, &json!({ "name": name }))?).await?.read()
    }

    /// Reads an application.
    ///
    /// # Errors
    /// [`Error`]; `application_not_found` when nobody has the token.
    pub async fn application(&self, token: &str) -> Result<Application, Error> {
        self.send(self.request(Method::GET, self.url(Api, &["applications", token])?)).await?.read()
    }

    /// Gives an application another name.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn rename_application(&self, token: &str, name: &str) -> Result<Application, Error> {
        let request = self.request(Method::PATCH, self.url(Api, &["applications", token])?);
        self.send(with_body(request, &json!({ "name": name }))?).await?.read()
    }

    /// All applications, oldest first.
    pub fn applications(&self) -> List<Application> {
        List::new(self, self.url(Api, &["applications"]), "applications").of_the_operator()
    }
}
