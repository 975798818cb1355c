//! Short messages that go away by themselves, with one action at most (undo).

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;

use crate::announcement::{News, paced, read_out_only};
use crate::erased::{handler, keyed, memo};
use crate::icons::{CloseIcon, ToneIcon};
use crate::status_text::Tone;
use crate::texts::use_texts;

/// The most that are shown at once: one more pushes the oldest out.
pub const TOASTS_MAX: usize = 3;
/// How long a toast stays, without another wish.
pub const TOAST_LASTS: Duration = Duration::from_secs(8);

/// A message.
#[derive(Clone)]
pub struct Toast {
    /// What it says.
    pub text: String,
    /// How it looks.
    pub tone: Tone,
    /// The button's text, and what it does.
    pub action: Option<(String, Callback<()>)>,
    /// How long it stays. While pointer or focus are on the toasts, none goes away.
    pub lasts: Duration,
}

impl Toast {
    /// A message without an action, for [`TOAST_LASTS`].
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            tone,
            action: None,
            lasts: TOAST_LASTS,
        }
    }

    /// The same with an action.
    #[must_use]
    pub fn with_action(mut self, label: impl Into<String>, run: Callback<()>) -> Self {
        self.action = Some((label.into(), run));
        self
    }
}

#[derive(Clone)]
struct Shown {
    id: u64,
    toast: Toast,
}

/// The messages of one provider.
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Shown>>,
    next: StoredValue<u64>,
    is_held: RwSignal<bool>,
    /// One for each that is shown.
    timers: StoredValue<Vec<(u64, TimeoutHandle)>>,
}

/// The messages in context, inside a provider.
pub fn try_use_toasts() -> Option<Toasts> {
    use_context()
}

impl Toasts {
    /// None yet. Their timers go with the calling owner.
    pub(crate) fn new() -> Self {
        let toasts = Self {
            shown: RwSignal::new(Vec::new()),
            next: StoredValue::new(0),
            is_held: RwSignal::new(false),
            timers: StoredValue::new(Vec::new()),
        };
        on_cleanup(move || toasts.stop_timers(|_| true));
        toasts
    }

    /// Shows a message; one that says the same is replaced.
    pub fn push(&self, toast: Toast) {
        let id = self.next.get_value();
        self.next.set_value(id + 1);
        let lasts = toast.lasts;
        self.change(|shown| {
            shown.retain(|other| other.toast.text != toast.text);
            shown.push(Shown { id, toast });
            let surplus = shown.len().saturating_sub(TOASTS_MAX);
            shown.drain(..surplus);
        });
        self.expire_after(id, lasts);
    }

    fn expire_after(self, id: u64, lasts: Duration) {
        self.stop_timers(|timed| timed == id);
        #[cfg(target_arch = "wasm32")]
        {
            let expire = move || match self.is_held.try_get_untracked() {
                Some(true) => self.expire_after(id, Duration::from_secs(2)),
                Some(false) => self.dismiss(id),
                None => {}
            };
            let Ok(timer) = set_timeout_with_handle(expire, lasts) else {
                return;
            };
            let kept = self
                .timers
                .try_update_value(|timers| timers.push((id, timer)));
            if kept.is_none() {
                // The provider has gone.
                timer.clear();
            }
        }
        #[cfg(not(target_arch = "wasm32"))]
        let _ = lasts;
    }

    fn dismiss(self, id: u64) {
        self.change(|shown| shown.retain(|other| other.id != id));
    }

    /// Changes what is shown; the timers of what is not shown any more stop.
    fn change(self, change: impl FnOnce(&mut Vec<Shown>)) {
        let left = self.shown.try_update(|shown| {
            change(shown);
            shown.iter().map(|shown| shown.id).collect::<Vec<_>>()
        });
        let left = left.unwrap_or_default();
        self.stop_timers(|timed| !left.contains(&timed));
    }

    fn stop_timers(self, stops: impl Fn(u64) -> bool) {
        // None are left where the provider has gone.
        let _ = self.timers.try_update_value(|timers| {
            for (_, timer) in timers.extract_if(.., |(id, _)| stops(*id)) {
                timer.clear();
            }
        });
    }
}

/// Where the messages appear. Once for each provider, anywhere inside it. They are read out too,
/// but no oftener than every five seconds: then those that are still shown.
///
/// Parts: `toaster`, `announcement`, `toast` (`data-tone`), `toast-action`, `toast-close`.
#[component]
pub fn Toaster(
    /// Classes of the outermost element.
    #[prop(into, optional)]
    class: String,
) -> impl IntoView {
    let toasts = try_use_toasts();
    let hold = move |is_held: bool| {
        if let Some(toasts) = toasts {
            toasts.is_held.set(is_held);
        }
    };
    let said = toasts.map(announcement);
    let shown = toasts.map(|toasts| {
        keyed(
            move || toasts.shown.get(),
            |shown| shown.id.to_string(),
            move |shown| toast_view(toasts, shown).into_any(),
        )
    });
    view! {
        <div
            class=class
            data-part="toaster"
            data-testid="toaster"
            on:pointerenter=handler(move |_| hold(true))
            on:pointerleave=handler(move |_| hold(false))
            on:focusin=handler(move |_| hold(true))
            on:focusout=handler(move |_| hold(false))
        >
            <span data-part="announcement" role="status" aria-live="polite" use:read_out_only>
                {said}
            </span>
            {shown}
        </div>
    }
}

fn announcement(toasts: Toasts) -> AnyView {
    let heard = RwSignal::new(News::default());
    let news = memo(move || {
        let newest = heard.with_untracked(|heard| heard.newest);
        toasts.shown.with(|shown| unheard(shown, newest))
    });
    paced(news, heard, 0)
}

/// The messages that are shown and came since those up to `newest` were read out.
fn unheard(shown: &[Shown], newest: u64) -> News {
    let said = |shown: &Shown| match &shown.toast.action {
        Some((label, _)) => format!("{} {label}", shown.toast.text),
        None => shown.toast.text.clone(),
    };
    let new = shown.iter().filter(|shown| shown.id >= newest);
    let mut text = new.map(said).collect::<Vec<_>>().join(". ");
    let newest = shown.last().map_or(newest, |last| newest.max(last.id + 1));
    // One that says the same again is read again: only what differs is.
    if !text.is_empty() && newest & 1 == 0 {
        text.push('\u{a0}');
    }
    News { text, newest }
}

fn toast_view(toasts: Toasts, shown: Shown) -> impl IntoView {
    let Shown { id, toast } = shown;
    let close = use_texts().close.clone();
    let action = toast.action.map(|(label, run)| {
        let on_click = move |_| {
            toasts.dismiss(id);
            run.run(());
        };
        view! {
            <button
                type="button"
                data-part="toast-action"
                data-testid="toast-action"
                on:click=handler(on_click)
            >
                {label}
            </button>
        }
    });
    view! {
        <div data-part="toast" data-testid="toast" data-tone=toast.tone.name()>
            <ToneIcon tone=toast.tone />
            <span data-part="toast-text">{toast.text}</span>
            {action}
            <button
                type="button"
                data-part="toast-close"
                aria-label=close
                on:click=handler(move |_| toasts.dismiss(id))
            >
                <CloseIcon />
            </button>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_after(texts: &[&str]) -> Vec<String> {
        Owner::new().with(|| {
            let toasts = Toasts::new();
            for text in texts {
                toasts.push(Toast::new(Tone::Live, *text));
            }
            let shown = toasts.shown.get_untracked();
            shown.into_iter().map(|shown| shown.toast.text).collect()
        })
    }

    fn read_out(shown: &[(u64, &str)], newest: u64) -> (String, u64) {
        let shown = shown.iter().map(|(id, text)| Shown {
            id: *id,
            toast: Toast::new(Tone::Live, *text),
        });
        let shown: Vec<_> = shown.collect();
        let News { text, newest } = unheard(&shown, newest);
        (text, newest)
    }

    #[test]
    fn what_is_still_shown_and_was_not_read_out_is_read_out_together() {
        let shown = [(0, "a"), (1, "b"), (2, "c")];
        assert_eq!(read_out(&shown[..1], 0), ("a".to_owned(), 1));
        assert_eq!(read_out(&shown, 1), ("b. c".to_owned(), 3));
        assert_eq!(read_out(&shown[1..], 3), (String::new(), 3));
        assert_eq!(read_out(&[], 3), (String::new(), 3));
    }

    #[test]
    fn what_says_the_same_again_is_read_out_again() {
        assert_ne!(read_out(&[(0, "a")], 0).0, read_out(&[(1, "a")], 1).0);
    }

    #[test]
    fn one_toast_past_the_bound_pushes_the_oldest_out() {
        assert_eq!(shown_after(&["a", "b", "c"]), ["a", "b", "c"]);
        assert_eq!(shown_after(&["a", "b", "c", "d"]), ["b", "c", "d"]);
    }

    #[test]
    fn a_toast_that_says_the_same_replaces_the_older_one() {
        assert_eq!(shown_after(&["a", "b", "a"]), ["b", "a"]);
    }
}
