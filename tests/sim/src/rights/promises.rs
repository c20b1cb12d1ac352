//! Promises: made by the hub and by the node, called off, withdrawn, given back,
//! handed over.
//!
//! Invariant: a promise is told to its customer when a second medium holds it.

use evertill_domain::rights::End;

use super::bug::RightsBug;
use super::oracle;
use super::view::{Fact, Promise, View};
use super::world::{HUB, UNIT, World};

pub fn promise(world: &mut World) {
    let quantity = world.rng.between(1, 2) * UNIT;
    let debt = world.hub.view.position().debt();
    if debt > 0 && !world.has(RightsBug::PromiseInDebt) {
        return;
    }
    let mut usable = world.hub.rights();
    if world.has(RightsBug::PromiseBeyondRights) {
        usable += UNIT;
    }
    if usable < quantity {
        return;
    }
    let id = world.next_promise;
    let cells = &world.hub.view.cells;
    let held = quantity.min(world.hub.rights());
    let Ok(mut write) = cells.promise(HUB, held, usable) else {
        return;
    };
    write.own.used = world.hub.view.cells.own(HUB).used + quantity;
    world.next_promise += 1;
    world.hub_writes(vec![Fact::Promised { id, quantity }], Some(write));
    world.believed.insert(id, quantity);
    world.outcome.promises += 1;
    oracle::promised(world);
}

/// The node promises by itself, from rights that a second medium holds; its
/// customer hears of it once the promise is there too.
pub fn node_promises(world: &mut World) {
    let quantity = world.rng.between(1, 2) * UNIT;
    let hasty = world.has(RightsBug::UseUnacknowledgedMint);
    let usable = if hasty {
        world.node.rights()
    } else {
        world.node.usable()
    };
    if !world.node.is_minter() || world.node.view.position().debt() > 0 || usable < quantity {
        return;
    }
    let id = world.next_promise;
    let cells = &world.node.view.cells;
    let Ok(write) = cells.promise(world.node.replica, quantity, usable) else {
        return;
    };
    world.next_promise += 1;
    world.node_writes(vec![Fact::Promised { id, quantity }], Some(write));
    if hasty {
        world.believed.insert(id, quantity);
    } else {
        let seq = world.node.journal.len() as u64;
        world.untold.push((id, quantity, seq));
    }
    world.outcome.promises += 1;
}

pub fn cancel(world: &mut World) {
    let open: Vec<u64> = world.believed.keys().copied().collect();
    if open.is_empty() {
        return;
    }
    let id = *world.rng.pick(&open);
    world.believed.remove(&id);
    world.hub_writes(vec![Fact::Cancelled { id }], None);
}

/// The node says of each cancelled promise that it will not hand it over.
pub fn withdraw(world: &mut World) -> bool {
    if !world.node.is_minter() {
        return false;
    }
    let facts: Vec<Fact> = world
        .node
        .view
        .promises
        .iter()
        .filter(|(_, promise)| promise.cancelled && promise.parts.deliverable() > 0)
        .map(|(id, promise)| Fact::Withdrawn {
            id: *id,
            quantity: promise.parts.deliverable(),
        })
        .collect();
    let any = !facts.is_empty();
    if any {
        world.node_writes(facts, None);
    }
    any
}

/// The hub gives back what was withdrawn.
pub fn release(world: &mut World) -> bool {
    let early = world.has(RightsBug::ReleaseBeforeWithdrawal);
    let found = world.hub.view.promises.iter().find_map(|(id, promise)| {
        let quantity = if early {
            promise.parts.live()
        } else {
            promise.parts.releasable()
        };
        (promise.cancelled && promise.maker == HUB && quantity > 0).then_some((*id, quantity))
    });
    let Some((id, quantity)) = found else {
        return false;
    };
    let twice = world.has(RightsBug::ReleaseTwice);
    let returned = if twice { 2 * quantity } else { quantity };
    let write = world.hub.view.cells.release(HUB, returned);
    let how = End::Released;
    world.hub_writes(vec![Fact::Ended { id, quantity, how }], write.ok());
    world.outcome.releases += 1;
    true
}

/// The node gives back what it had promised itself.
pub fn node_releases(world: &mut World) -> bool {
    let own = world.node.replica;
    let mine = |(_, promise): &(&u64, &Promise)| promise.cancelled && promise.maker == own;
    let Some((id, quantity)) = first_releasable(&world.node.view, mine) else {
        return false;
    };
    let write = world.node.view.cells.release(own, quantity);
    let how = End::Released;
    world.node_writes(vec![Fact::Ended { id, quantity, how }], write.ok());
    world.outcome.releases += 1;
    true
}

/// What a sealed replica had promised gives nobody a right: the hub ends it, and
/// whoever mints sees a lower level.
pub fn release_of_the_lost(world: &mut World) -> bool {
    let cells = &world.hub.view.cells;
    let lost =
        |(_, promise): &(&u64, &Promise)| promise.cancelled && cells.is_sealed(promise.maker);
    let Some((id, quantity)) = first_releasable(&world.hub.view, lost) else {
        return false;
    };
    let how = End::Released;
    world.hub_writes(vec![Fact::Ended { id, quantity, how }], None);
    world.outcome.releases += 1;
    true
}

fn first_releasable(view: &View, which: impl Fn(&(&u64, &Promise)) -> bool) -> Option<(u64, i64)> {
    let mut promises = view.promises.iter().filter(which);
    promises.find_map(|(id, promise)| {
        let quantity = promise.parts.releasable();
        (quantity > 0).then_some((*id, quantity))
    })
}

pub fn hand_over(world: &mut World) {
    if !world.node.is_minter() {
        return;
    }
    let always = world.has(RightsBug::HandOverAfterWithdrawal);
    let open: Vec<(u64, i64)> = world
        .node
        .view
        .promises
        .iter()
        .map(|(id, promise)| {
            let parts = &promise.parts;
            (
                *id,
                if always {
                    parts.live()
                } else {
                    parts.deliverable()
                },
            )
        })
        .filter(|(_, quantity)| *quantity > 0)
        .collect();
    if open.is_empty() {
        return;
    }
    let (id, most) = *world.rng.pick(&open);
    let quantity = most.min(world.rng.between(1, 2) * UNIT);
    if world.shelf < quantity {
        return;
    }
    world.shelf -= quantity;
    *world.carried.entry(id).or_default() += quantity;
    if let Some(believed) = world.believed.get_mut(&id) {
        *believed -= quantity.min(*believed);
    }
    let how = End::Settled;
    let mut facts = vec![Fact::Units(-quantity)];
    if !world.has(RightsBug::HandOverLeavesPromise) {
        facts.push(Fact::Ended { id, quantity, how });
    }
    world.node_writes(facts, None);
    world.outcome.hand_overs += 1;
}
