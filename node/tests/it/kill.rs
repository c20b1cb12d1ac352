//! SIGKILL under load, and a full disk: what was answered with 201 is there, once,
//! and nothing else is.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use serde_json::{Value, json};

use crate::shop::{Shop, one_milk, stocked};
use evertill_support::{Client, new_key};

/// Kills in one run.
const ROUNDS: usize = 50;
/// Tills that sell at once.
const TILLS: [&str; 4] = ["R1", "R1", "R2", "R2"];

/// What was sent: the key and till of each request, and its answer if one came.
type Sent = BTreeMap<String, (&'static str, Option<Value>)>;

#[test]
fn after_sigkill_under_load_every_201_is_there_once_and_numbers_have_no_gap() {
    let mut shop = Shop::open();
    let sent = Mutex::new(Sent::new());
    for round in 0..ROUNDS {
        shop = sell_until_killed(shop, 1 + 7 * round % 23, &sent);
        settle(&shop, &mut sent.lock().unwrap());
    }
    let sent = sent.into_inner().unwrap();
    assert!(sent.len() > 500, "only {} sales", sent.len());
    check(&shop, &sent);
}

/// Lets every till sell, kills the process after `answers` answers, and starts
/// it again.
fn sell_until_killed(shop: Shop, answers: usize, sent: &Mutex<Sent>) -> Shop {
    let (answered, answer) = channel();
    let tills = TILLS.map(|register| (register, shop.register(register)));
    std::thread::scope(|scope| {
        for (register, till) in tills {
            let answered = answered.clone();
            scope.spawn(move || {
                // The receiver goes away once it has seen enough.
                let noted = || answered.send(()).unwrap_or_default();
                sell_while_it_lasts(register, &till, sent, noted);
            });
        }
        drop(answered);
        assert_eq!(answer.iter().take(answers).count(), answers);
        shop.after_kill()
    })
}

#[test]
fn sigterm_under_load_finishes_what_is_answered_and_ends_in_order() {
    let shop = Shop::open();
    let sent = Mutex::new(Sent::new());
    let (answered, answer) = channel();
    let tills = TILLS.map(|register| (register, shop.register(register)));
    let shop = std::thread::scope(|scope| {
        for (register, till) in tills {
            let (answered, sent) = (answered.clone(), &sent);
            scope.spawn(move || {
                let noted = || answered.send(()).unwrap_or_default();
                sell_while_it_lasts(register, &till, sent, noted);
            });
        }
        assert_eq!(answer.iter().take(50).count(), 50);
        // It checks that the process ends with success.
        shop.after_restart()
    });
    let mut sent = sent.into_inner().unwrap();
    settle(&shop, &mut sent);
    check(&shop, &sent);
}

/// Sells until the process is gone, or says that it is going.
fn sell_while_it_lasts(
    register: &'static str,
    till: &Client,
    sent: &Mutex<Sent>,
    answered: impl Fn(),
) {
    loop {
        let key = new_key();
        sent.lock().unwrap().insert(key.clone(), (register, None));
        let Ok(reply) = till.post("/sales", &key, &basket(register)) else {
            return;
        };
        if reply.status == 503 {
            assert_eq!(reply.problem(503), "draining");
            return;
        }
        let receipt = reply.expect(201);
        sent.lock().unwrap().insert(key, (register, Some(receipt)));
        answered();
    }
}

fn basket(register: &str) -> Value {
    let mut basket = one_milk();
    basket["register"] = json!(register);
    basket["sold_at"] = json!("2026-07-01T12:00:00Z");
    basket
}

/// Sends again what got no answer, as a till does.
fn settle(shop: &Shop, sent: &mut Sent) {
    for (key, (register, answer)) in sent.iter_mut().filter(|(_, (_, answer))| answer.is_none()) {
        let till = shop.register(register);
        *answer = Some(
            till.post("/sales", key, &basket(register))
                .unwrap()
                .expect(201),
        );
    }
}

/// The listed receipts are the answered ones, each once and as answered.
fn check(shop: &Shop, sent: &Sent) {
    let listed = shop.receipts();
    let by_id = |receipts: &[Value]| -> BTreeMap<String, Value> {
        let id = |receipt: &Value| receipt["id"].as_str().unwrap().to_owned();
        receipts.iter().map(|r| (id(r), r.clone())).collect()
    };
    let answers: Vec<Value> = sent
        .values()
        .map(|(_, answer)| answer.clone().unwrap())
        .collect();
    assert_eq!(listed.len(), answers.len());
    assert_eq!(by_id(&listed), by_id(&answers));
    for register in ["R1", "R2"] {
        let mut numbers: Vec<u64> = listed
            .iter()
            .filter(|receipt| receipt["register"] == register)
            .map(|receipt| {
                let number = receipt["receipt_number"].as_str().unwrap();
                number.rsplit_once('-').unwrap().1.parse().unwrap()
            })
            .collect();
        numbers.sort_unstable();
        let gapless: Vec<u64> = (1..=numbers.len() as u64).collect();
        assert_eq!(numbers, gapless, "{register}");
    }
    let day = shop.get("/days/S001/2026-07-01");
    assert_eq!(day["receipts"], json!(listed.len()));
    let sold = i64::try_from(listed.len()).unwrap();
    assert_eq!(
        shop.get("/stock/MILK")["on_hand"],
        json!((-sold).to_string())
    );
}

#[test]
fn a_full_disk_is_a_503_that_leaves_nothing_behind() {
    let shop = Shop::on(stocked().prepare().unwrap(), &["--max-database-mib", "1"]);
    let mut sold = 0;
    let (key, refused) = loop {
        let key = new_key();
        let reply = shop.till.post("/sales", &key, &basket("R1")).unwrap();
        if reply.status != 201 {
            break (key, reply);
        }
        sold += 1;
        assert!(sold < 5_000, "the limit was never reached");
    };
    assert_eq!(refused.problem(503), "disk_full");
    assert!(sold > 10, "no room for {sold} sales");
    let refused = shop.till.post("/sales", &key, &basket("R1")).unwrap();
    assert_eq!(refused.problem(503), "disk_full");
    // Reading goes on, and shows what was answered.
    assert_eq!(shop.receipts().len(), sold);
    assert_eq!(shop.get("/days/S001/2026-07-01")["receipts"], json!(sold));

    let shop = shop.after_restart();
    let receipt = shop
        .till
        .post("/sales", &key, &basket("R1"))
        .unwrap()
        .expect(201);
    let number = receipt["receipt_number"].as_str().unwrap();
    assert!(
        number.ends_with(&format!("-{}", sold + 1)),
        "{number} after {sold}"
    );
    assert_eq!(shop.receipts().len(), sold + 1);
}
