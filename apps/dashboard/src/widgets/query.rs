//! The query leaf of a widget: from its value, to its value, and as a person fills it in.

use driftless_model::SortedMap;
use driftless_model::Value;
use driftless_protocol::feed::{Aggregate, Query};

/// Window of a query that does not say, in seconds.
const WINDOW_S: u32 = 300;

/// Step of a query that does not say, in seconds.
const STEP_S: u32 = 1;

/// Reads the leaf; `None` where it names no series.
pub fn from_value(value: &Value) -> Option<Query> {
    let map = value.as_map()?;
    let selector = map.get("selector").and_then(Value::as_text)?.trim();
    let aggregate = map
        .get("aggregate")
        .and_then(Value::as_text)
        .unwrap_or("avg");
    let known = Aggregate::NAMED
        .into_iter()
        .find(|(name, _)| *name == aggregate);
    (!selector.is_empty()).then(|| Query {
        selector: selector.to_owned(),
        window_s: seconds(map, "window_s", WINDOW_S),
        step_s: seconds(map, "step_s", STEP_S),
        aggregate: known.map_or(Aggregate::Avg, |(_, aggregate)| aggregate),
    })
}

/// Whole seconds from 1; anything else is what a query that does not say has.
fn seconds(map: &SortedMap<String, Value>, key: &str, otherwise: u32) -> u32 {
    let number = map
        .get(key)
        .and_then(Value::as_f64)
        .filter(|number| *number >= 1.0);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "casts saturate, and it is not negative"
    )]
    number.map_or(otherwise, |number| number.round() as u32)
}

/// Writes the leaf.
pub fn to_value(query: &Query) -> Value {
    let aggregate = Aggregate::NAMED
        .into_iter()
        .find(|(_, known)| *known == query.aggregate);
    let entries = [
        ("selector", Value::from(query.selector.as_str())),
        ("window_s", Value::from(query.window_s)),
        ("step_s", Value::from(query.step_s)),
        (
            "aggregate",
            Value::from(aggregate.map_or("avg", |(name, _)| name)),
        ),
    ];
    Value::Map(entries.map(|(key, value)| (key.to_owned(), value)).into())
}

/// A part of the query that a person fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Which series.
    Selector,
    /// How far back.
    Window,
    /// How fine.
    Step,
    /// How samples become one value.
    Aggregate,
}

impl Part {
    /// What stands in its field.
    pub fn text(self, query: &Query) -> String {
        match self {
            Self::Selector => query.selector.clone(),
            Self::Window => query.window_s.to_string(),
            Self::Step => query.step_s.to_string(),
            Self::Aggregate => {
                let known = Aggregate::NAMED
                    .into_iter()
                    .find(|(_, known)| *known == query.aggregate);
                known.map_or("avg", |(name, _)| name).to_owned()
            }
        }
    }

    /// The query with this part as filled in; what is wrong with it otherwise.
    pub fn filled(self, query: &Query, text: &str) -> Result<Query, String> {
        let mut query = query.clone();
        match self {
            Self::Selector => text.trim().clone_into(&mut query.selector),
            Self::Window => query.window_s = whole_seconds(text)?,
            Self::Step => query.step_s = whole_seconds(text)?,
            Self::Aggregate => {
                let known = Aggregate::NAMED.into_iter().find(|(name, _)| *name == text);
                query.aggregate = known.ok_or("Choose one of the list")?.1;
            }
        }
        match driftless_feeds::FeedData::new(&query).error {
            Some(error) => Err(error),
            None => Ok(query),
        }
    }
}

fn whole_seconds(text: &str) -> Result<u32, String> {
    let parsed = text.trim().parse().ok().filter(|seconds| *seconds >= 1);
    parsed.ok_or_else(|| "Whole seconds, at least 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query() -> Query {
        Query {
            selector: "host_cpu_percent".to_owned(),
            window_s: 300,
            step_s: 2,
            aggregate: Aggregate::Max,
        }
    }

    #[test]
    fn a_query_survives_its_leaf() {
        assert_eq!(from_value(&to_value(&query())), Some(query()));
    }

    #[test]
    fn a_leaf_that_says_little_has_defaults_and_one_without_series_is_none() {
        let map = [
            ("selector".to_owned(), Value::from("a")),
            ("step_s".to_owned(), Value::from("x")),
        ];
        let read = from_value(&Value::Map(map.into())).expect("it names a series");
        assert_eq!(
            (read.window_s, read.step_s, read.aggregate),
            (WINDOW_S, STEP_S, Aggregate::Avg)
        );
        let map = [("selector".to_owned(), Value::from("  "))];
        assert_eq!(from_value(&Value::Map(map.into())), None);
        assert_eq!(from_value(&Value::Null), None);
    }

    #[test]
    fn a_field_fills_its_own_part_only() {
        let filled = Part::Window
            .filled(&query(), " 60 ")
            .expect("whole seconds");
        assert_eq!(
            filled,
            Query {
                window_s: 60,
                ..query()
            }
        );
        for (part, text) in [
            (Part::Selector, "host_cpu_percent"),
            (Part::Window, "300"),
            (Part::Step, "2"),
            (Part::Aggregate, "max"),
        ] {
            assert_eq!(part.text(&query()), text);
            assert_eq!(part.filled(&query(), text), Ok(query()));
        }
    }

    #[test]
    fn what_the_server_would_refuse_is_said_at_once() {
        assert!(Part::Step.filled(&query(), "0").is_err());
        assert!(Part::Step.filled(&query(), "1.5").is_err());
        assert!(Part::Selector.filled(&query(), "a{").is_err());
        assert!(
            Part::Window.filled(&query(), "1").is_err(),
            "less than one step"
        );
    }
}
