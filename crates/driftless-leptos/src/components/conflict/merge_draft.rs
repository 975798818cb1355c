//! What a person types into a merge field, and the value that it becomes.

use driftless_client::Client;
use driftless_model::{KindName, LeafRef, Value};
use driftless_sync::replica::view::ConflictLeaf;
use leptos::prelude::*;

use crate::leaf_editor::{LeafField, NoValue};
use crate::texts::{Texts, fill};

/// What is typed into one merge field.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) field: LeafField,
    pub(super) text: ArcRwSignal<String>,
    client: Client,
    at: LeafRef,
    /// The record's, while it is on the board.
    kind: Option<KindName>,
}

impl Draft {
    pub(super) fn new(client: Client, kind: Option<KindName>, leaf: &ConflictLeaf) -> Self {
        let field = {
            let path = leaf.at.leaf.as_ref();
            let rule = kind.as_ref().zip(path);
            let rule = rule.and_then(|(kind, path)| client.schema().rule(kind, path));
            let values = [&leaf.base, &leaf.mine, &leaf.theirs];
            let values: Vec<&Value> = values.into_iter().flatten().collect();
            LeafField::of(rule.map(|rule| &rule.shape), &values)
        };
        let start = leaf.mine.as_ref().or(leaf.theirs.as_ref());
        Self {
            text: ArcRwSignal::new(field.draft(start)),
            field,
            client,
            at: leaf.at.clone(),
            kind,
        }
    }

    /// The value, or what is wrong with it, in words: nothing that a server would refuse is sent.
    pub(super) fn value(&self, draft: &str, texts: &Texts) -> Result<Option<Value>, String> {
        let value = self.field.parse(draft).map_err(|error| match error {
            NoValue::NoNumber => texts.merge_no_number.to_string(),
            NoValue::NoJson(error) => fill(&texts.merge_invalid, &[("error", &error)]),
        })?;
        if let Some(path) = &self.at.leaf {
            let (schema, kind) = (self.client.schema(), self.kind.as_ref());
            let fits = schema.validate_value(&self.at.record, kind, path, value.as_ref());
            fits.map_err(|error| fill(&texts.merge_refused, &[("error", &error.to_string())]))?;
        }
        Ok(value)
    }
}
