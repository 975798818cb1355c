//! Every property that is not for a callback, on every component that has it. What the provider is
//! given depends on the page's address: `?token=NAME`, `&kept`, `&quiet` (a configuration that does
//! not connect by itself), `&alarms` (a schema with a kind of its own).

use driftless_client::ClientError;
use driftless_client::realtime_config::{RealtimeConfig, Setting};
use driftless_leptos::dialog::Dialog;
use driftless_leptos::json_compare::JsonCompare;
use driftless_leptos::{
    ConflictResolutionUi, DashboardRealtimeProvider, DashboardSyncIndicator, EditReceipts,
    PendingOperationsBadge, PerformancePanel, ReconnectSummary, StorageNotice, SyncLedger, Texts,
    Toast, Toaster, Tone, WidgetId, WidgetRealtime, try_use_realtime, try_use_toasts,
};
use driftless_model::{Kind, Leaf, Note, PathRule, RecordId, Schema, Shape, Value};
use leptos::prelude::*;

/// Rings when a value is too high.
struct Alarm;

impl Alarm {
    const ABOVE: Leaf<f64> = Leaf::ask("above");
}

impl Kind for Alarm {
    const NAME: &'static str = "alarm";

    fn rules() -> Vec<PathRule> {
        let (min, max) = (0.0, 100.0);
        vec![Self::ABOVE.shaped(Shape::Number { min, max })]
    }
}

/// What the page's address asks for.
struct Asked(String);

impl Asked {
    fn of_page() -> Self {
        Self(window().location().search().unwrap_or_default())
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.0.trim_start_matches('?').split('&')
    }

    fn has(&self, word: &str) -> bool {
        self.words().any(|one| one == word)
    }

    fn token(&self) -> String {
        let token = self.words().find_map(|word| word.strip_prefix("token="));
        token.unwrap_or("Ann").to_owned()
    }

    fn config(&self) -> RealtimeConfig {
        let mut config = RealtimeConfig::default();
        let connects = config.set(Setting::AutoConnect, !self.has("quiet"));
        connects.expect("a value that it takes");
        config
    }

    fn schema(&self) -> Schema {
        let schema = Schema::builtin();
        if !self.has("alarms") {
            return schema;
        }
        schema.register::<Alarm>().expect("a name of its own")
    }
}

/// One text of each component, in German.
fn texts() -> Texts {
    let mut texts = Texts::default();
    texts.status_details = "Verbindung".into();
    texts.pending_none = "Alles gesichert".into();
    texts.receipt_none = "Keine Belege".into();
    texts.bill_whole = "Das ganze Brett: {leaves}".into();
    texts.ledger_faults = "{lost} verloren, {doubled} doppelt".into();
    texts.frames = "Bilder".into();
    texts.widget_paused = "angehalten".into();
    texts.close = "Schließen".into();
    texts.not_saved = "Nicht gesichert: {reason}".into();
    texts.absent = "nichts".into();
    texts.conflict_one = "{n} Widerspruch: {label}".into();
    texts.conflict_many = "{n} Widersprüche: {label} und andere".into();
    texts
}

/// Every component with a class of its own.
#[component]
pub fn Properties() -> impl IntoView {
    let asked = Asked::of_page();
    let errors = RwSignal::new(Vec::new());
    let on_error = move |error: ClientError| errors.update(|all| all.push(error.to_string()));
    view! {
        <DashboardRealtimeProvider
            ws_url="/rt"
            board="kit"
            token=asked.token()
            is_token_kept=asked.has("kept")
            config=asked.config()
            schema=asked.schema()
            texts=texts()
            on_error
        >
            <Facts errors />
            <DashboardSyncIndicator class="my-indicator" />
            <PendingOperationsBadge class="my-badge" />
            <EditReceipts class="my-receipts" />
            <StorageNotice class="my-notice" />
            <ConflictResolutionUi class="my-conflicts" />
            <ReconnectSummary class="my-reconnect" />
            <SyncLedger class="my-ledger" />
            <PerformancePanel class="my-performance" />
            <Toaster class="my-toaster" />
            <JsonCompare value=None reference=Value::from("other") class="my-json" />
            <Ask />
            <WidgetRealtime
                widget_id=WidgetId::from("one")
                paused=true
                label="My own label"
                class="my-widget"
            >
                <p>"Inside"</p>
            </WidgetRealtime>
            <Acts />
        </DashboardRealtimeProvider>
    }
}

/// A dialog that is open as soon as somebody asks.
#[component]
fn Ask() -> impl IntoView {
    let is_open = RwSignal::new(false);
    let close = Callback::new(move |()| is_open.set(false));
    view! {
        <button type="button" data-testid="ask" on:click=move |_| is_open.set(true)>"Ask"</button>
        <Dialog open=is_open on_close=close labelled_by="question" class="my-dialog">
            <h2 id="question">"Shall it be?"</h2>
        </Dialog>
    }
}

/// Who is signed in, how, and what the provider was told.
#[component]
fn Facts(errors: RwSignal<Vec<String>>) -> impl IntoView {
    let realtime = try_use_realtime().expect("a provider is around it");
    let user = move || {
        let user = realtime.status.with(|status| status.user.clone());
        user.map(|user| user.to_string())
    };
    let state = move || realtime.status.with(|status| status.connection.name());
    let told = move || {
        let errors = errors.get().into_iter();
        errors
            .map(|error| view! { <li>{error}</li> })
            .collect_view()
    };
    view! {
        <p data-testid="user">{user}</p>
        <p data-testid="state">{state}</p>
        <ul data-testid="errors">{told}</ul>
    }
}

/// What the tests press.
#[component]
fn Acts() -> impl IntoView {
    let realtime = try_use_realtime().expect("a provider is around it");
    let toasts = try_use_toasts().expect("a provider is around it");
    let answer = RwSignal::new(String::new());
    let ring = move |above: f64| {
        let made = realtime.board().edit("Set the alarm", |edit| {
            let alarm = RecordId::new("alarm").expect("an id");
            edit.create(&alarm, Alarm::NAME, []);
            edit.set(&alarm, Alarm::ABOVE, above);
        });
        answer.set(made.map_or_else(|error| error.to_string(), |_| "made".to_owned()));
    };
    let told = StoredValue::new(0_u32);
    let note = move |_| {
        let made = realtime.board().edit("Add a note", |edit| {
            edit.create("one", Note::NAME, []);
        });
        made.expect("a valid edit");
    };
    let toast = move |_| {
        told.update_value(|told| *told += 1);
        toasts.push(Toast::new(
            Tone::Live,
            format!("Hallo {}", told.get_value()),
        ));
    };
    view! {
        <button type="button" data-testid="toast it" on:click=toast>"Toast"</button>
        <button type="button" data-testid="note it" on:click=note>"Note"</button>
        <button type="button" data-testid="alarm 50" on:click=move |_| ring(50.0)>"50"</button>
        <button type="button" data-testid="alarm 500" on:click=move |_| ring(500.0)>"500"</button>
        <p data-testid="answer">{answer}</p>
    }
}
