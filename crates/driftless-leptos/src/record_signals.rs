//! One signal for each record that somebody looks at, so that a change of one record renews what
//! shows that record and nothing else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftless_model::RecordId;
use driftless_model::SortedMap;
use driftless_sync::replica::view::RecordView;
use leptos::prelude::*;

/// What a record signal holds.
pub type ShownRecord = Option<Arc<RecordView>>;

/// The records of a board as signals.
#[derive(Debug, Default)]
pub struct RecordSignals {
    signals: Mutex<SortedMap<RecordId, ArcRwSignal<ShownRecord>>>,
    ids: ArcRwSignal<Vec<RecordId>>,
}

impl RecordSignals {
    /// With these records, ids ascending.
    pub fn new(ids: Vec<RecordId>) -> Self {
        Self {
            signals: Mutex::default(),
            ids: ArcRwSignal::new(ids),
        }
    }

    /// The ids of all records, ascending. Changes only when the set does.
    pub fn ids(&self) -> ArcRwSignal<Vec<RecordId>> {
        self.ids.clone()
    }

    /// The signal of a record, made at the first call. `read` reads the record.
    pub fn record(
        &self,
        id: &RecordId,
        read: impl FnOnce(&RecordId) -> ShownRecord,
    ) -> ArcRwSignal<ShownRecord> {
        let mut signals = self.lock();
        if let Some(signal) = signals.get(id) {
            return signal.clone();
        }
        let signal = ArcRwSignal::new(read(id));
        signals.insert(id.clone(), signal.clone());
        signal
    }

    /// Reads these records again. Signals whose record is as it was stay quiet.
    pub fn refresh(&self, changed: &[RecordId], read: impl Fn(&RecordId) -> ShownRecord) {
        let records: Vec<_> = changed.iter().map(|id| (id, read(id))).collect();
        self.refresh_ids(&records);
        for (id, record) in records {
            // Out of the lock before anybody is told: an effect may ask for another record.
            let signal = self.lock().get(id).cloned();
            if let Some(signal) = signal
                && signal.with_untracked(|before| *before != record)
            {
                signal.set(record);
            }
        }
    }

    fn refresh_ids(&self, records: &[(&RecordId, ShownRecord)]) {
        let differs = |ids: &Vec<RecordId>| {
            let is_known = |id| ids.binary_search(id).is_ok();
            records
                .iter()
                .any(|(id, record)| is_known(id) != record.is_some())
        };
        if !self.ids.with_untracked(differs) {
            return;
        }
        self.ids.update(|ids| {
            for (id, record) in records {
                match (ids.binary_search(id), record) {
                    (Err(place), Some(_)) => ids.insert(place, (*id).clone()),
                    (Ok(place), None) => {
                        ids.remove(place);
                    }
                    _ => {}
                }
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, SortedMap<RecordId, ArcRwSignal<ShownRecord>>> {
        self.signals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use driftless_model::KindName;

    use super::*;

    fn id(text: &str) -> RecordId {
        RecordId::new(text).expect("an id")
    }

    fn record(is_pending: bool) -> Arc<RecordView> {
        Arc::new(RecordView {
            kind: KindName::new("note").expect("a kind"),
            leaves: SortedMap::new(),
            is_pending,
            conflicts: Vec::new(),
        })
    }

    /// Looks at a signal, and counts how often it had to look again.
    struct Reader {
        memo: ArcMemo<usize>,
        looks: Arc<AtomicUsize>,
    }

    impl Reader {
        fn of(signal: impl Track + Send + Sync + 'static) -> Self {
            let looks = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&looks);
            let memo = ArcMemo::new(move |_| {
                signal.track();
                counter.fetch_add(1, Ordering::Relaxed)
            });
            memo.get_untracked();
            Self { memo, looks }
        }

        fn renewals(&self) -> usize {
            self.memo.get_untracked();
            self.looks.load(Ordering::Relaxed) - 1
        }
    }

    #[test]
    fn a_change_renews_who_looks_at_that_record_alone() {
        let signals = RecordSignals::new(vec![id("a"), id("b")]);
        let a = Reader::of(signals.record(&id("a"), |_| Some(record(false))));
        let b = Reader::of(signals.record(&id("b"), |_| Some(record(false))));
        let ids = Reader::of(signals.ids());
        signals.refresh(&[id("a")], |_| Some(record(true)));
        assert_eq!((a.renewals(), b.renewals(), ids.renewals()), (1, 0, 0));
    }

    #[test]
    fn a_record_that_is_as_it_was_stays_quiet() {
        let signals = RecordSignals::new(vec![id("a")]);
        let a = Reader::of(signals.record(&id("a"), |_| Some(record(false))));
        signals.refresh(&[id("a")], |_| Some(record(false)));
        assert_eq!(a.renewals(), 0);
    }

    #[test]
    fn records_that_come_and_go_change_the_set_in_order() {
        let signals = RecordSignals::new(vec![id("b")]);
        signals.refresh(&[id("c"), id("a"), id("b")], |record_id| {
            (record_id.as_str() != "b").then(|| record(false))
        });
        assert_eq!(signals.ids().get_untracked(), [id("a"), id("c")]);
    }
}
