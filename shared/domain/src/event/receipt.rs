//! The bytes of a receipt, version 1.
//!
//! ```text
//! receipt  = [location, register, code, seq, seconds, currency,
//!             [* line], [* tender], milliseconds, day, [* label],
//!             customer, cashier, [* taxes], method, basket, rounding,
//!             origin, fiscal, * later fields]
//! line     = [sku, price, quantity, amount, [* (label, amount)], taxes, unit,
//!             bucket, original, reason, lot, serial, price reason,
//!             [* (base, amount)], [* (label, amount, share)], * later fields]
//! tender   = [kind, amount, reference]
//! label    = [kind, reason, promotion]        what a discount is
//! taxes    = [* [code, rate in millionths]]   what a line is charged
//! basket   = [* (label, amount)]              discounts on the basket
//! origin   = [1 return / 2 void, seq, reason of a void, code, register, location]
//! fiscal   = [1 signed / 2 outage pending, signature]
//! ```
//!
//! A return or void is written with its signs turned, so that the same things
//! are small and left out. What is left out:
//!
//! - line numbers, and the original's line where it is the same;
//! - a quantity of one, an amount that [`extend_price`] gives, the unit `each`;
//! - a line's taxes where it is charged the receipt's first set and
//!   [`line_taxes`] gives them; otherwise the set, or base and amount of each;
//! - shares of basket discounts where [`share_basket`] gives them; otherwise
//!   all discounts of the line, each with the position of its basket discount
//!   plus one, or 0;
//! - the sum of the taxes, the total, the change;
//! - the last tender's amount where no change was given, unless it is a coupon;
//! - the trading day where it is the UTC date; otherwise the difference in days;
//! - of an original receipt's number what it shares with this one.
//!
//! Whether something can be left out is tried, never assumed.
//!
//! [`extend_price`]: crate::money::extend_price
//! [`line_taxes`]: crate::tax::line_taxes
//! [`share_basket`]: crate::discount::share_basket

mod derived;
mod fields;
mod read;
mod write;

pub(super) use read::read;
pub(super) use write::write;
