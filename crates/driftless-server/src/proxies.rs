//! From where a request comes, also through a reverse proxy.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The reverse proxies that are believed about who asks: what anybody else says in
/// `X-Forwarded-For` counts for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    trusted: Vec<IpNet>,
}

/// A proxy that is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address and no network; write 127.0.0.1, ::1 or 10.0.0.0/8")]
pub struct ProxyError(String);

impl Proxies {
    /// Believes these as well: an address (`127.0.0.1`, `::1`) or a network (`10.0.0.0/8`).
    pub fn trust(mut self, proxy: &str) -> Result<Self, ProxyError> {
        let address = IpAddr::from_str(proxy).map(|address| IpNet::from(address.to_canonical()));
        let network = address.or_else(|_| IpNet::from_str(proxy));
        let network = network.map_err(|_| ProxyError(proxy.to_owned()))?;
        self.trusted.push(network);
        Ok(self)
    }

    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        let mut trusted = self.trusted.iter();
        trusted.any(|network| network.contains(&address))
    }

    /// From where a request comes that this peer handed over.
    pub fn remote(&self, peer: IpAddr, headers: &HeaderMap) -> Remote {
        let peer = peer.to_canonical();
        let client = if self.trusts(peer) {
            self.first_stranger(peer, headers)
        } else {
            peer
        };
        Remote {
            address: Some(client),
        }
    }

    /// Each proxy adds at the end whom it talks to. So from the end on: the first who is no proxy
    /// of ours, or the last proxy before something that is no address, or before this machine where
    /// that proxy is elsewhere: nobody comes from here through a proxy elsewhere, and connections
    /// of this machine are not counted.
    fn first_stranger(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lists = headers.get_all(FORWARDED_FOR).iter().rev();
        let hops = lists.flat_map(|list| list.to_str().unwrap_or("?").rsplit(','));
        let mut nearest = peer;
        for hop in hops {
            match address(hop.trim()) {
                Some(hop) if !hop.is_loopback() || nearest.is_loopback() => nearest = hop,
                _ => break,
            }
            if !self.trusts(nearest) {
                break;
            }
        }
        nearest
    }
}

/// Some proxies add the port.
fn address(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse().ok().map(|socket: SocketAddr| socket.ip());
    let address = hop.parse().ok().or_else(with_port);
    address.map(|address: IpAddr| address.to_canonical())
}

/// From where a request comes. An extractor in routes whose state is, or has (`FromRef`),
/// [`crate::Driftless`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote {
    /// The client's address, an IPv4 one as such. `None` where the application does not serve with
    /// `into_make_service_with_connect_info::<SocketAddr>()`.
    pub address: Option<IpAddr>,
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn proxies() -> Proxies {
        let trusted = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"];
        let proxies = trusted
            .iter()
            .try_fold(Proxies::default(), |proxies, one| proxies.trust(one));
        proxies.expect("networks")
    }

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn from(peer: &str, lines: &[(&'static str, &'static str)]) -> String {
        let remote = proxies().remote(peer.parse().expect("an address"), &headers(lines));
        remote.address.expect("is known").to_string()
    }

    #[test]
    fn a_stranger_is_not_believed_about_where_they_come_from() {
        let lies = [(FORWARDED_FOR, "10.1.1.1")];
        assert_eq!(from("192.0.2.7", &lies), "192.0.2.7");
    }

    #[test]
    fn the_first_who_is_no_proxy_is_the_client_and_what_they_wrote_themselves_counts_for_nothing() {
        let hops = [
            (FORWARDED_FOR, "203.0.113.9, 192.0.2.7"),
            (FORWARDED_FOR, "10.0.0.2"),
        ];
        assert_eq!(from("127.0.0.1", &hops), "192.0.2.7");
        let ports = [(FORWARDED_FOR, "[2001:db8::1]:4711")];
        assert_eq!(from("fd00::1", &ports), "2001:db8::1");
        let mapped = [(FORWARDED_FOR, "::ffff:192.0.2.7")];
        assert_eq!(from("::ffff:127.0.0.1", &mapped), "192.0.2.7");
    }

    #[test]
    fn behind_a_hop_that_is_no_address_nobody_is_looked_for() {
        let hops = [(FORWARDED_FOR, "192.0.2.7, unknown, 10.0.0.2")];
        assert_eq!(from("127.0.0.1", &hops), "10.0.0.2");
        assert_eq!(from("127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn nobody_comes_from_this_machine_through_a_proxy_elsewhere() {
        let proxies = Proxies::default().trust("10.0.0.0/8").expect("a network");
        for hops in [
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "127.0.0.1, 10.0.0.2",
        ] {
            let headers = headers(&[(FORWARDED_FOR, hops)]);
            let remote = proxies.remote("10.0.0.2".parse().expect("an address"), &headers);
            assert_eq!(remote.address, "10.0.0.2".parse().ok(), "{hops}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused_with_examples() {
        let error = Proxies::default().trust("localhost").expect_err("no");
        assert!(error.to_string().contains("10.0.0.0/8"), "{error}");
    }

    proptest! {
        #[test]
        fn whatever_a_stranger_writes_it_is_the_last_hop_that_counts(said in "[ -~]{0,60}") {
            let mut headers = HeaderMap::new();
            let said = HeaderValue::from_str(&said).expect("printable");
            headers.append(FORWARDED_FOR, said);
            headers.append(FORWARDED_FOR, HeaderValue::from_static("192.0.2.7"));
            let remote = proxies().remote("127.0.0.1".parse().expect("an address"), &headers);
            prop_assert_eq!(remote.address, "192.0.2.7".parse().ok());
        }
    }
}
