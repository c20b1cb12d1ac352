//! Parcels and hand-overs, as the steps tell of them; and for how long goods wait.

use evertill_domain::Timestamp;
use evertill_domain::order::{
    FulfilmentKind, FulfilmentStep, Parcel, ParcelState, PartCommand, PickupStep, PlaceOrder,
    StepCommand,
};
use evertill_domain::rejection::RejectionClass;

use super::build::at;
use super::place::command;
use super::shop::{Shop, of_line, refused};

fn shipped() -> PlaceOrder {
    let mut command = command();
    command.fulfilment.kind = FulfilmentKind::Ship;
    command.fulfilment.location = None;
    command
}

/// A shipment of three pieces of one line and one of another, put aside.
fn picked() -> Shop {
    let mut shop = Shop::of(&shipped());
    for step in [
        FulfilmentStep::Accept,
        FulfilmentStep::StartPick,
        FulfilmentStep::Pick,
    ] {
        shop.ship(&StepCommand::of(step));
    }
    shop
}

fn step(
    step: FulfilmentStep,
    parcel: Option<&str>,
    parts: Vec<PartCommand>,
) -> StepCommand<FulfilmentStep> {
    StepCommand {
        parcel: parcel.map(str::to_owned),
        carrier: parcel.map(|_| "Post".to_owned()),
        parts,
        ..StepCommand::of(step)
    }
}

fn all_of(line: u32) -> PartCommand {
    PartCommand {
        quantity: None,
        ..of_line(line, 0)
    }
}

/// Number, state, and the lines with their quantities and what came back.
type Shown<'a> = (Option<&'a str>, ParcelState, Vec<(u32, i64, i64)>);

fn shown(parcels: &[Parcel]) -> Vec<Shown<'_>> {
    let parcels = parcels.iter();
    parcels
        .map(|parcel| {
            let lines = parcel.lines.iter();
            let lines = lines.map(|line| (line.line, line.quantity, line.returned));
            (parcel.number.as_deref(), parcel.state, lines.collect())
        })
        .collect()
}

#[test]
fn what_is_packed_under_a_name_is_a_parcel_and_leaves_as_one() {
    use ParcelState::{Packed, Shipped};
    let mut shop = picked();
    shop.ship(&step(FulfilmentStep::Pack, Some("A"), vec![all_of(1)]));
    shop.ship(&step(FulfilmentStep::Pack, Some("B"), vec![all_of(2)]));
    let packed = [
        (Some("A"), Packed, vec![(1, 3_000, 0)]),
        (Some("B"), Packed, vec![(2, 1_000, 0)]),
    ];
    assert_eq!(shown(&shop.state().parcels), packed);
    // Out of its parcel and into another one.
    shop.ship(&step(FulfilmentStep::Unpack, None, vec![all_of(2)]));
    assert_eq!(shown(&shop.state().parcels), packed[..1]);
    shop.ship(&step(FulfilmentStep::Pack, Some("C"), vec![all_of(2)]));
    shop.ship(&step(FulfilmentStep::Ship, None, Vec::new()));
    let parcels = shop.state().parcels;
    assert_eq!(
        shown(&parcels),
        [
            (Some("A"), Shipped, vec![(1, 3_000, 0)]),
            (Some("C"), Shipped, vec![(2, 1_000, 0)])
        ]
    );
    assert_eq!(parcels[0].carrier.as_deref(), Some("Post"));
    assert_eq!(parcels[0].shipped_at, Some(parcels[0].changed_at));
}

#[test]
fn one_line_leaves_in_several_parcels_and_comes_back_in_their_order() {
    use ParcelState::{Delivered, ReturnedToSender, Shipped};
    let mut shop = picked();
    shop.ship(&step(FulfilmentStep::Pack, None, Vec::new()));
    shop.ship(&step(
        FulfilmentStep::ShipPart,
        Some("A"),
        vec![of_line(1, 2)],
    ));
    shop.ship(&step(FulfilmentStep::Ship, Some("B"), Vec::new()));
    assert_eq!(
        shown(&shop.state().parcels),
        [
            (Some("A"), Shipped, vec![(1, 2_000, 0)]),
            (Some("B"), Shipped, vec![(1, 1_000, 0), (2, 1_000, 0)])
        ]
    );
    shop.ship(&step(FulfilmentStep::Deliver, None, Vec::new()));
    shop.ship(&step(
        FulfilmentStep::ReturnToSender,
        None,
        vec![of_line(1, 3)],
    ));
    assert_eq!(
        shown(&shop.state().parcels),
        [
            (Some("A"), ReturnedToSender, vec![(1, 2_000, 2_000)]),
            (Some("B"), Delivered, vec![(1, 1_000, 1_000), (2, 1_000, 0)])
        ]
    );
}

#[test]
fn who_collected_and_how_is_kept() {
    let mut shop = Shop::made_ready(&command());
    let mut out = StepCommand::of(PickupStep::HandOver);
    out.proxy = true;
    out.age_checked = true;
    shop.pickup(&out);
    let order = shop.state();
    let [hand_over] = &order.hand_overs[..] else {
        panic!("expected one hand-over, got {:?}", order.hand_overs);
    };
    assert_eq!(
        (hand_over.proxy, hand_over.age_checked, &hand_over.receipt),
        (true, true, &None)
    );
    assert_eq!(hand_over.location.as_str(), "S001");
}

/// The tests' policy gives a day more. Goods that are promised until a time wait
/// for a day after it, others for a day from now.
#[test]
fn goods_wait_no_longer_than_the_policy_says() {
    let mut shop = Shop::made_ready(&command());
    let mut extend = StepCommand::of(PickupStep::Extend);
    let now = at(1_000);
    let promised = shop.state().promises.values().next().unwrap().promise_by;
    let latest = promised.map_or(now, |by| by.max(now)).as_millis() + 24 * 3_600_000;
    extend.until = Some(Timestamp::from_millis(latest + 1));
    let words = refused(
        shop.try_pickup(&extend),
        RejectionClass::Unprocessable,
        "too_late",
    );
    let latest = Timestamp::from_millis(latest);
    assert!(words.contains(&latest.to_string()), "{words}");
    extend.until = Some(latest);
    shop.pickup(&extend);
}
