//! Why a hub does not go on with a node, in a form both sides understand.

/// A refusal as it travels: a code for programs, a sentence for people.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    /// What kind of refusal.
    pub code: RefusalCode,
    /// What happened and how to mend it; cut at
    /// [`MAX_TEXT_BYTES`](crate::limits::MAX_TEXT_BYTES) when sent.
    pub detail: String,
}

impl Refusal {
    /// A refusal with this code and sentence.
    pub fn new(code: RefusalCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}

/// The kinds of refusal. Numbers are never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RefusalCode {
    /// No protocol version is spoken by both sides.
    ProtocolUnsupported,
    /// The hello names another node or location than the certificate.
    IdentityMismatch,
    /// The certificate is revoked.
    Revoked,
    /// The hub does not know this location.
    UnknownLocation,
    /// The replica is quarantined until a person decides.
    ReplicaQuarantined,
    /// A frame did not continue the chain that the hub holds.
    ChainBroken,
    /// The hub's own feed does not match what the node holds of it.
    HubDiverged,
    /// A message broke the protocol.
    Malformed,
    /// The hub is too busy; come again later.
    Busy,
    /// The hub is shutting down.
    Draining,
    /// Another connection of this node is alive.
    AlreadyConnected,
    /// The hub could not store; come again later.
    Storage,
    /// A code of a newer version.
    Other(u16),
}

impl RefusalCode {
    const KNOWN: [(u16, Self); 12] = [
        (1, Self::ProtocolUnsupported),
        (2, Self::IdentityMismatch),
        (3, Self::Revoked),
        (4, Self::UnknownLocation),
        (5, Self::ReplicaQuarantined),
        (6, Self::ChainBroken),
        (7, Self::HubDiverged),
        (8, Self::Malformed),
        (9, Self::Busy),
        (10, Self::Draining),
        (11, Self::AlreadyConnected),
        (12, Self::Storage),
    ];

    pub(crate) fn number(self) -> u16 {
        if let Self::Other(number) = self {
            return number;
        }
        Self::KNOWN
            .iter()
            .find_map(|(number, code)| (*code == self).then_some(*number))
            .expect("invariant: every code but Other stands in KNOWN")
    }

    pub(crate) fn from_number(number: u16) -> Self {
        Self::KNOWN
            .iter()
            .find_map(|(known, code)| (*known == number).then_some(*code))
            .unwrap_or(Self::Other(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_the_wire_and_new_ones_are_kept() {
        for number in 0..=20 {
            assert_eq!(RefusalCode::from_number(number).number(), number);
        }
        assert_eq!(RefusalCode::from_number(3), RefusalCode::Revoked);
        assert_eq!(RefusalCode::from_number(99), RefusalCode::Other(99));
    }
}
