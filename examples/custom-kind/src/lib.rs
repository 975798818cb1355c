//! A kind of record of one's own, for a board that says when somebody is to be woken.
//!
//! Keep kinds in a crate of their own, as here, and have the page, native clients and the server
//! depend on it: then an invalid value is refused in the same words wherever it is tried.
//! `tests/same_error.rs` shows it without a browser. To use it, hand [`schema`] to
//! `DashboardRealtimeProvider`'s property `schema`, to `Client::builder(…).schema(…)` and to
//! `Driftless::builder().schema(…)`.

use driftless_model::schema::RegisterError;
use driftless_model::{Kind, Leaf, LeafPath, PathRule, Schema, Shape, Value};

/// Wakes somebody when a value is too high.
#[derive(Debug)]
pub struct Alarm;

impl Alarm {
    /// From where on it rings, in percent. People decide on conflicts about it.
    pub const ABOVE: Leaf<f64> = Leaf::ask("above");
    /// How loud: `info`, `warning` or `page`.
    pub const SEVERITY: Leaf<String> = Leaf::ask("severity");
    /// Whom it wakes.
    pub const OWNER: Leaf<String> = Leaf::ask("owner");
    /// Until when it is quiet, in seconds since 1970. Whoever comes last decides.
    pub const QUIET_UNTIL_S: Leaf<f64> = Leaf::last_writer("quiet_until_s");
}

impl Kind for Alarm {
    const NAME: &'static str = "alarm";

    /// What a value may look like. A leaf that is not listed is one that this build does not know.
    fn rules() -> Vec<PathRule> {
        let (min, max) = (0.0, 100.0);
        let severities = ["info", "warning", "page"].map(str::to_owned);
        vec![
            Self::ABOVE.shaped(Shape::Number { min, max }),
            Self::SEVERITY.shaped(Shape::Choice(severities.to_vec())),
            Self::OWNER.shaped(Shape::Text { bytes_max: 64 }),
            Self::QUIET_UNTIL_S.rule(),
        ]
    }

    /// What shapes cannot say, in words for whoever typed the value.
    fn check(leaf: &LeafPath, value: &Value) -> Result<(), String> {
        let is_nobody = value.as_text().is_some_and(|owner| owner.trim().is_empty());
        if *leaf == Self::OWNER.path() && is_nobody {
            return Err("an alarm wakes somebody: name them".to_owned());
        }
        Ok(())
    }
}

/// Every kind of this application: the built-in ones and its own.
pub fn schema() -> Result<Schema, RegisterError> {
    Schema::builtin().register::<Alarm>()
}
