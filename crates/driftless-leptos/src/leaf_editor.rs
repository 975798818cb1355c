//! The editor of one leaf, made from what the schema says of its value.

use driftless_model::{Shape, Value};
use leptos::prelude::*;

use crate::erased::reactive;
use crate::texts::use_texts;

/// How a leaf is edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeafField {
    /// As it is: the leaf holds text.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Bool,
    /// One of these texts.
    Choice(Vec<String>),
    /// As JSON.
    Json,
}

/// Why what stands in a field is no value for its leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoValue {
    /// It is not JSON; what is wrong with it.
    NoJson(String),
    /// It is no number.
    NoNumber,
}

impl LeafField {
    /// The field for a leaf of this shape, where every value that it had or has fits that; else
    /// JSON, which shows whatever there is. Where any value will do, text is edited as text if the
    /// leaf never held anything else.
    pub fn of(shape: Option<&Shape>, values: &[&Value]) -> Self {
        let is_text = |value: &&Value| value.as_text().is_some();
        let shape = shape.filter(|shape| values.iter().all(|value| shape.fits(value)));
        match shape {
            Some(Shape::Text { .. }) => Self::Text,
            Some(Shape::Number { .. }) => Self::Number,
            Some(Shape::Bool) => Self::Bool,
            Some(Shape::Choice(choices)) => Self::Choice(choices.clone()),
            _ if !values.is_empty() && values.iter().all(is_text) => Self::Text,
            _ => Self::Json,
        }
    }

    /// What stands in the field for a value.
    pub fn draft(&self, value: Option<&Value>) -> String {
        match value {
            None => String::new(),
            Some(Value::Text(text)) if matches!(self, Self::Text | Self::Choice(_)) => text.clone(),
            Some(value) => driftless_protocol::to_json_pretty(value),
        }
    }

    /// The value of what stands in the field. Nothing in it takes the leaf away, but for text,
    /// which may be empty.
    pub fn parse(&self, draft: &str) -> Result<Option<Value>, NoValue> {
        let draft = if *self == Self::Text {
            return Ok(Some(draft.into()));
        } else {
            draft.trim()
        };
        if draft.is_empty() {
            return Ok(None);
        }
        match self {
            Self::Choice(_) => Ok(Some(draft.into())),
            Self::Number => match serde_json::from_str(draft) {
                Ok(number @ Value::Number(_)) => Ok(Some(number)),
                _ => Err(NoValue::NoNumber),
            },
            _ => serde_json::from_str(draft)
                .map(Some)
                .map_err(|error| NoValue::NoJson(error.to_string())),
        }
    }

    /// What can be chosen: what stands in the field, and the words for it.
    fn choices(&self) -> Option<Vec<(String, String)>> {
        let texts = use_texts();
        let mut choices = vec![(String::new(), texts.absent.to_string())];
        match self {
            Self::Bool => choices.extend([
                ("true".to_owned(), texts.leaf_true.to_string()),
                ("false".to_owned(), texts.leaf_false.to_string()),
            ]),
            Self::Choice(all) => {
                choices.extend(all.iter().map(|choice| (choice.clone(), choice.clone())));
            }
            _ => return None,
        }
        Some(choices)
    }
}

/// A field of the right kind for a leaf: a list of choices, a line for a number, an area for text
/// and JSON. What stands in it is `text`, to be read by [`LeafField::parse`].
///
/// Part: what `part` says; `data-field` is `text`, `number`, `choice` or `json`, `aria-invalid`
/// what `is_invalid` says.
#[component]
pub fn LeafEditor(
    /// Which.
    field: LeafField,
    /// What stands in it.
    text: RwSignal<String>,
    /// Whether that is no value for the leaf.
    #[prop(into)]
    is_invalid: Signal<bool>,
    /// The element's id, for its label.
    #[prop(into)]
    id: String,
    /// The id of the element that says what is wrong.
    #[prop(into)]
    described_by: String,
    /// Its part.
    #[prop(default = "leaf-editor")]
    part: &'static str,
    /// A hook for tests: `data-testid`.
    #[prop(default = "leaf-editor")]
    test_id: &'static str,
) -> impl IntoView {
    let is_invalid = reactive(move || is_invalid.get().to_string());
    if let Some(choices) = field.choices() {
        let options = choices.into_iter().map(|(value, words)| {
            let own = value.clone();
            let is_chosen = move || text.with(|text| *text == own);
            view! { <option value=value prop:selected=is_chosen>{words}</option> }
        });
        return view! {
            <select id=id data-part=part data-testid=test_id data-field="choice"
                aria-invalid=is_invalid aria-describedby=described_by
                on:change:target=move |event| text.set(event.target().value())>
                {options.collect_view()}
            </select>
        }
        .into_any();
    }
    if field == LeafField::Number {
        return view! {
            <input id=id type="text" inputmode="decimal" autocomplete="off" data-part=part
                data-testid=test_id data-field="number" aria-invalid=is_invalid
                aria-describedby=described_by prop:value=reactive(move || text.get())
                on:input:target=move |event| text.set(event.target().value()) />
        }
        .into_any();
    }
    let is_text = field == LeafField::Text;
    view! {
        <textarea id=id data-part=part data-testid=test_id
            data-field=if is_text { "text" } else { "json" }
            rows=reactive(move || text.with(|text| text.lines().count().clamp(1, 8).to_string()))
            spellcheck=is_text.to_string()
            aria-invalid=is_invalid aria-describedby=described_by
            prop:value=reactive(move || text.get())
            on:input:target=move |event| text.set(event.target().value())></textarea>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: Shape = Shape::Text { bytes_max: 5 };
    const NUMBER: Shape = Shape::Number { min: 0.0, max: 9.0 };

    fn value(json: &str) -> Value {
        serde_json::from_str(json).expect("JSON")
    }

    fn choice() -> Shape {
        Shape::Choice(vec!["on".to_owned(), "off".to_owned()])
    }

    #[test]
    fn the_schema_decides_where_every_value_fits_it() {
        let (seven, word) = (value("7"), value("\"on\""));
        assert_eq!(LeafField::of(Some(&NUMBER), &[&seven]), LeafField::Number);
        assert_eq!(LeafField::of(Some(&Shape::Bool), &[]), LeafField::Bool);
        assert_eq!(LeafField::of(Some(&TEXT), &[]), LeafField::Text);
        let choices = LeafField::of(Some(&choice()), &[&word]);
        assert_eq!(choices, LeafField::Choice(vec!["on".into(), "off".into()]));
        assert_eq!(
            LeafField::of(Some(&NUMBER), &[&seven, &word]),
            LeafField::Json
        );
        assert_eq!(LeafField::of(Some(&Shape::Place), &[]), LeafField::Json);
    }

    #[test]
    fn without_a_word_of_the_schema_it_is_text_only_where_it_never_was_anything_else() {
        let (word, seven) = (value("\"a\""), value("7"));
        assert_eq!(LeafField::of(None, &[&word, &word]), LeafField::Text);
        assert_eq!(LeafField::of(Some(&Shape::Any), &[&word]), LeafField::Text);
        assert_eq!(LeafField::of(None, &[&seven, &word]), LeafField::Json);
        assert_eq!(LeafField::of(None, &[]), LeafField::Json);
    }

    #[test]
    fn text_is_taken_as_it_is_typed() {
        assert_eq!(LeafField::Text.parse(" 7"), Ok(Some(" 7".into())));
        assert_eq!(LeafField::Text.parse(""), Ok(Some("".into())));
    }

    #[test]
    fn nothing_takes_any_other_leaf_away() {
        let all = [
            LeafField::Number,
            LeafField::Bool,
            LeafField::Choice(vec![]),
            LeafField::Json,
        ];
        for field in all {
            assert_eq!(field.parse("  "), Ok(None), "{field:?}");
        }
    }

    #[test]
    fn what_is_no_value_is_told_apart() {
        assert_eq!(LeafField::Number.parse(" 7.5 "), Ok(Some(value("7.5"))));
        for draft in ["seven", "true", "1e999", "[7]"] {
            assert_eq!(
                LeafField::Number.parse(draft),
                Err(NoValue::NoNumber),
                "{draft}"
            );
        }
        assert!(matches!(
            LeafField::Json.parse("{\"a\":"),
            Err(NoValue::NoJson(_))
        ));
        assert!(LeafField::Json.parse("1e999").is_err());
    }

    #[test]
    fn a_value_comes_back_as_it_was() {
        let cases = [
            (LeafField::Json, r#"{"a": [1, null, "x"]}"#),
            (LeafField::Bool, "false"),
            (LeafField::Number, "0.1"),
            (LeafField::Choice(vec!["on".to_owned()]), "\"on\""),
            (LeafField::Text, "\"two\\nlines\""),
        ];
        for (field, json) in cases {
            let value = value(json);
            assert_eq!(
                field.parse(&field.draft(Some(&value))),
                Ok(Some(value)),
                "{json}"
            );
        }
    }
}
