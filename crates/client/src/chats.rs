//! Chats: created, read, renamed, listed.

use reqwest::Method;
use serde_json::json;

use crate::{
    Chat, Client, Created, Error, List, Lookup,
    connection::Service::{Api, Ingest},
    send::with_body,
};

impl Client {
    /// Creates a chat, with or without a name.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_chat(&self, token: &str, name: Option<&str>) -> Result<Created, Error> {
        let request = self.request(Method::POST, self.url(Ingest, &["applications", token, "chats"])?);
        let body = name.map_or_else(|| json!({}), |name| json!({ "name": name }));
        self.create(request, &body).await
    }

    /// Reads a chat.
    ///
    /// # Errors
    /// [`Error`]; `chat_not_found` when its number was never given.
    pub async fn chat(&self, token: &str, chat: u64) -> Result<Lookup<Chat>, Error> {
        let url = self.url(Api, &["applications", token, "chats", &chat.to_string()])?;
        self.send(self.request(Method::GET, url)).await?.lookup()
    }

    /// Gives a chat another name, or none.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn rename_chat(&self, token: &str, chat: u64, name: Option<&str>) -> Result<Chat, Error> {
        let url = self.url(Api, &["applications", token, "chats", &chat.to_string()])?;
        self.send(with_body(self.request(Method::PATCH, url), &json!({ "name": name }))?).await?.read()
    }

    /// An application's chats, by number.
    pub fn chats(&self, token: &str) -> List<Chat> {
        List::new(self, self.url(Api, &["applications", token, "chats"]), "chats")
    }
}
