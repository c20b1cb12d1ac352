//! Posting the counts that the hub asked this location for.
//!
//! Invariant: a count is posted once, against what the records held at the
//! entries that its counter had seen.

use evertill_domain::Event;
use evertill_domain::count::decide_count;
use evertill_storage::counts::due;
use evertill_storage::journal::{Write, append};
use evertill_storage::projection::minters;
use evertill_storage::{TableError, WriteError, WriteTx};

use crate::state::Node;

/// Counts posted in one transaction, so that no sale waits long behind them.
const AT_ONCE: usize = 8;

/// Posts every count that is due; gives how many there were.
///
/// # Errors
/// The store could not be written.
pub async fn post_due(node: &Node) -> Result<usize, WriteError<TableError>> {
    let mut posted = 0;
    loop {
        let state = node.clone();
        let count = node
            .store()
            .write("post counts", move |tx| post_some(&state, tx))
            .await?;
        posted += count;
        if count < AT_ONCE {
            return Ok(posted);
        }
    }
}

fn post_some(node: &Node, tx: &WriteTx) -> Result<usize, TableError> {
    let Some(author) = node.author() else {
        return Ok(0);
    };
    // Whoever takes a place over knows what its shelves held only once the hub
    // has given the history back, and then the feed names it.
    if minters::of(tx, &author.location)? != Some(author.replica) {
        return Ok(0);
    }
    let counts = due(tx, &author.location, AT_ONCE)?;
    for count in &counts {
        let posted = decide_count(&count.request, &count.expected, node.now());
        let event = Event::CountPosted(posted);
        append(
            tx,
            &author,
            node.now(),
            &[Write::Extend(count.document, event)],
        )?;
    }
    Ok(counts.len())
}
