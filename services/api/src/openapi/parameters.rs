//! Parameters that several operations take.

use domain::MAX_PAGE;
use service::{
    http::TOKEN_HEADER,
    openapi::{Operation, schemas},
    problem::Code,
};

/// What names the resource, and the problems of a name that nobody has.
pub(super) trait Named {
    /// `{token}`
    fn application(self) -> Self;
    /// `{token}` and `{number}`
    fn chat(self) -> Self;
    /// `{number}`, and the token in a header
    fn chat_by_header(self) -> Self;
    /// `{token}`, `{number}` and `{message}`
    fn message(self) -> Self;
}

impl Named for Operation {
    fn application(self) -> Self {
        self.path("token", "The application's token.", schemas::token())
            .problems(&[Code::ApplicationNotFound, Code::DependencyUnavailable])
    }

    fn chat(self) -> Self {
        numbered_chat(self.application())
    }

    fn chat_by_header(self) -> Self {
        let named = self.required_header(TOKEN_HEADER, "The application's token.", schemas::token());
        numbered_chat(named.problems(&[Code::ApplicationNotFound, Code::DependencyUnavailable]))
    }

    fn message(self) -> Self {
        self.chat().path("message", "The message's number.", schemas::number()).problems(&[Code::MessageNotFound])
    }
}

/// Whether a chat may still come is asked of other services, who can be late.
fn numbered_chat(operation: Operation) -> Operation {
    let problems = [Code::ChatNotFound, Code::Overloaded, Code::Timeout];
    operation.path("number", "The chat's number.", schemas::number()).problems(&problems)
}

/// Which page of a list is asked for.
pub(super) trait Paged {
    /// The page size, by both of its names.
    fn limit(self) -> Self;
    /// `limit`, and one of `after`, `before` and `page`, of a list that is ordered by number.
    fn page_by_number(self) -> Self;
    /// `limit`, and one of `after`, `before` and `page`, of the applications.
    fn page_by_token(self, last_page: u64) -> Self;
}

impl Paged for Operation {
    fn limit(self) -> Self {
        self.query("limit", "How many entries a page may have.", schemas::page_limit()).query(
            "per_page",
            "The same as `limit`, which wins.",
            schemas::page_limit(),
        )
    }

    fn page_by_number(self) -> Self {
        self.limit()
            .query("after", "The numbers above this one. Not with `before` or `page`.", schemas::count())
            .query("before", "The last numbers below this one. Not with `after` or `page`.", schemas::number())
            .query("page", PAGE, schemas::integer(1, MAX_PAGE))
    }

    fn page_by_token(self, last_page: u64) -> Self {
        self.limit()
            .query(
                "after",
                "What was created after the application with this token. Not with `before` or `page`.",
                schemas::cursor(),
            )
            .query(
                "before",
                "What was created before the application with this token. Not with `after` or `page`.",
                schemas::cursor(),
            )
            .query("page", "The page with this ordinal. Not with `after` or `before`.", schemas::integer(1, last_page))
    }
}

const PAGE: &str = "The numbers from (page−1)·limit+1 to page·limit. Not with `after` or `before`.";
