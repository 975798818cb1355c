//! Which web pages may connect.

use axum::http::{HeaderMap, header};

/// Which web pages may connect. A request without an `Origin` is not a web page's: native clients
/// are always let through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Origins {
    /// Pages of the host that the request names: the app that this server serves.
    #[default]
    SameHost,
    /// The same, and only under a name of this machine (`localhost`, `127.0.0.1`, `[::1]`). Without
    /// sign-in this keeps out pages whose name was made to point at this machine.
    Loopback,
    /// Pages of the same host, and of these origins: `https://boards.example.org`.
    SameHostOr(Vec<String>),
    /// The same, and only under a name of this machine, as with [`Origins::Loopback`].
    LoopbackOr(Vec<String>),
}

impl Origins {
    /// Whether a request may go on.
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST).unwrap_or_default();
        let is_here_only = matches!(self, Self::Loopback | Self::LoopbackOr(_));
        if is_here_only && !is_loopback(host) {
            return false;
        }
        if !headers.contains_key(header::ORIGIN) {
            return true;
        }
        // `null` and what is no text come from pages without a host.
        let Some(origin) = text(header::ORIGIN) else {
            return false;
        };
        let is_same_host = origin
            .split_once("://")
            .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
        is_same_host || self.lists(origin)
    }

    fn lists(&self, origin: &str) -> bool {
        match self {
            Self::SameHostOr(origins) | Self::LoopbackOr(origins) => origins
                .iter()
                .any(|listed| listed.eq_ignore_ascii_case(origin)),
            Self::SameHost | Self::Loopback => false,
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(origins: &Origins, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a header"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("a header"));
        }
        origins.allow(&headers)
    }

    #[test]
    fn a_page_of_the_same_host_and_a_native_client_may_connect() {
        let origins = Origins::SameHost;
        assert!(allows(&origins, "a.test:80", Some("http://a.test:80")));
        assert!(allows(&origins, "a.test", None));
        assert!(!allows(&origins, "a.test", Some("http://b.test")));
        assert!(!allows(&origins, "a.test:80", Some("http://a.test:81")));
        assert!(!allows(&origins, "a.test", Some("null")));
    }

    #[test]
    fn a_listed_page_may_connect() {
        let origins = Origins::SameHostOr(vec!["https://b.test".to_owned()]);
        assert!(allows(&origins, "a.test", Some("https://b.test")));
        assert!(!allows(&origins, "a.test", Some("http://b.test")));
        assert!(allows(&origins, "a.test", Some("http://a.test")));
    }

    #[test]
    fn a_listed_page_opens_no_other_name_of_this_machine() {
        let origins = Origins::LoopbackOr(vec!["https://b.test".to_owned()]);
        assert!(allows(&origins, "localhost:1", Some("https://b.test")));
        assert!(allows(&origins, "localhost:1", Some("http://localhost:1")));
        assert!(!allows(&origins, "localhost:1", Some("http://c.test")));
        assert!(!allows(&origins, "evil.test", Some("http://evil.test")));
        assert!(!allows(&origins, "evil.test", Some("https://b.test")));
    }

    #[test]
    fn a_name_made_to_point_at_this_machine_is_kept_out() {
        let origins = Origins::Loopback;
        for host in [
            "localhost:4747",
            "127.0.0.1:4747",
            "[::1]:4747",
            "localhost",
            "[::1]",
        ] {
            assert!(
                allows(&origins, host, Some(&format!("http://{host}"))),
                "{host}"
            );
        }
        assert!(!allows(
            &origins,
            "evil.test:4747",
            Some("http://evil.test:4747")
        ));
        assert!(!allows(&origins, "evil.test:4747", None));
    }
}
