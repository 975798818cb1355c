//! Values of leaves: like JSON, numbers finite.

use std::fmt;

use crate::sorted::SortedMap;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A finite f64 with −0 made 0, so that equal numbers are equal bits.
///
/// ```
/// use driftless_model::Number;
///
/// assert_eq!(Number::new(-0.0), Number::new(0.0));
/// assert_eq!(Number::new(f64::INFINITY), None);
/// ```
#[derive(Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Number(f64);

impl Number {
    /// Wraps a number; `None` where it is infinite or not a number.
    ///
    /// ```
    /// use driftless_model::Number;
    ///
    /// assert!(Number::new(2.5).is_some());
    /// assert!(Number::new(f64::NAN).is_none());
    /// ```
    pub fn new(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self(number + 0.0))
    }

    /// The number.
    ///
    /// ```
    /// use driftless_model::Number;
    ///
    /// assert_eq!(Number::new(2.5).map(Number::as_f64), Some(2.5));
    /// ```
    pub fn as_f64(self) -> f64 {
        self.0
    }

    /// The number where it is written as an integer: a whole one below 2⁵³.
    ///
    /// ```
    /// use driftless_model::Number;
    ///
    /// assert_eq!(Number::new(-3.0).and_then(Number::as_whole), Some(-3));
    /// assert_eq!(Number::new(2.5).and_then(Number::as_whole), None);
    /// ```
    #[allow(clippy::cast_possible_truncation, reason = "checked to be an integer")]
    pub fn as_whole(self) -> Option<i64> {
        let is_whole = self.0.abs() < INTEGER_MAX && self.0.fract() == 0.0;
        is_whole.then_some(self.0 as i64)
    }
}

// Finite, so reflexive.
impl Eq for Number {}

impl fmt::Debug for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&decimal(self.0))
    }
}

/// The shortest decimal that is read as this number. What JSON is written with: a browser has one
/// way to write numbers instead of two.
pub(crate) fn decimal(number: f64) -> String {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format(number);
    text.strip_suffix(".0").unwrap_or(text).to_owned()
}

/// A JSON-like value. Atomic: a leaf is replaced whole.
///
/// ```
/// use driftless_model::Value;
///
/// let query: Value = serde_json::from_str(r#"{"selector": "load1", "window_s": 60}"#)?;
/// let map = query.as_map().expect("it is one");
/// assert_eq!((&map["selector"], &map["window_s"]), (&"load1".into(), &60.into()));
/// assert_eq!(serde_json::to_string(&query)?, r#"{"selector":"load1","window_s":60}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Value {
    /// Nothing, said on purpose. An absent leaf is something else.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A finite number.
    Number(Number),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// Named values.
    Map(SortedMap<String, Value>),
}

impl Value {
    /// A number; `None` where it is not finite.
    ///
    /// ```
    /// use driftless_model::Value;
    ///
    /// assert_eq!(Value::number(2.0), Some(Value::from(2)));
    /// assert_eq!(Value::number(f64::NAN), None);
    /// ```
    pub fn number(number: f64) -> Option<Self> {
        Number::new(number).map(Self::Number)
    }

    /// The text, where it is one.
    ///
    /// ```
    /// use driftless_model::Value;
    ///
    /// assert_eq!(Value::from("CPU").as_text(), Some("CPU"));
    /// assert_eq!(Value::from(7).as_text(), None);
    /// ```
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, where it is one.
    ///
    /// ```
    /// use driftless_model::Value;
    ///
    /// assert_eq!(Value::from(7).as_f64(), Some(7.0));
    /// assert_eq!(Value::from("7").as_f64(), None);
    /// ```
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number.as_f64()),
            _ => None,
        }
    }

    /// The truth value, where it is one.
    ///
    /// ```
    /// use driftless_model::Value;
    ///
    /// assert_eq!(Value::from(false).as_bool(), Some(false));
    /// assert_eq!(Value::Null.as_bool(), None);
    /// ```
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The list, where it is one.
    ///
    /// ```
    /// use driftless_model::Value;
    ///
    /// let list = Value::from(vec![1.into(), 2.into()]);
    /// assert_eq!(list.as_list(), Some(&[Value::from(1), Value::from(2)][..]));
    /// assert_eq!(Value::from("1, 2").as_list(), None);
    /// ```
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The named values, where it is a map.
    ///
    /// ```
    /// use driftless_model::Value;
    ///
    /// let map = Value::Map([("step_s".to_owned(), Value::from(5))].into());
    /// assert_eq!(map.as_map().and_then(|map| map.get("step_s")), Some(&Value::from(5)));
    /// ```
    pub fn as_map(&self) -> Option<&SortedMap<String, Value>> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// How deep lists and maps nest: 0 for a plain value.
    ///
    /// ```
    /// use driftless_model::Value;
    ///
    /// assert_eq!(Value::from("plain").depth(), 0);
    /// assert_eq!(Value::from(vec![vec![Value::Null].into()]).depth(), 2);
    /// ```
    pub fn depth(&self) -> usize {
        match self {
            Self::List(list) => 1 + list.iter().map(Self::depth).max().unwrap_or(0),
            Self::Map(map) => 1 + map.values().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// About how many bytes it takes encoded: what the limits count.
    ///
    /// ```
    /// use driftless_model::Value;
    ///
    /// assert_eq!(Value::from("CPU").weight_bytes(), 6);
    /// assert_eq!(Value::from(vec!["CPU".into(), true.into()]).weight_bytes(), 10);
    /// ```
    pub fn weight_bytes(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) => 1,
            Self::Number(_) => 9,
            Self::Text(text) => 3 + text.len(),
            Self::List(list) => 3 + list.iter().map(Self::weight_bytes).sum::<usize>(),
            Self::Map(map) => {
                let entry = |(key, value): (&String, &Self)| 3 + key.len() + value.weight_bytes();
                3 + map.iter().map(entry).sum::<usize>()
            }
        }
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(Number(f64::from(number)))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(Number(f64::from(number)))
    }
}

impl From<Vec<Value>> for Value {
    fn from(list: Vec<Value>) -> Self {
        Self::List(list)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(truth) => write!(formatter, "{truth}"),
            Self::Number(number) => write!(formatter, "{number:?}"),
            Self::Text(text) => write!(formatter, "{text:?}"),
            Self::List(list) => formatter.debug_list().entries(list).finish(),
            Self::Map(map) => formatter.debug_map().entries(map).finish(),
        }
    }
}

/// The largest integer that every f64 below it can also hold exactly.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Number(number) => match number.as_whole() {
                Some(whole) => serializer.serialize_i64(whole),
                None => serializer.serialize_f64(number.0),
            },
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(list) => serializer.collect_seq(list),
            Self::Map(map) => serializer.collect_map(map),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("null, a truth value, a finite number, text, a list or a map")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    #[allow(clippy::cast_precision_loss, reason = "numbers are f64 by design")]
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(Number(number as f64)))
    }

    #[allow(clippy::cast_precision_loss, reason = "numbers are f64 by design")]
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(Number(number as f64)))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Value::number(number).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element()? {
            list.push(value);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = SortedMap::new();
        while let Some((key, value)) = access.next_entry()? {
            map.insert(key, value);
        }
        Ok(Value::Map(map))
    }
}

/// Keeps an absent value and a `null` apart, where serde would read both as `None`. For fields that
/// are `default` and skipped when `None`.
pub mod present {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Value;

    /// Writes the value.
    ///
    /// ```
    /// use driftless_model::Value;
    /// use driftless_model::value::present;
    ///
    /// #[derive(serde::Serialize)]
    /// struct Told {
    ///     #[serde(skip_serializing_if = "Option::is_none", with = "present")]
    ///     value: Option<Value>,
    /// }
    ///
    /// assert_eq!(serde_json::to_string(&Told { value: Some(Value::Null) })?, r#"{"value":null}"#);
    /// assert_eq!(serde_json::to_string(&Told { value: None })?, "{}");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[allow(clippy::ref_option, reason = "the signature that serde asks for")]
    pub fn serialize<S: Serializer>(value: &Option<Value>, to: S) -> Result<S::Ok, S::Error> {
        value.serialize(to)
    }

    /// Reads a value that is there.
    ///
    /// ```
    /// use driftless_model::Value;
    /// use driftless_model::value::present;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Told {
    ///     #[serde(default, with = "present")]
    ///     value: Option<Value>,
    /// }
    ///
    /// assert_eq!(serde_json::from_str::<Told>(r#"{"value":null}"#)?.value, Some(Value::Null));
    /// assert_eq!(serde_json::from_str::<Told>("{}")?.value, None);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
        Value::deserialize(from).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minus_zero_is_zero_and_infinity_is_nothing() {
        let zero = Number::new(-0.0).expect("finite");
        assert_eq!(zero.as_f64().to_bits(), 0.0_f64.to_bits());
        assert!(Number::new(f64::INFINITY).is_none());
        assert!(Number::new(f64::NAN).is_none());
    }

    #[test]
    fn integers_travel_as_integers() {
        let json = |number| serde_json::to_string(&Value::number(number)).expect("serialises");
        assert_eq!(json(3.0), "3");
        assert_eq!(json(-2.5), "-2.5");
    }

    #[test]
    fn numbers_are_told_in_as_few_digits_as_they_need() {
        let told = [0.0, 100.0, 31_622_400.0, -2.5, 0.1].map(decimal);
        assert_eq!(told, ["0", "100", "31622400", "-2.5", "0.1"]);
        assert_eq!(format!("{:?}", Value::from(7)), "7");
    }

    #[test]
    fn depth_counts_nesting() {
        let value: Value = serde_json::from_str(r#"{"a":[1,[2]]}"#).expect("parses");
        assert_eq!(value.depth(), 3);
        assert_eq!(Value::Null.depth(), 0);
    }

    proptest::proptest! {
        #[test]
        fn every_number_survives_json(bits: u64) {
            if let Some(number) = Number::new(f64::from_bits(bits)) {
                let json = serde_json::to_string(&Value::Number(number)).expect("serialises");
                let back: Value = serde_json::from_str(&json).expect("parses");
                proptest::prop_assert_eq!(back, Value::Number(number));
            }
        }
    }
}
