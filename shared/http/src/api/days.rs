//! What a location took on a trading day, as JSON and as CSV.
//!
//! A day is shown in the currency of the location. Should receipts of another
//! currency belong to the day, they are listed beside it and never added in.
//!
//! Invariant: both forms show the same figures.

use std::fmt::Write as _;

use evertill_domain::days::{DayFigures, DayKey, DayTotals};
use evertill_domain::{BusinessDate, Currency, LocationId};
use serde::Serialize;
use utoipa::ToSchema;

use super::text::minor_text;

/// A trading day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayView {
    /// Where.
    pub location: String,
    /// The trading day.
    #[schema(example = "2026-07-01")]
    pub business_date: String,
    /// The figures in the location's currency.
    #[serde(flatten)]
    pub figures: DayCurrencyView,
    /// The figures in every other currency of that day; left out if there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_currencies: Vec<DayCurrencyView>,
}

/// The figures of a day in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayCurrencyView {
    /// The currency of every amount.
    #[schema(value_type = String, example = "USD")]
    pub currency: &'static str,
    /// Line amounts of sales, before discounts.
    pub gross: String,
    /// Discounts of sales.
    pub discounts: String,
    /// The taxes, returns and voids taken off.
    pub taxes: Vec<DayTaxView>,
    /// The payments net of change, returns and voids taken off.
    pub tenders: Vec<DayTenderView>,
    /// Cash rounding.
    pub rounding: String,
    /// Totals of returns and voids, as a positive figure.
    pub returns: String,
    /// Receipts of every kind.
    pub receipts: i64,
}

/// What one tax came to on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayTaxView {
    /// Its name.
    #[schema(example = "VAT")]
    pub code: String,
    /// The fraction of the price.
    #[schema(example = "0.19")]
    pub rate: String,
    /// The amount without tax that it was charged on.
    pub base: String,
    /// The tax.
    pub amount: String,
    /// Whether the prices contained it.
    pub included: bool,
}

/// What was paid in one way on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayTenderView {
    /// `cash`, `card` or `coupon`.
    #[schema(value_type = String)]
    pub kind: &'static str,
    /// Net of change.
    pub amount: String,
}

impl DayView {
    /// The view of a day whose location trades in `currency`; a day without
    /// receipts shows zeros.
    #[must_use]
    pub fn of(
        location: &LocationId,
        date: BusinessDate,
        currency: Currency,
        totals: &[DayTotals],
    ) -> Self {
        let own = totals.iter().find(|day| day.key.currency == currency);
        let others = totals.iter().filter(|day| day.key.currency != currency);
        let empty = DayTotals::new(DayKey {
            location: location.clone(),
            business_date: date,
            currency,
        });
        Self {
            location: location.to_string(),
            business_date: date.to_string(),
            figures: figures_view(currency, &own.unwrap_or(&empty).figures),
            other_currencies: others
                .map(|day| figures_view(day.key.currency, &day.figures))
                .collect(),
        }
    }

    /// One row per figure, with a heading: `location,business_date,currency,
    /// figure,name,rate,included,base,amount`. Taxes and tenders carry their
    /// code or kind as `name`. No field needs quoting, save a tax code.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut rows = String::from(
            "location,business_date,currency,figure,name,rate,included,base,amount\r\n",
        );
        for figures in std::iter::once(&self.figures).chain(&self.other_currencies) {
            let mut row = |figure: &str, detail: &str, amount: &str| {
                let (location, date) = (&self.location, &self.business_date);
                let currency = figures.currency;
                // Writing into a String cannot fail.
                let _ = write!(
                    rows,
                    "{location},{date},{currency},{figure},{detail},{amount}\r\n"
                );
            };
            let plain = ",,,";
            row("gross", plain, &figures.gross);
            row("discounts", plain, &figures.discounts);
            for tax in &figures.taxes {
                let DayTaxView {
                    rate,
                    included,
                    base,
                    ..
                } = tax;
                let detail = format!("{},{rate},{included},{base}", quoted(&tax.code));
                row("tax", &detail, &tax.amount);
            }
            for tender in &figures.tenders {
                row("tender", &format!("{},,,", tender.kind), &tender.amount);
            }
            row("rounding", plain, &figures.rounding);
            row("returns", plain, &figures.returns);
            row("receipts", plain, &figures.receipts.to_string());
        }
        rows
    }
}

/// A field of a CSV row, quoted if it has to be (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn figures_view(currency: Currency, figures: &DayFigures) -> DayCurrencyView {
    let money = |minor: i64| minor_text(minor, currency);
    DayCurrencyView {
        currency: currency.code(),
        gross: money(figures.gross),
        discounts: money(figures.discounts),
        taxes: figures
            .taxes
            .iter()
            .map(|(key, tax)| DayTaxView {
                code: key.code.to_string(),
                rate: key.rate.to_string(),
                base: money(tax.base),
                amount: money(tax.amount),
                included: key.included,
            })
            .collect(),
        tenders: figures
            .tenders
            .iter()
            .map(|(kind, amount)| DayTenderView {
                kind: kind.as_str(),
                amount: money(*amount),
            })
            .collect(),
        rounding: money(figures.rounding),
        returns: money(figures.returns),
        receipts: figures.receipts,
    }
}

#[cfg(test)]
mod tests {
    use evertill_domain::days::{DayTax, DayTaxKey};
    use evertill_domain::receipt::TenderKind;

    use super::*;

    fn day(currency: Currency) -> DayTotals {
        let mut day = DayTotals::new(DayKey {
            location: "S001".parse().unwrap(),
            business_date: "2026-07-01".parse().unwrap(),
            currency,
        });
        day.figures.gross = 12_345;
        day.figures.receipts = 2;
        let key = DayTaxKey {
            code: "A,B".parse().unwrap(),
            rate: "0.19".parse().unwrap(),
            included: true,
        };
        let (base, amount) = (100, 19);
        day.figures.taxes.insert(key, DayTax { base, amount });
        day.figures.tenders.insert(TenderKind::Cash, 119);
        day
    }

    #[test]
    fn currencies_stand_beside_each_other() {
        let totals = [day(Currency::EUR), day(Currency::USD)];
        let date = "2026-07-01".parse().unwrap();
        let view = DayView::of(&"S001".parse().unwrap(), date, Currency::USD, &totals);
        assert_eq!(view.figures.currency, "USD");
        assert_eq!(view.other_currencies.len(), 1);
        let json = serde_json::to_value(&view).unwrap();
        assert_eq!(json["gross"], "123.45");
        assert_eq!(json["receipts"], 2);
        let csv = view.to_csv();
        assert_eq!(csv.lines().count(), 1 + 2 * 7);
        assert!(
            csv.contains("S001,2026-07-01,USD,tax,\"A,B\",0.19,true,1.00,0.19\r\n"),
            "{csv}"
        );
        let columns = |line: &str| line.replace("\"A,B\"", "A").matches(',').count();
        assert!(csv.lines().all(|line| columns(line) == 8), "{csv}");
    }

    #[test]
    fn a_day_without_receipts_is_all_zeros() {
        let date = "2026-07-01".parse().unwrap();
        let view = DayView::of(&"S001".parse().unwrap(), date, Currency::USD, &[]);
        let json = serde_json::to_value(&view).unwrap();
        assert_eq!(
            (&json["gross"], &json["receipts"]),
            (&"0.00".into(), &0.into())
        );
        assert!(json.get("other_currencies").is_none());
    }
}
