//! Which till a token stands for.
//!
//! A till asks thousands of times a day under one token. A token that was found
//! once is remembered, by its hash, for as long as the process lives, and spares
//! each sale a trip to the database. One that was not found is looked up again
//! each time, because it may be issued meanwhile.
//!
//! Invariant: what is remembered was in the database and live; whatever revokes
//! a token in a running node must call [`Tills::forget`].

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use evertill_domain::RegisterId;
use evertill_storage::registers::{self, TokenHash};
use evertill_storage::{ReadError, TableError};

use crate::state::Node;

/// The tokens that were found, by their hashes.
#[derive(Debug, Default)]
pub struct Tills(RwLock<BTreeMap<TokenHash, RegisterId>>);

impl Tills {
    fn remembered(&self, token: &TokenHash) -> Option<RegisterId> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(token).cloned()
    }

    fn remember(&self, token: TokenHash, register: RegisterId) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(token, register);
    }

    /// Forgets every token, so that each is looked up once more.
    pub fn forget(&self) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.clear();
    }
}

/// The till whose live token this is; none if there is no such token.
///
/// # Errors
/// The database could not be read.
pub async fn of_token(
    node: &Node,
    token: &str,
) -> Result<Option<RegisterId>, ReadError<TableError>> {
    let Some(hash) = TokenHash::of(token) else {
        return Ok(None);
    };
    if let Some(register) = node.tills().remembered(&hash) {
        return Ok(Some(register));
    }
    let found = node
        .store()
        .read(move |conn| registers::authenticate(conn, &hash))
        .await?;
    if let Some(register) = &found {
        node.tills().remember(hash, register.clone());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_forgotten_is_looked_up_again() {
        let (tills, token) = (Tills::default(), TokenHash::of("evt.1").unwrap());
        assert_eq!(tills.remembered(&token), None);
        tills.remember(token, "R1".parse().unwrap());
        assert_eq!(tills.remembered(&token).unwrap().as_str(), "R1");
        tills.forget();
        assert_eq!(tills.remembered(&token), None);
    }
}
