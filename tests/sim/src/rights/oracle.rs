//! What must hold, seen from outside: from the shelf, the customers, and the
//! sum of everything that was made durable.

use evertill_domain::rights::End;

use super::bug::RightsBug;
use super::view::{Entry, Fact};
use super::world::{HUB, World};

/// Notes a violation; the first one stands.
pub fn violated(world: &mut World, oracle: &'static str, saw: String) {
    if world.outcome.violation.is_none() {
        world.outcome.violation = Some((oracle, saw));
    }
}

/// An entry became durable. Only facts may let rights and promises exceed the
/// units, and each of them only by what it took away.
pub fn durable(world: &mut World, entry: &Entry) {
    let before = world.union.excess().max(0);
    world.union.apply(entry);
    if world.has(RightsBug::BurnTwice) && world.rng.chance(1, 8) {
        for fact in &entry.facts {
            if let Fact::Burned(quantity) = fact {
                world.hub.view.cells.apply_burn(entry.writer, *quantity);
            }
        }
    }
    let grown = world.union.excess().max(0) - before;
    if grown <= 0 {
        return;
    }
    let left: i64 = entry.facts.iter().map(units_lost).sum();
    if grown > left {
        let saw = format!("{entry:?} raised the excess by {grown}, and {left} left");
        violated(world, "only facts break promises", saw);
    }
    world.uncovered += grown.min(left);
}

fn units_lost(fact: &Fact) -> i64 {
    match fact {
        Fact::Units(delta) => (-delta).max(0),
        _ => 0,
    }
}

/// What left settled a promise or burned what the writer held.
pub fn outflow_is_covered(world: &mut World, entry: &Entry, rights_before: i64) {
    let left: i64 = entry.facts.iter().map(units_lost).sum();
    let covered: i64 = entry
        .facts
        .iter()
        .map(|fact| match fact {
            Fact::Burned(quantity)
            | Fact::Ended {
                quantity,
                how: End::Settled | End::Breached,
                ..
            } => *quantity,
            _ => 0,
        })
        .sum();
    if covered < left && covered < rights_before.max(0) {
        let saw = format!("{entry:?} covers {covered} of {left} with {rights_before} held");
        violated(world, "an outflow burns what there is", saw);
    }
}

/// Holds after every step.
pub fn every_step(world: &mut World) {
    rights_are_never_negative(world);
    no_view_overstates(world);
    promises_are_backed(world);
    nobody_gets_two(world);
}

fn rights_are_never_negative(world: &mut World) {
    let of_all = world.union.cells.replicas();
    let seen = of_all.map(|replica| ("all", &world.union, replica));
    let own = [
        ("the hub", &world.hub.view, HUB),
        ("the node", &world.node.view, world.node.replica),
    ];
    let negative = seen.chain(own).find_map(|(name, view, replica)| {
        let rights = view.cells.rights(replica);
        let wrong = rights < 0 && !view.cells.is_sealed(replica);
        wrong.then(|| format!("{name} sees {rights} rights of {replica:?}"))
    });
    if let Some(saw) = negative {
        violated(world, "rights are never negative", saw);
    }
}

fn no_view_overstates(world: &mut World) {
    for (replica, seen) in [
        (HUB, world.hub.rights()),
        (world.node.replica, world.node.rights()),
    ] {
        let held = world.union.cells.rights(replica);
        if seen > held {
            let saw = format!("{replica:?} sees {seen} rights of its own and holds {held}");
            return violated(world, "no replica overstates its rights", saw);
        }
    }
}

fn promises_are_backed(world: &mut World) {
    let excess = world.union.excess();
    if excess > world.uncovered {
        let saw = format!("{excess} beyond the units, {} uncovered", world.uncovered);
        violated(world, "rights and promises have units", saw);
    }
    let believed: i64 = world.believed.values().sum();
    let units = world.shelf.max(world.union.units);
    if believed > units + world.uncovered {
        let saw = format!(
            "{believed} believed, {units} there, {} uncovered",
            world.uncovered
        );
        violated(world, "customers are promised units", saw);
    }
}

fn nobody_gets_two(world: &mut World) {
    let doubled = world.union.promises.iter().find(|(_, promise)| {
        let parts = &promise.parts;
        parts.settled + parts.released > parts.promised || parts.released > parts.withdrawn
    });
    if let Some((id, promise)) = doubled.map(|(id, promise)| (*id, promise.clone())) {
        let saw = format!("promise {id}: {promise:?}");
        return violated(world, "each part of a promise ends once", saw);
    }
    let carried = world.carried.iter().find(|(id, carried)| {
        let parts = world.union.promises.get(id).map(|promise| promise.parts);
        parts.is_some_and(|parts| **carried + parts.released > parts.promised)
    });
    if let Some((id, carried)) = carried {
        let saw = format!("promise {id}: {carried} carried home, and given back too");
        violated(world, "what was carried home is not given back", saw);
    }
}

/// The hub made a promise.
pub fn promised(world: &mut World) {
    let debt = world.hub.view.position().debt();
    if debt > 0 {
        let saw = format!("the hub promised while it saw a debt of {debt}");
        violated(world, "no promise in debt", saw);
    }
}

/// The hub broke a promise: what the node had announced must ask for it.
pub fn breached(world: &mut World, quantity: i64) {
    let mut seen = world.hub.view.clone();
    let announced = usize::try_from(world.announced).unwrap_or(usize::MAX);
    for entry in world.node.journal.iter().take(announced) {
        seen.apply(entry);
    }
    let debt = seen.position().debt();
    if debt < quantity {
        let saw = format!("{quantity} broken, and the announced journal shows a debt of {debt}");
        violated(world, "no promise is broken without need", saw);
    }
}

/// All is quiet: everybody knows the same, nothing is owed, nothing is lost.
pub fn at_rest(world: &mut World) {
    if world.hub.view.cells != world.node.view.cells
        || world.hub.view.promises != world.node.view.promises
        || world.hub.view.units != world.node.view.units
    {
        let saw = format!(
            "{} units and {} live promises at the hub, {} and {} at the node",
            world.hub.view.units,
            world.hub.view.live(),
            world.node.view.units,
            world.node.view.live(),
        );
        return violated(world, "replicas agree", saw);
    }
    let position = world.hub.view.position();
    if position.debt() > 0 {
        let saw = format!("a debt of {} stays", position.debt());
        return violated(world, "debts are settled", saw);
    }
    let mintable = position.mintable(world.safety_stock, super::world::UNIT);
    if mintable > 0 {
        return violated(
            world,
            "no right is stranded",
            format!("{mintable} unminted"),
        );
    }
    let open = world.hub.view.promises.iter();
    let mut cancelled = open.filter(|(_, promise)| promise.cancelled && promise.parts.live() > 0);
    if let Some((id, promise)) = cancelled.next() {
        let saw = format!("promise {id}: {promise:?}");
        return violated(world, "cancelled promises come back", saw);
    }
    if world.shelf != world.hub.view.units {
        let saw = format!(
            "{} on the shelf, {} recorded",
            world.shelf, world.hub.view.units
        );
        violated(world, "the record is the shelf after a count", saw);
    }
}
