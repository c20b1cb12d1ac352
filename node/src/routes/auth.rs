//! Who asks: the till whose token a request carries.
//!
//! Invariant: no handler that takes a [`Till`] runs without a live token, and
//! none acts for another till than the token's.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use evertill_domain::RegisterId;
use evertill_http::{Bearer, FieldError, Problem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::services::tills;
use crate::state::Node;

/// The till that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Till(pub RegisterId);

impl Till {
    /// Refuses a body that names another till.
    ///
    /// # Errors
    /// 403 `other_register`.
    pub fn is(&self, register: &str) -> Result<(), Problem> {
        if register == self.0.as_str() {
            return Ok(());
        }
        let detail = format!(
            "the token is that of register {}; send its own name, or the other register's token",
            self.0
        );
        let field = FieldError::new("/register", "other_register", detail.clone());
        Err(Problem::forbidden("other_register", detail).field(field))
    }
}

impl FromRequestParts<Node> for Till {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, node: &Node) -> Result<Self, Problem> {
        let bearer = Bearer::of(&parts.headers)?;
        tills::of_token(node, bearer.token())
            .await?
            .map(Self)
            .ok_or_else(Bearer::refused)
    }
}

/// Says in the OpenAPI document how a request carries its token.
pub(super) struct BearerToken;

impl utoipa::Modify for BearerToken {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token as evertill-node register-token prints it"))
            .build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("register_token", SecurityScheme::Http(scheme));
    }
}
