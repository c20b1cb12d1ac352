//! The chain with orders holds, repeats itself, and shows deliberate mistakes.

use evertill_orders_sim::{Bug, Config, Done, Outcome, run};

fn once(seed: u64, bug: Option<Bug>) -> Outcome {
    let config = Config {
        seed,
        days: 2,
        stores: 3,
        bug,
    };
    run(config, false).unwrap()
}

#[test]
fn seeds_hold_and_reach_every_corner() {
    let seeds = if cfg!(debug_assertions) { 1 } else { 10 };
    let mut all = Done::default();
    for seed in 1..=seeds {
        let outcome = once(seed, None);
        assert_eq!(outcome.violation, None, "seed {seed}");
        all = all.plus(outcome.done);
    }
    if seeds > 1 {
        assert!(
            all.sales > 50 && all.orders > 100 && all.short > 10,
            "{all:?}"
        );
        assert!(all.delivered > 30 && all.cancelled > 20, "{all:?}");
        assert!(
            all.breaches > 0 && all.kills > 10 && all.conflicts > 0,
            "{all:?}"
        );
        assert!(all.losses > 3 && all.seals > 2 && all.mints > 50, "{all:?}");
    }
}

#[test]
fn a_seed_repeats_itself_and_others_differ() {
    let first = once(7, None);
    assert_eq!(first, once(7, None));
    assert_ne!(first.trace, once(8, None).trace);
}

/// Seeds that once failed, and of what.
#[test]
fn seeds_that_failed_hold() {
    let seeds = [
        (3, "what hub and store both broke was counted twice"),
        (
            6,
            "a count took off twice what a restored machine has twice",
        ),
        (46, "a successor minted while promises waited in quarantine"),
        (2017, "two stores sent the same goods, and nobody was told"),
        (
            5053,
            "a machine without rights hid another one's burn in a rebuild",
        ),
        (
            6020,
            "a machine sold with the rights that were to pay a debt",
        ),
    ];
    for (seed, what) in seeds {
        assert_eq!(once(seed, None).violation, None, "{what}");
    }
}

/// How many seeds a mistake may survive.
const SEEDS: u64 = 30;

fn caught(bug: Bug) {
    let found = (1..=SEEDS).find_map(|seed| Some((seed, once(seed, Some(bug)).violation?)));
    let Some((seed, (oracle, what))) = found else {
        panic!("{bug:?} stays unseen for {SEEDS} seeds");
    };
    let short: String = what.chars().take(300).collect();
    println!("{bug:?}: seed {seed}, \"{oracle}\": {short}");
    let again = once(seed, Some(bug)).violation;
    assert_eq!(again, Some((oracle, what)));
}

macro_rules! caught {
    ($($name:ident: $bug:ident,)*) => {
        /// Each mistake by its own name, so that one that stays unseen is named.
        mod deliberate {
            $(
                #[test]
                fn $name() {
                    super::caught(evertill_orders_sim::Bug::$bug);
                }
            )*

            #[test]
            fn every_mistake_has_its_test() {
                let tested = [$(evertill_orders_sim::Bug::$bug),*];
                assert_eq!(tested, evertill_orders_sim::Bug::ALL);
            }
        }
    };
}

caught! {
    every_replica_mints: EveryReplicaMints,
    mint_by_receipt: MintByReceipt,
    release_before_withdrawal: ReleaseBeforeWithdrawal,
    breach_keeps_the_promise: BreachKeepsThePromise,
    hand_over_ends_nothing: HandOverEndsNothing,
    conflict_without_exception: ConflictWithoutException,
    conflict_twice: ConflictTwice,
    soft_holds_forgotten: SoftHoldsForgotten,
    feed_item_lost: FeedItemLost,
    refund_twice: RefundTwice,
    put_back_twice: PutBackTwice,
    code_unchecked: CodeUnchecked,
    sale_burns_nothing: SaleBurnsNothing,
    grant_before_durable: GrantBeforeDurable,
    resume_old_copy: ResumeOldCopy,
    grant_without_debit: GrantWithoutDebit,
    release_twice: ReleaseTwice,
    withdrawal_forgotten: WithdrawalForgotten,
    duty_forgotten: DutyForgotten,
    burn_twice: BurnTwice,
    count_against_now: CountAgainstNow,
    one_person_seals: OnePersonSeals,
    sealed_promises_untold: SealedPromisesUntold,
    sealed_cells_count: SealedCellsCount,
    seal_ignored: SealIgnored,
    late_facts_dropped: LateFactsDropped,
    named_before_returned: NamedBeforeReturned,
    count_before_hello: CountBeforeHello,
    mint_before_count: MintBeforeCount,
    settle_in_catch_up: SettleInCatchUp,
    promise_in_debt: PromiseInDebt,
    mint_safety_stock: MintSafetyStock,
}
