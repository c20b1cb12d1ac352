//! The till's search: what a person types against names, SKUs and barcodes.
//!
//! A product matches if every term starts one of its words, its SKU's or its
//! barcodes'. Exact SKU and barcode come first, then whole words, then starts of
//! words. Each step looks at a bounded number of candidates, so that a first
//! letter typed over a hundred thousand products costs no more than a rare word:
//!
//! - terms of up to three letters have prefix indexes in FTS5;
//! - a longer term that starts very many different codes (digits of a barcode)
//!   would make FTS5 merge as many lists; such a term is answered from the
//!   codes' own index, or by looking at what the other terms found.
//!
//! Invariant: no query is an error; the order is the same for the same data.

use std::collections::BTreeMap;

use evertill_domain::Product;
use rusqlite::{Connection, OptionalExtension, params};

use super::apply::{CODE_BARCODE, CODE_SKU};
use super::slot::Slot;
use super::state::limit;
use super::text;

/// Candidates that are read and ranked when FTS5 answers every term.
const CANDIDATES: usize = 200;
/// Candidates that are read when some term is only checked afterwards.
const CANDIDATES_FILTERED: usize = 1_000;
/// Codes that a term may start before it is kept away from FTS5.
const BROAD_CODES: usize = 1_000;
/// Longest term that has a prefix index (see the migration).
const INDEXED_PREFIX: usize = 3;

/// How good a match is; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Quality {
    /// The query is the SKU.
    Sku,
    /// The query is a barcode.
    Barcode,
    /// Every term is a whole word.
    Words,
    /// Every term starts a word.
    Starts,
}

/// Row ids that match a query, with the quality of the match; to be read,
/// filtered by [`Search::keeps`] and ranked.
pub(super) struct Search {
    /// The terms, normalised.
    pub(super) terms: Vec<String>,
    /// Terms that the index was not asked for.
    unchecked: Vec<String>,
    /// Candidate row ids and why they are here.
    pub(super) candidates: BTreeMap<i64, Quality>,
}

impl Search {
    /// Collects the candidates of a query.
    pub(super) fn run(
        conn: &Connection,
        slot: Slot,
        query: &str,
        wanted: usize,
    ) -> rusqlite::Result<Self> {
        let mut search = Self {
            terms: text::query_terms(query),
            unchecked: Vec::new(),
            candidates: BTreeMap::new(),
        };
        search.add_exact(conn, slot, query.trim())?;
        let mut asked = Vec::new();
        for term in search.terms.clone() {
            if is_broad(conn, slot, &term)? {
                search.unchecked.push(term);
            } else {
                asked.push(term);
            }
        }
        // A single term needs no check afterwards, whichever index answers it.
        let answered = search.unchecked.is_empty() || search.terms.len() == 1;
        let room = if answered {
            CANDIDATES.max(wanted)
        } else {
            CANDIDATES_FILTERED.max(wanted)
        };
        if !asked.is_empty() {
            search.add_words(conn, slot, &asked, Quality::Words, room)?;
            if search.candidates.len() < wanted.max(room / 4) {
                search.add_words(conn, slot, &asked, Quality::Starts, room)?;
            }
        } else if let Some(first) = search.unchecked.first().cloned() {
            search.add_codes(conn, slot, &first, room)?;
        }
        Ok(search)
    }

    /// Whether a candidate also has the terms that the index was not asked for.
    pub(super) fn keeps(&self, product: &Product) -> bool {
        if self.unchecked.is_empty() {
            return true;
        }
        let mut words = text::terms(&product.name);
        words.extend(text::terms(product.sku.as_str()));
        for barcode in &product.barcodes {
            words.extend(text::terms(barcode.as_str()));
        }
        self.unchecked
            .iter()
            .all(|term| words.iter().any(|word| word.starts_with(term)))
    }

    /// The order of results: quality, then names that begin with the query,
    /// then short names, then by name and SKU.
    pub(super) fn rank<'p>(
        &self,
        quality: Quality,
        product: &'p Product,
    ) -> (Quality, bool, usize, &'p str, &'p str) {
        let name_begins = self.terms.first().is_some_and(|term| {
            text::terms(&product.name)
                .first()
                .is_some_and(|word| word.starts_with(term))
        });
        let (name, sku) = (product.name.as_str(), product.sku.as_str());
        (quality, !name_begins, name.len(), name, sku)
    }

    fn add(&mut self, id: i64, quality: Quality) {
        let held = self.candidates.entry(id).or_insert(quality);
        *held = quality.min(*held);
    }

    fn add_exact(&mut self, conn: &Connection, slot: Slot, code: &str) -> rusqlite::Result<()> {
        let upper = code.to_ascii_uppercase();
        let mut statement =
            conn.prepare_cached(&slot.sql(
                "SELECT row_id FROM reference_code_{s} WHERE code = ?1 AND class = ?2 LIMIT 1",
            ))?;
        for (class, quality) in [(CODE_SKU, Quality::Sku), (CODE_BARCODE, Quality::Barcode)] {
            for spelling in [code, upper.as_str()] {
                let found = statement
                    .query_row(params![spelling, class], |row| row.get(0))
                    .optional()?;
                if let Some(id) = found {
                    self.add(id, quality);
                }
            }
        }
        Ok(())
    }

    fn add_words(
        &mut self,
        conn: &Connection,
        slot: Slot,
        terms: &[String],
        quality: Quality,
        room: usize,
    ) -> rusqlite::Result<()> {
        let star = if quality == Quality::Starts { "*" } else { "" };
        let words: Vec<String> = terms
            .iter()
            .map(|term| format!("\"{term}\"{star}"))
            .collect();
        let mut statement = conn.prepare_cached(&slot.sql(
            "SELECT rowid FROM reference_search_{s} WHERE reference_search_{s} MATCH ?1 LIMIT ?2",
        ))?;
        let mut found = statement.query(params![words.join(" "), limit(room)])?;
        while let Some(row) = found.next()? {
            self.add(row.get(0)?, quality);
        }
        Ok(())
    }

    fn add_codes(
        &mut self,
        conn: &Connection,
        slot: Slot,
        start: &str,
        room: usize,
    ) -> rusqlite::Result<()> {
        let mut statement = conn.prepare_cached(&slot.sql(
            "SELECT row_id FROM reference_code_{s} WHERE code >= ?1 AND code < ?2 LIMIT ?3",
        ))?;
        let mut found = statement.query(params![start, beyond(start), limit(room)])?;
        while let Some(row) = found.next()? {
            self.add(row.get(0)?, Quality::Starts);
        }
        Ok(())
    }
}

/// Whether a term starts so many codes that FTS5 should not expand it.
fn is_broad(conn: &Connection, slot: Slot, term: &str) -> rusqlite::Result<bool> {
    if term.chars().count() <= INDEXED_PREFIX {
        return Ok(false);
    }
    let started: i64 = conn
        .prepare_cached(&slot.sql(
            "SELECT COUNT(*) FROM (
                 SELECT 1 FROM reference_code_{s} WHERE code >= ?1 AND code < ?2 LIMIT ?3)",
        ))?
        .query_row(params![term, beyond(term), limit(BROAD_CODES)], |row| {
            row.get(0)
        })?;
    Ok(started >= limit(BROAD_CODES))
}

/// The end of the range of texts that begin with `start`.
fn beyond(start: &str) -> String {
    format!("{start}{}", char::MAX)
}
