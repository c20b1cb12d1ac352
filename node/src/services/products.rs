//! Products as a till asks for them: by SKU, by what somebody typed, by a code
//! that was scanned.
//!
//! Invariant: everything one call returns belongs to one version of the
//! reference data.

use evertill_domain::barcode::{self, Label, LabelValue, Scan};
use evertill_domain::policy::Policies;
use evertill_domain::{Currency, Money, Product, Quantity, Sku};
use evertill_http::api::{ProductView, ScanMatch, ScanView};
use evertill_storage::reference::View;

use super::{Failure, Refusal};
use crate::state::Node;

/// One product.
///
/// # Errors
/// No product has this SKU, or the reference data could not be read.
pub async fn one(node: &Node, sku: String) -> Result<ProductView, Failure> {
    let found = node.reference().read(move |view| {
        let unknown = || Refusal::Unknown(format!("no product {sku} is known here"));
        let sku: Sku = sku.parse().map_err(|_| unknown())?;
        let product = view.product(&sku)?.ok_or_else(unknown)?;
        Ok::<_, Refusal>(ProductView::of(&product))
    });
    Ok(found.await?)
}

/// Products for what somebody typed, best first.
///
/// # Errors
/// The reference data could not be read.
pub async fn search(node: &Node, query: String, limit: usize) -> Result<Vec<Product>, Failure> {
    let found = node
        .reference()
        .read(move |view| Ok::<_, Refusal>(view.search(&query, limit)?));
    Ok(found.await?)
}

/// Products in the order of their SKUs, after `after`.
///
/// # Errors
/// The reference data could not be read.
pub async fn page(node: &Node, after: Option<Sku>, limit: usize) -> Result<Vec<Product>, Failure> {
    let found = node
        .reference()
        .read(move |view| Ok::<_, Refusal>(view.page_products(after.as_ref(), limit)?));
    Ok(found.await?)
}

/// The product behind a scanned code: exactly this barcode, else what a label
/// of the barcode policy says.
///
/// # Errors
/// The code names no product, or the reference data could not be read.
pub async fn scan(node: &Node, code: String) -> Result<ScanView, Failure> {
    let location = node.author().map(|author| author.location);
    let found = node.reference().read(move |view| {
        let policies = view.policies()?;
        // Before enrolment a node has no currency to read a price label in.
        let currency = match &location {
            Some(location) => view.location(location)?.currency,
            None => Currency::USD,
        };
        let found = scanned(view, &policies, currency, &code)?.ok_or_else(|| {
            Refusal::Unknown(format!(
                "no product here has the barcode {code}; check it or search by name"
            ))
        })?;
        Ok::<_, Refusal>(ScanView {
            product: ProductView::of(&found.product),
            matched: found.matched,
            quantity: found.quantity.map(|quantity| quantity.to_string()),
            amount: found.amount.map(Money::to_decimal_string),
        })
    });
    Ok(found.await?)
}

/// A product found by a code.
pub(super) struct Scanned {
    pub product: Product,
    pub matched: ScanMatch,
    pub quantity: Option<Quantity>,
    pub amount: Option<Money>,
}

/// The product behind a code, if there is one: exactly that code, else the item
/// of a label.
///
/// # Errors
/// The reference data could not be read.
pub(super) fn scanned(
    view: &View,
    policies: &Policies,
    currency: Currency,
    code: &str,
) -> Result<Option<Scanned>, Refusal> {
    if let Some(product) = view.by_barcode(code)? {
        return Ok(Some(Scanned {
            product,
            matched: ScanMatch::Exact,
            quantity: None,
            amount: None,
        }));
    }
    let Scan::Label(label) = barcode::scan(code, &policies.barcode, currency) else {
        return Ok(None);
    };
    let Some(product) = item(view, &label)? else {
        return Ok(None);
    };
    let matched = match label.value {
        LabelValue::Price(_) => ScanMatch::PriceLabel,
        LabelValue::Weight(_) => ScanMatch::WeightLabel,
    };
    Ok(label.of(&product).map(|said| Scanned {
        product,
        matched,
        quantity: said.quantity,
        amount: said.amount,
    }))
}

/// The product that a label's item digits name, as a barcode or as a SKU.
fn item(view: &View, label: &Label) -> Result<Option<Product>, Refusal> {
    for code in label.codes() {
        if let Some(product) = view.by_barcode(&code)? {
            return Ok(Some(product));
        }
        if let Ok(sku) = code.parse::<Sku>()
            && let Some(product) = view.product(&sku)?
        {
            return Ok(Some(product));
        }
    }
    Ok(None)
}
