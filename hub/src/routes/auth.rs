//! Who asks: the API key of a request.
//!
//! Invariant: no handler that takes a [`Principal`] runs without a live key.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use evertill_http::{Bearer, Problem};
use evertill_storage::apikeys;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::state::Hub;

/// The name of the key that a request carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal(pub String);

impl FromRequestParts<Hub> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, Problem> {
        let bearer = Bearer::of(&parts.headers)?;
        hub.store()
            .read(move |conn| apikeys::authenticate(conn, bearer.token()))
            .await?
            .map(Self)
            .ok_or_else(Bearer::refused)
    }
}

/// Says in the OpenAPI document how a request carries its key.
pub(super) struct BearerKey;

impl utoipa::Modify for BearerKey {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A key as evertill-hub api-key prints it"))
            .build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("api_key", SecurityScheme::Http(scheme));
    }
}
