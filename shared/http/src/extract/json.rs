//! JSON into a request type, with a JSON pointer to whatever does not fit.
//!
//! What is not JSON at all is 400; JSON of another shape (an unknown, missing
//! or repeated field, a value of another type or outside its range) is 422 and
//! says where. Deep nesting ends at `serde_json`'s recursion limit of 128.
//!
//! A body is walked through once before it is read as its type: what breaks off
//! is then 400 even if what came before would not fit, and a key that stands
//! twice in a map is refused, of which a map would keep the last.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::error::Category;
use serde_path_to_error::Segment;

use crate::problem::excerpt;
use crate::{FieldError, Problem};

/// Reads one JSON object of type `T` and nothing behind it.
///
/// A list is refused at once: serde would otherwise fill a struct from its
/// items by position, which no client means.
///
/// # Errors
/// 400 `malformed_json`, or 422 with one field error.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.trim_ascii().is_empty() {
        return Err(Problem::malformed(
            "malformed_json",
            "the body is empty; send a JSON object",
        ));
    }
    walk(bytes)?;
    if bytes.trim_ascii().starts_with(b"[") {
        let detail = "the body is a JSON list; send a JSON object";
        return Err(
            Problem::unprocessable("invalid_body", detail).field(FieldError::new(
                "",
                "wrong_type",
                detail,
            )),
        );
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|e| describe(&e))?;
    reader.end().map_err(|e| broken(&e))?;
    Ok(value)
}

/// Refuses what is not one JSON document, or names a key twice.
fn walk(bytes: &[u8]) -> Result<(), Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let walked: Result<Walked, _> = serde_path_to_error::deserialize(&mut reader);
    match walked {
        Ok(Walked) => reader.end().map_err(|e| broken(&e)),
        // A number that no type holds is told with its place by the type.
        Err(error) if beyond_numbers(error.inner()) => Ok(()),
        // A key may stand twice in front of the place where the text breaks off.
        Err(error) => serde_json::from_slice::<IgnoredAny>(bytes)
            .map_err(|e| broken(&e))
            .and_then(|_| Err(describe(&error))),
    }
}

fn beyond_numbers(cause: &serde_json::Error) -> bool {
    cause.to_string().starts_with("number out of range")
}

/// JSON of any shape without a repeated key; nothing of it is kept.
struct Walked;

impl<'de> Deserialize<'de> for Walked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Walked {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while let Some(Self) = items.next_element()? {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if seen.contains(&key) {
                let name = excerpt(&key);
                return Err(A::Error::custom(format!("duplicate field `{name}`")));
            }
            seen.insert(key);
            let Self = entries.next_value()?;
        }
        Ok(self)
    }
}

/// Reads `T` from JSON already in memory, such as a policy out of a file.
///
/// # Errors
/// 422 with one field error.
pub fn from_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|e| describe(&e))
}

fn describe(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let cause = error.inner();
    // A value has no lines; its errors are data errors by construction.
    if matches!(
        cause.classify(),
        Category::Syntax | Category::Eof | Category::Io
    ) && !beyond_numbers(cause)
    {
        return broken(cause);
    }
    let message = without_position(&cause.to_string());
    let (code, field, detail) = explain(&message);
    let mut pointer = pointer(error.path());
    // serde names a field that is missing or unknown in the message; the path
    // ends at the object for the first and may end at the field for the second.
    if let Some(field) = field {
        let last = format!("/{}", escape(field));
        if code != "unknown_field" || !pointer.ends_with(&last) {
            pointer.push_str(&last);
        }
    }
    let at = if pointer.is_empty() {
        "the body"
    } else {
        &pointer
    };
    Problem::unprocessable("invalid_body", format!("{at}: {detail}")).field(FieldError::new(
        pointer.clone(),
        code,
        detail,
    ))
}

fn broken(cause: &serde_json::Error) -> Problem {
    Problem::malformed(
        "malformed_json",
        format!(
            "the body is not one JSON document: {}",
            excerpt(&cause.to_string())
        ),
    )
}

/// Stable code, field named in the message, and the sentence for people.
fn explain(message: &str) -> (&'static str, Option<&str>, String) {
    let quoted = message.split('`').nth(1);
    if message.starts_with("missing field") {
        let name = quoted.unwrap_or_default();
        (
            "missing_field",
            quoted,
            format!("the field {name} is missing; add it"),
        )
    } else if message.starts_with("unknown field") {
        let known = message
            .split_once(", expected ")
            .map_or("", |(_, known)| known);
        let name = excerpt(quoted.unwrap_or_default());
        let known = known.replace('`', "");
        (
            "unknown_field",
            quoted,
            format!("there is no field {name} here; expected {known}"),
        )
    } else if message.starts_with("duplicate field") {
        let name = quoted.unwrap_or_default();
        (
            "duplicate_field",
            quoted,
            format!("the field {name} is given twice; keep one"),
        )
    } else if message.starts_with("unknown variant") {
        ("unknown_value", None, excerpt(&message.replace('`', "")))
    } else if message.starts_with("invalid type") {
        ("wrong_type", None, excerpt(&message.replace('`', "")))
    } else {
        ("invalid_value", None, excerpt(message))
    }
}

/// `serde_json` appends where it stood in the text; the pointer says it better.
fn without_position(message: &str) -> String {
    message
        .rsplit_once(" at line ")
        .map_or(message, |(before, _)| before)
        .to_owned()
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for segment in path {
        // Writing into a String cannot fail.
        let _ = match segment {
            Segment::Seq { index } => write!(text, "/{index}"),
            Segment::Map { key } => write!(text, "/{}", escape(key)),
            Segment::Enum { .. } | Segment::Unknown => Ok(()),
        };
    }
    text
}

/// RFC 6901: `~` and `/` inside a name.
fn escape(name: &str) -> String {
    excerpt(name).replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only the reading is tested")]
    struct Sale {
        register: String,
        lines: Vec<Line>,
        #[serde(default)]
        labels: BTreeMap<String, u8>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only the reading is tested")]
    struct Line {
        sku: String,
        unit: Option<Unit>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Unit {
        Each,
        Kilogram,
    }

    fn refusal(body: &str) -> (u16, String, String) {
        let problem = from_json::<Sale>(body.as_bytes()).unwrap_err();
        let field = problem.errors().first();
        (
            problem.status().as_u16(),
            field.map_or(problem.code().to_owned(), |f| f.code.clone()),
            field.map(|f| f.pointer.clone()).unwrap_or_default(),
        )
    }

    fn expect(body: &str, status: u16, code: &str, pointer: &str) {
        assert_eq!(
            refusal(body),
            (status, code.to_owned(), pointer.to_owned()),
            "{body}"
        );
    }

    #[test]
    fn what_is_not_json_is_400() {
        for body in [
            "",
            "  ",
            "{",
            "{\"register\":",
            "nonsense",
            "{} {}",
            "{\"a\":1}x",
            // Regression: JSON that misfits before it breaks off was 422.
            "{\"register\":1",
            "[{\"register\":1",
            "{\"register\":{\"a\":1,\"a\"",
        ] {
            let (status, ..) = refusal(body);
            assert_eq!(status, 400, "{body}");
        }
        expect(
            "{\"register\":\"1\",\"lines\":[]} trailing",
            400,
            "malformed_json",
            "",
        );
        expect(&"[".repeat(100_000), 400, "malformed_json", "");
        expect("[{}]", 422, "wrong_type", "");
        let deep = format!("{{\"register\":{}", "[".repeat(100_000));
        assert!((400..500).contains(&refusal(&deep).0));
    }

    #[test]
    fn a_field_that_does_not_fit_is_422_with_its_pointer() {
        expect("{\"lines\":[]}", 422, "missing_field", "/register");
        expect(
            "{\"register\":\"1\",\"lines\":[{}]}",
            422,
            "missing_field",
            "/lines/0/sku",
        );
        expect(
            "{\"register\":1,\"lines\":[]}",
            422,
            "wrong_type",
            "/register",
        );
        expect(
            "{\"register\":\"1\",\"lines\":[],\"x\":1}",
            422,
            "unknown_field",
            "/x",
        );
        expect(
            "{\"register\":\"1\",\"lines\":[{\"sku\":\"a\"},{\"sku\":\"b\",\"unti\":1}]}",
            422,
            "unknown_field",
            "/lines/1/unti",
        );
        expect(
            "{\"register\":\"1\",\"lines\":[{\"sku\":\"a\",\"unit\":\"mile\"}]}",
            422,
            "unknown_value",
            "/lines/0/unit",
        );
        expect(
            "{\"register\":\"1\",\"register\":\"2\",\"lines\":[]}",
            422,
            "duplicate_field",
            "/register",
        );
        expect(
            "{\"register\":\"1\",\"lines\":[],\"labels\":{\"a/b~c\":300}}",
            422,
            "invalid_value",
            "/labels/a~1b~0c",
        );
    }

    /// Regression: of a key given twice in a map, the last one won.
    #[test]
    fn a_key_given_twice_is_refused_in_maps_too() {
        let twice = "{\"register\":\"1\",\"lines\":[],\"labels\":{\"a\":1,\"b\":2,\"a\":1}}";
        expect(twice, 422, "duplicate_field", "/labels/a");
        let escaped = "{\"labels\":{\"a\":1,\"\\u0061\":1}}";
        expect(escaped, 422, "duplicate_field", "/labels/a");
    }

    #[test]
    fn a_number_beyond_every_type_is_a_field_that_does_not_fit() {
        let huge = "{\"register\":1e999,\"lines\":[]}";
        expect(huge, 422, "invalid_value", "/register");
    }

    #[test]
    fn an_answer_repeats_only_an_excerpt() {
        let body = format!(
            "{{\"register\":\"1\",\"lines\":\"{}\"}}",
            "9".repeat(500_000)
        );
        let problem = from_json::<Sale>(body.as_bytes()).unwrap_err();
        assert!(problem.detail().len() < 400);
        let body = format!("{{\"{}\":1}}", "k".repeat(500_000));
        let problem = from_json::<Sale>(body.as_bytes()).unwrap_err();
        assert!(problem.detail().len() + problem.errors()[0].pointer.len() < 1_000);
    }
}
