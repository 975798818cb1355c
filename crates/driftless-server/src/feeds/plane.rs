//! The samples that the server holds, and the queries that somebody watches.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use driftless_feeds::{Answer, Evaluator, Mark, QueryError, Sample, SeriesStore, Wanted};
use driftless_model::limits::PUSHES_AT_ONCE;
use driftless_protocol::{Query, SeriesName};
use driftless_store::server::KeptPush;
use driftless_sync::room::ConnectionId;
use tokio::sync::{Semaphore, oneshot};

use crate::clock::now_ms;
use crate::feeds::archive::Archive;
use crate::feeds::bodies::Bodies;
use crate::feeds::pushes::{Batch, Pushes, Receipt};
use crate::feeds::waiting::Waiting;
use crate::hub::Mailbox;
use crate::metrics::Metrics;

/// How long whoever pushed waits until it is stored: past it they are told to send it again.
const WRITE_TIME: Duration = Duration::from_secs(15);
/// How long history that could not be read is left alone.
const READ_AGAIN: Duration = Duration::from_secs(5);

/// Samples and the queries over them.
pub struct FeedPlane {
    kept: Option<Arc<Kept>>,
    samples: RwLock<SeriesStore>,
    /// Each with how many feeds show it.
    queries: Mutex<HashMap<Query, (Arc<Watched>, usize)>>,
    /// How often the queries were evaluated: a connection that has seen this one has seen all.
    tick: AtomicU64,
    viewers: Mutex<HashMap<ConnectionId, (Arc<Mailbox>, usize)>>,
    pushes: Mutex<Pushes>,
    bodies: Bodies,
    reading: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

/// History, and what waits to be written to it.
pub struct Kept {
    /// History.
    pub archive: Archive,
    /// What waits.
    pub waiting: Waiting,
}

/// A query that somebody watches.
#[derive(Debug)]
struct Watched {
    state: Mutex<Evaluation>,
}

#[derive(Debug)]
struct Evaluation {
    evaluator: Evaluator,
    /// What viewers with the same mark get, made once a tick.
    answers: HashMap<Mark, Option<Arc<Answer>>>,
}

/// A feed that a connection has open. Dropping it closes it.
pub struct OpenFeed {
    plane: Arc<FeedPlane>,
    connection: ConnectionId,
    query: Query,
    watched: Arc<Watched>,
}

impl FeedPlane {
    /// No queries. Without history, what is settled is forgotten.
    pub fn new(
        samples: SeriesStore,
        history: Option<(Archive, Vec<KeptPush>)>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (archive, pushes) = history.unzip();
        let kept = archive.map(|archive| {
            Arc::new(Kept {
                archive,
                waiting: Waiting::default(),
            })
        });
        Self {
            kept,
            samples: RwLock::new(samples),
            queries: Mutex::default(),
            tick: AtomicU64::new(0),
            viewers: Mutex::default(),
            pushes: Mutex::new(Pushes::new(pushes.unwrap_or_default())),
            bodies: Bodies::default(),
            reading: Arc::new(Semaphore::new(PUSHES_AT_ONCE)),
            metrics,
        }
    }

    /// Takes samples of one moment. One that cannot be taken is left out and logged.
    pub fn push<'a>(&self, samples: impl IntoIterator<Item = (&'a SeriesName, f64)>, now_ms: u64) {
        let mut store = self.samples_mut();
        for (name, value) in samples {
            let sample = Sample {
                time_ms: now_ms,
                value,
            };
            self.metrics.samples.inc();
            if let Err(error) = store.push(name, sample, now_ms) {
                self.metrics.samples_dropped.inc();
                tracing::debug!(series = %name.name, %error, "a sample is left out");
            }
        }
    }

    /// The pushes that are under way.
    pub fn bodies(&self) -> &Bodies {
        &self.bodies
    }

    /// Turns to read bodies that have come: what is made of one takes memory and a processor.
    pub fn reading(&self) -> &Arc<Semaphore> {
        &self.reading
    }

    /// Takes a batch that somebody pushed. What is taken is durable with the answer; `None` where
    /// it could not be stored, and is to be sent again.
    pub async fn take(&self, batch: &Batch, now_ms: u64) -> Option<Receipt> {
        let (receipt, written) = self.take_now(batch, now_ms);
        let is_stored = match written {
            Some(written) => {
                let written = tokio::time::timeout(WRITE_TIME, written).await;
                matches!(written, Ok(Ok(true)))
            }
            None => true,
        };
        is_stored.then_some(receipt)
    }

    /// Takes it into memory, unless it was taken before. Where there is history, somebody will tell
    /// whether it is durable.
    fn take_now(&self, batch: &Batch, now_ms: u64) -> (Receipt, Option<oneshot::Receiver<bool>>) {
        // Held until the samples are in: of two that come at once one is the second.
        let mut pushes = self.pushes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = pushes.find(batch) {
            let told = self.write(None, &self.samples_mut());
            return (Receipt::again(before), told);
        }
        let mut samples = self.samples_mut();
        let receipt = batch.push(&mut samples, now_ms);
        let came = receipt.accepted + receipt.refused;
        self.metrics.samples.inc_by(came);
        self.metrics.samples_dropped.inc_by(receipt.refused);
        // One of which nothing was taken may come again, once what was wrong is put right.
        let is_taken = receipt.accepted > 0;
        let push = is_taken.then(|| pushes.note(batch, receipt.accepted, now_ms));
        let told = self.write(push.flatten(), &samples);
        (receipt, told)
    }

    fn write(
        &self,
        push: Option<KeptPush>,
        samples: &SeriesStore,
    ) -> Option<oneshot::Receiver<bool>> {
        let kept = self.kept.as_ref()?;
        Some(kept.waiting.write(push, samples))
    }

    /// Settles what no sample can change any more, evaluates every query once and wakes the
    /// viewers.
    pub fn evaluate(self: &Arc<Self>, now_ms: u64) {
        let settled = self.samples_mut().settle(now_ms);
        let watched: Vec<_> = self
            .queries()
            .values()
            .map(|(watched, _)| watched.clone())
            .collect();
        for watched in watched {
            self.advance(&watched, now_ms);
        }
        match (&self.kept, settled) {
            // Released once it is written.
            (Some(kept), Some(settled)) => kept.waiting.settle(settled),
            (None, Some(settled)) => self.release(settled.until_ms),
            (_, None) => {}
        }
        self.wake();
    }

    /// Lets go of samples that are settled; every query was evaluated since.
    pub fn release(&self, before_ms: u64) {
        self.samples_mut().release(before_ms);
    }

    /// History, if there is one.
    pub fn kept(&self) -> Option<&Arc<Kept>> {
        self.kept.as_ref()
    }

    /// The samples, to change them.
    pub fn samples_mut(&self) -> RwLockWriteGuard<'_, SeriesStore> {
        self.samples.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where things are counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn wake(&self) {
        self.tick.fetch_add(1, Ordering::Release);
        for (mailbox, _) in self.viewers().values() {
            mailbox.ring();
        }
    }

    /// The number of the last evaluation.
    pub fn tick(&self) -> u64 {
        self.tick.load(Ordering::Acquire)
    }

    /// How many distinct queries are watched.
    pub fn queries_watched(&self) -> usize {
        self.queries().len()
    }

    /// Opens a feed for a connection, whose bell rings whenever there may be news.
    pub fn open(
        self: &Arc<Self>,
        query: Query,
        connection: ConnectionId,
        mailbox: &Arc<Mailbox>,
        now_ms: u64,
    ) -> Result<OpenFeed, QueryError> {
        let watched = self.watch(&query, now_ms)?;
        let mut viewers = self.viewers();
        let viewer = viewers.entry(connection);
        viewer.or_insert_with(|| (mailbox.clone(), 0)).1 += 1;
        Ok(OpenFeed {
            plane: self.clone(),
            connection,
            query,
            watched,
        })
    }

    fn watch(self: &Arc<Self>, query: &Query, now_ms: u64) -> Result<Arc<Watched>, QueryError> {
        let mut queries = self.queries();
        if let Some((watched, feeds)) = queries.get_mut(query) {
            *feeds += 1;
            return Ok(watched.clone());
        }
        let watched = Arc::new(Watched {
            state: Mutex::new(Evaluation {
                evaluator: Evaluator::new(query.clone())?,
                answers: HashMap::new(),
            }),
        });
        self.advance(&watched, now_ms);
        queries.insert(query.clone(), (watched.clone(), 1));
        Ok(watched)
    }

    /// Evaluates a query, and has read for it what memory lacks.
    fn advance(self: &Arc<Self>, watched: &Arc<Watched>, now_ms: u64) {
        let mut evaluation = watched.lock();
        let samples = self.samples.read().unwrap_or_else(PoisonError::into_inner);
        evaluation.evaluator.advance(&samples, now_ms);
        evaluation.answers.clear();
        self.metrics.evaluations.inc();
        let wanted = evaluation.evaluator.take_wanted();
        if let (Some(wanted), Some(kept)) = (wanted, &self.kept) {
            let recall = self.clone().recall(kept.clone(), watched.clone(), wanted);
            tokio::spawn(recall);
        }
    }

    /// Reads history for a query. Its viewers see what is in memory meanwhile.
    async fn recall(self: Arc<Self>, kept: Arc<Kept>, watched: Arc<Watched>, wanted: Wanted) {
        let matching = watched.lock().evaluator.matching().clone();
        // Nobody may watch it any more by the time that it is tried again.
        let watched_still = Arc::downgrade(&watched);
        drop(watched);
        loop {
            let history = kept.archive.read(&wanted, &matching, now_ms()).await;
            let Some(watched) = watched_still.upgrade() else {
                return;
            };
            match history {
                Ok(history) if history.is_empty() => return,
                Ok(history) => {
                    watched.lock().evaluator.recall(&wanted, history);
                    self.advance(&watched, now_ms());
                    self.wake();
                    return;
                }
                Err(error) => {
                    let again_s = READ_AGAIN.as_secs();
                    tracing::warn!(
                        %error,
                        again_s,
                        "the history of a query could not be read; it is read again after again_s \
                         seconds, and until then the query is shown without it"
                    );
                    self.metrics.history_failures.inc();
                }
            }
            drop(watched);
            tokio::time::sleep(READ_AGAIN).await;
        }
    }

    fn queries(&self) -> MutexGuard<'_, HashMap<Query, (Arc<Watched>, usize)>> {
        self.queries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn viewers(&self) -> MutexGuard<'_, HashMap<ConnectionId, (Arc<Mailbox>, usize)>> {
        self.viewers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, Evaluation> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenFeed {
    /// What changed since a mark; `None` where nothing did.
    pub fn since(&self, mark: Mark) -> Option<Arc<Answer>> {
        let mut evaluation = self.watched.lock();
        let Evaluation { evaluator, answers } = &mut *evaluation;
        let answer = answers.entry(mark);
        answer
            .or_insert_with(|| evaluator.since(mark).map(Arc::new))
            .clone()
    }

    /// That more series match than are shown, if so.
    pub fn overflow(&self) -> Option<QueryError> {
        self.watched.lock().evaluator.overflow()
    }
}

impl Drop for OpenFeed {
    fn drop(&mut self) {
        let mut queries = self.plane.queries();
        if let Some((_, feeds)) = queries.get_mut(&self.query) {
            *feeds -= 1;
            if *feeds == 0 {
                queries.remove(&self.query);
            }
        }
        drop(queries);
        let mut viewers = self.plane.viewers();
        if let Some((_, feeds)) = viewers.get_mut(&self.connection) {
            *feeds -= 1;
            if *feeds == 0 {
                viewers.remove(&self.connection);
            }
        }
    }
}
