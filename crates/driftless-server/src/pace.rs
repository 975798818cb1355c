//! How fast one peer may ask: bursts are let through, and what goes on for longer is not.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use driftless_model::limits;
use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::counts::{Counted, SharedCounts};
use crate::proxies::Proxies;

/// So many at once, and so many a second from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In a second, on the average.
    pub per_s: u32,
    /// At once.
    pub at_once: u32,
}

/// What one peer may ask of a server. The defaults are in `driftless_model::limits`, and meant for
/// everybody who is not out to harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allowance {
    /// Messages of one connection.
    pub messages: Rate,
    /// Those among them that cost most: following a board, opening a feed, asking about the
    /// screens of others, signing in anew.
    pub requests: Rate,
    /// Connections that are begun from one address.
    pub connects: Rate,
    /// Connections from one address at the same time.
    pub connections_per_address: usize,
    /// Connections of one user at the same time, where users sign in.
    pub connections_per_user: usize,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            messages: Rate {
                per_s: limits::MESSAGES_PER_S_MAX,
                at_once: limits::MESSAGES_AT_ONCE_MAX,
            },
            requests: Rate {
                per_s: limits::REQUESTS_PER_S_MAX,
                at_once: limits::REQUESTS_AT_ONCE_MAX,
            },
            connects: Rate {
                per_s: limits::CONNECTS_PER_S_MAX,
                at_once: limits::CONNECTS_AT_ONCE_MAX,
            },
            connections_per_address: limits::CONNECTIONS_PER_ADDRESS_MAX,
            connections_per_user: limits::CONNECTIONS_PER_USER_MAX,
        }
    }
}

impl Rate {
    fn quota(self) -> Quota {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Quota::per_second(at_least_one(self.per_s)).allow_burst(at_least_one(self.at_once))
    }
}

type Steps = NoOpMiddleware<Instant>;

/// How fast one connection asks.
#[derive(Debug)]
pub struct Pace {
    messages: RateLimiter<NotKeyed, InMemoryState, MonotonicClock, Steps>,
    requests: RateLimiter<NotKeyed, InMemoryState, MonotonicClock, Steps>,
}

/// Too fast, or too many: to be tried again after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFast(pub Duration);

impl TooFast {
    /// Too many connections.
    pub fn too_many() -> Self {
        Self(Duration::from_millis(limits::OVERLOADED_RETRY_MS))
    }

    /// The time in whole milliseconds, rounded up.
    pub fn retry_after_ms(self) -> u64 {
        u64::try_from(self.0.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
    }
}

impl Pace {
    /// Of a connection that has asked for nothing yet.
    pub fn new(allowance: &Allowance) -> Self {
        let limiter = |rate: Rate| RateLimiter::direct_with_clock(rate.quota(), MonotonicClock);
        Self {
            messages: limiter(allowance.messages),
            requests: limiter(allowance.requests),
        }
    }

    /// One more message, which may be a request.
    pub fn message(&self, is_request: bool) -> Result<(), TooFast> {
        self.messages.check().map_err(|until| wait(&until))?;
        if is_request {
            self.requests.check().map_err(|until| wait(&until))?;
        }
        Ok(())
    }
}

fn wait(until: &governor::NotUntil<Instant>) -> TooFast {
    TooFast(until.wait_time_from(MonotonicClock.now()))
}

/// Where connections come from. Those of this machine are not counted: they are of the operator's
/// own programs, or of a proxy that the server was not told of.
#[derive(Debug)]
pub struct Addresses {
    connections_max: usize,
    rates: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, MonotonicClock, Steps>,
    connected: SharedCounts<IpAddr>,
}

/// A connection's entry among those of its address; dropping it takes it out.
pub type FromAddress = Counted<IpAddr>;

/// Addresses beyond which those are forgotten that have not been heard of lately.
const ADDRESSES_KEPT: usize = 1_024;

impl Addresses {
    /// Nobody yet.
    pub fn new(allowance: &Allowance) -> Self {
        let store = HashMapStateStore::default();
        Self {
            connections_max: allowance.connections_per_address,
            rates: RateLimiter::new(allowance.connects.quota(), store, MonotonicClock),
            connected: SharedCounts::default(),
        }
    }

    /// One more connection from an address; `None` where it is not counted.
    pub fn enter(&self, address: Option<IpAddr>) -> Result<Option<FromAddress>, TooFast> {
        let Some(address) = address.map(subscriber).filter(|own| !own.is_loopback()) else {
            return Ok(None);
        };
        self.rates
            .check_key(&address)
            .map_err(|until| wait(&until))?;
        if self.rates.len() > ADDRESSES_KEPT {
            self.rates.retain_recent();
        }
        let entered = Counted::enter(&self.connected, address, self.connections_max, usize::MAX);
        entered.map(Some).ok_or_else(TooFast::too_many)
    }
}

/// Peers of a listener, each with so much at the same time. Those of this machine are not counted,
/// nor trusted proxies: what comes from one of these is of all of its clients.
#[derive(Debug)]
pub struct Peers {
    proxies: Proxies,
    each_max: usize,
    counts: SharedCounts<IpAddr>,
}

impl Peers {
    /// Nobody yet; each address may have `each_max`.
    pub fn new(proxies: Proxies, each_max: usize) -> Self {
        Self {
            proxies,
            each_max,
            counts: SharedCounts::default(),
        }
    }

    /// One more from an address; `None` where it is not counted.
    pub fn enter(&self, peer: IpAddr) -> Result<Option<FromAddress>, TooFast> {
        let address = subscriber(peer);
        if address.is_loopback() || self.proxies.trusts(peer.to_canonical()) {
            return Ok(None);
        }
        let entered = Counted::enter(&self.counts, address, self.each_max, usize::MAX);
        entered.map(Some).ok_or_else(TooFast::too_many)
    }
}

/// One subscriber has a whole /64 of IPv6 addresses: they count as one. An IPv4 address in IPv6 is
/// the IPv4 address.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let network = v6.to_bits() >> 64 << 64;
            IpAddr::V6(network.into())
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So slow that nothing more is allowed while a test runs.
    fn at_once(at_once: u32) -> Rate {
        Rate { per_s: 1, at_once }
    }

    #[test]
    fn as_many_as_may_come_at_once_are_let_through_and_not_one_more() {
        let pace = Pace::new(&Allowance {
            messages: at_once(5),
            requests: at_once(2),
            ..Allowance::default()
        });
        assert_eq!(pace.message(true), Ok(()));
        assert_eq!(pace.message(true), Ok(()));
        assert!(matches!(pace.message(true), Err(TooFast(wait)) if wait > Duration::ZERO));
        assert_eq!(pace.message(false), Ok(()));
        assert_eq!(pace.message(false), Ok(()));
        assert!(pace.message(false).is_err());
    }

    /// As many at once as by default, and next to none after that.
    fn by_default(rate: Rate) -> Rate {
        at_once(rate.at_once)
    }

    #[test]
    fn a_connection_sends_as_much_at_once_as_by_default_it_may_and_not_one_more() {
        let defaults = Allowance::default();
        let pace = Pace::new(&Allowance {
            messages: by_default(defaults.messages),
            requests: by_default(defaults.requests),
            ..defaults
        });
        for _ in 0..limits::REQUESTS_AT_ONCE_MAX {
            assert_eq!(pace.message(true), Ok(()));
        }
        assert!(pace.message(true).is_err());
        for _ in limits::REQUESTS_AT_ONCE_MAX + 1..limits::MESSAGES_AT_ONCE_MAX {
            assert_eq!(pace.message(false), Ok(()));
        }
        assert!(pace.message(false).is_err());
        // More than a client asks for that comes back with all its boards and feeds, twice.
        let asked = limits::BOARDS_PER_CONNECTION_MAX + limits::FEEDS_PER_CONNECTION_MAX;
        assert!(asked * 2 < limits::REQUESTS_AT_ONCE_MAX as usize);
        assert_eq!(defaults.requests.per_s, limits::REQUESTS_PER_S_MAX);
        assert_eq!(defaults.messages.per_s, limits::MESSAGES_PER_S_MAX);
    }

    #[test]
    fn an_address_has_by_default_as_many_connections_as_the_limits_say() {
        let defaults = Allowance::default();
        let connects = by_default(defaults.connects);
        let addresses = Addresses::new(&Allowance {
            connects,
            ..defaults
        });
        let one = address("192.0.2.1");
        for _ in 0..limits::CONNECTS_AT_ONCE_MAX {
            assert!(addresses.enter(Some(one)).is_ok());
        }
        assert!(addresses.enter(Some(one)).is_err(), "one past it");
        assert_eq!(defaults.connects.per_s, limits::CONNECTS_PER_S_MAX);

        let addresses = Addresses::new(&Allowance {
            connects: at_once(u32::MAX),
            ..defaults
        });
        let entered = (0..limits::CONNECTIONS_PER_ADDRESS_MAX)
            .map(|_| addresses.enter(Some(one)).expect("has room"));
        let entered: Vec<_> = entered.collect();
        assert!(addresses.enter(Some(one)).is_err(), "one past it");
        drop(entered);
        assert!(addresses.enter(Some(one)).is_ok());
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_has_as_many_connections_as_it_may_and_others_have_theirs() {
        let allowance = Allowance {
            connections_per_address: 2,
            ..Allowance::default()
        };
        let addresses = Addresses::new(&allowance);
        let enter = |text| addresses.enter(Some(address(text)));
        let first = enter("192.0.2.1").expect("has room");
        let _second = enter("::ffff:192.0.2.1").expect("has room");
        let wait = Duration::from_millis(limits::OVERLOADED_RETRY_MS);
        assert_eq!(enter("192.0.2.1").err(), Some(TooFast(wait)));
        let _other = enter("192.0.2.2").expect("has room");
        drop(first);
        let _again = enter("192.0.2.1").expect("has room again");
        // Addresses of one IPv6 network are one subscriber's.
        let _network = (enter("2001:db8::1"), enter("2001:db8::2"));
        assert!(enter("2001:db8::3").is_err());
        let _elsewhere = enter("2001:db8:0:1::3").expect("has room");
    }

    #[test]
    fn a_peer_has_as_much_as_it_may_and_proxies_and_this_machine_what_they_like() {
        let proxies = Proxies::default().trust("10.0.0.0/8").expect("a network");
        let peers = Peers::new(proxies, 2);
        let enter = |text| peers.enter(address(text));
        let first = enter("192.0.2.1").expect("has room");
        let _second = enter("::ffff:192.0.2.1").expect("has room");
        assert_eq!(enter("192.0.2.1").err(), Some(TooFast::too_many()));
        drop(first);
        assert!(enter("192.0.2.1").is_ok());
        let _network = (enter("2001:db8::1"), enter("2001:db8::2"));
        assert!(enter("2001:db8::3").is_err());
        assert!(enter("2001:db8:0:1::3").is_ok());
        for uncounted in ["10.1.2.3", "::ffff:10.1.2.3", "127.0.0.1", "::1"] {
            let held: Vec<_> = (0..3).map(|_| enter(uncounted)).collect();
            let is_uncounted = |it: &Result<_, _>| matches!(it, Ok(None));
            assert!(held.iter().all(is_uncounted), "{uncounted}");
        }
    }

    #[test]
    fn an_address_may_connect_so_often_and_this_machine_as_it_likes() {
        let allowance = Allowance {
            connects: at_once(3),
            ..Allowance::default()
        };
        let addresses = Addresses::new(&allowance);
        for _ in 0..3 {
            assert!(addresses.enter(Some(address("192.0.2.1"))).is_ok());
        }
        assert!(addresses.enter(Some(address("192.0.2.1"))).is_err());
        assert!(addresses.enter(Some(address("192.0.2.2"))).is_ok());
        for own in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            for _ in 0..10 {
                assert!(matches!(addresses.enter(Some(address(own))), Ok(None)));
            }
        }
        let connected = addresses.connected.lock().expect("nothing panicked");
        assert_eq!(connected.all(), 0, "all of them are gone");
    }

    #[test]
    fn addresses_that_were_not_heard_of_lately_are_forgotten() {
        let allowance = Allowance {
            connects: Rate {
                per_s: 1_000_000,
                at_once: 1,
            },
            ..Allowance::default()
        };
        let addresses = Addresses::new(&allowance);
        for number in (0_u32..).take(10 * ADDRESSES_KEPT) {
            let address = IpAddr::V4((0x0a00_0000 + number).into());
            addresses.enter(Some(address)).expect("is the first");
        }
        assert!(addresses.rates.len() <= 2 * ADDRESSES_KEPT);
    }
}
