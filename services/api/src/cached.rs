//! Hot reads through the cache, and updates that it must not miss. Without a cache both go straight to MySQL.
//!
//! Only what is there is kept: what is not stored may be stored in the next moment, by another service that knows of no cache. A
//! list's first page is kept only as [`Listed`](crate::kept::Listed) says. Whatever changes a row of the three tables, other than
//! its count, must do so through [`Cached::update`], with the keys of all that shows the row.

use std::time::Duration;

use cache::{Cache, Key, Read};
use domain::{ApplicationToken, ChatNumber, DEFAULT_PAGE_LIMIT, MessageNumber, PageRequest};
use service::problem::{Dependency, Problem};

use crate::{kept::Keep, sought::Sought};

/// The cache, if there is one, and what it was lately asked for.
pub(crate) struct Cached(Option<(Cache, Sought)>);

impl Cached {
    /// `kept_for` is how long the cache keeps an entry.
    pub(crate) fn new(cache: Option<Cache>, kept_for: Duration) -> Self {
        Self(cache.map(|cache| (cache, Sought::new(kept_for))))
    }

    /// What lies under `key`, or what `source` reads now. `None` as a key stands for something that is never kept. The cache is
    /// asked from the second time on: the first read of something is the last of most, and then costs no more than without one.
    /// `source` is told whether what it reads is to be kept.
    pub(crate) async fn read<T: Keep>(
        &self,
        key: Option<Key>,
        source: impl AsyncFnOnce(bool) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let (Some((cache, sought)), Some(key)) = (&self.0, key) else { return source(false).await };
        if !sought.again(&key) {
            return source(false).await;
        }
        match cache.get(&key).await {
            Read::Hit(value) => match T::restore(value.as_ref()) {
                Some(kept) => Ok(kept),
                None => source(false).await,
            },
            Read::Bypass => source(false).await,
            Read::Leased(lease) => {
                let found = source(true).await?;
                if let Some(value) = found.keep() {
                    cache.fill(lease, &value).await;
                }
                Ok(found)
            }
        }
    }

    /// Makes a change of which no read may miss anything once it is answered, and which outdates what lies under `keys`.
    pub(crate) async fn update<T>(
        &self,
        keys: impl IntoIterator<Item = Key>,
        change: impl AsyncFnOnce() -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let Some((cache, _)) = &self.0 else { return change().await };
        let block = cache.block(keys.into_iter().collect()).await.map_err(|error| {
            tracing::debug!(%error, "an update is refused");
            Problem::dependency_unavailable(Dependency::Cache)
        })?;
        // Of a change that failed nobody knows whether MySQL has made it, or will: its block is left to expire.
        let changed = change().await?;
        cache.unblock(block).await.map_err(|error| {
            tracing::warn!(%error, "an update was made and is not told as done");
            Problem::timeout()
        })?;
        Ok(changed)
    }
}

/// The key of an application.
pub(crate) fn application(token: ApplicationToken) -> Key {
    Key::new(token, "application")
}

/// The key of a chat.
pub(crate) fn chat(token: ApplicationToken, chat: ChatNumber) -> Key {
    Key::new(token, chat)
}

/// The key of a message.
pub(crate) fn message(token: ApplicationToken, chat: ChatNumber, message: MessageNumber) -> Key {
    Key::new(token, format_args!("{chat}/{message}"))
}

/// The key of this page of an application's chats, if it is one that is kept.
pub(crate) fn chats(token: ApplicationToken, page: PageRequest) -> Option<Key> {
    is_kept(page).then(|| first_chats(token))
}

/// The key of this page of a chat's messages, if it is one that is kept.
pub(crate) fn messages(token: ApplicationToken, chat: ChatNumber, page: PageRequest) -> Option<Key> {
    is_kept(page).then(|| first_messages(token, chat))
}

/// The keys of all that shows this application.
pub(crate) fn showing_application(token: ApplicationToken) -> [Key; 1] {
    [application(token)]
}

/// The keys of all that shows this chat.
pub(crate) fn showing_chat(token: ApplicationToken, number: ChatNumber) -> impl Iterator<Item = Key> {
    let page = (number.get() <= DEFAULT_PAGE_LIMIT).then(|| first_chats(token));
    [chat(token, number)].into_iter().chain(page)
}

/// The keys of all that shows this message.
pub(crate) fn showing_message(token: ApplicationToken, chat: ChatNumber, number: MessageNumber) -> impl Iterator<Item = Key> {
    let page = (number.get() <= DEFAULT_PAGE_LIMIT).then(|| first_messages(token, chat));
    [message(token, chat, number)].into_iter().chain(page)
}

fn first_chats(token: ApplicationToken) -> Key {
    Key::new(token, "chats")
}

fn first_messages(token: ApplicationToken, chat: ChatNumber) -> Key {
    Key::new(token, format_args!("{chat}/messages"))
}

/// The first page of the usual length: by one length alone, so that an update knows which pages show what it changes. Both ways
/// of asking for it show the same when no number is missing.
fn is_kept(page: PageRequest) -> bool {
    let first = matches!(page, PageRequest::After { after: 0, .. } | PageRequest::Span { first: 1, .. });
    first && page.limit().get() == DEFAULT_PAGE_LIMIT
}
