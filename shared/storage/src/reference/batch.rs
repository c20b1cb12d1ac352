//! The hub's writes: a batch of changes that raises the version by one.
//!
//! Invariant: every row a batch changed carries the batch's version; a batch
//! that changed nothing leaves the version alone; no two products share a
//! barcode when a batch commits.

use evertill_domain::{Location, LocationId, Product, Sku, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::apply::{self, CODE_BARCODE, Change};
use super::codec;
use super::error::ReferenceError;
use super::policies::{self, PolicyName};
use super::row::{Kind, Row};
use super::state::{self, Live};

const OPERATION: &str = "change the reference data";

/// An open batch; what it changes shows to readers once it has committed.
pub struct Batch<'a> {
    conn: &'a Connection,
    live: Live,
    changed: u64,
    products_changed: bool,
}

impl<'a> Batch<'a> {
    /// Starts a batch in the caller's transaction, which holds the write lock.
    /// `expected` is the version the caller's decisions were made on.
    pub(super) fn begin(
        conn: &'a Connection,
        expected: Option<u64>,
    ) -> Result<Self, ReferenceError> {
        let live = state::live(conn).map_err(ReferenceError::storage(OPERATION))?;
        if let Some(expected) = expected.filter(|expected| *expected != live.version) {
            let found = live.version;
            return Err(ReferenceError::Moved { expected, found });
        }
        Ok(Self {
            conn,
            live,
            changed: 0,
            products_changed: false,
        })
    }

    /// The version that rows of this batch carry.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.live.version + 1
    }

    /// Writes a product, its barcodes and its search terms.
    ///
    /// # Errors
    /// The database failed.
    pub fn put_product(&mut self, product: &Product) -> Result<Change, ReferenceError> {
        let payload = codec::encode_product(product);
        let change = self.put(Kind::PRODUCT, product.sku.as_str(), Some(payload))?;
        self.products_changed |= change != Change::Unchanged;
        Ok(change)
    }

    /// Deletes a product; its tombstone travels to every node.
    ///
    /// # Errors
    /// The database failed.
    pub fn remove_product(&mut self, sku: &Sku) -> Result<Change, ReferenceError> {
        self.put(Kind::PRODUCT, sku.as_str(), None)
    }

    /// Writes a location.
    ///
    /// # Errors
    /// The database failed.
    pub fn put_location(&mut self, location: &Location) -> Result<Change, ReferenceError> {
        let payload = codec::encode_location(location);
        self.put(Kind::LOCATION, location.id.as_str(), Some(payload))
    }

    /// Deletes a location's master data; it is then one of the unlisted ones.
    ///
    /// # Errors
    /// The database failed.
    pub fn remove_location(&mut self, id: &LocationId) -> Result<Change, ReferenceError> {
        self.put(Kind::LOCATION, id.as_str(), None)
    }

    /// Writes a policy's next revision. The body is the policy as JSON; it must
    /// read as that policy and pass the policy's own checks.
    ///
    /// # Errors
    /// The body is refused, or the database failed.
    pub fn put_policy(
        &mut self,
        name: PolicyName,
        body: &str,
        author: &str,
        at: Timestamp,
    ) -> Result<Change, ReferenceError> {
        let checked = policies::canonical(name, body)?;
        let current = policies::stored(self.conn, self.live.slot, name)?;
        if current.as_ref().is_some_and(|held| held.body == checked) {
            return Ok(Change::Unchanged);
        }
        let revision = current.map_or(1, |held| held.revision + 1);
        let payload = policies::encode(revision, &checked);
        let change = self.put(Kind::POLICY, name.as_str(), Some(payload))?;
        self.conn
            .prepare_cached(
                "INSERT INTO reference_policy_revision
                     (name, revision, version, recorded_at, author, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .and_then(|mut insert| {
                insert.execute(params![
                    name.as_str(),
                    revision.cast_signed(),
                    self.version().cast_signed(),
                    at.as_millis(),
                    author,
                    checked,
                ])
            })
            .map_err(ReferenceError::storage(OPERATION))?;
        Ok(change)
    }

    fn put(
        &mut self,
        kind: Kind,
        key: &str,
        payload: Option<Vec<u8>>,
    ) -> Result<Change, ReferenceError> {
        let row = Row {
            kind,
            key: key.to_owned(),
            version: self.version(),
            payload,
        };
        let change = apply::put_changed(self.conn, self.live.slot, &row)
            .map_err(ReferenceError::storage(OPERATION))?;
        self.changed += u64::from(change != Change::Unchanged);
        Ok(change)
    }

    /// Checks the batch as a whole and raises the version if it changed
    /// anything. Returns the version that is live once the transaction commits.
    pub(super) fn finish(self) -> Result<u64, ReferenceError> {
        if self.changed == 0 {
            return Ok(self.live.version);
        }
        if self.products_changed {
            self.check_barcodes()?;
        }
        let version = self.version();
        let live = Live {
            version,
            ..self.live
        };
        state::set_live(self.conn, live).map_err(ReferenceError::storage(OPERATION))?;
        Ok(version)
    }

    /// Barcodes are compared at the end, so that one may pass from one product
    /// to another within a batch, whichever comes first.
    fn check_barcodes(&self) -> Result<(), ReferenceError> {
        let shared = self
            .conn
            .prepare_cached(&self.live.slot.sql(
                "SELECT code, MIN(row_id), MAX(row_id) FROM reference_code_{s}
                 WHERE class = ?1 GROUP BY code HAVING COUNT(*) > 1 LIMIT 1",
            ))
            .and_then(|mut statement| {
                statement
                    .query_row([CODE_BARCODE], |row| {
                        Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
                    })
                    .optional()
            })
            .map_err(ReferenceError::storage(OPERATION))?;
        let Some((barcode, first, second)) = shared else {
            return Ok(());
        };
        Err(ReferenceError::BarcodeTaken {
            barcode,
            sku: self.key_of(second)?,
            owner: self.key_of(first)?,
        })
    }

    fn key_of(&self, id: i64) -> Result<String, ReferenceError> {
        self.conn
            .query_row(
                &self
                    .live
                    .slot
                    .sql("SELECT key FROM reference_row_{s} WHERE id = ?1"),
                [id],
                |row| row.get(0),
            )
            .map_err(ReferenceError::storage(OPERATION))
    }
}
