//! What a screen reader hears of the connection: the newest word, and not each one of a flapping
//! connection.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;

use crate::clock::Moment;
use crate::erased::effect;

/// The least time between two announcements.
const PAUSE_MS: u64 = 5_000;

/// The newest of these words, at most one for each pause.
pub(super) fn paced(words: Memo<String>) -> Signal<String> {
    let heard = RwSignal::new(words.get_untracked());
    let (last_ms, is_waiting) = (StoredValue::new(0), StoredValue::new(false));
    let timer = StoredValue::new(None::<TimeoutHandle>);
    on_cleanup(move || {
        if let Some(Some(timer)) = timer.try_get_value() {
            timer.clear();
        }
    });
    let say = move || {
        is_waiting.set_value(false);
        last_ms.set_value(Moment::now().mono_ms);
        heard.set(words.get_untracked());
    };
    effect(move || {
        if words.get() == heard.get_untracked() || is_waiting.get_value() {
            return;
        }
        match wait_ms(last_ms.get_value(), Moment::now().mono_ms) {
            0 => say(),
            milliseconds => {
                is_waiting.set_value(true);
                let pause = Duration::from_millis(milliseconds);
                // A browser without timers has nothing to announce with either.
                timer.set_value(set_timeout_with_handle(say, pause).ok());
            }
        }
    });
    heard.into()
}

/// How long until the next word may be said.
fn wait_ms(last_ms: u64, now_ms: u64) -> u64 {
    if last_ms == 0 {
        return 0;
    }
    (last_ms + PAUSE_MS).saturating_sub(now_ms)
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
