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

/// The files of a hub's folder that it is known by: its authority, its own
/// certificate, and whom it has turned away. A backup takes them along.
pub const HUB_FILES: [&str; 5] = [CA_KEY, CA_CERTIFICATE, HUB_KEY, HUB_CERTIFICATE, REVOKED];
/// The files of a node's folder that it is known by and finds its hub with.
pub const NODE_FILES: [&str; 4] = [NODE_KEY, NODE_CERTIFICATE, NODE_CA, NODE_HUB_ADDRESS];
/// The list of revoked certificates, which a restore never takes back.
pub const REVOKED_FILE: &str = REVOKED;
