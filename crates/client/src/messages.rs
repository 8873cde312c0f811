//! Messages: created, read, edited, listed, searched.

use reqwest::{Method, Url};
use serde_json::json;

use crate::{
    Client, Created, Error, List, Lookup, Message,
    connection::Service::{self, Api, Ingest},
    send::with_body,
};

impl Client {
    /// Creates a message.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_message(&self, token: &str, chat: u64, body: &str) -> Result<Created, Error> {
        let request = self.request(Method::POST, self.in_chat(Ingest, token, chat, &["messages"])?);
        self.create(request, &json!({ "body": body })).await
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`Error`]; `message_not_found` when its number was never given, or turned out to be a gap.
    pub async fn message(&self, token: &str, chat: u64, message: u64) -> Result<Lookup<Message>, Error> {
        let url = self.in_chat(Api, token, chat, &["messages", &message.to_string()])?;
        self.send(self.request(Method::GET, url)).await?.lookup()
    }

    /// Gives a message another text.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn edit_message(&self, token: &str, chat: u64, message: u64, body: &str) -> Result<Message, Error> {
        let url = self.in_chat(Api, token, chat, &["messages", &message.to_string()])?;
        self.send(with_body(self.request(Method::PUT, url), &json!({ "body": body }))?).await?.read()
    }

    /// A chat's messages, by number.
    pub fn messages(&self, token: &str, chat: u64) -> List<Message> {
        List::new(self, self.in_chat(Api, token, chat, &["messages"]), "messages")
    }

    /// The messages of a chat that have the text in any part of them, by number.
    pub fn search(&self, token: &str, chat: u64, text: &str) -> List<Message> {
        List::new(self, self.in_chat(Api, token, chat, &["messages", "search"]), "messages").parameter("query", text)
    }

    fn in_chat(&self, service: Service, token: &str, chat: u64, rest: &[&str]) -> Result<Url, Error> {
        let chat = chat.to_string();
        self.url(service, &[&["applications", token, "chats", &chat], rest].concat())
    }
}
