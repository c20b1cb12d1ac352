//! The pull-the-plug tour: real baskets in three stores, the hub killed, a node
//! killed, everything started again; then node, hub and the tills' own list are
//! compared.
//!
//! Invariant: it ends well only if the three accounts are equal to the cent, the
//! piece and the day, and every journal verifies.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use comfy_table::{CellAlignment, Table, presets};
use evertill_data::{Basket, Sample};
use evertill_support::{Client, new_key};
use serde_json::Value;

use crate::account::{Account, differences, opening};
use crate::chain::{Chain, REGISTER, until};

/// Fewer baskets would prove too little.
const BASKETS_MIN: usize = 300;
/// How long one basket is asked for, over a restart.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the last sales may take to reach the hub.
const CATCH_UP: Duration = Duration::from_mins(1);
/// The store whose node is killed.
const VICTIM: usize = 1;

/// Which part of its baskets each store sells in which act, in quarters.
const ACTS: [&str; 4] = [
    "with the line up",
    "with the hub killed",
    "with a node killed between two sales, the hub still down",
    "while the hub is back and catches up",
];

/// One row of the first table.
struct Act {
    says: &'static str,
    sold: usize,
    took: Duration,
    sales: Vec<Duration>,
}

/// What each store's till heard.
type Answers = Vec<Vec<Value>>;

/// Plays the tour.
///
/// # Errors
/// Something was lost, counted twice or different, or a process failed.
pub fn play(chain: &mut Chain, sample: &Sample) -> Result<()> {
    let stock = std::fs::read_to_string(sample.file("stock.csv"))?;
    let mut answers: Answers = vec![Vec::new(); chain.stores.len()];
    let mut acts = Vec::new();
    for (number, says) in ACTS.into_iter().enumerate() {
        println!("[{}/{}] selling {says} …", number + 1, ACTS.len());
        match number {
            1 => chain.hub.kill(),
            3 => chain.hub.start()?,
            _ => {}
        }
        let began = Instant::now();
        let sales = sell_quarter(chain, sample, number, &mut answers)?;
        acts.push(Act {
            says,
            sold: sales.len(),
            took: began.elapsed(),
            sales,
        });
    }
    let began = Instant::now();
    wait_until_quiet(chain)?;
    println!("All is quiet after {}.\n", milliseconds(began.elapsed()));
    println!("{}", acts_table(&acts));
    let sold: usize = answers.iter().map(Vec::len).sum();
    ensure!(sold >= BASKETS_MIN, "only {sold} baskets were sold");
    compare(chain, &stock, &answers)
}

/// Sells each store's share of an act, all stores at once; gives how long each
/// sale took.
fn sell_quarter(
    chain: &mut Chain,
    sample: &Sample,
    number: usize,
    answers: &mut Answers,
) -> Result<Vec<Duration>> {
    let mut took = Vec::new();
    let kill_node = number == 2;
    let clients: Vec<Client> = chain
        .stores
        .iter()
        .map(crate::chain::StoreMember::client)
        .collect();
    let shares: Vec<Vec<&Basket>> = chain
        .stores
        .iter()
        .map(|store| quarter(&sample.of(&store.location), number))
        .collect();
    thread::scope(|scope| -> Result<()> {
        let mut tills = Vec::new();
        for (store, (client, share)) in clients.iter().zip(&shares).enumerate() {
            if !(kill_node && store == VICTIM) {
                tills.push((store, scope.spawn(move || sell(client, sample, share))));
            }
        }
        if kill_node {
            let (before, after) = shares[VICTIM].split_at(shares[VICTIM].len() / 2);
            let member = &mut chain.stores[VICTIM].member;
            let mut sold = sell(&clients[VICTIM], sample, before)?;
            member.kill();
            let began = Instant::now();
            member.start()?;
            println!(
                "      the node answers again after {}",
                milliseconds(began.elapsed())
            );
            sold.extend(sell(&clients[VICTIM], sample, after)?);
            keep(sold, &mut answers[VICTIM], &mut took);
        }
        for (store, till) in tills {
            let sold = till
                .join()
                .map_err(|_| anyhow::anyhow!("a till panicked"))?;
            keep(sold?, &mut answers[store], &mut took);
        }
        Ok(())
    })?;
    Ok(took)
}

fn keep(sold: Vec<(Value, Duration)>, answers: &mut Vec<Value>, took: &mut Vec<Duration>) {
    for (answer, time) in sold {
        answers.push(answer);
        took.push(time);
    }
}

fn quarter<'a>(baskets: &[&'a Basket], number: usize) -> Vec<&'a Basket> {
    let bound = |part: usize| baskets.len() * part / ACTS.len();
    baskets[bound(number)..bound(number + 1)].to_vec()
}

/// Sells baskets one after the other. A till that gets no answer asks again
/// under the same key.
fn sell(client: &Client, sample: &Sample, baskets: &[&Basket]) -> Result<Vec<(Value, Duration)>> {
    let mut sold = Vec::with_capacity(baskets.len());
    for basket in baskets {
        let body = basket.sale(REGISTER, &sample.catalogue);
        let (key, began) = (new_key(), Instant::now());
        let reply = loop {
            match client.post("/sales", &key, &body) {
                Ok(reply) => break reply,
                Err(error) if began.elapsed() > PATIENCE => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        };
        if reply.status != 201 {
            bail!(
                "basket {} was refused: {}\n{body}",
                basket.basket,
                reply.text
            );
        }
        sold.push((reply.json(), began.elapsed()));
    }
    Ok(sold)
}

/// Until the hub holds everything and says so.
fn wait_until_quiet(chain: &Chain) -> Result<()> {
    for store in &chain.stores {
        let client = store.client();
        until(
            CATCH_UP,
            &format!("the hub has every sale of {}", store.location),
            || {
                let status = client.get("/status")?.expect(200);
                let hub = &status["hub"];
                Ok(hub["connected"] == true && hub["unsent"] == 0 && hub["behind"] == 0)
            },
        )?;
    }
    let console = chain.console();
    until(CATCH_UP, "every location is complete at the hub", || {
        let fleet = console.get("/fleet")?.expect(200);
        let nodes = fleet["items"].as_array().context("the fleet is a list")?;
        Ok(nodes.len() == chain.stores.len() && nodes.iter().all(|node| node["complete"] == true))
    })
}

fn compare(chain: &Chain, stock: &str, answers: &Answers) -> Result<()> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header([
        "store",
        "account",
        "sales",
        "value USD",
        "SKUs",
        "day figures",
        "equal",
    ]);
    let mut found = Vec::new();
    for (store, answers) in chain.stores.iter().zip(answers) {
        let location = &store.location;
        let own = Account::of_answers(&opening(stock, location)?, answers)?;
        let node = Account::read(&store.client(), location, &own, false)?;
        let hub = Account::read(&chain.console(), location, &own, true)?;
        for (who, account) in [("till", &own), ("node", &node), ("hub", &hub)] {
            let equal = *account == own;
            table.add_row([
                location.clone(),
                who.to_owned(),
                account.sales.len().to_string(),
                evertill_data::decimal(account.value()),
                account.stock.len().to_string(),
                account.days.len().to_string(),
                if equal { "yes" } else { "NO" }.to_owned(),
            ]);
            for (what, own, other) in [
                ("sales", &own.sales, &account.sales),
                ("stock", &own.stock, &account.stock),
                ("days", &own.days, &account.days),
            ] {
                let lines = differences(own, other);
                found.extend(
                    lines
                        .iter()
                        .map(|line| format!("{location} {who} {what}: {line}")),
                );
            }
        }
    }
    for column in 2..6 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    println!("{table}");
    ensure!(
        found.is_empty(),
        "the accounts differ:\n  {}",
        found.join("\n  ")
    );
    let mut journals = 0;
    for member in chain
        .stores
        .iter()
        .map(|store| &store.member)
        .chain([&chain.hub])
    {
        journals += member.command(&["verify"])?.lines().count();
    }
    println!("{journals} journals verified. Nothing lost, nothing counted twice.");
    Ok(())
}

fn acts_table(acts: &[Act]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(["act", "baskets", "took", "a sale: median", "slowest"]);
    for act in acts {
        let mut sales = act.sales.clone();
        sales.sort_unstable();
        let median = sales.get(sales.len() / 2).copied().unwrap_or_default();
        let slowest = sales.last().copied().unwrap_or_default();
        table.add_row([
            format!("selling {}", act.says),
            act.sold.to_string(),
            milliseconds(act.took),
            milliseconds(median),
            milliseconds(slowest),
        ]);
    }
    for column in 1..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
