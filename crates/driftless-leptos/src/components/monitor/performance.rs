//! How fast everything is, looked at once a second while somebody looks.

use std::sync::{Arc, Mutex, PoisonError};

use leptos::prelude::*;

use super::sample::{Frames, Percentiles, PerformanceSample};
use crate::clock::{Moment, use_now};
use crate::context::{RealtimeContext, try_use_realtime};
use crate::erased::{effect, memo};
use crate::facts::{Fact, facts_list};
use crate::figures::{bytes, grouped};
use crate::missing_provider::MissingProvider;
use crate::texts::{Text, Texts, fill, use_texts};

/// Frame rate, round trip, how long edits take to be committed, how long changes take to be shown,
/// queues, dropped samples and memory, renewed once a second. It measures only while it is mounted:
/// put it where it is opened.
///
/// Part: `performance`, with `facts` in it.
#[component]
pub fn PerformancePanel(
    /// Told of each second.
    #[prop(into, optional)]
    on_sample: Option<Callback<PerformanceSample>>,
    /// Classes of the outermost element.
    #[prop(into, optional)]
    class: String,
) -> impl IntoView {
    let Some(context) = try_use_realtime() else {
        return view! { <MissingProvider component="PerformancePanel" /> }.into_any();
    };
    let frames = Arc::new(Mutex::new(Frames::default()));
    count_frames(&frames);
    let now = use_now();
    let sample = memo(move || {
        let now = now.get();
        let mut frames = frames.lock().unwrap_or_else(PoisonError::into_inner);
        sample(context, frames.last_second(now.mono_ms))
    });
    if let Some(on_sample) = on_sample {
        effect(move || on_sample.run(sample.get()));
    }
    let texts = use_texts();
    view! {
        <div class=class data-part="performance" data-testid="performance">
            {facts_list(move || facts(sample.get(), &texts))}
        </div>
    }
    .into_any()
}

/// Notes each frame, for as long as the owner lives.
fn count_frames(frames: &Arc<Mutex<Frames>>) {
    let is_mounted = StoredValue::new(());
    let frames = Arc::clone(frames);
    request_animation_frame(move || frame(is_mounted, frames));
}

fn frame(is_mounted: StoredValue<()>, frames: Arc<Mutex<Frames>>) {
    if is_mounted.try_get_value().is_none() {
        return;
    }
    let mut noted = frames.lock().unwrap_or_else(PoisonError::into_inner);
    noted.drawn(Moment::now().mono_ms);
    drop(noted);
    request_animation_frame(move || frame(is_mounted, frames));
}

fn sample(context: RealtimeContext, frames: Option<(usize, u64)>) -> PerformanceSample {
    let (board, bundle) = (context.board(), context.client().diagnostics());
    let own = board.id().ok();
    let queues = bundle.boards.iter().find(|it| Some(&it.board) == own);
    PerformanceSample {
        frames_per_second: frames.map(|(count, _)| count),
        frame_ms_max: frames.map(|(_, longest)| longest),
        latency_ms: bundle.connection.latency_ms,
        commits: Percentiles::of_commits(&board.receipts()),
        flush_ms: bundle.flushes.last_ms,
        flush_ms_max: bundle.flushes.longest_ms,
        queued: queues.map_or(0, |it| it.queued),
        sealed: queues.map_or(0, |it| it.sealed),
        set_aside: queues.map_or(0, |it| it.conflicted + it.quarantined),
        feeds: bundle.feeds,
        dropped_samples: bundle.dropped_samples,
        wasm_bytes: memory_of(&wasm_bindgen::memory(), &["buffer", "byteLength"]),
        heap_bytes: memory_of(&window(), &["performance", "memory", "usedJSHeapSize"]),
    }
}

/// A number somewhere in an object; browsers differ in what they have.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size in whole bytes, below 2^53"
)]
fn memory_of(object: &wasm_bindgen::JsValue, path: &[&str]) -> Option<u64> {
    let start = Some(object.clone());
    let found = path.iter().fold(start, |object, name| {
        js_sys::Reflect::get(&object?, &(*name).into()).ok()
    });
    found?.as_f64().map(|bytes| bytes as u64)
}

fn facts(sample: PerformanceSample, texts: &Texts) -> Vec<Fact> {
    let none = || texts.not_measured.to_string();
    let ms = |ms: u64| fill(&texts.latency_value, &[("ms", &ms.to_string())]);
    let fact = |name: &Text, value: String| (name.to_string(), value);
    let frames = sample.frames_per_second.zip(sample.frame_ms_max);
    let frames = frames.map(|(rate, longest)| {
        let values = [("rate", rate.to_string()), ("ms", longest.to_string())];
        filled(&texts.frames_value, &values)
    });
    let commits = sample.commits.map(|all| {
        let values = [
            ("p50", all.p50_ms.to_string()),
            ("p95", all.p95_ms.to_string()),
            ("p99", all.p99_ms.to_string()),
        ];
        filled(&texts.commits_value, &values)
    });
    let flush = [
        ("ms", sample.flush_ms.to_string()),
        ("longest", sample.flush_ms_max.to_string()),
    ];
    let queues = [
        ("queued", sample.queued.to_string()),
        ("sent", sample.sealed.to_string()),
        ("waiting", sample.set_aside.to_string()),
    ];
    let mut memory: Vec<String> = Vec::new();
    memory.extend(
        sample
            .wasm_bytes
            .map(|size| format!("WebAssembly {}", bytes(size))),
    );
    memory.extend(
        sample
            .heap_bytes
            .map(|size| format!("JavaScript {}", bytes(size))),
    );
    vec![
        fact(&texts.frames, frames.unwrap_or_else(none)),
        fact(&texts.latency, sample.latency_ms.map_or_else(none, ms)),
        fact(&texts.commits, commits.unwrap_or_else(none)),
        fact(&texts.flush, filled(&texts.flush_value, &flush)),
        fact(&texts.queues, filled(&texts.queues_value, &queues)),
        fact(&texts.feeds, sample.feeds.to_string()),
        fact(&texts.dropped_samples, grouped(sample.dropped_samples)),
        fact(&texts.memory, memory.join(" · ")),
    ]
}

fn filled(text: &Text, values: &[(&str, String)]) -> String {
    let values: Vec<(&str, &str)> = values
        .iter()
        .map(|(name, it)| (*name, it.as_str()))
        .collect();
    fill(text, &values)
}
