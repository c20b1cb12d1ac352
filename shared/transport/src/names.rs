//! The fixed names of both protocols and of the files.

/// The name in the hub's certificate. Hubs are found by address and known by
/// their authority, so one name serves all.
pub(crate) const HUB_NAME: &str = "hub.evertill.internal";

/// Application protocol of an enrolment: no client certificate.
pub(crate) const ALPN_ENROL: &[u8] = b"evertill-enrol/1";
/// Application protocol of everything else: client certificate required.
pub(crate) const ALPN_SYNC: &[u8] = b"evertill-sync/1";

pub(crate) const CA_KEY: &str = "ca.key";
pub(crate) const CA_CERTIFICATE: &str = "ca.crt";
pub(crate) const HUB_KEY: &str = "hub.key";
pub(crate) const HUB_CERTIFICATE: &str = "hub.crt";
pub(crate) const NODE_KEY: &str = "node.key";
pub(crate) const NODE_CERTIFICATE: &str = "node.crt";
pub(crate) const NODE_CA: &str = "hub-ca.crt";
pub(crate) const NODE_HUB_ADDRESS: &str = "hub-address";
pub(crate) const REVOKED: &str = "revoked";
