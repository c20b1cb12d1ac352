//! What can go wrong on the line, in words for the person who has to mend it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Keys or certificates that cannot be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file could not be read or written.
    #[error("could not {doing} {path}: {source}; check the folder's owner and free space")]
    File {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} is damaged: {detail}; restore it from a backup, or enrol this machine again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A certificate could not be made.
    #[error("could not make a certificate: {0}")]
    Certificate(String),
    /// TLS refuses the keys.
    #[error("could not set up TLS: {0}")]
    Tls(String),
    /// The UDP address could not be taken.
    #[error("could not listen on {address} (UDP) for --quic: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
}

/// A connection that did not come about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The host name has no address.
    #[error("could not find the hub {hub}: {detail}; check the name and the line")]
    Resolve {
        /// HOST:PORT.
        hub: String,
        /// What was said.
        detail: String,
    },
    /// Nobody answered, or not in time.
    #[error("the hub at {hub} does not answer: {detail}")]
    Unreachable {
        /// HOST:PORT.
        hub: String,
        /// What was said.
        detail: String,
    },
    /// The hub refused this machine's certificate, or is another hub.
    #[error("the hub at {hub} and this machine do not trust each other: {detail}")]
    Untrusted {
        /// HOST:PORT.
        hub: String,
        /// What was said.
        detail: String,
    },
    /// This machine's own keys do not work.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// An enrolment that did not come about.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The folder has an identity already.
    #[error(
        "{folder} is enrolled already, as node {node} of {location}; use an empty folder for another node"
    )]
    AlreadyEnrolled {
        /// The data folder.
        folder: PathBuf,
        /// The node that it is.
        node: evertill_domain::NodeId,
        /// The location that it belongs to.
        location: evertill_domain::LocationId,
    },
    /// The hub could not be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The machine that answered does not have the token's key.
    #[error(
        "the hub at {hub} is not the one that issued this token; check the address, and that the token is complete"
    )]
    ForeignHub {
        /// HOST:PORT.
        hub: String,
    },
    /// The hub refused the token.
    #[error("the hub refused the enrolment: {detail}")]
    Refused {
        /// Stable word for the reason: `token_unknown`, `token_used`, `token_expired` …
        code: String,
        /// What the hub said, with the remedy.
        detail: String,
    },
    /// The line broke or the answer made no sense.
    #[error("the enrolment broke off: {0}; issue a new token and try again")]
    BrokeOff(String),
    /// The answer could not be kept.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}
