//! Path segments, query parameters and pages.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::excerpt;
use crate::{Cursor, FieldError, List, Problem};

/// Items of a page when the client names no limit.
pub const PAGE_DEFAULT: usize = 100;

/// Most items of a page.
pub const PAGE_LIMIT: usize = 1_000;

/// Path segments as `T`; a segment that cannot name anything is a 404.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Ok(axum::extract::Path(value)) =
            axum::extract::Path::<T>::from_request_parts(parts, state).await
        {
            return Ok(Self(value));
        }
        let named = RawPathParams::from_request_parts(parts, state)
            .await
            .map(|all| {
                all.iter()
                    .map(|(name, value)| format!("{name} {}", excerpt(value)))
                    .collect::<Vec<_>>()
                    .join(", ")
            })
            .unwrap_or_default();
        Err(Problem::not_found(format!(
            "nothing is named by {named}; check its spelling"
        )))
    }
}

/// One path segment or parameter that must read as `T`, such as a date.
///
/// # Errors
/// 400 `invalid_parameter` naming the segment.
pub fn segment<T>(name: &str, text: &str) -> Result<T, Problem>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|e: T::Err| invalid_parameter(name, &e.to_string()))
}

/// Query parameters as `T`. `limit` and `cursor` belong to [`Page`] and are
/// left out, so `T` can deny unknown fields.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let text: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs(parts).filter(|(name, _)| name != "limit" && name != "cursor"))
            .finish();
        let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
        serde_path_to_error::deserialize(reader)
            .map(Self)
            .map_err(|error| {
                let path = error.path().to_string();
                let name = if path == "." { String::new() } else { path };
                invalid_parameter(&name, &error.into_inner().to_string())
            })
    }
}

/// `limit` (1 to [`PAGE_LIMIT`]) and `cursor` of a list request.
#[derive(Clone, Debug)]
pub struct Page {
    /// Most items to return.
    pub limit: usize,
    /// Where the page before ended; none for the first page.
    pub cursor: Option<Cursor>,
}

impl Page {
    /// The position to continue after; none for the first page.
    ///
    /// # Errors
    /// 400 when the cursor is not one of this list.
    pub fn after<P: std::str::FromStr>(&self) -> Result<Option<P>, Problem> {
        self.cursor.as_ref().map(Cursor::position).transpose()
    }

    /// The page of a list that is at hand as a whole, in the order of
    /// `position`, which no two rows share.
    ///
    /// # Errors
    /// 400 when the cursor is not one of this list.
    pub fn of<T>(
        &self,
        mut rows: Vec<T>,
        position: impl Fn(&T) -> String,
    ) -> Result<List<T>, Problem> {
        rows.sort_by_cached_key(&position);
        if let Some(after) = self.after::<String>()? {
            rows.retain(|row| position(row) > after);
        }
        Ok(List::page(rows, self.limit, position))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut page = Self {
            limit: PAGE_DEFAULT,
            cursor: None,
        };
        for (name, value) in pairs(parts) {
            match name.as_ref() {
                "limit" => {
                    page.limit = value
                        .parse()
                        .ok()
                        .filter(|n| (1..=PAGE_LIMIT).contains(n))
                        .ok_or_else(|| {
                            let rule = format!("send a whole number from 1 to {PAGE_LIMIT}");
                            invalid_parameter("limit", &rule)
                        })?;
                }
                "cursor" => page.cursor = Some(Cursor::received(value.into_owned())),
                _ => {}
            }
        }
        Ok(page)
    }
}

fn pairs(parts: &Parts) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
}

fn invalid_parameter(name: &str, rule: &str) -> Problem {
    let rule = excerpt(rule);
    let subject = if name.is_empty() {
        "the query".to_owned()
    } else {
        format!("the parameter {}", excerpt(name))
    };
    let pointer = if name.is_empty() {
        String::new()
    } else {
        format!("/{}", excerpt(name))
    };
    let detail = format!("{subject} cannot be read: {rule}");
    Problem::malformed("invalid_parameter", detail.clone()).field(FieldError::new(
        pointer,
        "invalid_parameter",
        detail,
    ))
}
