//! Price and weight labels, as scanned and as sold.

use evertill_domain::Unit;
use evertill_domain::barcode::check_digit;
use evertill_storage::reference::PolicyName;
use serde_json::json;

use crate::shop::{Shop, product, stocked};

/// Labels of thirteen digits: 20 with a price, 21 with a weight.
const LABELS: &str = r#"{"labels":[
    {"prefix":"20","item_digits":5,"value_digits":5,"value":"price","decimals":2},
    {"prefix":"21","item_digits":5,"value_digits":5,"value":"weight","decimals":3}]}"#;

fn shop() -> Shop {
    let mut cheese = product("CHEESE", "Cheese", "20.00", Unit::Kilogram, "food");
    cheese.barcodes = vec![whole("200077700000").parse().unwrap()];
    let olives = product("778", "Olives", "9.90", Unit::Kilogram, "food");
    Shop::of(
        stocked()
            .products([cheese, olives])
            .policy(PolicyName::Barcode, LABELS),
    )
}

fn whole(digits: &str) -> String {
    format!("{digits}{}", check_digit(digits).unwrap())
}

#[test]
fn a_scan_tells_what_the_label_says() {
    let shop = shop();
    let priced = shop.get(&format!("/products/by-barcode/{}", whole("200077700512")));
    assert_eq!(priced["product"]["sku"], "CHEESE");
    assert_eq!(priced["match"], "price_label");
    assert_eq!(
        (&priced["amount"], &priced["quantity"]),
        (&json!("5.12"), &json!("0.256"))
    );
    let weighed = shop.get(&format!("/products/by-barcode/{}", whole("210077800512")));
    assert_eq!(weighed["product"]["sku"], "778");
    assert_eq!(weighed["match"], "weight_label");
    assert_eq!(
        (&weighed["amount"], &weighed["quantity"]),
        (&json!("5.07"), &json!("0.512"))
    );
    let unknown = shop
        .till
        .get(&format!("/products/by-barcode/{}", whole("210099900512")));
    assert_eq!(unknown.unwrap().problem(404), "not_found");
}

#[test]
fn a_label_is_sold_as_it_says() {
    let shop = shop();
    let sale = shop.sell(&json!({
        "register": "R1",
        "lines": [
            {"barcode": whole("200077700513")},
            {"barcode": whole("210077800512"), "quantity": "1"},
        ],
        "tenders": [{"kind": "cash", "amount": "20.00"}],
    }));
    let line = &sale["lines"][0];
    assert_eq!(
        (&line["sku"], &line["amount"], &line["quantity"]),
        (&json!("CHEESE"), &json!("5.13"), &json!("0.257"))
    );
    // 0.257 kg at 20.00 would be 5.14: the amount on the label stands.
    assert_eq!(line["unit_price"], json!(null));
    let line = &sale["lines"][1];
    assert_eq!(
        (&line["sku"], &line["amount"], &line["quantity"]),
        (&json!("778"), &json!("5.07"), &json!("0.512"))
    );
    let refused = shop.post(
        "/sales",
        &json!({
            "register": "R1",
            "lines": [{"barcode": whole("210077800512"), "quantity": "0.6"}],
            "tenders": [{"kind": "cash", "amount": "20.00"}],
        }),
    );
    assert_eq!(refused.problem(422), "contradicts_label");
}
