//! The files of the page, which are in the program: nothing is loaded from elsewhere, and the page is not allowed to.
//!
//! They hold nothing of the system, so anybody may have them.

use actix_web::{
    HttpResponse,
    http::header::{CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY},
    web::Path,
};
use service::problem::Problem;

/// Only our own files and answers, no script or style within the page, and no text that would become markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// Name, type, content.
type File = (&'static str, &'static str, &'static str);

const FILES: [File; 14] = [
    ("console.css", STYLE, include_str!("../page/console.css")),
    ("icon.svg", PICTURE, include_str!("../page/icon.svg")),
    ("app.js", SCRIPT, include_str!("../page/app.js")),
    ("calls.js", SCRIPT, include_str!("../page/calls.js")),
    ("counts.js", SCRIPT, include_str!("../page/counts.js")),
    ("dom.js", SCRIPT, include_str!("../page/dom.js")),
    ("epochs.js", SCRIPT, include_str!("../page/epochs.js")),
    ("format.js", SCRIPT, include_str!("../page/format.js")),
    ("letters.js", SCRIPT, include_str!("../page/letters.js")),
    ("queues.js", SCRIPT, include_str!("../page/queues.js")),
    ("replicas.js", SCRIPT, include_str!("../page/replicas.js")),
    ("sign-in.js", SCRIPT, include_str!("../page/sign-in.js")),
    ("stages.js", SCRIPT, include_str!("../page/stages.js")),
    ("stream.js", SCRIPT, include_str!("../page/stream.js")),
];

/// `GET /console`: the page's own addresses are relative to its folder.
pub(crate) async fn to_the_page() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "console/")).finish()
}

/// `GET /console/`
pub(crate) async fn page() -> HttpResponse {
    answer(HTML, include_str!("../page/index.html"))
}

/// `GET /console/sign-in`
pub(crate) async fn sign_in() -> HttpResponse {
    answer(HTML, include_str!("../page/sign-in.html"))
}

/// `GET /console/files/{name}`
pub(crate) async fn file(name: Path<String>) -> Result<HttpResponse, Problem> {
    let file = FILES.iter().find(|(known, ..)| *known == name.as_str());
    file.map(|(_, media_type, content)| answer(media_type, content)).ok_or_else(Problem::route_not_found)
}

fn answer(media_type: &str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        // Without a referrer a browser would not say either whose form it sends.
        .insert_header((REFERRER_POLICY, "same-origin"))
        .body(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_a_file_asks_for_is_there() {
        let pages = [include_str!("../page/index.html"), include_str!("../page/sign-in.html")];
        let mut asked = 0;
        for text in pages.into_iter().chain(FILES.iter().map(|(.., content)| *content)) {
            let html = text.split("files/").skip(1);
            let imports = text.split("from \"./").skip(1);
            for rest in html.chain(imports) {
                let name = rest.split('"').next().unwrap();
                assert!(FILES.iter().any(|(known, ..)| *known == name), "{name}");
                asked += 1;
            }
        }
        assert!(asked > FILES.len(), "{asked}");
    }

    #[test]
    fn no_text_becomes_markup_and_nothing_comes_from_elsewhere() {
        for (name, _, content) in FILES.iter().filter(|(name, ..)| *name != "icon.svg") {
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "http://",
                "https://",
                "setAttribute(\"style\"",
            ] {
                assert!(!content.contains(forbidden), "{forbidden} in {name}");
            }
        }
        for page in [include_str!("../page/index.html"), include_str!("../page/sign-in.html")] {
            for forbidden in ["<style", " style=", " onclick=", "<script>", "//"] {
                assert!(!page.contains(forbidden), "{forbidden}");
            }
        }
    }
}
