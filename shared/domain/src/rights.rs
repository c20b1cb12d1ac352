//! Rights: how a unit is promised at most once while lines are cut.
//!
//! A promise to a customer is backed by a *right*, and every right is held by
//! exactly one replica. Rights are kept per (location, SKU) in cumulative
//! counters of a single writer each, the [`Cells`]; replicas exchange them and
//! keep the larger value. So they can come late, twice or in any order, and
//! still only ever say what their writer made durable.
//!
//! ```text
//! rights(r) = mint[r] + release[r] + Σ xfer[·→r] − Σ xfer[r→·] − use[r] − burn[r]
//! A = units sellable or staged        O = Σ rights(unsealed r) + live promises
//! ```
//!
//! # Why no unit is promised twice
//!
//! 1. *A replica's own view never overstates what it holds.* Its debits are its
//!    own entries, which it knows to the last one; credits of others it learns
//!    late. It debits only what its durable view holds ([`Cells::rights`]), so
//!    `rights(r) ≥ 0` holds in the union of all views, and hence in the world.
//! 2. *O is what was minted and has not ended.* Each use makes a live promise
//!    and each release ends one, so summing over the replicas
//!    `O = Σ mint − Σ burn − settled − breached`: transfers, uses and releases
//!    move rights about and create none.
//! 3. *Minting keeps O ≤ A.* One replica, the minter, mints, and it also
//!    records every movement of the location. What it has not yet seen (burns
//!    of the hub, breaches) only lowers O. So it computes an O that is too
//!    large or exact, and mints at most `A − safety_stock − O`
//!    ([`Position::mintable`]).
//! 4. *A falls together with O.* Goods that leave settle a live promise (A and
//!    O fall by the same), or burn the minter's rights ([`burn_of_outflow`]).
//!    What neither settles nor finds a right to burn is *uncovered*: a customer
//!    took a promised unit off the shelf, or a count found it missing. No till
//!    is stopped for it; it is the one way in which a promise can break.
//! 5. Hence `O ≤ A + uncovered`, always, whatever is delayed, repeated, cut or
//!    restarted; and live promises are part of O.
//!
//! The other rules guard the steps above. A promise is given back only once the
//! minter has recorded that it will not hand the goods over, or one part would
//! end twice (2). A mint is used only once a second medium holds it, or a
//! restored node would mint it again (3): a grant stands in the same journal as
//! the mint behind it, so the hub that can use it holds both. A new replica starts with nothing and
//! mints only once it knows the stock and the cells of the life before (3). A
//! lost replica is sealed by a count and two persons, which takes its rights
//! out of O for everyone at the same values (2).
//!
//! The sums are thousandths of the product's unit, as everywhere; a product
//! that is weighed is promised in multiples of its quantum.
//!
//! Invariant: no replica's rights are ever negative, in any view.

mod cells;
mod grant;
mod promise;
mod settlement;
mod tend;
mod wire;

pub use cells::{CellWrite, Cells, Own, RightsError, Seal};
pub use grant::{Share, answer_request, grant_by_share};
pub use promise::{End, PromiseParts};
pub use settlement::{Position, Settlement, burn_of_outflow, settle};
pub(crate) use settlement::{room, whole_up};
pub use tend::{Terms, tend};
pub use wire::{CellsError, PairCells, decode_cells, encode_cells};
