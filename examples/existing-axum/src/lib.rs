//! A kind of record of the application's own. Browser, native client and server share it, so that
//! all of them refuse the same values.

use driftless_model::{Kind, Leaf, PathRule, Shape};

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
}
