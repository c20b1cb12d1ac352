//! A client of the interface: one token, one address, any request.
//!
//! Invariant: an answer of any status is an answer; only a broken connection is
//! an error.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Somebody with a token.
#[derive(Clone, Debug)]
pub struct Client {
    agent: ureq::Agent,
    url: String,
    token: String,
}

/// An answer of any status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub text: String,
}

impl Client {
    /// A client of the service at `url` (without a path) with this token.
    #[must_use]
    pub fn new(url: &str, token: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build()
            .into();
        Self {
            agent,
            url: format!("{url}/api/v1"),
            token: token.to_owned(),
        }
    }

    /// Reads a path under `/api/v1`.
    ///
    /// # Errors
    /// There was no whole answer.
    pub fn get(&self, path: &str) -> Result<Reply> {
        self.send("GET", path, &[], b"")
    }

    /// Posts JSON under an idempotency key.
    ///
    /// # Errors
    /// There was no whole answer.
    pub fn post(&self, path: &str, key: &str, body: &Value) -> Result<Reply> {
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        self.send("POST", path, &headers, body.to_string().as_bytes())
    }

    /// Sends any request. The token goes along unless a header `authorization`
    /// is given; a header with an empty value is not sent.
    ///
    /// # Errors
    /// There was no whole answer.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply> {
        let what = || format!("{method} {path} got no answer");
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_vec()).with_context(what)?;
        let mut answer = self.agent.run(request).with_context(what)?;
        let headers = answer.headers().iter();
        Ok(Reply {
            status: answer.status().as_u16(),
            headers: headers
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes());
                    (name.to_string(), value.into_owned())
                })
                .collect(),
            text: answer.body_mut().read_to_string().with_context(what)?,
        })
    }
}

impl Reply {
    /// A header's value; empty if it was not sent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(held, _)| held == name)
            .map_or("", |(_, value)| value)
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks the status and returns the body.
    ///
    /// # Panics
    /// When the status is another.
    #[must_use]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }

    /// Checks that this is a problem document of this status, and returns its
    /// code.
    ///
    /// # Panics
    /// When it is anything else.
    #[must_use]
    pub fn problem(&self, status: u16) -> String {
        let document = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(document["status"], status, "{self:?}");
        assert!(document["errors"].is_array(), "{self:?}");
        for text in ["type", "title", "detail"] {
            let said = document[text].as_str().unwrap_or_default();
            assert!(!said.is_empty(), "{text} is empty: {self:?}");
        }
        let retry = self.header("retry-after");
        assert_eq!(status == 503, !retry.is_empty(), "{self:?}");
        document["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// An idempotency key that no other request of this process has.
#[must_use]
pub fn new_key() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let process = std::process::id();
    format!("key-{process}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
