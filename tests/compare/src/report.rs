//! What came out, in tables of fixed width, with what was assumed.

use std::fmt::Write as _;

use crate::beside::CutOff;
use crate::demand::{Demand, STORES, Weeks};
use crate::figures::{self, Figure};
use crate::order::{PICK, PICKUP_BY, SHIP_BY};
use crate::outcome::{LATE, MARGIN, Outcome, SPLIT};
use crate::regime::{Buffer, Dial, Regime, SILENCE};
use crate::scenario::Scenario;
use crate::sweep::{Row, Seeds, Table};
use crate::week::evening_hour;

/// What was assumed, in words, and how full the shelves were.
#[must_use]
pub fn assumptions(weeks: &Weeks, seeds: Seeds, centre: &Table) -> String {
    let count = |demand: &Demand| i64::try_from(demand.visits.len()).unwrap_or(i64::MAX);
    let customers: Vec<i64> = weeks.judged.iter().map(count).collect();
    let demand = &weeks.judged[0];
    let full = shelves(centre);
    let Scenario { cover, broken, .. } = Scenario::CENTRE;
    format!(
        "\
Assumptions
  Customers   {customers:.0} baskets in {days} days, from {source}, each seed playing one of them; pooled into
              {STORES} stores; the {skus} best-selling products (fuel, coupons and what hardly sells left out).
              A basket is a walk-in, or by the scenario's share an order, half pickup and half parcel.
  Ordering    The web shows what can be promised; a customer orders that and leaves the rest.
  Shelves     Each product is reviewed on two days a week and delivered the next morning, by an (s, S) rule
              from {earlier} days of sales: s is the demand until the next but one delivery and {cover:.1} standard
              deviations, S the demand between two reviews more. {before} days at the tills set the opening stock.
              So {available:.1} % of all products were on the shelf at {hour}:00, and customers at tills found {found:.1} % of
              what they wanted (shops are known to have 90 to 97 % on the shelf).
  Records     Wrong ones are off by 1 or 2 pieces, either way.
  Orders      Picked {pick} minutes after the store heard of them; pickups are promised in {pickup} hours, parcels
              in {ship}. What is missing is sent from another store if the hour allows, else cancelled.
  Lines       Cut per store and week: 5 min twenty times, 2 h three times, 2 days once. A store that is cut
              off sells on and hears of orders when the line is back; tills refuse nobody.
  Rights      A store whose line is up hands on at once what it is asked for.
  Counter     One counter hears of every sale at once while the line is up: better than most do.
  Money       {MARGIN} % margin of all sales, at tills too; a broken promise costs {broken:.0} dollars, a late order
              {late}, each further parcel {split}.
  Settings    Buffers ({buffers} of them: pieces held back, and whether the web stops after {silence} minutes of silence)
              and dials ({dials}: safety stock, share, keep, silence) are those that earned most in {choosing} seeds of
              the {weeks} weeks before; judged on {judged} seeds, with 95 % intervals.
",
        customers = Figure::of(&customers).mean,
        days = demand.days,
        source = weeks.source,
        skus = demand.skus.len(),
        earlier = demand.earlier_days,
        cover = whole(cover) / 100.0,
        before = demand.days_before,
        available = full.0,
        hour = evening_hour(),
        found = full.1,
        pick = PICK / 60,
        pickup = PICKUP_BY / 3_600,
        ship = SHIP_BY / 3_600,
        broken = whole(broken) / 100.0,
        late = LATE / 100,
        split = SPLIT / 100,
        buffers = Buffer::all().len(),
        silence = SILENCE / 60,
        dials = Dial::all().len(),
        choosing = seeds.choosing,
        weeks = weeks.choosing.len(),
        judged = seeds.judged,
    )
}

fn whole(number: i64) -> f64 {
    Figure::of(&[number]).mean
}

/// Products on the shelf, and pieces found at tills, in per cent, under one
/// counter.
#[must_use]
pub fn shelves(table: &Table) -> (f64, f64) {
    let outcomes = &table.counter.outcomes;
    let mean = |count: &dyn Fn(&Outcome) -> i64| figures::of(outcomes, count).mean;
    let available = mean(&|o| o.available) / mean(&|o| o.looked_at);
    let short = mean(&|o| o.till_short) / mean(&|o| o.till_wanted);
    (100.0 * available, 100.0 - 100.0 * short)
}

/// A column of a table: its heading, and what it counts.
type Column = (&'static str, fn(&Outcome) -> i64);

/// What is counted, in the order of reports.
pub const COLUMNS: [Column; 8] = [
    ("whole", |o| o.whole),
    ("in part", |o| o.partly),
    ("refused", |o| o.refused),
    ("cancelled", |o| o.broken),
    ("re-sourced", |o| o.resourced),
    ("late", |o| o.late),
    ("unsold", |o| o.unsold),
    ("parcels", |o| o.splits),
];

/// What the columns mean.
pub const MARKS: &str = "\
  whole, in part, refused: orders of which all, some, nothing was promised · cancelled: orders of which something
  was promised and then cancelled · re-sourced: something was missing and came from elsewhere in time · unsold:
  pieces wanted online and not offered although they lay on a shelf, unpromised · parcels: beyond an order's first ·
  short: pieces that customers at tills did not find · dollars: a week, against perfect information
";

/// A table of one scenario.
#[must_use]
pub fn render(table: &Table) -> String {
    let (available, found) = shelves(table);
    let mut text = format!(
        "{} ({available:.1} % on the shelf, {found:.1} % found at tills)\n  {:26}",
        table.scenario.name(),
        "regime"
    );
    for (heading, _) in COLUMNS {
        let _ = write!(text, " {heading:>11}");
    }
    let _ = writeln!(text, " {:>12} {:>10}  setting", "short", "dollars");
    for (name, row) in table.rows() {
        let _ = write!(text, "  {name:26}");
        for (_, count) in COLUMNS {
            let _ = write!(
                text,
                " {:>11}",
                plus_minus(figures::of(&row.outcomes, count))
            );
        }
        let short = figures::of(&row.outcomes, |o| o.till_short);
        let money = money(table, row, &table.perfect);
        let _ = writeln!(
            text,
            " {:>12} {:>10}  {}",
            format!("{:.0}±{:.0}", short.mean, short.half),
            format!("{:+.0}±{:.0}", money.mean, money.half),
            setting(row.regime)
        );
    }
    text
}

/// The dials in the centre, against the counter with its best buffer.
#[must_use]
pub fn render_dials(rows: &[Row], centre: &Table) -> String {
    let mut text = String::from(
        "Evertill's dial in the centre, against the counter with its best buffer (paired by seed)\n",
    );
    for row in rows {
        let unsold = figures::of(&row.outcomes, |o| o.unsold);
        let broken = figures::of(&row.outcomes, |o| o.broken);
        let parcels = figures::of(&row.outcomes, |o| o.splits);
        let money = money(centre, row, &centre.buffered);
        let _ = writeln!(
            text,
            "  {:22} unsold {:>11}  cancelled {:>9}  parcels {:>9}  dollars {:>9}",
            setting(row.regime),
            plus_minus(unsold),
            plus_minus(broken),
            plus_minus(parcels),
            format!("{:+.0}±{:.0}", money.mean, money.half),
        );
    }
    text
}

/// The dials in every scenario, against one counter without a buffer: the mean
/// over the scenarios, the worst of them, and each.
#[must_use]
pub fn render_everywhere(played: &[(Scenario, Vec<Row>)]) -> String {
    let mut text = String::from(
        "Evertill's dials on the weeks before, dollars a week against one counter without a buffer:\n  the mean \
         over the scenarios, the worst of them, and each in its order\n",
    );
    let dials = played.first().map_or(0, |(_, rows)| rows.len());
    for at in 1..dials {
        let by = played.iter().map(|(scenario, rows)| {
            let earned = |o: &Outcome| o.money(scenario);
            let by = figures::paired(&rows[at].outcomes, &rows[0].outcomes, earned);
            by.hundredth().mean
        });
        let by: Vec<f64> = by.collect();
        let mean = by.iter().sum::<f64>() / whole(i64::try_from(by.len()).unwrap_or(1));
        let worst = by.iter().copied().fold(f64::INFINITY, f64::min);
        let each: Vec<String> = by.iter().map(|by| format!("{by:+.0}")).collect();
        let dial = setting(played[0].1[at].regime);
        let _ = writeln!(
            text,
            "  {dial:22} {mean:>+6.0} {worst:>+6.0}   {}",
            each.join(" ")
        );
    }
    text
}

/// Selling on through a long outage, or stopping.
#[must_use]
pub fn render_cut_off(cut_off: &CutOff, table: &Table) -> String {
    let mut text = String::from(
        "An outage of 2 days: no buffer, everything at the web; dollars against perfect information\n",
    );
    for (name, row) in cut_off.rows() {
        let of = |count: fn(&Outcome) -> i64| plus_minus(figures::of(&row.outcomes, count));
        let money = money(table, row, &table.perfect);
        let _ = writeln!(
            text,
            "  {name:22} unsold {:>11}  cancelled {:>9}  late {:>9}  dollars {:>9}",
            of(|o| o.unsold),
            of(|o| o.broken),
            of(|o| o.late),
            format!("{:+.0}±{:.0}", money.mean, money.half),
        );
    }
    text
}

fn plus_minus(figure: Figure) -> String {
    format!("{:.1}±{:.1}", figure.mean, figure.half)
}

/// What a row earns more than another, in dollars a week, paired by seed.
#[must_use]
pub fn money(table: &Table, row: &Row, other: &Row) -> Figure {
    let earned = |o: &Outcome| o.money(&table.scenario);
    figures::paired(&row.outcomes, &other.outcomes, earned).hundredth()
}

/// A number with its sign, rounded; nothing is neither more nor less.
#[must_use]
pub fn signed(number: f64) -> String {
    match number.round() {
        0.0 => "0".to_owned(),
        number if number < 0.0 => format!("−{:.0}", -number),
        number => format!("+{number:.0}"),
    }
}

/// What was set, in words; nothing where there is nothing to set.
#[must_use]
pub fn setting(regime: Regime) -> String {
    match regime {
        Regime::Counter(buffer) => buffer.words(),
        Regime::Evertill(dial) => dial.words(),
        Regime::Periodic | Regime::Perfect => String::new(),
    }
}
