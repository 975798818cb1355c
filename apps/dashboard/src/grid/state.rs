//! The grid as signals: which widgets there are, where they are shown, which one is held.

use std::sync::Arc;

use driftless_client::SeenMark;
use driftless_leptos::{RealtimeContext, Tone};
use driftless_model::layout::{Item, Place};
use driftless_model::{Bars, Chart, Kind as _, Note, RecordId, Stat, Table};
use driftless_sync::replica::view::RecordView;
use leptos::prelude::*;

use crate::announcer::Announcer;
use crate::editing::Editor;
use crate::grid::held::Held;
use crate::grid::layout::{self, Layout, layout_leaf};
use crate::grid::metrics::{COLUMNS_WIDE, Grip, Metrics, described};
use driftless_leptos::erased::memo;

/// The grid; in context.
#[derive(Clone, Copy)]
pub struct Grid {
    editor: Editor,
    announcer: Announcer,
    /// How large cells are.
    pub metrics: RwSignal<Metrics>,
    /// The widget in somebody's hand.
    pub held: RwSignal<Option<Held>>,
    /// What the board had when the gesture began.
    began: StoredValue<Option<Began>>,
    items: Memo<Vec<Item<RecordId>>>,
    /// Where widgets are shown.
    pub layout: Memo<Layout>,
    /// The widgets in the order of the document, which no gesture changes: an element that is moved
    /// in the document loses the pointer and the focus.
    pub order: Memo<Vec<RecordId>>,
}

#[derive(Clone)]
struct Began {
    items: Vec<Item<RecordId>>,
    seen: SeenMark,
}

impl Grid {
    /// For the board of the provider.
    pub fn new(realtime: RealtimeContext, editor: Editor, announcer: Announcer) -> Self {
        let metrics = RwSignal::new(Metrics::of(1200.0));
        let held = RwSignal::new(None::<Held>);
        let began = StoredValue::new(None::<Began>);
        let items = memo(move || items(realtime));
        let columns = memo(move || metrics.get().columns);
        let resting = Memo::new(move |before: Option<&Layout>| {
            let is_held = held.with(Option::is_some);
            items.with(|items| match (is_held, before) {
                (true, Some(_)) => {
                    let began = began.with_value(|began| began.as_ref().map(|b| b.items.clone()));
                    layout::layout(
                        &layout::frozen(&began.unwrap_or_default(), items),
                        columns.get(),
                    )
                }
                _ => layout::layout(items, columns.get()),
            })
        });
        let shown = memo(move || {
            let resting = resting.get();
            held.with(|held| match held {
                Some(held) => Layout {
                    places: held.gesture.places.clone(),
                    ..resting
                },
                None => resting,
            })
        });
        Self {
            editor,
            announcer,
            metrics,
            held,
            began,
            items,
            layout: shown,
            order: memo(move || resting.with(|resting| resting.order.clone())),
        }
    }

    /// Whether widgets can be arranged: on the wide grid, which the others are derived from.
    pub fn is_wide(self) -> bool {
        self.metrics.with(|metrics| metrics.columns == COLUMNS_WIDE)
    }

    /// Every widget with its stored place, as of now.
    pub fn items_now(self) -> Vec<Item<RecordId>> {
        self.items.get_untracked()
    }

    /// What is on screen: to be taken when the pointer is pressed.
    pub fn seen(self) -> SeenMark {
        self.editor.seen()
    }

    /// Takes a widget. `seen` is what was on screen when the pointer was pressed.
    pub fn take(self, record: &RecordId, grip: Grip, seen: SeenMark, by_px: Option<(f64, f64)>) {
        let items = self.items.get_untracked();
        if let Some(held) = Held::begin(&items, record, grip, by_px) {
            self.began.set_value(Some(Began { items, seen }));
            self.held.set(Some(held));
        }
    }

    /// Changes what is held. `change` says whether the widget is still there.
    pub fn change(self, change: impl FnOnce(&mut Held, &[Item<RecordId>]) -> bool) {
        let Some(mut held) = self.held.get_untracked() else {
            return;
        };
        let Some(began) = self.began.get_value() else {
            return;
        };
        let items = self
            .items
            .with_untracked(|items| layout::frozen(&began.items, items));
        if change(&mut held, &items) {
            self.held.set(Some(held));
        } else {
            self.release();
            self.editor
                .say(Tone::Waiting, "Somebody removed the widget that you held");
        }
    }

    /// Lets go without changing anything.
    pub fn cancel(self) {
        if let Some(held) = self.release() {
            let title = self.title(&held.record);
            self.announcer.say(format!("{title} is back where it was"));
        }
    }

    /// Drops what is held: one edit.
    pub fn drop_held(self) {
        let began = self.began.get_value();
        let (Some(held), Some(began)) = (self.release(), began) else {
            return;
        };
        let title = self.title(&held.record);
        self.announcer.say(described(&title, held.place()));
        if held.gesture.writes.is_empty() {
            return;
        }
        let is_same_size = (held.place().w, held.place().h) == (held.start.w, held.start.h);
        let verb = if is_same_size { "Move" } else { "Resize" };
        let writes = held.gesture.writes;
        self.editor
            .edit(format!("{verb} “{title}”"), began.seen, move |edit| {
                for (record, place) in &writes {
                    edit.set(record, layout_leaf(), place.to_value());
                }
            });
    }

    /// Says where the held widget is.
    pub fn say_place(self) {
        let said = self.held.with_untracked(|held| {
            held.as_ref()
                .map(|held| described(&self.title(&held.record), held.place()))
        });
        if let Some(said) = said {
            self.announcer.say(said);
        }
    }

    /// The title of a widget.
    pub fn title(self, record: &RecordId) -> String {
        title_of(self.editor.board().record(record).as_deref())
    }

    fn release(self) -> Option<Held> {
        self.began.set_value(None);
        let held = self.held.get_untracked();
        if held.is_some() {
            self.held.set(None);
        }
        held
    }
}

/// The title of a record, or a word for one that has none.
pub fn title_of(record: Option<&RecordView>) -> String {
    let title = record.and_then(|record| {
        let path = driftless_model::builtin::TITLE.path();
        record
            .value(&path)
            .and_then(driftless_model::Value::as_text)
            .map(str::to_owned)
    });
    title
        .filter(|title| !title.trim().is_empty())
        .unwrap_or_else(|| "Untitled".to_owned())
}

/// Kinds that are shown wherever they are; others only where somebody gave them a place.
const WIDGETS: [&str; 5] = [Chart::NAME, Stat::NAME, Bars::NAME, Table::NAME, Note::NAME];

fn items(realtime: RealtimeContext) -> Vec<Item<RecordId>> {
    let ids = realtime.record_ids.get();
    let items = ids.into_iter().filter_map(|id| {
        let record: Arc<RecordView> = realtime.record(&id).get()?;
        let place = record.value(&layout_leaf()).and_then(Place::from_value);
        let is_widget = place.is_some() || WIDGETS.contains(&record.kind.as_str());
        is_widget.then(|| layout::item(id, place))
    });
    items.collect()
}
