//! What happens: at the till, in the stock room, at the hub, to the machines.
//!
//! A step that has no occasion does nothing. Duties are steps that somebody owes
//! and that come to an end.

use evertill_domain::ReplicaId;
use evertill_domain::rights::{End, Share, burn_of_outflow, grant_by_share, settle};

use super::bug::RightsBug;
use super::machine::Machine;
use super::oracle;
use super::promises::{
    cancel, hand_over, node_promises, node_releases, promise, release, release_of_the_lost,
    withdraw,
};
use super::view::{Fact, View};
use super::world::{HUB, UNIT, World};

/// How a node shares its rights here.
const SHARE: Share = Share {
    per_mille: 600,
    keep: UNIT,
    quantum: UNIT,
};

/// What is owed until it is done; each says whether it did something.
pub const DUTIES: [fn(&mut World) -> bool; 10] = [
    withdraw,
    release,
    node_releases,
    release_of_the_lost,
    count_at_rest,
    node_settles,
    hub_settles,
    mint,
    grant,
    new_node_counts,
];

/// One step of chance.
pub fn one(world: &mut World) {
    match world.rng.below(128) {
        0..14 => receive_goods(world),
        14..26 => sell(world),
        26..29 => lose_from_shelf(world),
        29..32 => drop(count(world)),
        32..41 => drop(mint(world)),
        41..51 => drop(grant(world)),
        51..65 => promise(world),
        65..69 => node_promises(world),
        69..75 => cancel(world),
        75..80 => drop(withdraw(world)),
        80..85 => drop(release(world)),
        85..93 => hand_over(world),
        93..99 => greet(world),
        99..109 => drop(some_upstream(world)),
        109..119 => drop(some_downstream(world)),
        119..122 => drop(hub_settles(world)),
        122..125 => drop(node_settles(world)),
        125 => world.copy = Some(world.node.clone()),
        126 => restore(world),
        _ => replace(world),
    }
}

fn some_upstream(world: &mut World) -> bool {
    let count = world.rng.index(30) + 1;
    world.hub_reads(count)
}

fn some_downstream(world: &mut World) -> bool {
    let count = world.rng.index(30) + 1;
    world.node_reads(count)
}

/// A hello: the node announces its head, and learns what the hub holds.
pub fn greet(world: &mut World) {
    world.announced = world.node.journal.len() as u64;
    let held = world.hub.view.cells.own(world.node.replica).mint;
    world.node.safe_mint = world.node.safe_mint.max(held);
    // A promise is told to its customer once a second medium holds it.
    let known = world.hub.view.known(world.node.replica);
    for (id, quantity, seq) in std::mem::take(&mut world.untold) {
        if seq <= known {
            // What was handed over or broken meanwhile is nobody's to believe.
            let promise = world.union.promises.get(&id);
            let live = promise.map_or(0, |promise| promise.parts.live());
            world.believed.insert(id, live);
        } else {
            world.untold.push((id, quantity, seq));
        }
    }
}

/// Whether this node may record what its life before knew: it has read the feed
/// up to the entry that names it.
fn may_record(world: &World) -> bool {
    world.node.is_minter() || world.has(RightsBug::CountBeforeReturn)
}

fn receive_goods(world: &mut World) {
    if !may_record(world) {
        return;
    }
    let quantity = world.rng.between(1, world.plenty) * UNIT;
    world.shelf += quantity;
    world.node_writes(vec![Fact::Units(quantity)], None);
    if world.has(RightsBug::MintByReceipt) {
        let write = world.node.view.cells.mint(world.node.replica, quantity);
        world.node_writes(Vec::new(), write.ok());
    }
}

/// A walk-in takes what is on the shelf; the till asks nobody.
fn sell(world: &mut World) {
    let quantity = world.rng.between(1, 3) * UNIT;
    if world.shelf >= quantity {
        world.shelf -= quantity;
        outflow(world, quantity);
    }
}

fn outflow(world: &mut World, quantity: i64) {
    let burn = if world.has(RightsBug::SaleBurnsNothing) {
        0
    } else {
        burn_of_outflow(quantity, world.node.rights())
    };
    world.node_writes(vec![Fact::Units(-quantity), Fact::Burned(burn)], None);
}

/// Stolen, and nobody saw it.
fn lose_from_shelf(world: &mut World) {
    if world.shelf >= UNIT && world.rng.chance(1, 2) {
        world.shelf -= UNIT;
    }
}

fn count(world: &mut World) -> bool {
    if !may_record(world) {
        return false;
    }
    let variance = world.shelf - world.node.view.units;
    if variance > 0 {
        world.node_writes(vec![Fact::Units(variance)], None);
    } else if variance < 0 {
        outflow(world, -variance);
    }
    variance != 0
}

fn count_at_rest(world: &mut World) -> bool {
    world.node.is_minter() && count(world)
}

/// The successor of a lost node starts from a count.
fn new_node_counts(world: &mut World) -> bool {
    world.outcome.lives > 0 && count_at_rest(world)
}

fn mint(world: &mut World) -> bool {
    let mut any = false;
    if may_record(world) {
        let position = world.node.view.position();
        let quantity = position.mintable(world.safety_stock, UNIT);
        if quantity > 0 {
            let write = world.node.view.cells.mint(world.node.replica, quantity);
            world.node_writes(Vec::new(), write.ok());
            any = true;
        }
    }
    if world.has(RightsBug::EveryReplicaMints) {
        let quantity = world.hub.view.position().mintable(world.safety_stock, UNIT);
        if quantity > 0 {
            let write = world.hub.view.cells.mint(HUB, quantity);
            world.hub_writes(Vec::new(), write.ok());
            any = true;
        }
    }
    any
}

fn grant(world: &mut World) -> bool {
    if !may_record(world) {
        return false;
    }
    let usable = world.node.usable();
    let quantity = grant_by_share(SHARE, usable, world.node.view.cells.rights(HUB));
    let write = world
        .node
        .view
        .cells
        .transfer(world.node.replica, HUB, quantity, usable);
    let Ok(mut write) = write else { return false };
    if quantity == 0 {
        return false;
    }
    if world.has(RightsBug::GrantBeforeFsync) && world.rng.chance(1, 3) {
        world.hub.view.cells.apply(world.node.replica, &write);
        return false;
    }
    if world.has(RightsBug::GrantWithoutDebit) {
        write.own.mint += quantity;
    }
    world.node_writes(Vec::new(), Some(write));
    true
}

/// The node burns its unused rights when it sees a debt.
fn node_settles(world: &mut World) -> bool {
    let debt = world.node.view.position().debt();
    let burn = debt.min(world.node.rights());
    if burn <= 0 || !world.node.is_minter() {
        return false;
    }
    let write = world.node.view.cells.burn(world.node.replica, burn);
    world.node_writes(Vec::new(), write.ok());
    true
}

/// The hub settles once it has drained the node to the head it announced; what
/// only promises can cover is broken, the youngest first.
fn hub_settles(world: &mut World) -> bool {
    let drained = world.hub.view.known(world.node.replica) >= world.announced;
    if !drained && !world.has(RightsBug::SettleInCatchUp) {
        return false;
    }
    let settlement = settle(&world.hub.view.position(), HUB, world.hub.view.minter, 0);
    if settlement.burn > 0 {
        let write = world.hub.view.cells.burn(HUB, settlement.burn);
        world.hub_writes(Vec::new(), write.ok());
    }
    let breached = settlement.suspected > 0 && breach(world, settlement.suspected);
    settlement.burn > 0 || breached
}

fn breach(world: &mut World, suspected: i64) -> bool {
    let promises = world.hub.view.promises.iter().rev();
    let found = promises
        .map(|(id, promise)| (*id, promise.parts.live()))
        .find(|(_, live)| *live > 0);
    let Some((id, live)) = found else {
        return false;
    };
    let quantity = live.min(suspected);
    oracle::breached(world, quantity);
    let write = if world.has(RightsBug::BreachKeepsTheRight) {
        world.hub.view.cells.release(HUB, quantity).ok()
    } else {
        None
    };
    let how = End::Breached;
    world.hub_writes(vec![Fact::Ended { id, quantity, how }], write);
    if let Some(believed) = world.believed.get_mut(&id) {
        *believed -= quantity.min(*believed);
    }
    world.outcome.breaches += 1;
    true
}

/// The node comes back as an old copy of itself. It notices by the marker beside
/// its database and takes a new life.
fn restore(world: &mut World) {
    let Some(copy) = world.copy.take() else {
        return;
    };
    if copy.replica != world.node.replica {
        return;
    }
    if world.has(RightsBug::ResumeAfterRestore) {
        world.node = copy;
        return;
    }
    new_life(world);
}

/// The box is lost with what it had not sent, and a fresh one takes its place.
fn replace(world: &mut World) {
    if world.rng.chance(1, 2) {
        new_life(world);
    }
}

/// A count and two persons seal the old life at what the hub knows of it, and
/// the feed names the new one.
fn new_life(world: &mut World) {
    let old = world.node.replica;
    let new = ReplicaId(world.next_replica);
    world.next_replica += 1;
    world.outcome.lives += 1;
    world.copy = None;
    world.node = Machine::new(new, HUB);
    world.announced = 0;
    world.untold.clear();
    let mut facts = vec![Fact::MinterNamed(new)];
    if !world.has(RightsBug::ReplaceWithoutSeal) {
        let seal = world.hub.view.cells.seal_of(old);
        facts.insert(0, Fact::Sealed { replica: old, seal });
    }
    world.hub_writes(facts, None);
    forget_what_was_lost(world);
}

/// What the hub had not heard of the old life is gone from every record.
fn forget_what_was_lost(world: &mut World) {
    let mut union = View::new(HUB);
    for entry in &world.log {
        union.apply(entry);
    }
    let promises = union.promises.iter();
    world.carried = promises.map(|(id, p)| (*id, p.parts.settled)).collect();
    world.union = union;
    world.uncovered = world.uncovered.max(world.union.excess());
}
