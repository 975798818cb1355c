//! The web app: from a folder, or from inside this binary.

use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, Response};
use axum::routing::get;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

/// Why there is no web app to serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebError {
    /// The folder is no web app.
    #[error("{0} has no index.html; give the folder of a built web app to --web")]
    NoPage(String),
}

/// What pages may load and run: their own code, and WebAssembly. Boards are written by people, so
/// nothing in them may become code, or a style, or reach another server. A page may stand in
/// another one of this server only: `/demo` shows two.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
    script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; manifest-src 'self'; worker-src 'self'; frame-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'self'; connect-src 'self'";

/// What every answer says to browsers, beside the policy.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// The paths that the app itself routes: each shows the app's page.
const PAGES: [&str; 3] = ["/b/{*board}", "/demo", "/demo/{*rest}"];

/// Serves the web app, of which everything lies below `base` (`/boards`, or nothing).
pub fn router(folder: Option<&Path>, base: &str) -> Result<Router, WebError> {
    let router = match folder {
        Some(folder) => from_folder(folder, base)?,
        None => built_in(base),
    };
    Ok(router.layer(from_fn(with_cache_control)))
}

/// Where each build's files lie, in a folder of their own that is named after what is in them.
const ASSETS: &str = "/assets/";

/// A build's files never change. All else (the page, the worker) is asked for again each time, and
/// answered with "not modified": a new build shows at once. So is a file that is not there.
async fn with_cache_control(request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with(ASSETS);
    let mut response = next.run(request).await;
    let is_there = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let value = if is_asset && is_there {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
    response
}

/// Has every answer say to browsers what they may do with it. What says nothing of its own about
/// how long it may be kept is not kept: it is about one user, and about now.
pub fn secured(router: Router) -> Router {
    let not_kept = HeaderValue::from_static("no-store");
    let not_kept = SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, not_kept);
    let router = HEADERS.into_iter().fold(router, with_header);
    router.layer(not_kept).layer(from_fn(with_policy))
}

async fn with_policy(request: Request, next: Next) -> Response {
    let policy = policy(request.headers().get(header::HOST));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// The policy for a page of this host. Not every browser counts a page's sockets as its own.
fn policy(host: Option<&HeaderValue>) -> HeaderValue {
    let is_name = |host: &&str| {
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
        !host.is_empty() && host.bytes().all(is_of_name)
    };
    let host = host.and_then(|host| host.to_str().ok()).filter(is_name);
    let named = host.map(|host| format!("{CONTENT_SECURITY_POLICY} ws://{host} wss://{host}"));
    let named = named.and_then(|policy| HeaderValue::try_from(policy).ok());
    named.unwrap_or(HeaderValue::from_static(CONTENT_SECURITY_POLICY))
}

fn with_header(router: Router, (name, value): (HeaderName, &'static str)) -> Router {
    let value = HeaderValue::from_static(value);
    router.layer(SetResponseHeaderLayer::overriding(name, value))
}

/// The page with what it names put below `base`.
fn rebased(page: &str, base: &str) -> String {
    page.replace("=\"/", &format!("=\"{base}/"))
}

/// The app's page on each of its paths, with what it names below `base`.
fn rebased_pages(router: Router, page: &str, base: &str) -> Router {
    let page = rebased(page, base);
    let page = get(move || async move { Html(page) });
    let router = router.route("/", page.clone());
    PAGES
        .iter()
        .fold(router, |router, path| router.route(path, page.clone()))
}

fn from_folder(folder: &Path, base: &str) -> Result<Router, WebError> {
    let page = folder.join("index.html");
    if !page.is_file() {
        return Err(WebError::NoPage(folder.display().to_string()));
    }
    let files = ServeDir::new(folder).precompressed_br();
    if !base.is_empty() {
        let text = std::fs::read_to_string(&page);
        let text = text.map_err(|_| WebError::NoPage(folder.display().to_string()))?;
        let files = Router::new().fallback_service(files);
        return Ok(rebased_pages(files, &text, base));
    }
    let page = ServeFile::new(page).precompressed_br();
    let router = Router::new().fallback_service(files);
    Ok(PAGES.iter().fold(router, |router, path| {
        router.route_service(path, page.clone())
    }))
}

#[cfg(not(feature = "embed-web"))]
fn built_in(_base: &str) -> Router {
    let text = "This build has no web app inside. Give the folder of a built one with --web DIR.";
    Router::new().route("/", get(move || async move { text }))
}

#[cfg(feature = "embed-web")]
use embedded::router as built_in;

#[cfg(feature = "embed-web")]
mod embedded {
    use axum::Router;
    use axum::http::{HeaderMap, StatusCode, Uri, header};
    use axum::response::{IntoResponse as _, Response};
    use axum::routing::get;
    use rust_embed::{EmbeddedFile, RustEmbed};

    use super::{PAGES, rebased_pages};

    /// The app as `cargo xtask` built it.
    #[derive(RustEmbed)]
    #[folder = "../../target/web/web-dist"]
    struct Files;

    const PAGE: &str = "index.html";

    pub fn router(base: &str) -> Router {
        let files = get(async |uri: Uri, headers: HeaderMap| {
            answer(uri.path().trim_start_matches('/'), &headers)
        });
        let page = Files::get(PAGE).filter(|_| !base.is_empty());
        if let Some(page) = page {
            let text = String::from_utf8_lossy(&page.data);
            return rebased_pages(Router::new().fallback(files), &text, base);
        }
        let page = get(async |headers: HeaderMap| answer(PAGE, &headers));
        let router = Router::new().route("/", page.clone());
        let router = PAGES
            .iter()
            .fold(router, |router, path| router.route(path, page.clone()));
        router.fallback(files)
    }

    fn answer(path: &str, headers: &HeaderMap) -> Response {
        let takes_brotli = headers
            .get(header::ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.split(',').any(|item| item.trim().starts_with("br")));
        let packed = takes_brotli.then(|| Files::get(&format!("{path}.br")));
        let content_type = [(header::CONTENT_TYPE, content_type(path))];
        let vary = [(header::VARY, "accept-encoding")];
        match (packed.flatten(), Files::get(path)) {
            (Some(packed), Some(file)) => {
                let encoding = [(header::CONTENT_ENCODING, "br")];
                let tagged = tagged(&file, headers, packed.data.into_owned());
                (content_type, vary, encoding, tagged).into_response()
            }
            (None, Some(file)) => {
                let tagged = tagged(&file, headers, file.data.clone().into_owned());
                (content_type, vary, tagged).into_response()
            }
            (_, None) => (StatusCode::NOT_FOUND, "there is no such page").into_response(),
        }
    }

    /// The body, unless the browser has it.
    fn tagged(file: &EmbeddedFile, headers: &HeaderMap, body: Vec<u8>) -> Response {
        let hash = file.metadata.sha256_hash();
        let half = hash.first_chunk::<16>().expect("a hash has 32 bytes");
        let tag = format!("W/\"{:032x}\"", u128::from_be_bytes(*half));
        let known = headers.get(header::IF_NONE_MATCH);
        if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
            return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
        }
        ([(header::ETAG, tag)], body).into_response()
    }

    fn content_type(path: &str) -> &'static str {
        match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("wasm") => "application/wasm",
            Some("css") => "text/css; charset=utf-8",
            Some("json" | "webmanifest") => "application/json",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("ico") => "image/x-icon",
            Some("woff2") => "font/woff2",
            _ => "application/octet-stream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_names_the_host_of_the_page_and_nothing_that_is_none() {
        let policy_of = |host: &'static str| {
            let policy = policy(Some(&HeaderValue::from_static(host)));
            policy.to_str().expect("text").to_owned()
        };
        for host in ["boards.test", "127.0.0.1:4747", "[::1]:80"] {
            let end = format!("connect-src 'self' ws://{host} wss://{host}");
            assert!(policy_of(host).ends_with(&end), "{host}");
        }
        for host in ["", "a b", "x; script-src *", "x'y"] {
            assert_eq!(policy_of(host), CONTENT_SECURITY_POLICY, "{host}");
        }
    }
}
