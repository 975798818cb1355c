//! The kinds that the dashboard itself uses. An application registers its own beside them.

use crate::schema::{Kind, Leaf, PathRule, Policy, Schema, Shape};
use crate::value::Value;

/// The title, which every kind has.
///
/// ```
/// use driftless_model::builtin::TITLE;
/// use driftless_model::{KindName, Schema};
///
/// assert_eq!(TITLE.path().as_str(), "title");
/// let schema = Schema::builtin();
/// assert!(schema.kinds().all(|kind| schema.rule(&kind.name, &TITLE.path()).is_some()));
/// ```
pub const TITLE: Leaf<String> = Leaf::ask("title");

/// The board's own settings: the record `board`.
///
/// ```
/// use driftless_model::{BoardSettings, Kind};
///
/// assert_eq!(BoardSettings::NAME, "board");
/// assert!(BoardSettings::rules().contains(&BoardSettings::DESCRIPTION.rule()));
/// ```
#[derive(Debug)]
pub struct BoardSettings;

impl BoardSettings {
    /// What the board is for.
    ///
    /// ```
    /// use driftless_model::{BoardSettings, Policy};
    ///
    /// assert_eq!(BoardSettings::DESCRIPTION.path().as_str(), "description");
    /// assert_eq!(BoardSettings::DESCRIPTION.rule().policy, Policy::Ask);
    /// ```
    pub const DESCRIPTION: Leaf<String> = Leaf::ask("description");
    /// The time range that a viewer starts with, in seconds.
    ///
    /// ```
    /// use driftless_model::{BoardSettings, Kind, Value};
    ///
    /// let rules = BoardSettings::rules();
    /// let path = BoardSettings::RANGE_S.path();
    /// let range = rules.iter().find(|rule| rule.path == path.as_str()).expect("there is one");
    /// assert!(range.shape.fits(&Value::from(3_600)));
    /// assert!(!range.shape.fits(&Value::from(5))); // at least ten seconds
    /// ```
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
///
/// ```
/// use driftless_model::Value;
/// use driftless_model::builtin::QUERY;
///
/// assert_eq!(QUERY.path().as_str(), "query");
/// let query: Value = serde_json::from_str(r#"{"selector": "cpu_percent", "window_s": 60}"#)?;
/// assert!(QUERY.rule().shape.fits(&query));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub const QUERY: Leaf<Value> = Leaf::ask("query");
/// The unit of its values: `%`, `bytes`, `bytes/s`, or any short text.
///
/// ```
/// use driftless_model::builtin::UNIT;
/// use driftless_model::{Chart, KindName, Kind, Schema};
///
/// let schema = Schema::builtin();
/// let rule = schema.rule(&KindName::new(Chart::NAME)?, &UNIT.path()).expect("charts have one");
/// assert!(rule.shape.fits(&"bytes/s".into()));
/// assert!(!rule.shape.fits(&"a unit longer than any that is used".into()));
/// # Ok::<(), driftless_model::IdError>(())
/// ```
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
    ///
    /// ```
    /// use driftless_model::builtin::QUERY;
    /// use driftless_model::{Chart, Kind};
    ///
    /// assert_eq!(Chart::NAME, "chart");
    /// assert!(Chart::rules().contains(&QUERY.rule()));
    /// ```
    Chart, "chart"
);
feed_kind!(
    /// One number, large.
    ///
    /// ```
    /// use driftless_model::builtin::QUERY;
    /// use driftless_model::{Kind, Stat};
    ///
    /// assert_eq!(Stat::NAME, "stat");
    /// assert!(Stat::rules().contains(&QUERY.rule()));
    /// ```
    Stat, "stat"
);
feed_kind!(
    /// A bar for each series.
    ///
    /// ```
    /// use driftless_model::builtin::QUERY;
    /// use driftless_model::{Bars, Kind};
    ///
    /// assert_eq!(Bars::NAME, "bars");
    /// assert!(Bars::rules().contains(&QUERY.rule()));
    /// ```
    Bars, "bars"
);
feed_kind!(
    /// A row for each series.
    ///
    /// ```
    /// use driftless_model::builtin::QUERY;
    /// use driftless_model::{Kind, Table};
    ///
    /// assert_eq!(Table::NAME, "table");
    /// assert!(Table::rules().contains(&QUERY.rule()));
    /// ```
    Table, "table"
);

/// Text that people write.
///
/// ```
/// use driftless_model::{Kind, Note};
///
/// assert_eq!(Note::NAME, "note");
/// assert!(Note::rules().contains(&Note::TEXT.rule()));
/// ```
#[derive(Debug)]
pub struct Note;

impl Note {
    /// The text.
    ///
    /// ```
    /// use driftless_model::Note;
    ///
    /// assert_eq!(Note::TEXT.path().as_str(), "text");
    /// assert!(Note::TEXT.rule().shape.fits(&"Back at noon".into()));
    /// ```
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
    ///
    /// ```
    /// use driftless_model::Schema;
    ///
    /// let schema = Schema::builtin();
    /// let kinds: Vec<&str> = schema.kinds().map(|kind| kind.name.as_str()).collect();
    /// assert_eq!(kinds, ["bars", "board", "chart", "note", "stat", "table"]);
    /// ```
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
