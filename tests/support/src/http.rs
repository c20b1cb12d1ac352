//! Plain requests with a bound on how long an answer may take.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// How long a test waits for one answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// An answer of any status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Its media type; empty when the answer names none.
    pub content_type: String,
    /// The whole body.
    pub body: String,
}

/// Asks for `url`.
///
/// # Errors
/// The server could not be reached, or its answer could not be read.
pub fn get(url: &str) -> Result<Answer> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .build()
        .into();
    let mut response = agent
        .get(url)
        .call()
        .with_context(|| format!("could not ask for {url}"))?;
    Ok(Answer {
        status: response.status().as_u16(),
        content_type: response
            .headers()
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        body: response
            .body_mut()
            .read_to_string()
            .with_context(|| format!("could not read the answer of {url}"))?,
    })
}
