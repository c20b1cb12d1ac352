//! What must hold once all is quiet, judged against the simulator's own list.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::rebuild;
use crate::model::{Op, Tables};
use crate::world::World;
use evertill_journal::Chain;

/// Looks at a world at rest; the error says what is wrong with it.
type Oracle = fn(&World) -> Result<(), String>;

/// The first oracle that is violated: its name, and what it saw.
pub(crate) fn judge(world: &World) -> Option<(&'static str, String)> {
    if let Some(broken) = &world.broken {
        return Some(broken.clone());
    }
    let checks: [(&'static str, Oracle); 7] = [
        ("every answered sale is at the hub once", once),
        ("receipt numbers are gapless and unique", numbers),
        ("all comes to rest with nothing unsent", |world| {
            world
                .is_quiet()
                .then_some(())
                .ok_or_else(|| "sales or entries are left".to_owned())
        }),
        ("journals verify and agree", journals),
        ("only hostile entries are parked", parked),
        ("rebuilt projections are identical", rebuilt),
        ("stock is the sum of movements everywhere", stock),
    ];
    checks
        .into_iter()
        .find_map(|(name, check)| check(world).err().map(|what| (name, what)))
}

fn once(world: &World) -> Result<(), String> {
    let mut seen: BTreeMap<u64, u64> = BTreeMap::new();
    for (_, operation) in &world.hub.db.tables.receipts {
        *seen.entry(*operation).or_default() += 1;
    }
    for (operation, (store, number)) in &world.answered {
        match seen.remove(operation) {
            Some(1) => {}
            times => {
                let times = times.unwrap_or(0);
                return Err(format!(
                    "sale {operation}, answered by store {store} as {number}, is there {times} times"
                ));
            }
        }
    }
    seen.keys()
        .find(|operation| **operation > world.asked)
        .map_or(Ok(()), |operation| {
            Err(format!("sale {operation} was never asked for"))
        })
}

fn numbers(world: &World) -> Result<(), String> {
    let mut issued: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for (number, _) in &world.hub.db.tables.receipts {
        issued.entry(&number.location).or_default().push(number.seq);
    }
    for (location, mut numbers) in issued {
        numbers.sort_unstable();
        if !numbers.iter().copied().eq(1..=numbers.len() as u64) {
            return Err(format!(
                "the numbers of {location} are not 1 to {}",
                numbers.len()
            ));
        }
    }
    Ok(())
}

fn journals(world: &World) -> Result<(), String> {
    for node in &world.nodes {
        let own = node.db.tables.journals.get(&node.replica);
        if own != world.hub.db.tables.journals.get(&node.replica) {
            return Err(format!("the hub's copy of {} differs", node.replica));
        }
        let mut chain = Chain::new(node.replica);
        for sealed in own.into_iter().flatten() {
            chain.next(sealed).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

fn parked(world: &World) -> Result<(), String> {
    let held = |(replica, seq): &(_, u64)| world.hub.db.tables.head(*replica).seq >= *seq;
    let all: Vec<&Tables> = world
        .nodes
        .iter()
        .map(|node| &node.db.tables)
        .chain([&world.hub.db.tables])
        .collect();
    let known: BTreeSet<_> = all
        .iter()
        .flat_map(|tables| tables.parked.iter().copied())
        .collect();
    let hub = &world.hub.db.tables.parked;
    let hostile: BTreeSet<_> = world.hostile.iter().copied().filter(held).collect();
    (hub == &known && hub.is_subset(&hostile))
        .then_some(())
        .ok_or_else(|| format!("parked are {hub:?}, hostile were {hostile:?}"))
}

type Projections = (Vec<String>, BTreeMap<(evertill_domain::ReplicaId, u8), i64>);

fn fold(ops: &[Op]) -> Projections {
    let mut receipts = Vec::new();
    let mut stock = BTreeMap::new();
    for op in ops {
        if let Op::Project(replica, number, sale) = op {
            receipts.push(format!("{number} {}", sale.operation));
            *stock.entry((*replica, sale.sku)).or_default() -= i64::from(sale.quantity);
        }
    }
    receipts.sort_unstable();
    (receipts, stock)
}

fn rebuilt(world: &World) -> Result<(), String> {
    let tables = world
        .nodes
        .iter()
        .map(|node| &node.db.tables)
        .chain([&world.hub.db.tables]);
    for tables in tables {
        let mut receipts: Vec<_> = tables
            .receipts
            .iter()
            .map(|(number, op)| format!("{number} {op}"))
            .collect();
        receipts.sort_unstable();
        if fold(&rebuild(tables)) != (receipts, tables.stock.clone()) {
            return Err("projections are not what the journals make".to_owned());
        }
    }
    Ok(())
}

fn stock(world: &World) -> Result<(), String> {
    let mut together = BTreeMap::new();
    for node in &world.nodes {
        together.extend(node.db.tables.stock.clone());
    }
    (together == world.hub.db.tables.stock)
        .then_some(())
        .ok_or_else(|| "the hub's stock is not what the stores moved".to_owned())
}
