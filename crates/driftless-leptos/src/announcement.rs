//! What a screen reader hears of what changes by itself: the newest, and not each of many.
//!
//! The rule: a region says at most one thing in five seconds. The first is said at once; of what
//! comes in the pause only what counts at its end, and nothing where nothing is left to say. What
//! is seen is not held up.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::clock::Moment;
use crate::erased::{changing, effect};

/// The least time between two announcements.
const PAUSE_MS: u64 = 5_000;

/// What there is to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct News {
    /// In words; nothing where it is empty.
    pub text: String,
    /// How far it goes, for whoever says what is new since.
    pub newest: u64,
}

impl From<String> for News {
    fn from(text: String) -> Self {
        Self { text, newest: 0 }
    }
}

/// What a region says of the news. `heard` is what it has said when it appears, at `last_ms`: 0
/// where that was nothing, so that the first news are said at once.
pub(crate) fn paced(news: Memo<News>, heard: RwSignal<News>, last_ms: u64) -> AnyView {
    let (last_ms, is_waiting) = (StoredValue::new(last_ms), StoredValue::new(false));
    let timer = StoredValue::new(None::<TimeoutHandle>);
    on_cleanup(move || {
        if let Some(Some(timer)) = timer.try_get_value() {
            timer.clear();
        }
    });
    let say = move || {
        is_waiting.set_value(false);
        let news = news.get_untracked();
        if !news.text.is_empty() {
            last_ms.set_value(Moment::now().mono_ms);
        }
        heard.set(news);
    };
    effect(move || {
        let news = news.get();
        if news == heard.get_untracked() || is_waiting.get_value() {
            return;
        }
        match wait_ms(last_ms.get_value(), Moment::now().mono_ms) {
            milliseconds if milliseconds > 0 && !news.text.is_empty() => {
                is_waiting.set_value(true);
                let pause = Duration::from_millis(milliseconds);
                // A browser without timers has nothing to announce with either.
                timer.set_value(set_timeout_with_handle(say, pause).ok());
            }
            _ => say(),
        }
    });
    changing(move || heard.with(|news| news.text.clone()))
}

/// How long until the next word may be said.
fn wait_ms(last_ms: u64, now_ms: u64) -> u64 {
    if last_ms == 0 {
        return 0;
    }
    (last_ms + PAUSE_MS).saturating_sub(now_ms)
}

/// Takes what is only read out away from sight, in a page without a style sheet too: by a property,
/// since a strict Content-Security-Policy refuses styles in markup.
pub(crate) fn read_out_only(element: Element) {
    let element = element.unchecked_into::<HtmlElement>();
    element.style().set_css_text(
        "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);\
         white-space:nowrap",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_said_at_once_and_the_next_after_the_pause() {
        assert_eq!(wait_ms(0, 10), 0);
        assert_eq!(wait_ms(1_000, 1_500), 4_500);
        assert_eq!(wait_ms(1_000, 6_000), 0);
    }
}
