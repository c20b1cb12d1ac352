//! What must hold once all is quiet, judged against the simulator's own list.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::days::{DayKey, DayTotals};
use evertill_domain::{DocumentId, LocationId, ReceiptNumber, StockKey};
use evertill_journal::Chain;

use crate::apply::rebuild;
use crate::carry_out::folded;
use crate::shop::location_id;
use crate::tables::{Projections, Tables};
use crate::truth::{Day, Days, Stock, Truth};
use crate::world::World;

/// Looks at a world at rest; the error says what is wrong with it.
type Oracle = fn(&World) -> Result<(), String>;

/// The first oracle that is violated: its name, and what it saw.
pub(crate) fn judge(world: &World) -> Option<(&'static str, String)> {
    if let Some(broken) = &world.broken {
        return Some(broken.clone());
    }
    let checks: [(&'static str, Oracle); 9] = [
        (
            "every answered receipt is at the hub once, and no other",
            once,
        ),
        ("receipt numbers are gapless and unique", numbers),
        ("all comes to rest with nothing unsent", |world| {
            world.unrest().map_or(Ok(()), Err)
        }),
        ("journals and feeds verify and agree", journals),
        ("only hostile entries are parked", parked),
        ("rebuilt projections are identical", rebuilt),
        ("store and hub agree on every figure and document", agree),
        ("stock is what was asked for and answered", stock),
        ("day totals are what was asked for and answered", days),
    ];
    checks
        .into_iter()
        .find_map(|(name, check)| check(world).err().map(|what| (name, what)))
}

fn once(world: &World) -> Result<(), String> {
    let held = &world.hub.db.tables.projections.receipts;
    let mut printed = BTreeSet::new();
    for (operation, (store, answer)) in &world.answered {
        let Some(receipt) = &answer.receipt else {
            continue;
        };
        let number = &receipt.number;
        let times = held.get(number).map_or(0, Vec::len);
        if times != 1 || !printed.insert(number) {
            return Err(format!(
                "{operation}, answered by store {store} as {number}, is there {times} times"
            ));
        }
    }
    let surplus = held.keys().find(|number| !printed.contains(number));
    surplus.map_or(Ok(()), |number| {
        Err(format!("receipt {number} was answered to nobody"))
    })
}

fn numbers(world: &World) -> Result<(), String> {
    let mut issued: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for (number, documents) in &world.hub.db.tables.projections.receipts {
        let till = (&number.location, &number.register, &number.code);
        let numbers = issued.entry(till).or_default();
        numbers.extend(documents.iter().map(|_| number.seq));
    }
    for ((location, register, _), mut numbers) in issued {
        numbers.sort_unstable();
        let count = numbers.len() as u64;
        if !numbers.into_iter().eq(1..=count) {
            return Err(format!(
                "the numbers of till {register} in {location} are not 1 to {count}"
            ));
        }
    }
    Ok(())
}

fn journals(world: &World) -> Result<(), String> {
    let hub = &world.hub.db.tables;
    for (store, node) in world.nodes.iter().enumerate() {
        let tables = &node.db.tables;
        let own = tables.journals.get(&node.replica);
        if own != hub.journals.get(&node.replica) {
            return Err(format!("the hub's copy of {} differs", node.replica));
        }
        let location = location_id(store);
        if tables.feeds.get(&location) != hub.feeds.get(&location) {
            return Err(format!("the feed of {location} differs"));
        }
    }
    for (replica, journal) in &hub.journals {
        let mut chain = Chain::new(*replica);
        for sealed in journal {
            chain.next(sealed).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

fn parked(world: &World) -> Result<(), String> {
    let held = |(replica, seq): &(_, u64)| world.hub.db.tables.head(*replica).seq >= *seq;
    let nodes = world.nodes.iter().flat_map(|node| &node.db.tables.parked);
    let known: BTreeSet<_> = nodes.copied().collect();
    let hub = &world.hub.db.tables.parked;
    let hostile: BTreeSet<_> = world.hostile.iter().copied().filter(held).collect();
    (*hub == known && hub.is_subset(&hostile))
        .then_some(())
        .ok_or_else(|| format!("parked are {hub:?}, hostile were {hostile:?}"))
}

fn rebuilt(world: &World) -> Result<(), String> {
    let nodes = world.nodes.iter().map(|node| &node.db.tables);
    let tables: Vec<&Tables> = nodes.chain([&world.hub.db.tables]).collect();
    let differs = tables
        .iter()
        .any(|tables| rebuild(tables) != tables.projections);
    if differs {
        return Err("projections are not what journals and feeds make".to_owned());
    }
    Ok(())
}

/// What some projections say about one location.
#[derive(PartialEq)]
struct Said<'a> {
    stock: Vec<(&'a StockKey, i64)>,
    days: Vec<(&'a DayKey, &'a DayTotals)>,
    receipts: Vec<(&'a ReceiptNumber, &'a Vec<DocumentId>)>,
}

impl<'a> Said<'a> {
    fn of(projections: &'a Projections, location: &LocationId) -> Self {
        let stock = projections
            .stock
            .iter()
            .filter(|(key, _)| key.location == *location);
        let days = projections
            .days
            .iter()
            .filter(|(key, _)| key.location == *location);
        let receipts = projections.receipts.iter();
        Self {
            stock: stock.map(|(key, sum)| (key, *sum)).collect(),
            days: days.collect(),
            receipts: receipts
                .filter(|(number, _)| number.location == *location)
                .collect(),
        }
    }
}

fn agree(world: &World) -> Result<(), String> {
    let hub = &world.hub.db.tables.projections;
    for (store, node) in world.nodes.iter().enumerate() {
        let own = &node.db.tables.projections;
        let location = location_id(store);
        if Said::of(own, &location) != Said::of(hub, &location) {
            return Err(format!("{location} and the hub differ"));
        }
        for document in own.documents.keys() {
            let folded = [folded(own, document), folded(hub, document)];
            let settled = folded[0]
                .as_ref()
                .is_some_and(|folded| folded.conflicts.is_empty() && folded.obligations.is_empty());
            if folded[0] != folded[1] || !settled {
                return Err(format!("document {document} folds to {folded:?}"));
            }
        }
    }
    Ok(())
}

fn stock(world: &World) -> Result<(), String> {
    let truth = Truth::of(world)?;
    let mut held = Stock::new();
    for (key, sum) in &world.hub.db.tables.projections.stock {
        let store = (0..world.config.stores).find(|store| location_id(*store) == key.location);
        let store = store.ok_or_else(|| format!("{} has stock", key.location))?;
        *held
            .entry((store, key.sku.to_string(), key.bucket.as_str()))
            .or_default() += sum;
    }
    held.retain(|_, sum| *sum != 0);
    if held == truth.stock {
        return Ok(());
    }
    let keys: BTreeSet<_> = held.keys().chain(truth.stock.keys()).collect();
    let wrong = keys
        .into_iter()
        .find(|key| held.get(key) != truth.stock.get(key));
    Err(format!(
        "of {wrong:?} there are {:?} and must be {:?}",
        wrong.and_then(|key| held.get(key)),
        wrong.and_then(|key| truth.stock.get(key))
    ))
}

fn days(world: &World) -> Result<(), String> {
    let truth = Truth::of(world)?;
    let mut held = Days::new();
    for (key, totals) in &world.hub.db.tables.projections.days {
        let store = (0..world.config.stores).find(|store| location_id(*store) == key.location);
        let store = store.ok_or_else(|| format!("{} has a day", key.location))?;
        let figures = &totals.figures;
        let taxes = figures.taxes.iter().map(|(tax, sum)| {
            let name = format!("{} {}", tax.code, tax.rate.millionths());
            (name, (sum.base, sum.amount))
        });
        let tenders = figures.tenders.iter();
        let day = Day {
            gross: figures.gross,
            discounts: figures.discounts,
            returns: figures.returns,
            receipts: figures.receipts,
            taxes: taxes.collect(),
            tenders: tenders
                .map(|(kind, amount)| (kind.as_str(), *amount))
                .collect(),
        };
        held.insert((store, i64::from(key.business_date.as_days())), day);
    }
    if held == truth.days {
        return Ok(());
    }
    let keys: BTreeSet<_> = held.keys().chain(truth.days.keys()).collect();
    let wrong = keys
        .into_iter()
        .find(|key| held.get(key) != truth.days.get(key));
    Err(format!(
        "of {wrong:?} the hub has {:?}, and it must be {:?}",
        wrong.and_then(|key| held.get(key)),
        wrong.and_then(|key| truth.days.get(key))
    ))
}
