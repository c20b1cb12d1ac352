//! Keys to the hub's interface and enrolment tokens.
//!
//! Invariant: the text of a key or token is returned once and stored nowhere.

use evertill_storage::apikeys;
use evertill_storage::kernel::control::Failed;

use crate::state::{self, Hub};

/// Longest name of a key, in characters.
const NAME_MAX: usize = 80;

/// Makes a key and returns its text.
///
/// # Errors
/// The name does not fit, or the database failed.
pub fn create(hub: &Hub, name: &str) -> Result<String, Failed> {
    check_name(name)?;
    let (name, now) = (name.to_owned(), state::now());
    hub.store()
        .write_blocking("api-key", move |tx| apikeys::create(tx, &name, now))
        .map_err(Failed::new)
}

/// Revokes the keys of a name and returns how many there were.
///
/// # Errors
/// No live key has this name, or the database failed.
pub fn revoke(hub: &Hub, name: &str) -> Result<usize, Failed> {
    let (owned, now) = (name.to_owned(), state::now());
    let revoked = hub
        .store()
        .write_blocking("revoke an API key", move |tx| {
            apikeys::revoke(tx, &owned, now)
        })
        .map_err(Failed::new)?;
    if revoked == 0 {
        let short: String = name.chars().take(NAME_MAX).collect();
        return Err(Failed::new(format!(
            "there is no live API key of the name \"{short}\": names are as given to api-key --name"
        )));
    }
    Ok(revoked)
}

/// A name stands in logs and audit entries, so it is short and printable.
fn check_name(name: &str) -> Result<(), Failed> {
    let fits = (1..=NAME_MAX).contains(&name.chars().count())
        && !name.chars().any(char::is_control)
        && name.trim() == name;
    if fits {
        return Ok(());
    }
    Err(Failed::wrong_use(format!(
        "--name is a name of 1 to {NAME_MAX} printable characters without a blank at either \
         end, such as console"
    )))
}
