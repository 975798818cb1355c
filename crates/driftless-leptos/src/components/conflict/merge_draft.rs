//! What a person types into a merge field, and the value that it becomes.

use driftless_model::Value;
use driftless_sync::replica::view::ConflictLeaf;

/// How a leaf is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// As it is: the leaf holds text.
    Text,
    /// As JSON. Nothing typed takes the leaf away.
    Json,
}

impl Field {
    /// Text where every value that the leaf had or has is text.
    pub(super) fn of(leaf: &ConflictLeaf) -> Self {
        let mut values = [&leaf.base, &leaf.mine, &leaf.theirs].into_iter().flatten();
        let is_text = |value: &Value| value.as_text().is_some();
        match values.next() {
            Some(first) if is_text(first) && values.all(is_text) => Self::Text,
            _ => Self::Json,
        }
    }

    /// What stands in the field for a value.
    pub(super) fn draft(self, value: Option<&Value>) -> String {
        match (self, value) {
            (_, None) => String::new(),
            (Self::Text, Some(value)) => value.as_text().unwrap_or_default().to_owned(),
            (Self::Json, Some(value)) => {
                serde_json::to_string_pretty(value).expect("a value is JSON")
            }
        }
    }

    /// The value of what stands in the field, or what is wrong with it.
    pub(super) fn parse(self, draft: &str) -> Result<Option<Value>, String> {
        match self {
            Self::Text => Ok(Some(Value::Text(draft.to_owned()))),
            Self::Json if draft.trim().is_empty() => Ok(None),
            Self::Json => serde_json::from_str(draft)
                .map(Some)
                .map_err(|error| error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use driftless_model::{LeafRef, RecordId, Version};

    use super::*;

    fn leaf(base: Option<Value>, mine: Option<Value>, theirs: Option<Value>) -> ConflictLeaf {
        let record = RecordId::new("cpu").expect("an id");
        ConflictLeaf {
            at: LeafRef { record, leaf: None },
            base,
            theirs,
            mine,
            is_stale: true,
            author: None,
            version: Version(1),
        }
    }

    #[test]
    fn a_leaf_is_edited_as_text_only_where_it_never_was_anything_else() {
        let field = Field::of(&leaf(None, Some("a".into()), Some("b".into())));
        assert_eq!(field, Field::Text);
        let field = Field::of(&leaf(Some(1.into()), Some("a".into()), Some("b".into())));
        assert_eq!(field, Field::Json);
        assert_eq!(Field::of(&leaf(None, None, None)), Field::Json);
    }

    #[test]
    fn text_is_taken_as_it_is_typed() {
        assert_eq!(Field::Text.parse("7"), Ok(Some("7".into())));
        assert_eq!(Field::Text.parse(""), Ok(Some("".into())));
    }

    #[test]
    fn anything_else_is_json_and_nothing_takes_the_leaf_away() {
        assert_eq!(Field::Json.parse(" 7 "), Ok(Some(7.into())));
        assert_eq!(Field::Json.parse("  "), Ok(None));
        assert!(Field::Json.parse("{\"a\":").is_err());
        assert!(Field::Json.parse("1e999").is_err());
    }

    #[test]
    fn a_value_comes_back_as_it_was() {
        let value: Value = serde_json::from_str(r#"{"a": [1, null, "x"]}"#).expect("JSON");
        let draft = Field::Json.draft(Some(&value));
        assert_eq!(Field::Json.parse(&draft), Ok(Some(value)));
    }
}
