//! Bearer secrets: drawn from the operating system, shown once, kept only as a
//! hash.
//!
//! A secret has 128 random bits, so a plain BLAKE3 hash cannot be reversed by
//! guessing and needs no salt; looking it up by its hash leaks nothing through
//! timing that would help to find it.
//!
//! Invariant: the text of a secret is never written to the database.

/// Random bytes of a secret.
pub const SECRET_BYTES: usize = 16;

/// The longest text that is looked up; anything longer is no secret of ours.
pub const SECRET_TEXT_MAX: usize = 256;

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("could not draw random bytes from the operating system: {0}")]
pub struct NoRandomness(getrandom::Error);

/// A new secret: `prefix`, a dot and 32 hexadecimal digits.
///
/// # Errors
///
/// When the operating system gives no random bytes.
pub fn draw(prefix: &str) -> Result<String, NoRandomness> {
    let bytes: [u8; SECRET_BYTES] = draw_bytes()?;
    Ok(format!("{prefix}.{:032x}", u128::from_be_bytes(bytes)))
}

/// Random bytes for an id or a secret.
///
/// # Errors
///
/// When the operating system gives no random bytes.
pub fn draw_bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

/// What the database keeps of a secret; `purpose` keeps the hashes of two
/// kinds of secret apart.
pub(crate) fn hash(purpose: &'static str, secret: &[u8]) -> [u8; 32] {
    blake3::derive_key(purpose, secret)
}
