//! The fields of a receipt as they stand in the bytes. New ones are optional
//! and last; a number is never used again.

use minicbor::{Decode, Encode};

use super::super::wire::{List, Word};
use crate::receipt::{MAX_DISCOUNTS, MAX_LINES, MAX_TENDERS};
use crate::tax::MAX_RATES;

/// Most discounts on one line: its own and its shares.
pub(super) const LINE_DISCOUNTS: usize = 2 * MAX_DISCOUNTS;
/// Most different discounts on one receipt.
const LABELS: usize = MAX_LINES * LINE_DISCOUNTS + MAX_DISCOUNTS;

/// The code of a return in [`OriginFields`].
pub(super) const RETURN: u8 = 1;
/// The code of a void in [`OriginFields`].
pub(super) const VOID: u8 = 2;
/// The code of a signed receipt in [`FiscalFields`].
pub(super) const SIGNED: u8 = 1;
/// The code of an outage in [`FiscalFields`].
pub(super) const OUTAGE: u8 = 2;

#[derive(Encode, Decode, Debug)]
#[cbor(array)]
pub(in super::super) struct ReceiptFields<'a> {
    #[b(0)]
    pub(super) location: Word<'a>,
    #[b(1)]
    pub(super) register: Word<'a>,
    #[b(2)]
    pub(super) code: &'a str,
    #[n(3)]
    pub(super) seq: u64,
    #[n(4)]
    pub(super) seconds: i64,
    /// Number of ISO 4217.
    #[n(5)]
    pub(super) currency: u16,
    #[b(6)]
    pub(super) lines: List<LineFields<'a>, MAX_LINES>,
    #[b(7)]
    pub(super) tenders: Option<List<TenderFields<'a>, MAX_TENDERS>>,
    #[n(8)]
    pub(super) millis: Option<u16>,
    #[n(9)]
    pub(super) day: Option<i32>,
    #[b(10)]
    pub(super) labels: Option<List<LabelFields<'a>, LABELS>>,
    #[b(11)]
    pub(super) customer_ref: Option<Word<'a>>,
    #[b(12)]
    pub(super) cashier: Option<Word<'a>>,
    #[b(13)]
    pub(super) taxes: Option<List<RateSet<'a>, MAX_LINES>>,
    #[n(14)]
    pub(super) method: Option<u8>,
    /// Label and amount of each.
    #[n(15)]
    pub(super) basket: Option<List<i64, { 2 * MAX_DISCOUNTS }>>,
    #[n(16)]
    pub(super) rounding: Option<i64>,
    #[b(17)]
    pub(super) origin: Option<OriginFields<'a>>,
    #[b(18)]
    pub(super) fiscal: Option<FiscalFields<'a>>,
}

/// The taxes that a line is charged.
pub(super) type RateSet<'a> = List<RateFields<'a>, MAX_RATES>;

#[derive(Encode, Decode, Debug)]
#[cbor(array)]
pub(super) struct LineFields<'a> {
    #[b(0)]
    pub(super) sku: Word<'a>,
    #[n(1)]
    pub(super) unit_price: Option<i64>,
    #[n(2)]
    pub(super) quantity: Option<i64>,
    #[n(3)]
    pub(super) amount: Option<i64>,
    /// Label and amount of each discount that was given on the line.
    #[n(4)]
    pub(super) discounts: Option<List<i64, { 2 * LINE_DISCOUNTS }>>,
    /// Position of its set of taxes; the first is left out.
    #[n(5)]
    pub(super) taxes: Option<u32>,
    #[n(6)]
    pub(super) unit: Option<u8>,
    #[n(7)]
    pub(super) bucket: Option<u8>,
    #[n(8)]
    pub(super) original_line: Option<u32>,
    #[b(9)]
    pub(super) reason: Option<Word<'a>>,
    #[b(10)]
    pub(super) lot: Option<Word<'a>>,
    #[b(11)]
    pub(super) serial: Option<Word<'a>>,
    #[b(12)]
    pub(super) price_reason: Option<Word<'a>>,
    /// Base and amount of each tax.
    #[n(13)]
    pub(super) charged: Option<List<i64, { 2 * MAX_RATES }>>,
    /// Label, amount and share of every discount, in place of field 4.
    #[n(14)]
    pub(super) shared: Option<List<i64, { 3 * LINE_DISCOUNTS }>>,
}

#[derive(Encode, Decode, Debug)]
#[cbor(array)]
pub(super) struct TenderFields<'a> {
    #[n(0)]
    pub(super) kind: u8,
    #[n(1)]
    pub(super) amount: Option<i64>,
    #[b(2)]
    pub(super) reference: Option<Word<'a>>,
}

#[derive(Encode, Decode, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cbor(array)]
pub(super) struct LabelFields<'a> {
    #[b(0)]
    pub(super) kind: &'a str,
    #[b(1)]
    pub(super) reason: Option<&'a str>,
    #[b(2)]
    pub(super) promotion: Option<&'a str>,
}

#[derive(Encode, Decode, Debug, Clone, PartialEq)]
#[cbor(array)]
pub(super) struct RateFields<'a> {
    #[b(0)]
    pub(super) code: &'a str,
    #[n(1)]
    pub(super) millionths: u32,
}

#[derive(Encode, Decode, Debug)]
#[cbor(array)]
pub(super) struct OriginFields<'a> {
    #[n(0)]
    pub(super) kind: u8,
    #[n(1)]
    pub(super) seq: u64,
    #[b(2)]
    pub(super) reason: Option<&'a str>,
    #[b(3)]
    pub(super) code: Option<&'a str>,
    #[b(4)]
    pub(super) register: Option<Word<'a>>,
    #[b(5)]
    pub(super) location: Option<Word<'a>>,
}

#[derive(Encode, Decode, Debug)]
#[cbor(array)]
pub(super) struct FiscalFields<'a> {
    #[n(0)]
    pub(super) kind: u8,
    #[b(1)]
    pub(super) signature: Option<&'a str>,
}
