//! Pickups at a store that is cut off from its hub: every step, on what has been
//! fed.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use evertill_domain::Timestamp;
use evertill_e2e::Chain;
use evertill_support::{Client, Reply, new_key};
use serde_json::{Value, json};

use crate::orders::{code, order, pickup, stocked};

const WINE: &str = "\
    sku,barcode,name,department,category,price,cost,currency,tax_class,unit,minimum_age\n\
    WINE,,Wine,GROCERY,WINE,1.60,0.90,USD,zero,each,18\n";
const STOCK: &str = "location,sku,quantity,unit_cost\nS001,WINE,10,0.90\nS001,TEA,10,0.90\n";

/// A store with milk, tea and wine, and rights at the hub.
fn store() -> Result<Chain> {
    let chain = stocked(&[("S001", 20)])?;
    let wine = chain.file("wine.csv", WINE)?;
    chain.hub_ok(&["import", "products", &wine])?;
    let stock = chain.file("more.csv", STOCK)?;
    chain.hub_ok(&["import", "stock", &stock])?;
    chain.until("the store has granted rights to wine", |chain| {
        let found = chain.hub()?.get("/availability?sku=WINE")?.json();
        Ok(found["items"][0]["atp"] == "9")
    })?;
    Ok(chain)
}

/// An order at the counter, and what its customer shows.
struct Work {
    clerk: Client,
    id: String,
    code: String,
    promise: Value,
}

impl Work {
    fn of(chain: &Chain, name: &str, change: impl FnOnce(&mut Value)) -> Result<Self> {
        let mut body = order(name, 2, &pickup("S001"), "captured");
        change(&mut body);
        let made = chain.hub()?.post("/orders", &new_key(), &body)?.expect(201);
        let id = made["id"].as_str().context("an id")?.to_owned();
        let clerk = chain.store("S001")?;
        chain.until("the store has the order", |_| {
            Ok(clerk.get(&format!("/pickups/{id}"))?.status == 200)
        })?;
        Ok(Self {
            code: code(chain, &id)?,
            promise: made["lines"][0]["promises"][0]["id"].clone(),
            clerk,
            id,
        })
    }

    fn step(&self, event: &str, body: &Value) -> Result<Reply> {
        let path = format!("/pickups/{}/{event}", self.id);
        self.clerk.post(&path, &new_key(), body)
    }

    fn steps(&self, events: &[&str]) -> Result<()> {
        for event in events {
            let done = self.step(event, &json!({}))?;
            assert_eq!(done.status, 200, "{event}: {done:?}");
        }
        Ok(())
    }

    fn refused(&self, event: &str, body: &Value, status: u16, code: &str) -> Result<()> {
        let refused = self.step(event, body)?;
        let problem = refused.json();
        let said = (refused.status, problem["errors"][0]["code"].as_str());
        assert_eq!(said, (status, Some(code)), "{event} {body}: {refused:?}");
        Ok(())
    }

    /// One piece is found; the other is replaced by tea, or by nothing.
    fn short(&self, substitute: bool, agreed: bool) -> Value {
        let mut part = json!({"promise": self.promise, "quantity": 1});
        if substitute {
            part["substitute"] = json!({"sku": "TEA", "quantity": 1});
            part["agreed"] = json!(agreed);
        }
        json!({"parts": [part]})
    }
}

fn stock(clerk: &Client, sku: &str) -> Result<Value> {
    Ok(clerk.get(&format!("/stock/{sku}"))?.json())
}

fn unsent(clerk: &Client) -> Result<u64> {
    let status = clerk.get("/status")?.json();
    status["hub"]["unsent"].as_u64().context("a number")
}

fn in_hours(hours: i64) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let at = i64::try_from(now)? + hours * 3_600_000;
    Ok(Timestamp::from_millis(at).to_string())
}

#[test]
fn what_is_not_found_is_set_aside_and_replaced_only_as_the_customer_allows() -> Result<()> {
    let mut chain = store()?;
    let substitution =
        |rule: &'static str| move |body: &mut Value| body["lines"][0]["substitution"] = json!(rule);
    let strict = Work::of(&chain, "W-none", substitution("none"))?;
    let asks = Work::of(&chain, "W-ask", substitution("ask"))?;
    let allows = Work::of(&chain, "W-allow", substitution("allow"))?;
    chain.stop_hub()?;
    for work in [&strict, &asks, &allows] {
        work.steps(&["accept", "start_pick"])?;
    }
    let clerk = chain.store("S001")?;
    assert_eq!(stock(&clerk, "MILK")?["promised"], "6");
    strict.refused("short_pick", &strict.short(true, true), 422, "not_allowed")?;
    let before = unsent(&clerk)?;
    let short = strict.step("short_pick", &strict.short(false, false))?;
    assert_eq!(short.expect(200)["state"], "short_picked");
    // One entry moves the goods and ends the promise.
    assert_eq!(unsent(&clerk)?, before + 1);
    let milk = stock(&clerk, "MILK")?;
    assert_eq!(
        (
            &milk["buckets"]["quarantined"],
            &milk["buckets"]["staged"],
            &milk["promised"]
        ),
        (&json!("1"), &json!("1"), &json!("5"))
    );
    asks.refused("short_pick", &asks.short(true, false), 422, "not_agreed")?;
    let agreed = asks
        .step("short_pick", &asks.short(true, true))?
        .expect(200);
    assert_eq!(agreed["lines"][0]["substitutes"], json!({"TEA": "1"}));
    let taken = allows.step("short_pick", &allows.short(true, false))?;
    assert_eq!(taken.status, 200, "{taken:?}");
    assert_eq!(stock(&clerk, "TEA")?["buckets"]["staged"], "2");
    // Both leave with what was put aside.
    asks.steps(&["ready", "arrive"])?;
    let handed = asks
        .step("hand_over", &json!({"code": asks.code}))?
        .expect(200);
    assert_eq!(handed["state"], "handed_over");
    let tea = stock(&clerk, "TEA")?;
    assert_eq!(
        (&tea["buckets"]["staged"], &tea["on_hand"]),
        (&json!("1"), &json!("9"))
    );
    chain.start_hub()?;
    chain.until_sent("S001")?;
    chain.store_ok("S001", &["verify"])?;
    chain.hub_ok(&["verify"])?;
    Ok(())
}

#[test]
fn who_collects_for_somebody_is_noted_and_asked_for_their_age() -> Result<()> {
    let mut chain = store()?;
    let wine = Work::of(&chain, "W-wine", |body| {
        body["lines"][0]["sku"] = json!("WINE");
    })?;
    chain.stop_hub()?;
    wine.steps(&["accept", "start_pick", "pick", "ready"])?;
    let path = format!("/pickups/{}", wine.id);
    assert_eq!(wine.clerk.get(&path)?.json()["minimum_age"], 18);
    let mut shown = json!({"code": wine.code, "proxy": true, "by": "clerk-7"});
    wine.refused("hand_over", &shown, 422, "age_check")?;
    shown["age_checked"] = json!(true);
    let part = json!([{"promise": wine.promise, "quantity": 1}]);
    let mut first = shown.clone();
    first["parts"] = part;
    let handed = wine.step("hand_over_part", &first)?.expect(200);
    assert_eq!(handed["state"], "partially_handed_over");
    assert_eq!(
        wine.step("hand_over", &shown)?.expect(200)["state"],
        "handed_over"
    );
    chain.start_hub()?;
    chain.until_sent("S001")?;
    let order = chain.hub()?.get(&format!("/orders/{}", wine.id))?.json();
    for hand_over in [&order["hand_overs"][0], &order["hand_overs"][1]] {
        assert_eq!(
            (
                &hand_over["proxy"],
                &hand_over["age_checked"],
                &hand_over["by"]
            ),
            (&json!(true), &json!(true), &json!("clerk-7"))
        );
    }
    Ok(())
}

#[test]
fn who_does_not_come_gets_more_time_within_the_policy_or_the_goods_go_back() -> Result<()> {
    let mut chain = store()?;
    let work = Work::of(&chain, "W-1", |_| {})?;
    chain.stop_hub()?;
    work.steps(&["accept"])?;
    work.refused("no_show", &json!({}), 409, "forbidden_step")?;
    work.steps(&["start_pick", "pick", "ready"])?;
    // Two days more than was promised are the default.
    let late = json!({"until": in_hours(60)?});
    work.refused("extend", &late, 422, "too_late")?;
    let extended = work.step("extend", &json!({"until": in_hours(47)?}))?;
    assert_eq!(extended.expect(200)["state"], "extended");
    work.steps(&["no_show", "put_back"])?;
    let milk = stock(&work.clerk, "MILK")?;
    assert_eq!(
        (&milk["buckets"]["staged"], &milk["buckets"]["sellable"]),
        (&json!("0"), &json!("20"))
    );
    chain.start_hub()?;
    chain.until("nobody is promised anything", |_| {
        Ok(stock(&work.clerk, "MILK")?["promised"] == "0")
    })?;
    Ok(())
}

/// Regression: the list was in the order of ids, whatever was promised first.
#[test]
fn what_is_promised_first_is_listed_first() -> Result<()> {
    let chain = store()?;
    let mut wanted = Vec::new();
    for hours in [30, 3, 20, 9, 14, 5] {
        let by = in_hours(hours)?;
        let work = Work::of(&chain, &format!("W-{hours}"), |body| {
            body["lines"][0]["quantity"] = json!(1);
            body["total"] = json!("1.60");
            body["payment"]["amount"] = json!("1.60");
            body["fulfilment"]["promise_by"] = json!(by);
        })?;
        wanted.push((hours, work.id));
    }
    wanted.sort();
    let clerk = chain.store("S001")?;
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = clerk.get(&format!("/pickups?limit=2{cursor}"))?.json();
        let items = page["items"].as_array().context("items")?.clone();
        listed.extend(items.into_iter().map(|item| item["id"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let wanted: Vec<Value> = wanted.into_iter().map(|(_, id)| json!(id)).collect();
    assert_eq!(listed, wanted);
    Ok(())
}
