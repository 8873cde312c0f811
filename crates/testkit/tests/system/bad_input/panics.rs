//! Notes panics of the services' worker threads, which the server would turn into a 500 or a lost connection.

use std::{
    panic,
    sync::{Arc, Mutex, Once, PoisonError},
    thread,
};

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
static WATCHED: Once = Once::new();

/// What was seen since the process began to watch.
pub(super) struct Panics;

/// Begins to watch. Panics of tests themselves happen on other threads and do not count.
pub(super) fn watch() -> Panics {
    WATCHED.call_once(|| {
        let earlier = Arc::new(panic::take_hook());
        panic::set_hook(Box::new(move |info| {
            if thread::current().name().is_some_and(|name| name.starts_with("actix")) {
                SEEN.lock().unwrap_or_else(PoisonError::into_inner).push(info.to_string());
            }
            earlier(info);
        }));
    });
    Panics
}

impl Panics {
    pub(super) fn seen(&self) -> Vec<String> {
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
