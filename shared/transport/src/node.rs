//! The node's end of the line.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, ConnectionError, Endpoint, TransportErrorCode};

use crate::connection::Connection;
use crate::{ConnectError, IdentityError, NodeIdentity, hub, names, tls};

/// How long finding and greeting the hub may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Dials the hub under a node's certificate.
#[derive(Debug)]
pub struct NodeEndpoint {
    config: ClientConfig,
    hub: String,
}

impl NodeEndpoint {
    /// Prepares to dial.
    ///
    /// # Errors
    /// [`IdentityError`] when TLS refuses the keys.
    pub fn new(identity: &NodeIdentity) -> Result<Self, IdentityError> {
        Ok(Self {
            config: client(tls::node(identity)?)?,
            hub: identity.hub.clone(),
        })
    }

    /// Dials once. The name is looked up anew each time, because a hub may move.
    ///
    /// # Errors
    /// [`ConnectError`] with the reason.
    pub async fn connect(&self) -> Result<Connection, ConnectError> {
        dial(&self.config, &self.hub).await
    }
}

pub(crate) fn client(crypto: rustls::ClientConfig) -> Result<ClientConfig, IdentityError> {
    let crypto = QuicClientConfig::try_from(crypto);
    let crypto = crypto.map_err(|error| IdentityError::Tls(error.to_string()))?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(hub::transport()));
    Ok(config)
}

pub(crate) async fn dial(config: &ClientConfig, hub: &str) -> Result<Connection, ConnectError> {
    let unreachable = |detail: String| ConnectError::Unreachable {
        hub: hub.to_owned(),
        detail,
    };
    let dialling = async {
        let addresses = tokio::net::lookup_host(hub).await;
        let mut addresses = addresses.map_err(|error| ConnectError::Resolve {
            hub: hub.to_owned(),
            detail: error.to_string(),
        })?;
        let address = addresses.next().ok_or_else(|| ConnectError::Resolve {
            hub: hub.to_owned(),
            detail: "the name has no address".to_owned(),
        })?;
        let local: SocketAddr = if address.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let endpoint = Endpoint::client(local).map_err(|e| unreachable(e.to_string()))?;
        let connecting = endpoint.connect_with(config.clone(), address, names::HUB_NAME);
        let connecting = connecting.map_err(|e| unreachable(e.to_string()))?;
        let quic = connecting.await.map_err(|error| refused(hub, &error))?;
        Ok(Connection { quic })
    };
    tokio::time::timeout(CONNECT_TIMEOUT, dialling)
        .await
        .unwrap_or_else(|_| Err(unreachable("no answer in time".to_owned())))
}

/// Tells a hub that is not there from one that is not ours.
fn refused(hub: &str, error: &ConnectionError) -> ConnectError {
    let hub = hub.to_owned();
    let detail = error.to_string();
    match error {
        // The hub has no room at the moment; it judged nothing.
        ConnectionError::ConnectionClosed(close)
            if close.error_code == TransportErrorCode::CONNECTION_REFUSED =>
        {
            ConnectError::Unreachable { hub, detail }
        }
        ConnectionError::TransportError(_)
        | ConnectionError::ConnectionClosed(_)
        | ConnectionError::ApplicationClosed(_) => ConnectError::Untrusted { hub, detail },
        ConnectionError::VersionMismatch
        | ConnectionError::Reset
        | ConnectionError::TimedOut
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => ConnectError::Unreachable { hub, detail },
    }
}
