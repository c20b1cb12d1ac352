//! Reading reference data: one consistent set per view.
//!
//! A view lives in one read transaction, so the products, locations and policies
//! it returns belong to the same version, whatever is staged or swapped
//! meanwhile.
//!
//! Invariant: everything a view returns comes from the set of its position.

use std::collections::BTreeMap;
use std::sync::Arc;

use evertill_domain::policy::{Policies, Selling};
use evertill_domain::{Barcode, Currency, Location, LocationId, Money, Product, Sku, TimeZoneName};
use rusqlite::{CachedStatement, OptionalExtension, params};

use super::apply::CODE_BARCODE;
use super::codec;
use super::connection::Reader;
use super::error::ReferenceError;
use super::policies::{self, Held, PolicyCache, PolicyName, PolicyRevision, StoredPolicy};
use super::row::{Kind, Position};
use super::search::Search;
use super::state::{self, Live};

const OPERATION: &str = "read the reference data";

/// Most products that one search or page returns.
pub const PRODUCTS_MAX: usize = 1_000;

/// Products looked at to find the currency of an unlisted location.
const CURRENCY_SAMPLE: usize = 64;

/// A consistent look at the reference data.
pub struct View {
    conn: Reader,
    live: Live,
    cache: Arc<PolicyCache>,
}

impl View {
    /// Opens a view on a lent connection.
    pub(super) fn open(conn: Reader, cache: Arc<PolicyCache>) -> Result<Self, ReferenceError> {
        let live = conn
            .begin()
            .and_then(|()| state::live(&conn))
            .map_err(ReferenceError::storage(OPERATION))?;
        Ok(Self { conn, live, cache })
    }

    /// The hub and version this view shows.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            hub: self.live.hub,
            version: self.live.version,
            cursor: None,
        }
    }

    /// A product by its SKU.
    ///
    /// # Errors
    /// The database failed, or the row is of a newer layout.
    pub fn product(&self, sku: &Sku) -> Result<Option<Product>, ReferenceError> {
        let payload = self.payload(Kind::PRODUCT, sku.as_str())?;
        payload
            .map(|payload| decode_product(sku.as_str(), &payload))
            .transpose()
    }

    /// The products of these SKUs that exist.
    ///
    /// # Errors
    /// The database failed, or a row is of a newer layout.
    pub fn products_by_sku<'s>(
        &self,
        skus: impl IntoIterator<Item = &'s Sku>,
    ) -> Result<BTreeMap<Sku, Product>, ReferenceError> {
        let mut found = BTreeMap::new();
        for sku in skus {
            if !found.contains_key(sku)
                && let Some(product) = self.product(sku)?
            {
                found.insert(sku.clone(), product);
            }
        }
        Ok(found)
    }

    /// The product with exactly this barcode.
    ///
    /// # Errors
    /// The database failed, or the row is of a newer layout.
    pub fn by_barcode(&self, barcode: &str) -> Result<Option<Product>, ReferenceError> {
        let found = self
            .prepare(
                "SELECT r.key, r.payload FROM reference_code_{s} c
                 JOIN reference_row_{s} r ON r.id = c.row_id
                 WHERE c.code = ?1 AND c.class = ?2 LIMIT 1",
            )?
            .query_row(params![barcode, CODE_BARCODE], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .optional()
            .map_err(ReferenceError::storage(OPERATION))?;
        found
            .map(|(key, payload)| decode_product(&key, &payload))
            .transpose()
    }

    /// The SKU of the product with exactly this barcode.
    ///
    /// # Errors
    /// The database failed.
    pub fn barcode_owner(&self, barcode: &Barcode) -> Result<Option<Sku>, ReferenceError> {
        let found: Option<String> = self
            .prepare(
                "SELECT r.key FROM reference_code_{s} c
                 JOIN reference_row_{s} r ON r.id = c.row_id
                 WHERE c.code = ?1 AND c.class = ?2 LIMIT 1",
            )?
            .query_row(params![barcode.as_str(), CODE_BARCODE], |row| row.get(0))
            .optional()
            .map_err(ReferenceError::storage(OPERATION))?;
        found
            .map(|key| {
                key.parse().map_err(
                    |error: evertill_domain::IdError| ReferenceError::Unreadable {
                        kind: Kind::PRODUCT,
                        detail: error.to_string(),
                        key,
                    },
                )
            })
            .transpose()
    }

    /// Products for what a person typed, best first; never an error because of
    /// the query. `limit` is cut to [`PRODUCTS_MAX`].
    ///
    /// # Errors
    /// The database failed, or a row is of a newer layout.
    pub fn search(&self, query: &str, limit: usize) -> Result<Vec<Product>, ReferenceError> {
        let limit = limit.min(PRODUCTS_MAX);
        if limit == 0 {
            return Ok(Vec::new());
        }
        let search = Search::run(&self.conn, self.live.slot, query, limit)
            .map_err(ReferenceError::storage(OPERATION))?;
        let mut statement =
            self.prepare("SELECT key, payload FROM reference_row_{s} WHERE id = ?1")?;
        let mut matches = Vec::new();
        for (id, quality) in &search.candidates {
            let (key, payload) = statement
                .query_row([id], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
                })
                .map_err(ReferenceError::storage(OPERATION))?;
            let product = decode_product(&key, &payload)?;
            if search.keeps(&product) {
                matches.push((*quality, product));
            }
        }
        matches.sort_by_cached_key(|(quality, product)| {
            let (quality, begins, length, name, sku) = search.rank(*quality, product);
            (quality, begins, length, name.to_owned(), sku.to_owned())
        });
        matches.truncate(limit);
        Ok(matches.into_iter().map(|(_, product)| product).collect())
    }

    /// Products in the order of their SKUs, after `after`. `limit` is cut to
    /// [`PRODUCTS_MAX`].
    ///
    /// # Errors
    /// The database failed, or a row is of a newer layout.
    pub fn page_products(
        &self,
        after: Option<&Sku>,
        limit: usize,
    ) -> Result<Vec<Product>, ReferenceError> {
        let after = after.map_or("", Sku::as_str);
        self.rows(Kind::PRODUCT, after, limit.min(PRODUCTS_MAX))?
            .into_iter()
            .map(|(key, payload)| decode_product(&key, &payload))
            .collect()
    }

    /// How many products there are.
    ///
    /// # Errors
    /// The database failed.
    pub fn count_products(&self) -> Result<u64, ReferenceError> {
        self.prepare("SELECT COUNT(*) FROM reference_row_{s} WHERE kind = ?1 AND deleted = 0")?
            .query_row([Kind::PRODUCT.code()], |row| row.get::<_, i64>(0))
            .map(i64::cast_unsigned)
            .map_err(ReferenceError::storage(OPERATION))
    }

    /// A location; one that no import listed is a store with defaults: time zone
    /// UTC, and the currency that the products are priced in (that of the first
    /// priced product in SKU order, USD without any).
    ///
    /// # Errors
    /// The database failed, or the row is of a newer layout.
    pub fn location(&self, id: &LocationId) -> Result<Location, ReferenceError> {
        if let Some(listed) = self.listed_location(id)? {
            return Ok(listed);
        }
        let currency = self
            .page_products(None, CURRENCY_SAMPLE)?
            .iter()
            .find_map(|product| product.price)
            .map_or(Currency::USD, Money::currency);
        Ok(Location::with_defaults(
            id.clone(),
            currency,
            TimeZoneName::utc(),
        ))
    }

    /// A location, if an import listed it.
    ///
    /// # Errors
    /// The database failed, or the row is of a newer layout.
    pub fn listed_location(&self, id: &LocationId) -> Result<Option<Location>, ReferenceError> {
        let payload = self.payload(Kind::LOCATION, id.as_str())?;
        payload
            .map(|payload| decode_location(id.as_str(), &payload))
            .transpose()
    }

    /// Every listed location, in the order of their ids.
    ///
    /// # Errors
    /// The database failed, or a row is of a newer layout.
    pub fn locations(&self) -> Result<Vec<Location>, ReferenceError> {
        self.rows(Kind::LOCATION, "", usize::MAX)?
            .into_iter()
            .map(|(key, payload)| decode_location(&key, &payload))
            .collect()
    }

    /// The policies in force; those never set have their defaults.
    ///
    /// # Errors
    /// The database failed, or a policy is of a newer layout.
    pub fn policies(&self) -> Result<Arc<Policies>, ReferenceError> {
        self.held().map(|held| held.policies)
    }

    /// The policies about promises in force, as one snapshot; those never set
    /// have their defaults.
    ///
    /// # Errors
    /// The database failed.
    pub fn selling(&self) -> Result<Arc<Selling>, ReferenceError> {
        self.held().map(|held| held.selling)
    }

    /// All policies in force.
    pub(super) fn held(&self) -> Result<Held, ReferenceError> {
        self.cache
            .get_or_load(self.live, || policies::load(&self.conn, self.live.slot))
    }

    /// One policy as it was put, if it ever was.
    ///
    /// # Errors
    /// The database failed, or the policy is of a newer layout.
    pub fn policy(&self, name: PolicyName) -> Result<Option<StoredPolicy>, ReferenceError> {
        policies::stored(&self.conn, self.live.slot, name)
    }

    /// Every revision of a policy, oldest first; kept at the hub only.
    ///
    /// # Errors
    /// The database failed.
    pub fn policy_history(&self, name: PolicyName) -> Result<Vec<PolicyRevision>, ReferenceError> {
        policies::history(&self.conn, name)
    }

    fn prepare(&self, statement: &str) -> Result<CachedStatement<'_>, ReferenceError> {
        self.conn
            .prepare_cached(&self.live.slot.sql(statement))
            .map_err(ReferenceError::storage(OPERATION))
    }

    fn payload(&self, kind: Kind, key: &str) -> Result<Option<Vec<u8>>, ReferenceError> {
        self.prepare(
            "SELECT payload FROM reference_row_{s} WHERE kind = ?1 AND key = ?2 AND deleted = 0",
        )?
        .query_row(params![kind.code(), key], |row| row.get(0))
        .optional()
        .map_err(ReferenceError::storage(OPERATION))
    }

    fn rows(
        &self,
        kind: Kind,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, ReferenceError> {
        let mut statement = self.prepare(
            "SELECT key, payload FROM reference_row_{s}
             WHERE kind = ?1 AND key > ?2 AND deleted = 0 ORDER BY key LIMIT ?3",
        )?;
        statement
            .query_map(params![kind.code(), after, state::limit(limit)], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .and_then(Iterator::collect)
            .map_err(ReferenceError::storage(OPERATION))
    }
}

fn decode_product(key: &str, payload: &[u8]) -> Result<Product, ReferenceError> {
    codec::decode_product(key, payload).map_err(|detail| ReferenceError::Unreadable {
        kind: Kind::PRODUCT,
        key: key.to_owned(),
        detail,
    })
}

fn decode_location(key: &str, payload: &[u8]) -> Result<Location, ReferenceError> {
    codec::decode_location(key, payload).map_err(|detail| ReferenceError::Unreadable {
        kind: Kind::LOCATION,
        key: key.to_owned(),
        detail,
    })
}
