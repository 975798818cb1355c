//! The network between Ann and the server, to be made bad.

use driftless_client::{NetworkConditions, NetworkTraffic};
use driftless_leptos::clock::use_now;
use driftless_leptos::erased::{effect, memo};
use leptos::prelude::*;

use crate::control::{choice, number, switch};
use crate::scene::Scene;

/// The widths of the line, in bytes a second.
const WIDTHS: [(&str, Option<u32>); 4] = [
    ("any", None),
    ("100 KB/s", Some(100_000)),
    ("10 KB/s", Some(10_000)),
    ("1 KB/s", Some(1_000)),
];
const WIDTH_NAMES: [&str; 4] = [WIDTHS[0].0, WIDTHS[1].0, WIDTHS[2].0, WIDTHS[3].0];

/// The panel.
#[component]
pub fn NetworkPanel(scene: Scene) -> impl IntoView {
    let (latency, jitter, loss) = (
        RwSignal::new(0_u32),
        RwSignal::new(0_u32),
        RwSignal::new(0_u32),
    );
    let (width, is_cut) = (RwSignal::new(0_usize), RwSignal::new(false));
    effect(move || {
        let mut conditions = NetworkConditions::none();
        conditions.latency_ms = latency.get();
        conditions.jitter_ms = jitter.get();
        conditions.loss_percent = u8::try_from(loss.get()).unwrap_or(u8::MAX);
        conditions.bytes_per_second = WIDTHS.get(width.get()).and_then(|(_, width)| *width);
        conditions.is_cut = is_cut.get();
        scene.with(|cast| cast.ann.network().set(conditions));
    });
    let now = use_now();
    let traffic = memo(move || {
        now.track();
        told(scene.with(|cast| cast.ann.network().traffic()))
    });
    let milliseconds: fn(u32) -> String = |value| format!("{value} ms");
    view! {
        <fieldset class="panel" data-testid="network-panel">
            <legend>"Ann’s network"</legend>
            {number("Latency", latency, 2_000, milliseconds)}
            {number("Jitter", jitter, 1_000, milliseconds)}
            {number("Loss", loss, 50, |value| format!("{value} %"))}
            {choice("Bandwidth", width, &WIDTH_NAMES)}
            {switch("Cut: nothing passes, nobody is told", is_cut)}
            <p class="muted" data-testid="traffic">{traffic}</p>
        </fieldset>
    }
}

fn told(traffic: NetworkTraffic) -> String {
    let NetworkTraffic {
        frames_sent,
        bytes_sent,
        frames_received,
        bytes_received,
        losses,
        ..
    } = traffic;
    format!(
        "Sent {frames_sent} frames, {bytes_sent} B; received {frames_received}, \
         {bytes_received} B; {losses} lost on the way and sent again"
    )
}
