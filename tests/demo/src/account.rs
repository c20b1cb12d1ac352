//! What a store must show, computed from nothing but the answers that its till
//! got and the opening stock.
//!
//! Figures are whole cents and whole thousandths.
//!
//! Invariant: an answer is counted once, whatever the store says later.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use evertill_support::Client;
use serde_json::Value;

/// Figures by name; two accounts agree when the maps are equal.
pub type Figures = BTreeMap<String, i64>;

/// One party's account of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Totals by receipt number, in cents.
    pub sales: Figures,
    /// On hand by SKU, in thousandths.
    pub stock: Figures,
    /// Day totals by date and figure.
    pub days: Figures,
}

impl Account {
    /// The till's own account: opening stock and answers.
    ///
    /// # Errors
    /// An answer is not what it should be, or a number came twice.
    pub fn of_answers(opening: &Figures, answers: &[Value]) -> Result<Self> {
        let mut account = Self {
            stock: opening.clone(),
            ..Self::default()
        };
        for answer in answers {
            account.add_sale(answer)?;
            for line in list(&answer["lines"])? {
                let sold = thousandths(&line["quantity"])?;
                *account.stock.entry(text(&line["sku"])?).or_default() -= sold;
            }
            account.add_day(answer)?;
        }
        Ok(account)
    }

    /// A service's account, read from its interface.
    ///
    /// # Errors
    /// It did not answer as it should.
    pub fn read(client: &Client, location: &str, own: &Self, is_hub: bool) -> Result<Self> {
        let mut account = Self::default();
        let path = if is_hub {
            format!("/sales?limit=1000&location={location}")
        } else {
            "/sales?limit=1000".to_owned()
        };
        for sale in pages(client, &path)? {
            account.add_sale(&sale)?;
        }
        if is_hub {
            for item in pages(client, &format!("/stock?limit=1000&location={location}"))? {
                let on_hand = thousandths(&item["on_hand"])?;
                account.stock.insert(text(&item["sku"])?, on_hand);
            }
        } else {
            for sku in own.stock.keys() {
                let item = client.get(&format!("/stock/{sku}"))?.expect(200);
                let on_hand = thousandths(&item["on_hand"])?;
                account.stock.insert(sku.clone(), on_hand);
            }
        }
        let dates: std::collections::BTreeSet<&str> =
            own.days.keys().map(|name| &name[..10]).collect();
        for date in dates {
            let day = client.get(&format!("/days/{location}/{date}"))?.expect(200);
            account.read_day(date, &day)?;
        }
        Ok(account)
    }

    /// The sum of all totals, in cents.
    #[must_use]
    pub fn value(&self) -> i64 {
        self.sales.values().sum()
    }

    fn add_sale(&mut self, sale: &Value) -> Result<()> {
        let number = text(&sale["receipt_number"])?;
        let twice = self.sales.insert(number.clone(), cents(&sale["total"])?);
        ensure!(twice.is_none(), "receipt {number} is there twice");
        Ok(())
    }

    /// Adds a sale to its day.
    fn add_day(&mut self, sale: &Value) -> Result<()> {
        let date = text(&sale["business_date"])?;
        let mut add = |figure: String, amount: i64| {
            *self.days.entry(format!("{date} {figure}")).or_default() += amount;
        };
        add("gross".to_owned(), cents(&sale["subtotal"])?);
        add("discounts".to_owned(), cents(&sale["discount_total"])?);
        add("rounding".to_owned(), cents(&sale["rounding"])?);
        add("receipts".to_owned(), 1);
        for tax in list(&sale["taxes"])? {
            let (code, rate) = (text(&tax["code"])?, text(&tax["rate"])?);
            add(format!("tax {code} {rate} base"), cents(&tax["base"])?);
            add(format!("tax {code} {rate} amount"), cents(&tax["amount"])?);
        }
        let change = cents(&sale["change_due"])?;
        for tender in list(&sale["tenders"])? {
            let kind = text(&tender["kind"])?;
            let amount = cents(&tender["amount"])?;
            add(format!("tender {kind}"), amount);
        }
        if change != 0 {
            add("tender cash".to_owned(), -change);
        }
        Ok(())
    }

    /// Takes the figures of a day's totals over.
    fn read_day(&mut self, date: &str, day: &Value) -> Result<()> {
        let mut put = |figure: String, amount: i64| {
            self.days.insert(format!("{date} {figure}"), amount);
        };
        for figure in ["gross", "discounts", "rounding"] {
            put(figure.to_owned(), cents(&day[figure])?);
        }
        let receipts = day["receipts"].as_i64().context("receipts is a number")?;
        put("receipts".to_owned(), receipts);
        for tax in list(&day["taxes"])? {
            let (code, rate) = (text(&tax["code"])?, text(&tax["rate"])?);
            put(format!("tax {code} {rate} base"), cents(&tax["base"])?);
            put(format!("tax {code} {rate} amount"), cents(&tax["amount"])?);
        }
        for tender in list(&day["tenders"])? {
            let kind = text(&tender["kind"])?;
            put(format!("tender {kind}"), cents(&tender["amount"])?);
        }
        Ok(())
    }
}

/// The first figures in which two accounts differ, in words.
#[must_use]
pub fn differences(own: &Figures, found: &Figures) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = own.keys().chain(found.keys()).collect();
    let differing = names
        .into_iter()
        .filter(|name| own.get(*name) != found.get(*name));
    differing
        .take(5)
        .map(|name| {
            format!(
                "{name}: own {:?}, found {:?}",
                own.get(name),
                found.get(name)
            )
        })
        .collect()
}

/// Opening stock of a location, in thousandths, from the file of an import.
///
/// # Errors
/// A row cannot be read.
pub fn opening(stock: &str, location: &str) -> Result<Figures> {
    let mut opening = Figures::new();
    for row in stock.lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        let [at, sku, quantity, _] = fields[..] else {
            anyhow::bail!("a row of opening stock has four fields: {row}");
        };
        if at == location {
            opening.insert(sku.to_owned(), scaled(quantity, 3)?);
        }
    }
    Ok(opening)
}

fn pages(client: &Client, path: &str) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut next = path.to_owned();
    loop {
        let page = client.get(&next)?.expect(200);
        items.extend(list(&page["items"])?.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => return Ok(items),
        }
    }
}

fn list(value: &Value) -> Result<&Vec<Value>> {
    value
        .as_array()
        .with_context(|| format!("{value} is no list"))
}

fn text(value: &Value) -> Result<String> {
    let text = value
        .as_str()
        .with_context(|| format!("{value} is no text"))?;
    Ok(text.to_owned())
}

fn cents(value: &Value) -> Result<i64> {
    scaled(&text(value)?, 2)
}

fn thousandths(value: &Value) -> Result<i64> {
    scaled(&text(value)?, 3)
}

/// A decimal as a whole number of its `places`th part.
fn scaled(text: &str, places: usize) -> Result<i64> {
    let what = || format!("\"{text}\" is no number of {places} places");
    let digits = text.trim_start_matches('-');
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    ensure!(part.len() <= places, what());
    let number: i64 = format!("{whole}{part:0<places$}")
        .parse()
        .with_context(what)?;
    Ok(if text.starts_with('-') {
        -number
    } else {
        number
    })
}
