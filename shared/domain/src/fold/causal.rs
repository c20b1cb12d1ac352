//! The one order of a document's events: Kahn's algorithm with a heap, so that
//! of all events whose causes are placed the least by (class, clock, key) is
//! next.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::{Class, Placed};
use crate::event::Event;
use crate::ids::EventKey;
use crate::time::Hlc;

/// What orders events that did not know of each other.
type Rank = (Class, Hlc, EventKey);

struct Node<'a> {
    rank: Rank,
    placed: Placed<'a>,
    event: Option<Event>,
    /// Parents that are not placed yet.
    waits_for: BTreeSet<EventKey>,
}

/// The events in order, each key once, with what their bytes say.
pub(super) fn causal<'a>(
    events: impl Iterator<Item = (Option<Event>, Placed<'a>)>,
) -> Vec<(EventKey, Option<Event>)> {
    let mut nodes = distinct(events);
    let mut children: BTreeMap<EventKey, Vec<EventKey>> = BTreeMap::new();
    for (key, node) in &nodes {
        for parent in &node.waits_for {
            children.entry(*parent).or_default().push(*key);
        }
    }
    let ready = nodes.values().filter(|node| node.waits_for.is_empty());
    let mut heap: BinaryHeap<Reverse<Rank>> = ready.map(|node| Reverse(node.rank)).collect();
    let mut ordered = Vec::with_capacity(nodes.len());
    while !nodes.is_empty() {
        // Causes never form a circle, but a fold is total: the least of what is
        // left breaks one.
        let next = heap.pop().map(|Reverse(rank)| rank);
        let next = next.or_else(|| nodes.values().map(|node| node.rank).min());
        let Some((_, _, key)) = next else { break };
        let Some(node) = nodes.remove(&key) else {
            continue;
        };
        for child in children.remove(&key).unwrap_or_default() {
            if let Some(child) = nodes.get_mut(&child)
                && child.waits_for.remove(&key)
                && child.waits_for.is_empty()
            {
                heap.push(Reverse(child.rank));
            }
        }
        ordered.push((key, node.event));
    }
    ordered
}

/// One node per key, whatever came how often. The gate lets no two events under
/// one key pass; should there be two, the lesser one by clock and bytes stands,
/// with the parents of both.
fn distinct<'a>(
    events: impl Iterator<Item = (Option<Event>, Placed<'a>)>,
) -> BTreeMap<EventKey, Node<'a>> {
    let mut nodes: BTreeMap<EventKey, Node<'a>> = BTreeMap::new();
    for (event, placed) in events {
        let class = event.as_ref().map_or(Class::Unknown, Class::of);
        let mut waits_for: BTreeSet<EventKey> = placed.parents.iter().copied().collect();
        if let Some(Event::Order(order)) = &event {
            waits_for.extend(&order.parents);
        }
        let mut node = Node {
            rank: (class, placed.hlc, placed.key),
            waits_for,
            event,
            placed,
        };
        if let Some(other) = nodes.remove(&node.placed.key) {
            let parents = node.waits_for.union(&other.waits_for).copied().collect();
            if (other.placed.hlc, other.placed.bytes) < (node.placed.hlc, node.placed.bytes) {
                node = other;
            }
            node.waits_for = parents;
        }
        nodes.insert(node.placed.key, node);
    }
    let keys: BTreeSet<EventKey> = nodes.keys().copied().collect();
    let mut before: Option<EventKey> = None;
    for (key, node) in &mut nodes {
        // Of an order, what one process wrote follows what it wrote before: its
        // events name only those of others.
        if matches!(node.event, Some(Event::Order(_))) {
            let own = before.filter(|before| before.actor_prefix == key.actor_prefix);
            node.waits_for.extend(own);
            before = Some(*key);
        }
        node.waits_for
            .retain(|parent| parent != key && keys.contains(parent));
    }
    nodes
}
