//! What the chain sells, and its policies.
//!
//! People take, bring and order whole *portions*: a piece, or a tenth of a
//! kilogram of what is weighed. Rights are handed on in the same.
//!
//! Invariant: a portion costs the same, whatever it is.

use anyhow::Result;
use evertill_domain::policy::{AllowedMovement, MovementPolicy};
use evertill_domain::{
    Bucket, Currency, Location, LocationId, Money, MovementReason, Product, Sku, Timestamp, Unit,
};
use evertill_hub::state::Hub;
use evertill_storage::reference::{PolicyName, ReferenceError};
use serde_json::json;

/// Price of a portion, in cents.
pub(crate) const PRICE: i64 = 160;

/// What is sold by weight.
const WEIGHED: &str = "CHEESE";
/// What a store keeps for its tills, in portions of its product.
const KEPT: &str = "BREAD";

/// The products of the chain.
pub(crate) fn skus() -> Vec<Sku> {
    let names = ["APPLE", KEPT, WEIGHED];
    names.into_iter().filter_map(|n| n.parse().ok()).collect()
}

/// A portion of a product, in thousandths of its unit.
pub(crate) fn portion(sku: &Sku) -> i64 {
    if sku.as_str() == WEIGHED { 100 } else { 1_000 }
}

/// How many portions come in where one piece would.
pub(crate) fn plenty(sku: &Sku) -> i64 {
    if sku.as_str() == WEIGHED { 5 } else { 1 }
}

/// What a product is counted in.
pub(crate) fn unit(sku: &Sku) -> Unit {
    if sku.as_str() == WEIGHED {
        Unit::Kilogram
    } else {
        Unit::Each
    }
}

/// Price of one of a product's unit.
pub(crate) fn unit_price(sku: &Sku) -> Result<Money> {
    Ok(Money::new(PRICE * 1_000 / portion(sku), Currency::USD)?)
}

/// What is withheld from remote promises, in thousandths.
pub(crate) fn safety_stock(sku: &Sku) -> i64 {
    if sku.as_str() == KEPT { 1_000 } else { 0 }
}

/// So many portions as HTTP has them.
pub(crate) fn quantity(portions: i64, sku: &Sku) -> String {
    let thousandths = portions * portion(sku);
    let (whole, rest) = (thousandths / 1_000, thousandths % 1_000);
    if rest == 0 {
        whole.to_string()
    } else {
        format!("{whole}.{rest:03}")
    }
}

/// Puts products, locations and policies into the hub's reference data.
pub(crate) fn set_up<'a>(
    hub: &Hub,
    places: impl Iterator<Item = &'a LocationId>,
    at: Timestamp,
) -> Result<()> {
    let mut products = Vec::new();
    for sku in skus() {
        products.push(Product {
            price: Some(unit_price(&sku)?),
            unit: unit(&sku),
            ..Product::new(sku.clone(), sku.as_str())
        });
    }
    let mut locations = Vec::new();
    for place in places {
        let zone = "UTC".parse()?;
        locations.push(Location::with_defaults(place.clone(), Currency::USD, zone));
    }
    let policies = policies()?;
    hub.reference().batch_blocking(None, |batch| {
        for product in &products {
            batch.put_product(product)?;
        }
        for location in &locations {
            batch.put_location(location)?;
        }
        for (name, body) in &policies {
            batch.put_policy(*name, body, "operator", at)?;
        }
        Ok::<_, ReferenceError>(())
    })?;
    Ok(())
}

fn policies() -> Result<Vec<(PolicyName, String)>> {
    let safety = json!({"rules": [{"scope": {"sku": KEPT}, "units": "1"}]});
    let channels = json!({"channels": {
        "web": {"priority": 1, "share_per_mille": 1_000},
        "market": {"priority": 2, "share_per_mille": 700},
    }});
    let online = json!({"default": {"share_per_mille": 700, "keep": "1"}});
    // What was put aside and is gone, or the other way round, is put right by
    // hand: a machine that was lost took with it what it knew of it.
    let mut movements = MovementPolicy::default();
    for (reason, from, to) in [
        (MovementReason::Found, Bucket::Shrinkage, Bucket::Staged),
        (MovementReason::WriteOff, Bucket::Staged, Bucket::Shrinkage),
        (MovementReason::Adjustment, Bucket::Staged, Bucket::Sellable),
    ] {
        movements
            .allowed
            .insert(AllowedMovement { reason, from, to });
    }
    Ok(vec![
        (PolicyName::SafetyStock, safety.to_string()),
        (PolicyName::Channels, channels.to_string()),
        (PolicyName::Online, online.to_string()),
        (PolicyName::Movements, serde_json::to_string(&movements)?),
    ])
}
