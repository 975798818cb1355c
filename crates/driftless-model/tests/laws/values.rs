//! Values: finite numbers with one zero, the same after any journey.

use driftless_model::{Number, Value, limits};
use proptest::prelude::*;

fn any_value() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", Value::number),
        any::<i32>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    plain.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Map(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_value_survives_json_to_the_last_bit(value in any_value()) {
        let json = serde_json::to_string(&value).expect("can be written");
        let again: Value = serde_json::from_str(&json).expect("can be read");
        prop_assert_eq!(&again, &value);
        prop_assert_eq!(serde_json::to_string(&again).expect("can be written"), json);
    }

    #[test]
    fn a_number_is_finite_and_has_one_zero(bits: u64) {
        let number = f64::from_bits(bits);
        match Number::new(number) {
            Some(kept) => {
                let expected = if number.abs() > 0.0 { number } else { 0.0 };
                prop_assert_eq!(kept.as_f64().to_bits(), expected.to_bits());
            }
            None => prop_assert!(!number.is_finite()),
        }
    }

    #[test]
    fn a_value_weighs_at_least_its_text(value in any_value()) {
        fn text_bytes(value: &Value) -> usize {
            match value {
                Value::Text(text) => text.len(),
                Value::List(list) => list.iter().map(text_bytes).sum(),
                Value::Map(map) => {
                    let entries = map.iter();
                    entries.map(|(key, value)| key.len() + text_bytes(value)).sum()
                }
                _ => 0,
            }
        }
        prop_assert!(value.weight_bytes() > text_bytes(&value));
        prop_assert!(value.depth() < value.weight_bytes());
    }
}

#[test]
fn numbers_that_no_f64_holds_are_refused() {
    for text in ["1e999", "-1e999", "[1e400]", "NaN", "Infinity"] {
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
    }
    let zero: Value = serde_json::from_str("-0.0").expect("a number");
    assert_eq!(serde_json::to_string(&zero).expect("can be written"), "0");
}

#[test]
fn json_that_nests_without_end_is_refused_and_not_followed() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let at_limit: Value = serde_json::from_str(&deep(limits::VALUE_DEPTH_MAX)).expect("is read");
    assert_eq!(at_limit.depth(), limits::VALUE_DEPTH_MAX);
    assert!(serde_json::from_str::<Value>(&deep(100_000)).is_err());
}
