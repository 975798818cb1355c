//! A field for one value: the seen mark is taken when it gets the focus, and there is one edit when
//! it is left, if anything changed. Escape brings back what was there.

use driftless_client::SeenMark;
use driftless_leptos::erased::{changing, effect, handler, reactive};
use leptos::html;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use crate::editing::Editor;

/// What a field hands over when it is left changed.
#[derive(Clone)]
pub struct Written {
    /// What was on screen when it got the focus.
    pub seen: SeenMark,
    /// What it holds now.
    pub text: String,
}

/// A line of text. While it has the focus it keeps what is being written, whatever others do.
#[component]
pub fn Field(
    /// Its label, shown above it; without one it needs `name`.
    #[prop(optional, into)]
    label: String,
    /// Its name for screen readers, where no label is shown.
    #[prop(optional, into)]
    name: String,
    /// A hook for tests.
    #[prop(optional, into)]
    test_id: String,
    /// What stands in it while nobody writes.
    #[prop(into)]
    value: Signal<String>,
    /// The longest text, in characters.
    #[prop(default = 200)]
    length_max: u32,
    /// Whether only digits are meant.
    #[prop(optional)]
    is_number: bool,
    /// Takes what was written; says what is wrong with it, and the field then keeps it.
    commit: Callback<Written, Result<(), String>>,
    /// Told when the person is done with it: it lost the focus, or Enter or Escape was pressed.
    #[prop(optional)]
    on_done: Option<Callback<()>>,
) -> impl IntoView {
    let field = LineField {
        editor: expect_context(),
        input: NodeRef::new(),
        value,
        began: StoredValue::new(None),
        problem: RwSignal::new(None),
        commit,
        on_done,
    };
    field.follow_value();
    // A field that goes away with its panel is left, like one that loses the focus.
    on_cleanup(move || field.finish());
    let name = (!name.is_empty()).then_some(name);
    let test_id = (!test_id.is_empty()).then_some(test_id);
    view! {
        <label class="field">
            {(!label.is_empty()).then(|| view! { <span class="field-label">{label}</span> })}
            <input node_ref=field.input type="text" autocomplete="off" spellcheck="false"
                class="input" data-testid=test_id aria-label=name maxlength=length_max.to_string()
                inputmode=is_number.then_some("numeric")
                aria-invalid=reactive(move || field.problem.with(Option::is_some).then_some("true"))
                on:focus=handler(move |_| field.begin()) on:blur=handler(move |_| field.leave())
                on:keydown=move |event| field.key(&event) />
            {changing(move || field.problem.get().map(problem_view))}
        </label>
    }
}

/// What is wrong with what was written.
pub fn problem_view(problem: String) -> impl IntoView {
    view! {
        <span class="field-problem" role="alert">
            {problem}
        </span>
    }
}

#[derive(Clone, Copy)]
struct LineField {
    editor: Editor,
    input: NodeRef<html::Input>,
    value: Signal<String>,
    began: StoredValue<Option<(SeenMark, String)>>,
    problem: RwSignal<Option<String>>,
    commit: Callback<Written, Result<(), String>>,
    on_done: Option<Callback<()>>,
}

impl LineField {
    fn follow_value(self) {
        effect(move || {
            let value = self.value.get();
            let is_idle = self.began.with_value(Option::is_none);
            if let Some(input) = self.input.get().filter(|_| is_idle) {
                input.set_value(&value);
            }
        });
    }

    fn begin(self) {
        let began = (self.editor.seen(), self.value.get_untracked());
        self.began.set_value(Some(began));
    }

    /// May come once more after the field is gone, with the focus that the browser takes away.
    fn finish(self) {
        let began = self.began.try_get_value().flatten();
        let input = self.input.try_get_untracked().flatten();
        let (Some((seen, before)), Some(input)) = (began, input) else {
            return;
        };
        let text = input.value();
        let written = Written { seen, text };
        let problem = if written.text == before {
            None
        } else {
            self.commit.run(written).err()
        };
        if problem.is_none() {
            self.began.set_value(None);
            // What others wrote meanwhile shows again.
            input.set_value(&self.value.get_untracked());
        }
        self.problem.set(problem);
    }

    fn leave(self) {
        self.finish();
        if self.problem.try_with_untracked(Option::is_none) == Some(true) {
            self.done();
        }
    }

    fn done(self) {
        if let Some(on_done) = self.on_done {
            on_done.run(());
        }
    }

    fn key(self, event: &KeyboardEvent) {
        let Some(input) = self.input.get_untracked() else {
            return;
        };
        match event.key().as_str() {
            "Enter" => {
                self.finish();
                if self.problem.with_untracked(Option::is_none) {
                    // Still in the field: what comes next is another change.
                    self.begin();
                    self.done();
                }
            }
            "Escape" => {
                let began = self.began.get_value();
                let is_changed = began
                    .as_ref()
                    .is_some_and(|(_, before)| *before != input.value());
                if is_changed {
                    event.stop_propagation();
                }
                self.problem.set(None);
                input.set_value(&self.value.get_untracked());
                self.begin();
                self.done();
            }
            _ => {}
        }
    }
}
