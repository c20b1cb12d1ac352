//! `POST /sales`: a basket becomes a receipt.
//!
//! Prices, taxes and change are decided from one version of the reference data,
//! outside the writer; the number is drawn and the receipt journalled in one
//! closure on it. Stock is never asked: goods in the customer's hand are sold.
//!
//! Invariant: a sale that was answered with 201 is in the journal once.

use std::collections::BTreeMap;

use evertill_domain::policy::Policies;
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_domain::sale::{ReceiptDraft, SaleContext, decide_sale};
use evertill_domain::{Currency, LocationId, Product, RegisterId, Sku, Timestamp};
use evertill_http::api::{Goods, Resolved, SaleBody};
use evertill_storage::reference::View;

use super::receipts::{self, Names};
use super::{Answer, Failure, Refusal, Request};
use crate::state::Node;

/// Sells a basket at the till that asks.
///
/// # Errors
/// Every field that breaks a rule, or why nothing could be stored.
pub async fn sell(node: &Node, request: Request, body: SaleBody) -> Result<Answer, Failure> {
    let location = node.author().ok_or(Refusal::NotEnrolled)?.location;
    let till = request.till.clone();
    let now = node.now();
    let decided = node
        .reference()
        .read(move |view| decide(view, &location, &till, &body, now));
    let (draft, names) = match decided.await {
        Ok(decided) => decided,
        Err(refusal) => return request.refused(node, refusal.into()).await,
    };
    let till = request.till.clone();
    request
        .once(node, "sell", move |tx, author| {
            receipts::journal(tx, author, &till, draft, &names, now)
        })
        .await
}

/// The receipt of a basket, lacking its number, and the names of its products.
fn decide(
    view: &View,
    location: &LocationId,
    till: &RegisterId,
    body: &SaleBody,
    now: Timestamp,
) -> Result<(ReceiptDraft, Names), Refusal> {
    body.check_counts()?;
    let location = view.location(location)?;
    let policies = view.policies()?;
    let mut products = BTreeMap::new();
    let resolved = resolve(
        view,
        (&policies, location.currency),
        &body.goods()?,
        &mut products,
    )?;
    let command = body.command(location.currency, &resolved)?;
    let context = SaleContext {
        location: &location,
        register: till,
        now,
        policies: &policies,
        products: &products,
    };
    let draft = decide_sale(&command, &context)?;
    let names = products
        .into_iter()
        .map(|(sku, product)| (sku, product.name))
        .collect();
    Ok((draft, names))
}

/// Finds the product of each line; `products` collects them.
fn resolve(
    view: &View,
    (policies, currency): (&Policies, Currency),
    goods: &[Goods<'_>],
    products: &mut BTreeMap<Sku, Product>,
) -> Result<Vec<Resolved>, Refusal> {
    let mut resolved = Vec::with_capacity(goods.len());
    let mut refused = Vec::new();
    for (i, goods) in goods.iter().enumerate() {
        match goods {
            Goods::Sku(sku) => {
                if !products.contains_key(*sku)
                    && let Some(product) = view.product(sku)?
                {
                    products.insert((*sku).clone(), product);
                }
                match products.get(*sku) {
                    Some(product) => {
                        resolved.push(Resolved::plain((*sku).clone(), product.unit));
                    }
                    None => refused.push(Rejection::new(
                        format!("/lines/{i}/sku"),
                        "unknown_sku",
                        format!("no product {sku} is known here; check it or import it"),
                    )),
                }
            }
            Goods::Barcode(code) => match super::products::scanned(view, policies, currency, code)?
            {
                Some(scanned) => {
                    resolved.push(Resolved {
                        sku: scanned.product.sku.clone(),
                        unit: scanned.product.unit,
                        quantity: scanned.quantity,
                        amount: scanned.amount,
                    });
                    products.insert(scanned.product.sku.clone(), scanned.product);
                }
                None => refused.push(Rejection::new(
                    format!("/lines/{i}/barcode"),
                    "unknown_barcode",
                    format!("no product here has the barcode {code}; check it or search by name"),
                )),
            },
        }
    }
    Rejections::unless_empty(refused)?;
    Ok(resolved)
}
