//! A bad network, on purpose: how slow, lossy or cut a client's connection is, set while it runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// How bad a network is. The default is none of it: frames pass as they come.
///
/// A connection is reliable and in order, as TCP is: what is bad about a network makes frames
/// late, never wrong, doubled or left out. So edits are never skipped. Samples may be: a server
/// leaves out what a viewer is too slow for.
///
/// ```
/// use driftless_client::NetworkConditions;
///
/// let mut conditions = NetworkConditions::poor();
/// conditions.loss_percent = 20;
/// conditions.bytes_per_second = Some(5_000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct NetworkConditions {
    /// How long a frame is on its way, in milliseconds: a round trip takes twice as long.
    pub latency_ms: u32,
    /// At most so much longer, in milliseconds: for each frame by chance.
    pub jitter_ms: u32,
    /// Of a hundred frames, how many are lost; above 100 counts as 100. A lost frame is sent again
    /// after two round trips and 200 ms, then after twice that, and so on; what comes behind it
    /// waits. One that is lost seven times in a row breaks the connection.
    pub loss_percent: u8,
    /// How many bytes pass in a second, each way. `None` is any number, 0 counts as 1.
    pub bytes_per_second: Option<u32>,
    /// Nothing passes, and nobody is told: frames wait until it is whole again. Either side finds
    /// out by silence. (`Client::hold_network` is a cut that the client knows of.)
    pub is_cut: bool,
}

impl NetworkConditions {
    /// Frames pass as they come.
    ///
    /// ```
    /// use driftless_client::NetworkConditions;
    ///
    /// assert_eq!(NetworkConditions::none(), NetworkConditions::default());
    /// ```
    pub fn none() -> Self {
        Self::default()
    }

    /// As from another continent, over a phone at the edge of its cell.
    ///
    /// ```
    /// use driftless_client::NetworkConditions;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let ann = kit.person("Ann");
    /// ann.network().set(NetworkConditions::poor());
    /// let edit = ann.client().board("home").edit("Add", |e| e.create("note", "note", []))?;
    /// kit.until(edit.applied())?; // late, and whole
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn poor() -> Self {
        Self {
            latency_ms: 150,
            jitter_ms: 100,
            loss_percent: 5,
            bytes_per_second: Some(50_000),
            is_cut: false,
        }
    }
}

/// What a network carried since it was made.
///
/// ```
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let ann = kit.person("Ann");
/// kit.until(ann.client().board("home").loaded())?;
/// let traffic = ann.network().traffic();
/// assert!(traffic.frames_sent > 0 && traffic.bytes_received > 0);
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct NetworkTraffic {
    /// Frames to the server, as the client gave them.
    pub frames_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Frames from the server, as they got to the client's machine.
    pub frames_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// How often a frame was lost on its way, and had to be sent again.
    pub losses: u64,
}

/// Sets the network of one client, at any time. Clones are the same.
///
/// Chance comes from the seed: the same seed, settings and frames give the same times. A client
/// that is started without it ([`crate::ClientBuilder::start`]) has nothing of this in its way.
///
/// ```
/// use driftless_client::NetworkConditions;
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let ann = kit.person("Ann");
/// let mut conditions = NetworkConditions::none();
/// conditions.latency_ms = 400;
/// ann.network().set(conditions);
/// let edit = ann.client().board("home").edit("Add", |e| e.create("note", "note", []))?;
/// let made_ms = kit.now_ms();
/// kit.until(edit.applied())?;
/// assert!(kit.now_ms() - made_ms >= 2 * 400);
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NetworkControl(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    conditions: NetworkConditions,
    traffic: NetworkTraffic,
    dice: Xoshiro256PlusPlus,
    /// Those of sockets that wait for the conditions to change.
    wakers: Vec<Waker>,
}

impl NetworkControl {
    /// A network without anything bad, and what chance comes from.
    ///
    /// ```
    /// use driftless_client::{Client, NetworkConditions, NetworkControl};
    ///
    /// # futures::executor::block_on(async {
    /// let network = NetworkControl::new(7);
    /// let client = Client::builder("ws://127.0.0.1:1/rt").start_over(&network);
    /// network.set(NetworkConditions::poor());
    /// client.shutdown().await;
    /// # });
    /// ```
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            conditions: NetworkConditions::default(),
            traffic: NetworkTraffic::default(),
            dice: Xoshiro256PlusPlus::seed_from_u64(seed),
            wakers: Vec::new(),
        })))
    }

    /// How the network is from now on. Frames that are on their way keep their times, but for a
    /// cut, which holds them up.
    ///
    /// ```
    /// use driftless_client::{NetworkConditions, NetworkControl};
    ///
    /// let network = NetworkControl::new(7);
    /// let mut conditions = NetworkConditions::none();
    /// conditions.is_cut = true;
    /// network.set(conditions);
    /// assert!(network.conditions().is_cut);
    /// ```
    pub fn set(&self, conditions: NetworkConditions) {
        let wakers = {
            let mut inner = self.inner();
            inner.conditions = conditions;
            std::mem::take(&mut inner.wakers)
        };
        // Without the lock: whoever is woken may look at once.
        wakers.into_iter().for_each(Waker::wake);
    }

    /// How the network is.
    ///
    /// ```
    /// use driftless_client::{NetworkConditions, NetworkControl};
    ///
    /// assert_eq!(NetworkControl::new(7).conditions(), NetworkConditions::none());
    /// ```
    pub fn conditions(&self) -> NetworkConditions {
        self.inner().conditions
    }

    /// What it carried so far.
    ///
    /// ```
    /// use driftless_client::{NetworkControl, NetworkTraffic};
    ///
    /// assert_eq!(NetworkControl::new(7).traffic(), NetworkTraffic::default());
    /// ```
    pub fn traffic(&self) -> NetworkTraffic {
        self.inner().traffic
    }

    /// Has a task woken when the conditions change.
    pub(crate) fn wake_on_change(&self, waker: &Waker) {
        let mut inner = self.inner();
        if !inner.wakers.iter().any(|known| known.will_wake(waker)) {
            inner.wakers.push(waker.clone());
        }
    }

    /// A frame sets out: how the network is for it.
    pub(crate) fn with<T>(
        &self,
        take: impl FnOnce(&NetworkConditions, &mut Xoshiro256PlusPlus, &mut NetworkTraffic) -> T,
    ) -> T {
        let Inner {
            conditions,
            traffic,
            dice,
            ..
        } = &mut *self.inner();
        take(conditions, dice, traffic)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for NetworkControl {
    fn default() -> Self {
        Self::new(0)
    }
}
