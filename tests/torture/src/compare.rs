//! What store and hub say in the end, against the answers that the tills got.
//!
//! Invariant: three independent accounts are compared, the tills' own list, the
//! store and the hub; stock and day totals are computed from the list alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use evertill_storage::rebuild::{fingerprint, rebuild};
use evertill_storage::verify::verify;
use evertill_storage::{Store, StoreOptions};
use evertill_support::Client;
use serde_json::Value;

use crate::chain::{Chain, LOCATION, Who, until};
use crate::tills::{OPENING, PRODUCTS, Sold, sku};

/// How long the last sales may take to reach the hub.
const CATCH_UP: Duration = Duration::from_mins(1);

/// Waits until store and hub have everything of each other, then compares. The
/// first `stocked` products had opening stock.
///
/// # Errors
/// Something is lost, counted twice or different; the error says what.
pub fn compare(chain: &Chain, sold: &[Sold], stocked: u64) -> Result<()> {
    let (store, hub) = (chain.till(0), chain.console());
    until(CATCH_UP, "store and hub have everything", || {
        let status = store.get("/status")?.expect(200);
        let hub = &status["hub"];
        Ok(hub["connected"] == true && hub["unsent"] == 0 && hub["behind"] == 0)
    })?;
    let expected = by_number(sold.iter().map(|sold| &sold.answer)).context("the tills' list")?;
    ensure!(
        expected.len() == sold.len(),
        "two sales were answered with one number"
    );
    numbers_have_no_gap(&expected)?;
    for (who, client, path) in [
        ("the store", &store, "/sales?limit=1000".to_owned()),
        (
            "the hub",
            &hub,
            format!("/sales?limit=1000&location={LOCATION}"),
        ),
    ] {
        let found = by_number(list(client, &path)?.iter()).context(who)?;
        same_sales(who, &expected, &found)?;
    }
    same_stock(&store, &hub, sold, stocked)?;
    same_days(&store, &hub, sold)?;
    let cases = list(&hub, "/quarantine?limit=1000")?;
    ensure!(
        cases.is_empty(),
        "the hub has quarantined {}: {}",
        cases.len(),
        cases[0]
    );
    chain.command(Who::Hub, &["verify"])?;
    Ok(())
}

/// Verifies a stopped folder, and rebuilds it to identical tables. Gives how
/// many entries it holds.
///
/// # Errors
/// A journal is damaged, or a table differs.
pub fn check_folder(data: &Path, options: &StoreOptions) -> Result<u64> {
    let store = Store::open(data, options)?;
    let verified = store.read_blocking(verify)?;
    let before = store.read_blocking(fingerprint)?;
    store.write_blocking("rebuild", |tx| rebuild(tx).map(drop))?;
    let after = store.read_blocking(fingerprint)?;
    store.close();
    for (table, hash) in &before {
        ensure!(
            after[table] == *hash,
            "a rebuild of {} changes {table}",
            data.display()
        );
    }
    Ok(verified.iter().map(|journal| journal.entries).sum())
}

/// Every item of a list, page by page.
fn list(client: &Client, path: &str) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut next = path.to_owned();
    loop {
        let reply = client.get(&next)?;
        ensure!(reply.status == 200, "{next}: {reply:?}");
        let page = reply.json();
        items.extend(
            page["items"]
                .as_array()
                .context("a list has items")?
                .iter()
                .cloned(),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => return Ok(items),
        }
    }
}

/// Id and total of each receipt by its number; an error if one comes twice.
fn by_number<'a>(
    receipts: impl Iterator<Item = &'a Value>,
) -> Result<BTreeMap<String, (String, String)>> {
    let mut found = BTreeMap::new();
    for receipt in receipts {
        let text = |field: &str| -> Result<String> {
            let text = receipt[field].as_str();
            Ok(text
                .with_context(|| format!("no {field} in {receipt}"))?
                .to_owned())
        };
        let number = text("receipt_number")?;
        let twice = found.insert(number.clone(), (text("id")?, text("total")?));
        ensure!(twice.is_none(), "receipt {number} is listed twice");
    }
    Ok(found)
}

fn same_sales(
    who: &str,
    expected: &BTreeMap<String, (String, String)>,
    found: &BTreeMap<String, (String, String)>,
) -> Result<()> {
    for (number, sale) in expected {
        let held = found.get(number);
        ensure!(
            held.is_some(),
            "{who} lost receipt {number}, which was acknowledged"
        );
        ensure!(
            held == Some(sale),
            "{who} has {held:?} under {number}, answered was {sale:?}"
        );
    }
    let more: Vec<_> = found
        .keys()
        .filter(|number| !expected.contains_key(*number))
        .collect();
    ensure!(
        more.is_empty(),
        "{who} has receipts that no till got an answer for: {more:?}"
    );
    Ok(())
}

/// The numbers of each register count from 1 without a gap.
fn numbers_have_no_gap(sales: &BTreeMap<String, (String, String)>) -> Result<()> {
    let mut drawn: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for number in sales.keys() {
        let (register, seq) = number.rsplit_once('-').context("a printed number")?;
        drawn.entry(register).or_default().insert(seq.parse()?);
    }
    for (register, numbers) in drawn {
        let last = numbers.last().copied().unwrap_or(0);
        ensure!(
            numbers.len() as u64 == last,
            "register {register} drew {} numbers up to {last}",
            numbers.len()
        );
    }
    Ok(())
}

fn same_stock(store: &Client, hub: &Client, sold: &[Sold], stocked: u64) -> Result<()> {
    let mut pieces: BTreeMap<String, i64> = (1..=stocked)
        .map(|product| (sku(product), OPENING))
        .collect();
    for sale in sold {
        for (product, n) in &sale.pieces {
            *pieces.entry(sku(*product)).or_default() -= n;
        }
    }
    let of_hub: BTreeMap<String, String> =
        list(hub, &format!("/stock?limit=1000&location={LOCATION}"))?
            .iter()
            .map(|item| {
                let text = |field: &str| item[field].as_str().unwrap_or_default().to_owned();
                (text("sku"), text("on_hand"))
            })
            .collect();
    for product in 1..=PRODUCTS {
        let sku = sku(product);
        let expected = pieces.get(&sku).copied().unwrap_or(0).to_string();
        let reply = store.get(&format!("/stock/{sku}"))?;
        let at_store = reply.json()["on_hand"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let at_hub = of_hub.get(&sku).map_or("0", String::as_str);
        ensure!(
            at_store == expected && at_hub == expected,
            "stock of {sku}: sold say {expected}, the store {at_store}, the hub {at_hub}"
        );
    }
    Ok(())
}

fn same_days(store: &Client, hub: &Client, sold: &[Sold]) -> Result<()> {
    let mut days: BTreeMap<&str, (i64, u64)> = BTreeMap::new();
    for sale in sold {
        let day = days.entry(sale.text("business_date")).or_default();
        day.0 += sale.cents();
        day.1 += 1;
    }
    for (date, (cents, receipts)) in days {
        let path = format!("/days/{LOCATION}/{date}");
        let at_store = store.get(&path)?.expect(200);
        let at_hub = hub.get(&path)?.expect(200);
        ensure!(
            at_store == at_hub,
            "the day {date}: {at_store} in the store, {at_hub} at the hub"
        );
        let gross = format!("{}.{:02}", cents / 100, cents % 100);
        let said = (at_store["gross"].as_str(), at_store["receipts"].as_u64());
        ensure!(
            said == (Some(&gross), Some(receipts)),
            "the day {date}: {receipts} sales of {gross} were answered, it says {at_store}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sales(numbers: &[&str]) -> Vec<Value> {
        numbers
            .iter()
            .map(|number| json!({"receipt_number": number, "id": number, "total": "1.00"}))
            .collect()
    }

    fn accounts(numbers: &[&str]) -> BTreeMap<String, (String, String)> {
        by_number(sales(numbers).iter()).unwrap()
    }

    #[test]
    fn a_sale_that_is_lost_extra_or_different_is_found() {
        let all = accounts(&["S001-R1-AAAA-1", "S001-R1-AAAA-2"]);
        let one = accounts(&["S001-R1-AAAA-1"]);
        assert!(same_sales("the hub", &all, &all).is_ok());
        let lost = same_sales("the hub", &all, &one).unwrap_err().to_string();
        assert!(
            lost.contains("the hub lost receipt S001-R1-AAAA-2"),
            "{lost}"
        );
        assert!(same_sales("the hub", &one, &all).is_err());
        let mut other = all.clone();
        other.entry("S001-R1-AAAA-2".to_owned()).or_default().1 = "2.00".to_owned();
        assert!(same_sales("the hub", &all, &other).is_err());
    }

    #[test]
    fn a_sale_that_is_listed_twice_is_found() {
        let twice = by_number(sales(&["S001-R1-AAAA-1", "S001-R1-AAAA-1"]).iter());
        assert!(twice.unwrap_err().to_string().contains("twice"));
    }

    #[test]
    fn a_gap_in_the_numbers_of_a_register_is_found() {
        assert!(numbers_have_no_gap(&accounts(&["A-R1-C-1", "A-R1-C-2", "A-R2-C-1"])).is_ok());
        assert!(numbers_have_no_gap(&accounts(&["A-R1-C-1", "A-R1-C-3"])).is_err());
    }
}
