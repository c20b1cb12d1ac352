//! Valid defaults for sales: a store, three products, and baskets of them.

use std::collections::BTreeMap;

use evertill_domain::discount::Discount;
use evertill_domain::policy::Policies;
use evertill_domain::receipt::{Tender, TenderKind};
use evertill_domain::rejection::Rejections;
use evertill_domain::sale::{ReceiptDraft, SaleCommand, SaleContext, SaleLine, decide_sale};
use evertill_domain::{
    Currency, Location, Money, Product, Quantity, RegisterId, Sku, TimeZoneName, Timestamp, Unit,
};

pub fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD).unwrap()
}

pub fn thousandths(quantity: i64) -> Quantity {
    Quantity::from_thousandths(quantity).unwrap()
}

pub fn discount(minor: i64) -> Discount {
    Discount {
        kind: "loyalty".parse().unwrap(),
        amount: usd(minor),
        reason: "member price".to_owned(),
        promotion: None,
    }
}

pub fn tender(kind: TenderKind, minor: i64) -> Tender {
    Tender {
        kind,
        amount: usd(minor),
        reference: None,
    }
}

/// A line of `quantity` thousandths at the product's price.
pub fn line(sku: &str, quantity: i64) -> SaleLine {
    SaleLine {
        sku: sku.parse().unwrap(),
        quantity: thousandths(quantity),
        unit_price: None,
        amount: None,
        price_reason: None,
        discounts: Vec::new(),
        lot: None,
        serial: None,
    }
}

/// A basket paid with exactly `cash`.
pub fn basket(lines: Vec<SaleLine>, cash: i64) -> SaleCommand {
    SaleCommand {
        lines,
        tenders: vec![tender(TenderKind::Cash, cash)],
        ..SaleCommand::default()
    }
}

/// A store with MILK (1.99, food), WINE (10.00, standard, taxed twice) and
/// HAM (4.99 a pound, food).
#[derive(Debug)]
pub struct Shop {
    pub location: Location,
    pub register: RegisterId,
    pub policies: Policies,
    pub products: BTreeMap<Sku, Product>,
}

impl Shop {
    pub fn new() -> Self {
        let mut policies = Policies::default();
        policies.tax.classes = serde_json::from_str(
            r#"{"food":[{"code":"T","rate":"0.02"}],
                "standard":[{"code":"T","rate":"0.06"},{"code":"C","rate":"0.0125"}]}"#,
        )
        .unwrap();
        let products = [
            ("MILK", "food", Unit::Each, Some(199)),
            ("WINE", "standard", Unit::Each, Some(1_000)),
            ("HAM", "food", Unit::Pound, Some(499)),
            ("MISC", "zero", Unit::Each, None),
        ];
        let product = |(sku, class, unit, price): (&str, &str, Unit, Option<i64>)| {
            let mut product = Product::new(sku.parse().unwrap(), sku);
            product.tax_class = class.parse().unwrap();
            product.unit = unit;
            product.price = price.map(usd);
            (product.sku.clone(), product)
        };
        Self {
            location: Location::with_defaults(
                "S001".parse().unwrap(),
                Currency::USD,
                TimeZoneName::utc(),
            ),
            register: "1".parse().unwrap(),
            policies,
            products: products.map(product).into(),
        }
    }

    pub fn sell(&self, command: &SaleCommand) -> Result<ReceiptDraft, Rejections> {
        let context = SaleContext {
            location: &self.location,
            register: &self.register,
            now: Timestamp::from_millis(1_483_228_800_000),
            policies: &self.policies,
            products: &self.products,
        };
        decide_sale(command, &context)
    }
}
