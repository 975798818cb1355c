//! What the dial's value is kept in: shared by the page and the server, so that both refuse the
//! same.

use driftless_model::{Kind, Leaf, PathRule, Schema, Shape};

/// A thermostat on a board.
#[derive(Debug)]
pub struct Thermostat;

impl Thermostat {
    /// To what it heats, in degrees Celsius.
    pub const TARGET: Leaf<f64> = Leaf::ask("target");
}

impl Kind for Thermostat {
    const NAME: &'static str = "thermostat";

    fn rules() -> Vec<PathRule> {
        let (min, max) = (5.0, 30.0);
        vec![Self::TARGET.shaped(Shape::Number { min, max })]
    }
}

/// The kinds of this application: the built-in ones and its own.
pub fn schema() -> Schema {
    let schema = Schema::builtin().register::<Thermostat>();
    schema.expect("no built-in kind is called thermostat")
}
