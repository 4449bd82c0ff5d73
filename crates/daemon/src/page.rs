//! The page for people with a browser (`docs/adr/0029-a-page-without-a-build.md`): files of this program, and the headers that bind a
//! browser to them. The page is a caller of the API like others, and shows the token like them; its files hold nothing to keep.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// A file of the page.
struct File {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// All files of the page. `main.js` imports the other scripts by these paths.
const FILES: [File; 14] = [
    File { path: "/", kind: HTML, text: include_str!("../page/index.html") },
    File { path: "/page/icon.svg", kind: SVG, text: include_str!("../page/icon.svg") },
    File { path: "/page/style.css", kind: CSS, text: include_str!("../page/style.css") },
    File { path: "/page/parts.css", kind: CSS, text: include_str!("../page/parts.css") },
    File { path: "/page/main.js", kind: JS, text: include_str!("../page/main.js") },
    File { path: "/page/api.js", kind: JS, text: include_str!("../page/api.js") },
    File { path: "/page/elements.js", kind: JS, text: include_str!("../page/elements.js") },
    File { path: "/page/text.js", kind: JS, text: include_str!("../page/text.js") },
    File { path: "/page/waiting.js", kind: JS, text: include_str!("../page/waiting.js") },
    File { path: "/page/sessions.js", kind: JS, text: include_str!("../page/sessions.js") },
    File { path: "/page/results.js", kind: JS, text: include_str!("../page/results.js") },
    File { path: "/page/network.js", kind: JS, text: include_str!("../page/network.js") },
    File { path: "/page/signers.js", kind: JS, text: include_str!("../page/signers.js") },
    File { path: "/page/activity.js", kind: JS, text: include_str!("../page/activity.js") },
];

/// The rules for the browser: only files and calls of this origin, no script or style within the document, no text that becomes markup,
/// no form that is sent, and no other page around this one.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// True for the path of a file of the page.
pub(crate) fn has(path: &str) -> bool {
    FILES.iter().any(|file| file.path == path)
}

/// Adds the files of the page to the routes of the API.
pub(crate) fn add<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    FILES.iter().fold(router, |router, file| router.route(file.path, get(move || async move { file.response() })))
}

impl File {
    fn response(&self) -> Response {
        (HEADERS, [("content-type", self.kind)], self.text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(kind: &str) -> impl Iterator<Item = &'static File> {
        FILES.iter().filter(move |file| file.kind == kind)
    }

    #[test]
    fn what_the_page_names_is_there_and_what_is_there_is_named() {
        let document = texts(HTML).next().unwrap().text;
        let mut named: Vec<String> =
            document.split(['"', '\'']).filter(|text| text.starts_with("/page/")).map(str::to_owned).collect();
        for script in texts(JS) {
            let imports = script.text.lines().filter(|line| line.contains(" from './"));
            named.extend(
                imports.map(|line| format!("/page/{}", line.split("'./").nth(1).unwrap().trim_end_matches("';"))),
            );
        }
        for path in &named {
            assert!(has(path), "{path} is not there");
        }
        for file in FILES.iter().filter(|file| file.path != "/") {
            assert!(named.iter().any(|path| path == file.path), "{} is not used", file.path);
        }
    }

    #[test]
    fn the_page_needs_nothing_that_its_policy_forbids() {
        for file in &FILES {
            assert!(file.text.lines().count() < 500, "{} is long", file.path);
            for foreign in
                ["https://", "//cdn", "@import", "url(", "eval(", "innerHTML", "insertAdjacentHTML", "document.write"]
            {
                assert!(!file.text.contains(foreign), "{} has {foreign}", file.path);
            }
        }
        let document = texts(HTML).next().unwrap().text;
        for inline in ["<style", " style=", "onclick", "onload", "javascript:"] {
            assert!(!document.contains(inline), "{inline}");
        }
        assert_eq!(
            document.matches("<script").count(),
            document.matches("<script type=\"module\" src=\"/page/").count()
        );
    }
}
