//! A kind of record of the application's own. Browser, native client and server share it, so that
//! all of them refuse the same values.

use driftless_model::{Kind, Leaf, LeafPath, PathRule, Shape, Value};

/// A valve of the plant.
#[derive(Debug)]
pub struct Valve;

impl Valve {
    /// How far it is open, in percent.
    pub const OPEN: Leaf<f64> = Leaf::ask("open");
}

impl Kind for Valve {
    const NAME: &'static str = "valve";

    fn rules() -> Vec<PathRule> {
        let (min, max) = (0.0, 100.0);
        vec![Self::OPEN.shaped(Shape::Number { min, max })]
    }

    fn check(leaf: &LeafPath, value: &Value) -> Result<(), String> {
        let is_step = value.as_f64().is_some_and(|percent| percent % 5.0 == 0.0);
        if *leaf == Self::OPEN.path() && !is_step {
            return Err("the valve moves in steps of 5 percent".to_owned());
        }
        Ok(())
    }
}
