//! The answer to one query, kept up to date, and what each viewer of it has not seen.
//!
//! The server advances an evaluator once per tick, however many viewers it has; each viewer keeps
//! the [`Mark`] of the answer that it was sent last and asks for what changed since. So a slow
//! viewer costs nobody else anything, and gets every bucket that changed in between, whole.

mod answer;
mod log;
mod member;
mod track;

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use driftless_model::limits::SERIES_PER_QUERY_MAX;
use driftless_protocol::{Query, SeriesName};

pub use self::answer::Answer;
use self::answer::{RunsBuilder, runs_of};
use self::log::ChangeLog;
use self::member::Scope;
use self::track::Track;
use crate::history::{History, Wanted};
use crate::matching::Matching;
use crate::query::{QueryError, Window};
use crate::selector::Selector;
use crate::store::{SeriesId, SeriesStore};

/// What a viewer has seen of one evaluator; the default has seen nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mark(u64);

/// Evaluates one query over one store.
///
/// What the store has forgotten it remembers, as far as it was there when it was settled: settled
/// samples are taken together by bucket. What was forgotten before comes from history, if there is
/// one: see [`Self::take_wanted`] and [`Self::recall`].
///
/// A series, or a group of them, belongs to the answer while it has a value in the window. They are
/// numbered as they come; when one leaves, the numbers start over, in the order in which they
/// began, and every viewer's next answer is a full one. They start over too when the server's clock
/// goes back over a bucket's edge. At most [`SERIES_PER_QUERY_MAX`] are in the answer; see
/// [`Self::overflow`].
#[derive(Debug, Clone)]
pub struct Evaluator {
    query: Query,
    matching: Matching,
    window: Window,
    /// Counts the calls of `advance`.
    tick: u64,
    now_ms: u64,
    buckets: RangeInclusive<u64>,
    /// The newest series that was looked at.
    newest: SeriesId,
    /// Every series that matches or the group that it belongs to, with values or without, in the
    /// order in which they began.
    tracks: Vec<Track>,
    /// Where each is, by its name.
    places: HashMap<Arc<SeriesName>, usize>,
    /// The places of the series of the answer, by number.
    numbered: Vec<usize>,
    /// How many more have values than fit in.
    omitted: usize,
    /// The tick of the first answer with the present numbers.
    numbered_at: u64,
    log: ChangeLog,
    /// Samples from before this time are in the tracks; later ones are read from the store.
    settled_ms: u64,
    /// The tick of the first answer from an empty memory.
    fresh_at: u64,
    wanted: Option<Wanted>,
}

impl Evaluator {
    /// An evaluator that has not looked at anything yet; the error says what to do.
    pub fn new(query: Query) -> Result<Self, QueryError> {
        let window = Window::new(&query)?;
        Ok(Self {
            matching: Matching::new(&Selector::parse(&query.selector)?)?,
            query,
            window,
            tick: 0,
            now_ms: 0,
            buckets: window.at(0),
            newest: SeriesId::default(),
            tracks: Vec::new(),
            places: HashMap::new(),
            numbered: Vec::new(),
            omitted: 0,
            numbered_at: 0,
            log: ChangeLog::default(),
            settled_ms: 0,
            fresh_at: 0,
            wanted: None,
        })
    }

    /// What it answers.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// The mark of whoever sees the present answer.
    pub fn mark(&self) -> Mark {
        Mark(self.tick)
    }

    /// That more series match than the answer may have, if so: to be told to the viewers.
    pub fn overflow(&self) -> Option<QueryError> {
        (self.omitted > 0).then(|| QueryError::TooManySeries {
            matching: self.numbered.len() + self.omitted,
        })
    }

    /// The series that it asks for.
    pub fn matching(&self) -> &Matching {
        &self.matching
    }

    /// What it lacks of the window, told once: whoever has history answers with [`Self::recall`].
    pub fn take_wanted(&mut self) -> Option<Wanted> {
        self.wanted.take()
    }

    /// Takes what history has of what was wanted. It shows with the next [`Self::advance`]. What
    /// was wanted by an evaluation that began anew since is left out.
    pub fn recall(&mut self, wanted: &Wanted, history: Vec<History>) {
        if wanted.fresh_at != self.fresh_at {
            return;
        }
        for series in history {
            if self.matching.matches(&series.name) {
                let window = self.window;
                let group = Arc::new(self.matching.group_of(&series.name));
                self.track(group).recall(series, window);
            }
        }
    }

    /// Brings the answer up to date: reads what changed in the store since the last call, which
    /// was with the same store. Nothing may be released from the store between its being settled
    /// and this.
    pub fn advance(&mut self, store: &SeriesStore, now_ms: u64) {
        self.tick += 1;
        self.now_ms = now_ms;
        let buckets = self.window.at(now_ms);
        if buckets.end() < self.buckets.end() {
            self.forget();
        }
        self.buckets = buckets;
        if self.fresh_at == 0 {
            self.begin(store);
        }
        self.follow_new_series(store);
        self.settle(store);
        self.read_changes(store);
        if self.has_lost_a_series() {
            self.start_over();
        }
        self.drop_what_is_over();
        self.number_series();
    }

    /// The whole answer.
    pub fn full(&self) -> Answer {
        let tracks = self.numbered.iter().map(|place| &self.tracks[*place]);
        let series = tracks.clone().map(|track| track.data.name.clone());
        let runs = (0..)
            .zip(tracks)
            .map(|(number, track)| runs_of(number, &track.data));
        Answer {
            series: series.collect(),
            runs: runs.flatten().collect(),
            ..self.empty_answer(true)
        }
    }

    /// What a viewer has not seen, `None` where it has seen everything: each bucket that changed
    /// since its mark, and each new series whole; or the whole answer, where the numbers started
    /// over or its mark is too long ago.
    pub fn since(&self, mark: Mark) -> Option<Answer> {
        let is_known = (self.numbered_at..=self.tick).contains(&mark.0) && mark.0 > 0;
        if !is_known || !self.log.reaches(mark.0) {
            return Some(self.full());
        }
        let mut answer = self.empty_answer(false);
        let mut changes = self.log.since(mark.0);
        for (number, place) in (0..).zip(&self.numbered) {
            let track = &self.tracks[*place];
            let touched = changes.remove(&number).unwrap_or_default();
            if track.entered_at > mark.0 {
                answer.series.push(track.data.name.clone());
                answer.runs.extend(runs_of(number, &track.data));
            } else {
                let mut runs = RunsBuilder::new(number);
                let seen = touched.range(self.buckets.clone());
                seen.for_each(|bucket| runs.add(*bucket, track.data.value(*bucket)));
                answer.runs.extend(runs.finish());
            }
        }
        (!answer.series.is_empty() || !answer.runs.is_empty()).then_some(answer)
    }

    fn empty_answer(&self, full: bool) -> Answer {
        Answer {
            full,
            now_ms: self.now_ms,
            step_s: self.query.step_s,
            series: Vec::new(),
            runs: Vec::new(),
            mark: self.mark(),
        }
    }

    /// Forgets every value, to read them all again.
    fn forget(&mut self) {
        self.tracks.clear();
        self.places.clear();
        self.newest = SeriesId::default();
        self.fresh_at = 0;
        self.start_over();
    }

    /// Begins with what the store has, and wants the rest.
    fn begin(&mut self, store: &SeriesStore) {
        self.fresh_at = self.tick;
        self.settled_ms = store.floor_ms();
        let from_ms = self.window.start_ms(*self.buckets.start());
        let wanted = Wanted {
            from_ms,
            before_ms: self.settled_ms,
            step_ms: self.window.step_ms(),
            aggregate: self.query.aggregate,
            fresh_at: self.fresh_at,
        };
        self.wanted = Some(wanted).filter(|wanted| wanted.from_ms < wanted.before_ms);
    }

    /// Takes what became settled, before the store forgets it.
    fn settle(&mut self, store: &SeriesStore) {
        let until_ms = store.settled_ms();
        if until_ms <= self.settled_ms {
            return;
        }
        let scope = self.scope(store);
        let first_bucket = *self.buckets.start();
        for track in &mut self.tracks {
            track.settle(scope, first_bucket, until_ms);
        }
        self.settled_ms = until_ms;
    }

    fn scope<'a>(&self, store: &'a SeriesStore) -> Scope<'a> {
        Scope {
            store,
            window: self.window,
            aggregate: self.query.aggregate,
            settled_ms: self.settled_ms,
        }
    }

    fn follow_new_series(&mut self, store: &SeriesStore) {
        for (id, series) in store.begun_after(self.newest) {
            self.newest = id;
            if self.matching.matches(series.name()) {
                let group = Arc::new(self.matching.group_of(series.name()));
                self.track(group).join(series.name(), id);
            }
        }
    }

    /// The track of this name, made where there is none.
    fn track(&mut self, name: Arc<SeriesName>) -> &mut Track {
        let next = self.tracks.len();
        let place = *self.places.entry(name.clone()).or_insert(next);
        if place == next {
            self.tracks.push(Track::new(name));
        }
        &mut self.tracks[place]
    }

    fn read_changes(&mut self, store: &SeriesStore) {
        let scope = self.scope(store);
        let (buckets, log, tick) = (&self.buckets, &mut self.log, self.tick);
        for track in &mut self.tracks {
            let number = track.number;
            track.update(scope, buckets, |bucket| {
                if let Some(number) = number {
                    log.note(tick, number, bucket);
                }
            });
        }
    }

    fn has_lost_a_series(&self) -> bool {
        let mut places = self.numbered.iter();
        places.any(|place| self.tracks[*place].is_empty())
    }

    /// Whose series are all gone is forgotten, unless it is shown.
    fn drop_what_is_over(&mut self) {
        let is_over = |track: &Track| track.is_over() && track.number.is_none();
        if !self.tracks.iter().any(is_over) {
            return;
        }
        self.tracks.retain(|track| !is_over(track));
        let places = self.tracks.iter().enumerate();
        let places = places.map(|(place, track)| (track.data.name.clone(), place));
        self.places = places.collect();
        let numbered = self.tracks.iter().enumerate();
        let numbered = numbered.filter_map(|(place, track)| Some((track.number?, place)));
        let mut numbered: Vec<_> = numbered.collect();
        numbered.sort_unstable();
        self.numbered = numbered.into_iter().map(|(_, place)| place).collect();
    }

    fn start_over(&mut self) {
        self.numbered.clear();
        self.numbered_at = self.tick;
        self.log = ChangeLog::default();
        for track in &mut self.tracks {
            track.number = None;
        }
    }

    /// Gives the next numbers to series that have values and no number yet.
    fn number_series(&mut self) {
        self.omitted = 0;
        let tracks = self.tracks.iter_mut().enumerate();
        let unnumbered = |track: &Track| track.number.is_none() && !track.is_empty();
        for (place, track) in tracks.filter(|(_, track)| unnumbered(track)) {
            if self.numbered.len() >= SERIES_PER_QUERY_MAX {
                self.omitted += 1;
                continue;
            }
            track.number = u32::try_from(self.numbered.len()).ok();
            track.entered_at = self.tick;
            self.numbered.push(place);
        }
    }
}

#[cfg(test)]
mod tests;
