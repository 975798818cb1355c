//! The kinds that the dashboard itself uses. An application registers its own beside them.

use crate::schema::{Kind, Leaf, PathRule, Policy, Schema, Shape};
use crate::value::Value;

/// The title, which every kind has.
pub const TITLE: Leaf<String> = Leaf::ask("title");

/// The board's own settings: the record `board`.
#[derive(Debug)]
pub struct BoardSettings;

impl BoardSettings {
    /// What the board is for.
    pub const DESCRIPTION: Leaf<String> = Leaf::ask("description");
    /// The time range that a viewer starts with, in seconds.
    pub const RANGE_S: Leaf<f64> = Leaf::ask("range_s");
}

impl Kind for BoardSettings {
    const NAME: &'static str = "board";

    fn rules() -> Vec<PathRule> {
        let range = Shape::Number {
            min: 10.0,
            max: 86_400.0 * 366.0,
        };
        vec![Self::DESCRIPTION.rule(), Self::RANGE_S.shaped(range)]
    }
}

/// What every widget that shows a feed has.
fn feed_rules() -> Vec<PathRule> {
    vec![
        QUERY.rule(),
        UNIT.shaped(Shape::Text { bytes_max: 32 }),
        options(),
    ]
}

fn options() -> PathRule {
    PathRule {
        path: "options/*".to_owned(),
        policy: Policy::Ask,
        shape: Shape::Any,
        formerly: Vec::new(),
    }
}

/// The query of a widget's feed: a map, `{"selector", "window_s", "step_s", "aggregate"}`.
pub const QUERY: Leaf<Value> = Leaf::ask("query");
/// The unit of its values: `%`, `bytes`, `bytes/s`, or any short text.
pub const UNIT: Leaf<String> = Leaf::ask("unit");

macro_rules! feed_kind {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Kind for $name {
            const NAME: &'static str = $kind;

            fn rules() -> Vec<PathRule> {
                feed_rules()
            }
        }
    };
}

feed_kind!(
    /// Lines over time.
    Chart, "chart"
);
feed_kind!(
    /// One number, large.
    Stat, "stat"
);
feed_kind!(
    /// A bar for each series.
    Bars, "bars"
);
feed_kind!(
    /// A row for each series.
    Table, "table"
);

/// Text that people write.
#[derive(Debug)]
pub struct Note;

impl Note {
    /// The text.
    pub const TEXT: Leaf<String> = Leaf::ask("text");
}

impl Kind for Note {
    const NAME: &'static str = "note";

    fn rules() -> Vec<PathRule> {
        vec![Self::TEXT.rule(), options()]
    }
}

impl Schema {
    /// The kinds that the dashboard itself uses.
    pub fn builtin() -> Self {
        let schema = Self::empty().register::<BoardSettings>();
        let schema = schema.and_then(Self::register::<Chart>);
        let schema = schema.and_then(Self::register::<Stat>);
        let schema = schema.and_then(Self::register::<Bars>);
        let schema = schema.and_then(Self::register::<Table>);
        schema
            .and_then(Self::register::<Note>)
            .expect("the built-in kinds do not overlap")
    }
}
