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
fn a_seed_replays_identically_and_others_differ() {
    let once = run(config(7, None), false);
    assert_eq!(once, run(config(7, None), false));
    assert_ne!(once.trace, run(config(8, None), false).trace);
}

#[test]
fn the_first_four_deliberate_bugs_are_caught() {
    for bug in Bug::ALL.into_iter().take(4) {
        let caught = (1..=30).find_map(|seed| {
            let violation = run(config(seed, Some(bug)), false).violation?;
            Some((seed, violation.0))
        });
        let (seed, oracle) = caught.unwrap_or_else(|| panic!("{bug:?} stays unseen"));
        println!("{bug:?}: seed {seed}, \"{oracle}\"");
    }
}
