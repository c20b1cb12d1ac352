//! Reads a policy that a newer hub wrote: keys this release does not know are
//! passed over, and named.
//!
//! Policies are strict where a person puts them, so that a typing error is seen.
//! A node that lags behind in a rollout must still read what its hub sends, and
//! a till that stops selling is worse than one that does not know a new option.
//! Structs ask their deserializer for a list of keys; whatever is not on the
//! list is dropped before the strict type sees it.
//!
//! Invariant: maps keep all their keys; only keys of structs are dropped.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};

/// Reads JSON into a type; returns the keys that were passed over as well.
pub(super) fn from_str<T: DeserializeOwned>(text: &str) -> Result<(T, Vec<String>), Error> {
    let value: Value = serde_json::from_str(text)?;
    let dropped = std::cell::RefCell::new(Vec::new());
    let read = T::deserialize(Lenient {
        value,
        dropped: &dropped,
    })?;
    Ok((read, dropped.into_inner()))
}

struct Lenient<'d> {
    value: Value,
    dropped: &'d std::cell::RefCell<Vec<String>>,
}

impl IntoDeserializer<'_, Error> for Lenient<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Lenient<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Array(items) => {
                let dropped = self.dropped;
                let items = items.into_iter().map(|value| Lenient { value, dropped });
                visitor.visit_seq(SeqDeserializer::new(items))
            }
            Value::Object(fields) => {
                let dropped = self.dropped;
                let fields = fields
                    .into_iter()
                    .map(|(key, value)| (key, Lenient { value, dropped }));
                visitor.visit_map(MapDeserializer::new(fields))
            }
            plain => plain.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if let Value::Object(fields) = &mut self.value {
            let unknown: Vec<String> = fields
                .keys()
                .filter(|key| !known.contains(&key.as_str()))
                .cloned()
                .collect();
            for key in unknown {
                fields.remove(&key);
                self.dropped.borrow_mut().push(key);
            }
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // A choice this release does not know cannot be passed over: the type
        // refuses it.
        self.value.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf unit unit_struct seq tuple tuple_struct map identifier
        ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize, Default)]
    #[serde(deny_unknown_fields, default)]
    struct Outer {
        number: u32,
        choice: Choice,
        maybe: Option<Inner>,
        inner: BTreeMap<String, Vec<Inner>>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        text: String,
    }

    #[derive(Debug, PartialEq, Deserialize, Default)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        #[default]
        First,
        Second,
    }

    #[test]
    fn only_unknown_keys_of_structs_are_dropped() {
        let text = r#"{"number":3,"choice":"second","newer":{"a":[1]},"maybe":{"text":"m","late":1},
            "inner":{"newer":[{"text":"x","extra":true},{"text":"y"}],"other":[]}}"#;
        assert!(serde_json::from_str::<Outer>(text).is_err());
        let (read, mut dropped) = from_str::<Outer>(text).unwrap();
        dropped.sort();
        assert_eq!(dropped, ["extra", "late", "newer"]);
        assert_eq!((read.number, read.choice), (3, Choice::Second));
        assert_eq!(read.maybe.unwrap().text, "m");
        let texts: Vec<&str> = read.inner["newer"]
            .iter()
            .map(|i| i.text.as_str())
            .collect();
        assert_eq!(texts, ["x", "y"]);
        assert!(read.inner["other"].is_empty());
    }

    #[test]
    fn what_is_wrong_stays_wrong() {
        assert!(from_str::<Outer>("{").is_err());
        assert!(from_str::<Outer>(r#"{"number":"three"}"#).is_err());
        assert!(from_str::<Outer>(r#"{"choice":"third"}"#).is_err());
        assert!(from_str::<Outer>(r#"{"inner":{"a":[{}]}}"#).is_err());
        assert_eq!(from_str::<Outer>("{}").unwrap(), (Outer::default(), vec![]));
    }
}
