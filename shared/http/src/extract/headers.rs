//! What a request says in its headers: who asks, under which key, and how the
//! answer should look.

use std::fmt;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::header::{ACCEPT, AUTHORIZATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};

use crate::Problem;

/// Longest idempotency key, in characters.
const KEY_LIMIT: usize = 255;

/// Longest bearer token, in characters.
const TOKEN_LIMIT: usize = 512;

/// The client's name for one POST, with the scope that goes with it besides
/// the principal: method and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// 1 to 255 visible ASCII characters, as sent.
    pub key: String,
    /// The method of the request.
    pub method: Method,
    /// The whole path of the request, without its query.
    pub path: String,
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    /// # Errors
    /// 400 `idempotency_key_missing` or `idempotency_key_invalid`.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let Some(value) = values.next() else {
            return Err(Problem::malformed(
                "idempotency_key_missing",
                "send an Idempotency-Key header, a new one for each new request and the same \
                 one when a request is sent again",
            ));
        };
        let key = value
            .to_str()
            .ok()
            .filter(|text| (1..=KEY_LIMIT).contains(&text.len()))
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
            .filter(|_| values.next().is_none())
            .ok_or_else(|| {
                Problem::malformed(
                    "idempotency_key_invalid",
                    format!(
                        "an Idempotency-Key is one header of 1 to {KEY_LIMIT} visible ASCII \
                         characters without blanks; a UUID is a good one"
                    ),
                )
            })?;
        Ok(Self {
            key: key.to_owned(),
            method: parts.method.clone(),
            path: original_path(parts),
        })
    }
}

/// The token of `Authorization: Bearer`. Only its hash is ever compared, by a
/// lookup in storage, so that no comparison leaks its length of agreement.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(String);

impl Bearer {
    /// The token; hash it, look the hash up, and forget it.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.0
    }

    /// The token of these headers, for middleware.
    ///
    /// # Errors
    /// 401 `token_missing` or `token_malformed`.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Err(Problem::unauthorized(
                "token_missing",
                "send the token in the header Authorization: Bearer TOKEN",
            ));
        };
        value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim_matches(' '))
            .filter(|token| (1..=TOKEN_LIMIT).contains(&token.len()))
            .filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic()))
            .map(|token| Self(token.to_owned()))
            .ok_or_else(|| {
                Problem::unauthorized(
                    "token_malformed",
                    "the Authorization header is not of the form Bearer TOKEN",
                )
            })
    }

    /// 401 for a token that names no one here.
    #[must_use]
    pub fn refused() -> Problem {
        Problem::unauthorized(
            "token_invalid",
            "this token is not valid here; print a new one with register-token (node) or \
             api-key (hub)",
        )
    }
}

impl fmt::Debug for Bearer {
    /// Never the token itself: debug output ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

/// Whether the client prefers CSV to JSON: `text/csv` is named, and not with a
/// lower weight than JSON.
#[must_use]
pub fn wants_csv(headers: &HeaderMap) -> bool {
    let mut csv = 0_u16;
    let mut json = 0_u16;
    let accepted = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    for range in accepted.flat_map(|text| text.split(',')) {
        let mut fields = range.split(';').map(str::trim);
        let kind = fields.next().unwrap_or_default().to_ascii_lowercase();
        let weight = fields
            .find_map(|field| field.strip_prefix("q="))
            .and_then(|q| q.parse::<f32>().ok())
            .map_or(1_000, thousandths);
        match kind.as_str() {
            "text/csv" => csv = csv.max(weight),
            "application/json" => json = json.max(weight),
            _ => {}
        }
    }
    csv > 0 && csv >= json
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=1000 before the cast"
)]
fn thousandths(weight: f32) -> u16 {
    (weight.clamp(0.0, 1.0) * 1_000.0) as u16
}

fn original_path(parts: &Parts) -> String {
    parts
        .extensions
        .get::<OriginalUri>()
        .map_or(parts.uri.path(), |OriginalUri(uri)| uri.path())
        .to_owned()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accept(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(text))])
    }

    #[test]
    fn csv_is_chosen_only_when_asked_for() {
        assert!(wants_csv(&accept("text/csv")));
        assert!(wants_csv(&accept("text/csv, */*;q=0.1")));
        assert!(wants_csv(&accept("application/json;q=0.5, text/csv")));
        assert!(!wants_csv(&accept("application/json, text/csv;q=0.5")));
        assert!(!wants_csv(&accept("text/csv;q=0")));
        assert!(!wants_csv(&accept("*/*")));
        assert!(!wants_csv(&HeaderMap::new()));
    }

    #[test]
    fn a_token_never_appears_in_debug_output() {
        let headers =
            HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("bearer s3cret"))]);
        let bearer = Bearer::of(&headers).unwrap();
        assert_eq!(bearer.token(), "s3cret");
        assert!(!format!("{bearer:?}").contains("s3cret"));
    }

    #[test]
    fn other_authorization_is_a_401() {
        for text in [
            "",
            "Bearer",
            "Bearer ",
            "Basic abc",
            "Bearer a b",
            "Bearer \u{7f}",
        ] {
            let value = HeaderValue::from_bytes(text.as_bytes());
            let Ok(value) = value else { continue };
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
            assert_eq!(Bearer::of(&headers).unwrap_err().status(), 401, "{text}");
        }
    }
}
