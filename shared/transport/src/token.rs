//! The enrolment token: what a person carries from the hub to a new machine.
//!
//! `evt1.SECRET.KEY`: 128 random bits that only hub and machine know, and the
//! SHA-256 of the authority's public key, both in base64url without padding.
//!
//! Invariant: text and value convert into each other without loss.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Length of a token's secret in bytes.
pub const SECRET_BYTES: usize = 16;

const PREFIX: &str = "evt1";

/// An enrolment token. Displaying it gives the secret away.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentToken {
    /// What proves to the hub that a person meant this machine to join.
    pub secret: [u8; SECRET_BYTES],
    /// SHA-256 of the authority's public key (its `SubjectPublicKeyInfo`).
    pub authority: [u8; 32],
}

/// A text that is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not an enrolment token: it looks like evt1.SECRET.KEY; copy the whole line that enrol-token printed"
)]
pub struct TokenError;

impl fmt::Display for EnrolmentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = URL_SAFE_NO_PAD.encode(self.secret);
        let authority = URL_SAFE_NO_PAD.encode(self.authority);
        write!(f, "{PREFIX}.{secret}.{authority}")
    }
}

impl fmt::Debug for EnrolmentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentToken(secret)")
    }
}

impl FromStr for EnrolmentToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let mut fields = text.trim().split('.');
        let (Some(PREFIX), Some(secret), Some(authority), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(TokenError);
        };
        Ok(Self {
            secret: bytes(secret)?,
            authority: bytes(authority)?,
        })
    }
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError)?;
    bytes.try_into().map_err(|_| TokenError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_being_written_down() {
        let token = EnrolmentToken {
            secret: [7; SECRET_BYTES],
            authority: [9; 32],
        };
        let text = token.to_string();
        assert!(text.starts_with("evt1."));
        assert_eq!(text.parse(), Ok(token.clone()));
        assert_eq!(format!(" {text}\n").parse(), Ok(token.clone()));
        assert!(!format!("{token:?}").contains(&text[5..20]));
    }

    #[test]
    fn what_is_cut_or_altered_in_shape_is_no_token() {
        let token = EnrolmentToken {
            secret: [7; SECRET_BYTES],
            authority: [9; 32],
        };
        let text = token.to_string();
        for wrong in ["", "evt1", "evt1..", &text[1..], &text[..text.len() - 3]] {
            assert_eq!(wrong.parse::<EnrolmentToken>(), Err(TokenError), "{wrong}");
        }
        assert!(format!("{text}.x").parse::<EnrolmentToken>().is_err());
    }
}
