//! The application after: a provider around the layout, the widget wrapped, its signal from the
//! board. `src/before.rs` is what it was; the widget itself is untouched.
#![forbid(unsafe_code)]
// A component's properties are owned: the builder that `view!` calls moves them in.
#![allow(clippy::needless_pass_by_value)]

mod dial;

use driftless_leptos::{
    ConflictResolutionUi, DashboardRealtimeProvider, DashboardSyncIndicator,
    PendingOperationsBadge, StorageNotice, Toast, Toaster, Tone, WidgetRealtime, try_use_toasts,
    use_realtime_updates,
};
use driftless_model::{Kind as _, RecordId};
use existing_leptos::thermostat::{Thermostat, schema};
use leptos::prelude::*;

use crate::dial::Dial;

fn main() {
    driftless_leptos::executor::start();
    leptos::mount::mount_to_body(App);
}

#[component]
fn App() -> impl IntoView {
    view! {
        <DashboardRealtimeProvider ws_url="/rt" board="hall" schema=schema()>
            <main>
                <h1>"The hall"</h1>
                <DashboardSyncIndicator />
                <PendingOperationsBadge />
                <StorageNotice />
                <WidgetRealtime widget_id="heating" label="Heating">
                    <Heating />
                </WidgetRealtime>
            </main>
            <ConflictResolutionUi />
            <Toaster />
        </DashboardRealtimeProvider>
    }
}

#[component]
fn Heating() -> impl IntoView {
    let heating = use_realtime_updates::<Thermostat>(RecordId::new("heating").expect("an id"));
    let target = heating.get(Thermostat::TARGET);
    let toasts = try_use_toasts();
    let turn = move |degrees: f64| {
        let edit = heating.edit(format!("Heat to {degrees} °C"), |edit, id| {
            edit.create(id, Thermostat::NAME, []);
            edit.set(id, Thermostat::TARGET, degrees);
        });
        if let (Err(error), Some(toasts)) = (edit, toasts) {
            toasts.push(Toast::new(Tone::Error, error.to_string()));
        }
    };
    view! {
        <Dial degrees=Signal::derive(move || target.get().unwrap_or(20.0)) on_change=turn />
    }
}
