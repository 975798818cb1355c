//! The frame around a widget: its header, its place on the grid, its handles.

use driftless_leptos::{RealtimeContext, WidgetId, WidgetRealtime};
use driftless_model::layout::Place;
use driftless_model::{RecordId, builtin};
use leptos::prelude::*;

use crate::editing::Editor;
use crate::grid::keyboard::{on_handle_blur, on_handle_key};
use crate::grid::metrics::{Grip, Rect};
use crate::grid::pointer::GridPointer;
use crate::grid::state::Grid;
use crate::lock::BoardLock;
use crate::widgets::bars::BarsBody;
use crate::widgets::chart::ChartBody;
use crate::widgets::feed::{FeedBody, LiveFeed, leaf};
use crate::widgets::note::NoteBody;
use crate::widgets::settings::WidgetSettings;
use crate::widgets::stat::StatBody;
use crate::widgets::table::TableBody;
use crate::widgets::unknown::UnknownBody;
use driftless_leptos::erased::{When, changing, handler, memo, reactive};

/// What a widget's parts share.
#[derive(Clone, Copy)]
struct Frame {
    record: StoredValue<RecordId>,
    title: Signal<String>,
    pointer: GridPointer,
    editor: Editor,
    lock: BoardLock,
}

impl Frame {
    fn grid(self) -> Grid {
        self.pointer.grid()
    }

    fn id(self) -> RecordId {
        self.record.get_value()
    }

    fn place(self) -> Option<Place> {
        self.grid()
            .layout
            .with(|layout| self.record.with_value(|id| layout.places.get(id).copied()))
    }

    fn is_held(self) -> bool {
        self.grid().held.with(|held| {
            self.record
                .with_value(|id| held.as_ref().is_some_and(|held| held.record == *id))
        })
    }

    fn is_under_hand(self) -> bool {
        self.grid()
            .held
            .with(|held| held.as_ref().is_some_and(|held| held.by_px.is_some()))
    }

    /// Where it is drawn: under the hand that holds it, else in its place.
    fn rect(self) -> Rect {
        let metrics = self.grid().metrics.get();
        let under_hand = self.grid().held.with(|held| {
            let own =
                |held: &&crate::grid::held::Held| self.record.with_value(|id| held.record == *id);
            held.as_ref()
                .filter(own)
                .and_then(|held| held.rect(&metrics))
        });
        let in_place = || {
            self.place()
                .map(|place| metrics.rect(place))
                .unwrap_or_default()
        };
        under_hand.unwrap_or_else(in_place)
    }

    /// Where things move, they move by transform.
    fn transform(self, rect: &Rect) -> String {
        if self.grid().is_wide() {
            format!("translate({:.2}px, {:.2}px)", rect.left, rect.top)
        } else {
            "none".to_owned()
        }
    }

    /// Where nothing moves, there is no transform: panels inside can then go by the screen.
    fn inset(self, rect: &Rect) -> String {
        if self.grid().is_wide() {
            "0 auto auto 0".to_owned()
        } else {
            format!("{:.2}px auto auto {:.2}px", rect.top, rect.left)
        }
    }

    fn is_movable(self) -> bool {
        !self.lock.0.get() && self.grid().is_wide()
    }

    fn remove(self) {
        let title = self.title.get_untracked();
        let id = self.id();
        let (label, done) = (format!("Remove “{title}”"), format!("Removed “{title}”"));
        self.editor
            .edit_and_say(label, done, move |edit| edit.remove(&id));
    }
}

/// A widget on the grid.
#[component]
pub fn Widget(
    /// Its record.
    record: RecordId,
) -> impl IntoView {
    let realtime = expect_context::<RealtimeContext>();
    let title = leaf(realtime, &record, builtin::TITLE);
    let title = Signal::derive(move || {
        title
            .get()
            .filter(|title| !title.trim().is_empty())
            .unwrap_or_else(|| "Untitled".to_owned())
    });
    let frame = Frame {
        title,
        record: StoredValue::new(record.clone()),
        pointer: expect_context(),
        editor: expect_context(),
        lock: expect_context(),
    };
    let place_text = move || {
        let place = frame.place();
        place.map(|place| format!("{},{},{},{}", place.x, place.y, place.w, place.h))
    };
    let rect = memo(move || frame.rect());
    view! {
        <div
            class="widget-place"
            data-held=reactive(move || frame.is_held().to_string())
            data-by=reactive(move || if frame.is_under_hand() { "pointer" } else { "keyboard" })
            style:inset=reactive(move || rect.with(|rect| frame.inset(rect)))
            style:transform=reactive(move || rect.with(|rect| frame.transform(rect)))
            style:width=reactive(move || format!("{:.2}px", rect.get().width))
            style:height=reactive(move || format!("{:.2}px", rect.get().height))
        >
            <WidgetRealtime
                widget_id=WidgetId::from(record)
                class="widget"
                attr:data-place=reactive(place_text)
            >
                <WidgetHeader frame />
                <div class="widget-body">
                    <WidgetBody record=frame.id() />
                </div>
                <When is=move || frame.is_movable()>
                    {handles(frame.pointer, frame.record)}
                </When>
            </WidgetRealtime>
        </div>
    }
}

fn handles(pointer: GridPointer, record: StoredValue<RecordId>) -> impl IntoView {
    let handle = move |(name, grip): (&'static str, Grip)| {
        view! {
            <div
                class="resize"
                data-edge=name
                data-testid=format!("resize-{name}")
                aria-hidden="true"
                on:pointerdown=move |event| pointer.down(&event, &record.get_value(), grip)
                on:pointermove=move |event| pointer.moved(&event)
                on:pointerup=move |event| pointer.up(&event)
                on:pointercancel=handler(move |_| pointer.cancel())
            ></div>
        }
    };
    Grip::HANDLES.map(handle).into_iter().collect_view()
}

#[component]
fn WidgetHeader(frame: Frame) -> impl IntoView {
    let realtime = expect_context::<RealtimeContext>();
    let (pointer, title) = (frame.pointer, frame.title);
    let record = realtime.record(&frame.id());
    let has_feed = memo(move || {
        record.with(|record| {
            record
                .as_ref()
                .is_some_and(|record| is_feed_kind(record.kind.as_str()))
        })
    });
    let press = move |event: web_sys::PointerEvent| {
        if !frame.lock.0.get_untracked() {
            pointer.down(&event, &frame.id(), Grip::Header);
        }
    };
    view! {
        <header class="widget-header" data-movable=reactive(move || frame.is_movable())
            on:pointerdown=handler(press)
            on:pointermove=move |event| pointer.moved(&event)
            on:pointerup=move |event| pointer.up(&event)
            on:pointercancel=handler(move |_| pointer.cancel())>
            <When is=move || frame.is_movable()><MoveHandle frame /></When>
            <h2
                class="widget-title"
                data-testid="widget-title"
                title=reactive(move || title.get())
            >
                {changing(move || title.get())}
            </h2>
            <When is=move || !frame.lock.0.get()>
                <div class="widget-actions">
                    {changing(move || {
                        let has_feed = has_feed.get();
                        view! { <WidgetSettings record=frame.id() title has_feed /> }
                    })}
                    <button type="button" class="icon-button" data-testid="widget-remove"
                        title="Remove"
                        aria-label=reactive(move || format!("Remove {}", title.get()))
                        on:click=handler(move |_| frame.remove())>
                        <svg
                            viewBox="0 0 16 16"
                            aria-hidden="true"
                        >
                            <path d="M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5" />
                        </svg>
                    </button>
                </div>
            </When>
        </header>
    }
}

/// What the keyboard takes a widget by.
#[component]
fn MoveHandle(frame: Frame) -> impl IntoView {
    let grid = frame.grid();
    let is_grabbed = move || {
        grid.held.with(|held| {
            frame
                .record
                .with_value(|id| held.as_ref().is_some_and(|held| held.record == *id))
        })
    };
    let label = move || {
        let title = frame.title.get();
        format!("Move {title}. Enter, then arrows; Shift and arrows resize")
    };
    view! {
        <button type="button" class="move-handle" data-testid="widget-handle"
            aria-label=reactive(label)
            aria-pressed=reactive(move || is_grabbed().to_string())
            on:keydown=move |event| on_handle_key(grid, &event, &frame.id())
            on:blur=handler(move |_| on_handle_blur(grid, &frame.id()))>
            <svg viewBox="0 0 16 16" aria-hidden="true" class="grip-dots">
                <path d="M6 4h.01M10 4h.01M6 8h.01M10 8h.01M6 12h.01M10 12h.01" />
            </svg>
        </button>
    }
}

fn is_feed_kind(kind: &str) -> bool {
    matches!(kind, "chart" | "stat" | "bars" | "table")
}

/// What a widget of this kind shows.
#[component]
fn WidgetBody(record: RecordId) -> impl IntoView {
    let realtime = expect_context::<RealtimeContext>();
    let view = realtime.record(&record);
    let kind =
        memo(move || view.with(|view| view.as_ref().map(|view| view.kind.as_str().to_owned())));
    changing(move || kind.get().map(|kind| body(kind, record.clone())))
}

fn body(kind: String, record: RecordId) -> AnyView {
    let show: fn(LiveFeed) -> AnyView = match kind.as_str() {
        "chart" => |feed| view! { <ChartBody feed /> }.into_any(),
        "stat" => |feed| view! { <StatBody feed /> }.into_any(),
        "bars" => |feed| view! { <BarsBody feed /> }.into_any(),
        "table" => |feed| view! { <TableBody feed /> }.into_any(),
        "note" => return view! { <NoteBody record /> }.into_any(),
        _ => return view! { <UnknownBody kind /> }.into_any(),
    };
    view! { <FeedBody record body=show /> }.into_any()
}
