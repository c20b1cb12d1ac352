//! The simulator holds, repeats itself, and sees deliberate mistakes.

use evertill_sim::{Bug, Config, run};

fn config(seed: u64, bug: Option<Bug>) -> Config {
    Config {
        seed,
        days: 3,
        stores: 3,
        sales: 30,
        bug,
    }
}

#[test]
fn seeds_hold() {
    let seeds = if cfg!(debug_assertions) { 2 } else { 20 };
    for seed in 1..=seeds {
        assert_eq!(
            run(config(seed, None), false).violation,
            None,
            "seed {seed}"
        );
    }
}

#[test]
fn every_kind_of_command_is_part_of_a_run() {
    let answered = run(config(1, None), false).answered;
    let kinds = [
        answered.sales,
        answered.returns,
        answered.voids,
        answered.movements,
        answered.later,
        answered.counts,
        answered.refused,
    ];
    assert!(kinds.iter().all(|count| *count > 0), "{answered:?}");
}

#[test]
fn a_seed_replays_identically_and_others_differ() {
    let once = run(config(7, None), false);
    assert_eq!(once, run(config(7, None), false));
    assert_ne!(once.trace, run(config(8, None), false).trace);
}

/// Seeds that once failed, and of what.
#[test]
fn seeds_that_failed_hold() {
    let lost_word = "the end of a revocation survived a crash before anybody heard of it";
    for (seed, what) in [(1_031, lost_word), (1_153, lost_word)] {
        let week = Config {
            days: 7,
            sales: 40,
            ..config(seed, None)
        };
        assert_eq!(run(week, false).violation, None, "{what}");
    }
}

/// How many seeds a bug may survive.
const SEEDS: u64 = 12;

fn caught(bug: Bug) {
    let found = (1..=SEEDS).find_map(|seed| {
        let violation = run(config(seed, Some(bug)), false).violation?;
        Some((seed, violation))
    });
    let Some((seed, (oracle, what))) = found else {
        panic!("{bug:?} stays unseen for {SEEDS} seeds");
    };
    println!("{bug:?}: seed {seed}, \"{oracle}\": {what}");
    // A failing seed fails again in the same way.
    let again = run(config(seed, Some(bug)), false).violation;
    assert_eq!(again, Some((oracle, what)));
}

macro_rules! caught {
    ($($name:ident: $bug:ident,)*) => {
        /// Each bug by its own name, so that one that stays unseen is named.
        mod deliberate {
            $(
                #[test]
                fn $name() {
                    super::caught(evertill_sim::Bug::$bug);
                }
            )*

            #[test]
            fn every_bug_has_its_test() {
                let tested = [$(evertill_sim::Bug::$bug),*];
                assert_eq!(tested, evertill_sim::Bug::ALL);
            }
        }
    };
}

caught! {
    acknowledge_before_fsync: AcknowledgeBeforeFsync,
    hub_acknowledges_before_fsync: HubAcknowledgesBeforeFsync,
    acknowledge_before_projections: AcknowledgeBeforeProjections,
    ship_unsynced: ShipUnsynced,
    dedupe_by_seq_alone: DedupeBySeqAlone,
    drop_frame_tail: DropFrameTail,
    forget_idempotency_key: ForgetIdempotencyKey,
    reuse_receipt_number: ReuseReceiptNumber,
    apply_parked_parts: ApplyParkedParts,
    ignore_credit: IgnoreCredit,
    acknowledge_feed_before_fsync: AcknowledgeFeedBeforeFsync,
    post_against_now: PostAgainstNow,
}

mod rights {
    use evertill_sim::rights::{RightsBug, schedule};

    const STEPS: u32 = 300;

    #[test]
    fn thousands_of_schedules_hold() {
        let seeds = if cfg!(debug_assertions) { 300 } else { 5_000 };
        let (mut promises, mut breaches, mut lives) = (0, 0, 0);
        for seed in 1..=seeds {
            let outcome = schedule(seed, STEPS, None);
            assert_eq!(outcome.violation, None, "seed {seed}");
            promises += outcome.promises;
            breaches += outcome.breaches;
            lives += outcome.lives;
        }
        println!("{seeds} schedules: {promises} promises, {breaches} broken, {lives} new lives");
        assert!(promises > seeds * 5 && breaches > 0 && lives > seeds);
    }

    #[test]
    fn every_deliberate_mistake_about_rights_is_seen() {
        for bug in RightsBug::ALL {
            let found = (1..=400).find_map(|seed| {
                let violation = schedule(seed, STEPS, Some(bug)).violation?;
                Some((seed, violation))
            });
            let Some((seed, (oracle, saw))) = found else {
                panic!("{bug:?} stays unseen");
            };
            println!("{bug:?}: seed {seed}, \"{oracle}\": {saw}");
            assert_eq!(
                schedule(seed, STEPS, Some(bug)).violation,
                Some((oracle, saw))
            );
        }
    }
}
