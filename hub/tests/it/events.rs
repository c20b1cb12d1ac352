//! Changes as they leave the hub: a stream of events, webhooks, messages to
//! customers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::client::Hub;
use crate::orders::{id, order, pickup, shop};

const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until something holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A stream of events, read by hand.
struct Stream(BufReader<TcpStream>);

/// An event: id, type, data.
type Event = (i64, String, Value);

impl Stream {
    fn open(hub: &Hub, path: &str, more: &str) -> Self {
        let url = hub.url(path);
        let (host, path) = url["http://".len()..].split_once('/').unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let key = &hub.key;
        write!(
            stream,
            "GET /{path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n{more}\r\n"
        )
        .unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(line.contains(" 200 "), "{line}");
        Self(reader)
    }

    /// The next event of a type.
    fn next(&mut self, kind: &str) -> Event {
        let (mut id, mut found) = (0, String::new());
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream ended");
            let line = line.trim_end();
            if let Some(text) = line.strip_prefix("id: ") {
                id = text.parse().unwrap();
            } else if let Some(text) = line.strip_prefix("event: ") {
                text.clone_into(&mut found);
            } else if let Some(text) = line.strip_prefix("data: ")
                && found == kind
            {
                return (id, found, serde_json::from_str(text).unwrap());
            }
        }
    }

    /// Whether the stream ends.
    fn ends(mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).is_ok()
    }
}

#[test]
fn a_stream_tells_each_subject_once_and_goes_on_where_it_was_left() {
    let hub = shop(&[("S001", "A", 9), ("S001", "B", 9)]);
    let mut stream = Stream::open(&hub, "/events", "");
    let placed = id(&hub.post("/orders", &order("W-1", "A", 3, &pickup("S001"))));
    let (last, _, told) = stream.next("availability");
    assert_eq!((&told["sku"], &told["atp"]), (&json!("A"), &json!("6")));
    assert_eq!(told["locations"][0]["location"], "S001");
    let mut stream = Stream::open(&hub, &format!("/events?types=order&after={last}"), "");
    assert_eq!(stream.next("order").2["id"], placed);

    // What happened while nobody listened comes once, as it is now.
    for name in ["W-2", "W-3", "W-4"] {
        hub.post("/orders", &order(name, "A", 1, &pickup("S001")));
    }
    let again = format!("last-event-id: {last}\r\n");
    let mut stream = Stream::open(&hub, "/events?types=availability,exception", &again);
    let (next, _, told) = stream.next("availability");
    assert!(next > last);
    assert_eq!((&told["sku"], &told["atp"]), (&json!("A"), &json!("3")));
    let closed = json!({"open": false, "reason": "stock-taking"});
    let put = hub.put("/locations/S001/selling", &closed);
    assert!(put.status < 300, "{put:?}");
    let both = [stream.next("availability"), stream.next("availability")];
    for (_, _, told) in both {
        assert_eq!(told["atp"], "0");
    }
    // Going down waits for no stream.
    let began = Instant::now();
    hub.stop();
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    assert!(stream.ends());
}

#[test]
fn what_cannot_be_a_stream_is_refused_by_name() {
    let hub = shop(&[]);
    for (path, pointer) in [
        ("/events?types=order,weather", "/types"),
        ("/events?types=message", "/types"),
        ("/events?after=x", ""),
    ] {
        let refused = hub.get(path);
        refused.problem(400);
        assert!(refused.text.contains(pointer), "{refused:?}");
    }
}

/// What a receiver got: headers and body.
struct Taken {
    id: String,
    headers: axum::http::HeaderMap,
    body: String,
}

/// Somebody who takes webhooks and answers as told.
struct Taker {
    url: String,
    taken: Receiver<Taken>,
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Taker {
    /// Answers with these, the last one for ever.
    fn start(answers: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/changes", listener.local_addr().unwrap());
        let mut answers: Vec<u16> = answers.to_vec();
        answers.reverse();
        let answers = Arc::new(Mutex::new(answers));
        let (sender, taken) = channel();
        let given = Arc::clone(&answers);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let status = {
                    let mut given = given.lock().unwrap();
                    let last = *given.last().unwrap();
                    if given.len() > 1 {
                        given.pop().unwrap()
                    } else {
                        last
                    }
                };
                take(stream.unwrap(), status, &sender);
            }
        });
        Self {
            url,
            taken,
            answers,
        }
    }

    fn answer(&self, status: u16) {
        *self.answers.lock().unwrap() = vec![status];
    }

    fn next(&self) -> Taken {
        self.taken.recv_timeout(PATIENCE).expect("a delivery")
    }
}

/// Takes one request of a connection that is closed after it.
fn take(stream: TcpStream, status: u16, sender: &Sender<Taken>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut headers, mut length) = (axum::http::HeaderMap::new(), 0);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        let name: axum::http::HeaderName = name.parse().unwrap();
        if name == "content-length" {
            length = value.parse().unwrap();
        }
        headers.insert(name, value.parse().unwrap());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut stream = stream;
    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).unwrap();
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let body = String::from_utf8(body).unwrap();
    // The test may be over.
    let _ = sender.send(Taken { id, headers, body });
}

fn webhook(hub: &Hub, url: &str, types: &[&str], attempts: u32) -> (i64, Webhook) {
    let body = json!({"url": url, "types": types, "max_attempts": attempts});
    let made = hub.post("/webhooks", &body);
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let secret = made["secret"].as_str().unwrap();
    let number = made["id"].as_i64().unwrap();
    let listed = hub.get(&format!("/webhooks/{number}")).json();
    assert_eq!(listed["secret"], Value::Null, "it is shown once");
    (number, Webhook::new(secret).unwrap())
}

/// The changes of a delivery, which must be signed.
fn verified(taken: &Taken, key: &Webhook) -> Vec<Value> {
    key.verify(taken.body.as_bytes(), &taken.headers).unwrap();
    let body: Value = serde_json::from_str(&taken.body).unwrap();
    assert_eq!(body["type"], "changes");
    body["data"].as_array().unwrap().clone()
}

#[test]
fn a_delivery_is_signed_and_tried_until_it_is_taken() {
    let hub = shop(&[("S001", "A", 9)]);
    let taker = Taker::start(&[500, 503, 204]);
    let (number, key) = webhook(&hub, &taker.url, &["order"], 5);
    let placed = id(&hub.post("/orders", &order("W-1", "A", 1, &pickup("S001"))));
    let first = taker.next();
    let told = verified(&first, &key);
    assert_eq!(told[0]["type"], "order");
    assert_eq!(told[0]["data"]["id"], placed);
    for _ in 0..2 {
        let again = taker.next();
        assert_eq!((&again.id, &again.body), (&first.id, &first.body));
        verified(&again, &key);
    }
    let delivered = format!("/webhooks/{number}/deliveries?state=delivered");
    until("it is delivered", || !hub.items(&delivered).is_empty());
    assert_eq!(hub.items(&delivered)[0]["attempts"], 3);
    // Another key does not fit.
    let (_, other) = webhook(&hub, &taker.url, &["exception"], 1);
    assert!(other.verify(first.body.as_bytes(), &first.headers).is_err());
}

#[test]
fn dead_letters_are_kept_and_sent_again_and_changes_replayed() {
    let hub = shop(&[("S001", "A", 9)]);
    let taker = Taker::start(&[500]);
    let (number, key) = webhook(&hub, &taker.url, &["availability"], 1);
    let path = format!("/webhooks/{number}");
    hub.post("/orders", &order("W-1", "A", 1, &pickup("S001")));
    taker.next();
    let dead = format!("{path}/deliveries?state=dead");
    until("it is given up", || hub.items(&dead).len() == 1);
    let letter = hub.items(&dead)[0]["id"].as_i64().unwrap();
    taker.answer(200);
    let retry = format!("{path}/deliveries/{letter}/retry");
    assert_eq!(hub.post(&retry, &json!({})).status, 200);
    let again = taker.next();
    assert_eq!(verified(&again, &key)[0]["data"]["atp"], "8");
    until("it is delivered", || hub.items(&dead).is_empty());
    assert_eq!(hub.post(&retry, &json!({})).problem(409), "not_dead");

    // Paused it hears nothing; resumed it hears each product once, as it is.
    assert_eq!(
        hub.post(&format!("{path}/pause"), &json!({})).json()["state"],
        "paused"
    );
    for name in ["W-2", "W-3"] {
        hub.post("/orders", &order(name, "A", 1, &pickup("S001")));
    }
    assert_eq!(
        hub.post(&format!("{path}/resume"), &json!({})).json()["state"],
        "active"
    );
    let told = verified(&taker.next(), &key);
    assert_eq!((told.len(), &told[0]["data"]["atp"]), (1, &json!("6")));
    until("nothing is pending", || {
        hub.items(&format!("{path}/deliveries?state=pending"))
            .is_empty()
    });
    let replayed = hub.post(&format!("{path}/replay"), &json!({"after": 0}));
    assert_eq!(replayed.status, 200, "{replayed:?}");
    assert_eq!(verified(&taker.next(), &key)[0]["data"]["sku"], "A");
    let wrong = hub.post(&format!("{path}/replay"), &json!({"after": 99_999}));
    assert_eq!(wrong.problem(422), "out_of_range");
    assert_eq!(hub.request("DELETE", &path, &[], b"").status, 204);
    hub.get(&path).problem(404);
}

#[test]
fn a_kill_loses_no_delivery() {
    let hub = shop(&[("S001", "A", 9)]);
    let taker = Taker::start(&[500]);
    let (number, key) = webhook(&hub, &taker.url, &["order"], 50);
    let placed = id(&hub.post("/orders", &order("W-1", "A", 1, &pickup("S001"))));
    let first = taker.next();
    let hub = Hub::on(hub.kill());
    taker.answer(200);
    let again = loop {
        let came = taker.next();
        if came.id == first.id {
            break came;
        }
    };
    assert_eq!(verified(&again, &key)[0]["data"]["id"], placed);
    let delivered = format!("/webhooks/{number}/deliveries?state=delivered");
    until("it is delivered", || !hub.items(&delivered).is_empty());
}

#[test]
fn a_target_that_hangs_holds_up_nobody() {
    let hub = shop(&[("S001", "A", 9)]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    webhook(&hub, &url, &["order"], 5);
    let taker = Taker::start(&[200]);
    let (_, key) = webhook(&hub, &taker.url, &["order"], 5);
    let placed = id(&hub.post("/orders", &order("W-1", "A", 1, &pickup("S001"))));
    assert_eq!(verified(&taker.next(), &key)[0]["data"]["id"], placed);
    let began = Instant::now();
    hub.stop();
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_webhook_that_cannot_be_is_refused_by_field() {
    let hub = shop(&[]);
    for (body, pointer) in [
        (json!({"url": "ftp://x", "types": ["order"]}), "/url"),
        (json!({"url": "http://", "types": ["order"]}), "/url"),
        (json!({"url": "http://x", "types": []}), "/types"),
        (
            json!({"url": "http://x", "types": ["order", "weather"]}),
            "/types/1",
        ),
        (
            json!({"url": "http://x", "types": ["order"], "max_attempts": 0}),
            "/max_attempts",
        ),
        (
            json!({"url": "http://x", "types": ["order"], "after": -1}),
            "/after",
        ),
    ] {
        let refused = hub.post("/webhooks", &body);
        refused.problem(422);
        assert_eq!(
            refused.json()["errors"][0]["pointer"],
            pointer,
            "{refused:?}"
        );
    }
    assert_eq!(hub.items("/webhooks").len(), 0);
    hub.get("/webhooks/7/deliveries").problem(404);
}

#[test]
fn a_customer_is_told_once_and_the_journal_names_nobody() {
    let hub = shop(&[("S001", "A", 9)]);
    let taker = Taker::start(&[200]);
    let (_, key) = webhook(&hub, &taker.url, &["message"], 5);
    let placed = id(&hub.post("/orders", &order("W-1", "A", 1, &pickup("S001"))));
    let told = verified(&taker.next(), &key);
    assert_eq!(told[0]["type"], "message");
    let message = &told[0]["data"];
    assert_eq!(message["notice"], "confirmed");
    assert_eq!(message["to"]["email"], "ann@example.com");
    assert_eq!(message["order"]["id"], placed);
    let cancel = json!({"reason": "changed her mind"});
    hub.post(&format!("/orders/{placed}/cancel"), &cancel);
    let path = format!("/orders/{placed}/messages");
    until("both are sent", || {
        let items = hub.items(&path);
        items.len() == 2 && items.iter().all(|item| item["state"] == "sent")
    });
    assert_eq!(hub.items(&path)[1]["notice"], "cancelled");
    hub.get("/orders/00000000000000000000000000000000/messages")
        .problem(404);

    let folder = hub.stop();
    let file = folder.data().join("messages.jsonl");
    let lines = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let notices: Vec<&Value> = lines.iter().map(|line| &line["notice"]).collect();
    assert_eq!(notices, ["confirmed", "cancelled"]);
    assert_eq!(lines[0]["to"]["name"], "Ann Example");
    // Nothing is told twice after a start.
    let hub = Hub::on(folder);
    until("it is looked after", || hub.items(&path).len() == 2);
    std::thread::sleep(Duration::from_millis(600));
    let again = std::fs::read_to_string(&file).unwrap();
    assert_eq!(again.lines().count(), 2);
}
