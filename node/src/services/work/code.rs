//! Pickup codes at the counter: the key, and judging what a customer shows.
//!
//! Invariant: a wrong code is counted also when everything else about the request
//! is refused.

use evertill_domain::order::PickupKey;
use evertill_domain::rejection::Rejection;
use evertill_domain::{DocumentId, LocationId, Timestamp};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{TableResult, pickup as codes};

use super::super::{Failure, Refusal};
use crate::state::Node;

/// Keeps the key behind this location's pickup codes.
pub async fn keep_key(node: Node, key: PickupKey) {
    let writing = node.clone();
    let kept = node
        .store()
        .write("keep the key of pickup codes", move |tx| {
            let Some(author) = writing.author() else {
                return Ok(false);
            };
            codes::keep(tx, &author.location, &key)
        })
        .await;
    if let Err(error) = kept {
        tracing::warn!(%error, "the key of pickup codes could not be kept; the next contact brings it again");
    }
}

/// Asks whether the customer showed the right code. A wrong one is counted, in a
/// write of its own: the refusal leaves no other trace.
pub(super) async fn check_code(
    node: &Node,
    document: &DocumentId,
    shown: Option<String>,
) -> Result<(), Failure> {
    let (writing, document) = (node.clone(), *document);
    let refused = node
        .store()
        .write("check a pickup code", move |tx| {
            let author = writing.author().ok_or(Refusal::NotEnrolled)?;
            Ok::<_, Refusal>(judge_code(
                tx,
                &author.location,
                (&document, shown.as_deref()),
                writing.now(),
            )?)
        })
        .await?;
    refused.map_or(Ok(()), |refused| Err(Refusal::from(refused).into()))
}

fn judge_code(
    conn: &Connection,
    location: &LocationId,
    (document, shown): (&DocumentId, Option<&str>),
    at: Timestamp,
) -> TableResult<Option<Rejection>> {
    let refuse = |code, detail: String| Ok(Some(Rejection::new("/code", code, detail)));
    let Some(key) = codes::key(conn, location)? else {
        let detail = "this node has never been connected to its hub and cannot check codes yet";
        return Ok(Some(
            Rejection::new("/code", "no_pickup_key", detail).as_conflict(),
        ));
    };
    if let Some(until) = codes::locked_until(conn, document, at)? {
        let detail = format!("too many wrong codes were shown; try again after {until}");
        return Ok(Some(
            Rejection::new("/code", "code_locked", detail).as_conflict(),
        ));
    }
    let Some(shown) = shown else {
        return refuse(
            "missing",
            "send the code that the customer shows".to_owned(),
        );
    };
    if key.accepts(document, shown) {
        codes::forget(conn, document)?;
        return Ok(None);
    }
    let left = codes::note_wrong(conn, document, at)?;
    let detail = format!(
        "this is not the code of the order; {left} more attempts before it is locked for a while"
    );
    refuse("wrong_code", detail)
}
