//! How a comparison is shown.

use driftless_model::Value;
use leptos::prelude::*;

use super::lines::{Line, Mark, Part, compare};
use crate::texts::use_texts;

/// A value as JSON; what differs from `reference` is a `<mark>` (`data-mark="changed"`) or, where
/// something is missing, a `<del>`, each announced to screen readers by its role.
///
/// `value` absent: the text for "nothing". `plain`: nothing is marked.
#[component]
pub fn JsonCompare(
    /// What is shown.
    value: Option<Value>,
    /// What it is compared with.
    #[prop(optional)]
    reference: Option<Value>,
    /// Without marks: the value that others are compared with.
    #[prop(optional)]
    plain: bool,
    /// Classes of the outermost element.
    #[prop(into, optional)]
    class: String,
) -> impl IntoView {
    let absent = use_texts().absent.clone();
    let content = match value {
        None => view! { <em data-part="json-absent">{absent}</em> }.into_any(),
        Some(value) => {
            let reference = if plain {
                Some(&value)
            } else {
                reference.as_ref()
            };
            let lines = compare(&value, reference);
            lines.into_iter().map(line).collect_view().into_any()
        }
    };
    view! { <pre class=class data-part="json">{content}</pre> }
}

fn line(line: Line) -> impl IntoView {
    let indent = "  ".repeat(line.depth);
    view! {
        <span data-part="json-line">
            {indent} {line.parts.into_iter().map(part).collect_view()} "\n"
        </span>
    }
}

fn part(part: Part) -> AnyView {
    let text = part.text;
    match part.mark {
        Mark::Same => text.into_any(),
        Mark::Changed => view! { <mark data-mark="changed">{text}</mark> }.into_any(),
        Mark::Removed => view! { <del data-mark="removed">{text}</del> }.into_any(),
    }
}
