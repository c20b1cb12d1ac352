//! Lists: `{items, next_cursor}` with an opaque cursor.
//!
//! The cursor is the position after the last item, base64 of its text, so that
//! clients do not build one by hand. Invariant: `next_cursor` is null exactly
//! when there is nothing after this page.

use std::fmt::Display;
use std::str::FromStr;

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{FieldError, Problem};

/// Longest cursor that is looked at, in characters.
const CURSOR_LIMIT: usize = 512;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct List<T> {
    /// The items in journal order (at the hub: arrival order) unless the route says otherwise.
    pub items: Vec<T>,
    /// Pass as `cursor` to get what follows; null at the end.
    pub next_cursor: Option<Cursor>,
}

impl<T> List<T> {
    /// A page from up to `limit + 1` rows: the surplus row only proves that
    /// there is more, and the cursor is the position of the last row returned.
    pub fn page<P: Display>(mut rows: Vec<T>, limit: usize, position: impl Fn(&T) -> P) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more {
            rows.last().map(|row| Cursor::at(position(row)))
        } else {
            None
        };
        Self {
            items: rows,
            next_cursor,
        }
    }

    /// The same page with each item turned into its view.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> List<U> {
        List {
            items: self.items.into_iter().map(view).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

impl<T: Serialize> IntoResponse for List<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// An opaque position in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct Cursor(String);

impl Cursor {
    /// The cursor of a position.
    pub fn at(position: impl Display) -> Self {
        Self(URL_SAFE_NO_PAD.encode(position.to_string()))
    }

    /// The cursor as a client sent it.
    pub(crate) fn received(text: String) -> Self {
        Self(text)
    }

    /// The position that this cursor stands for.
    ///
    /// # Errors
    /// 400 `cursor_invalid` when the text is not a cursor of this list.
    pub fn position<P: FromStr>(&self) -> Result<P, Problem> {
        Some(&self.0)
            .filter(|text| text.len() <= CURSOR_LIMIT)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| {
                let detail = "the cursor is not one this list gave; \
                              send next_cursor of the page before, or none to begin";
                Problem::malformed("cursor_invalid", detail).field(FieldError::new(
                    "/cursor",
                    "cursor_invalid",
                    detail,
                ))
            })
    }

    /// The text that a client sends back.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_page_with_a_surplus_row_names_the_last_returned_row() {
        let page = List::page(vec![4_i64, 5, 6], 2, |row| *row);
        assert_eq!(page.items, [4, 5]);
        assert_eq!(page.next_cursor.unwrap().position::<i64>().unwrap(), 5);
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        assert_eq!(List::page(vec![4_i64, 5], 2, |row| *row).next_cursor, None);
        assert_eq!(
            List::page(Vec::<i64>::new(), 2, |row| *row).next_cursor,
            None
        );
    }

    #[test]
    fn a_foreign_cursor_is_a_400() {
        for text in ["", "%%%", "bm90IGEgbnVtYmVy", &"A".repeat(2_000)] {
            let problem = Cursor::received(text.to_owned())
                .position::<i64>()
                .unwrap_err();
            assert_eq!(problem.status(), 400, "{text}");
        }
    }
}
