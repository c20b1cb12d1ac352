//! Joining a chain, and every way in which it must not work.

use std::path::Path;

use anyhow::Result;
use evertill_domain::Timestamp;
use evertill_e2e::Chain;
use evertill_storage::{Store, StoreOptions, enrolments};

/// What `enrol` says when it must fail with status 1, in one line.
fn refused(chain: &Chain, folder: &str, hub: &str, token: &str) -> Result<String> {
    let ended = chain.store_command(folder, &["enrol", "--hub", hub, "--token", token])?;
    assert_eq!(ended.status, Some(1), "{token}: {}", ended.errors);
    assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
    Ok(ended.errors)
}

#[test]
fn a_token_is_good_for_one_store_once() -> Result<()> {
    let chain = Chain::start(&["S001"])?;
    let token = chain.hub_ok(&["enrol-token", "--location", "S003"])?;
    let hub = chain.quic();
    chain.store_ok("third", &["enrol", "--hub", hub, "--token", &token])?;
    let line = refused(&chain, "fourth", hub, &token)?;
    assert!(line.contains("enrol-token"), "{line}");
    // A folder that is enrolled keeps its identity.
    let other = chain.hub_ok(&["enrol-token", "--location", "S004"])?;
    refused(&chain, "third", hub, &other)?;
    // The token was not used up by the refusal.
    chain.store_ok("fourth", &["enrol", "--hub", hub, "--token", &other])?;
    let fleet = chain.hub()?.get("/fleet")?.json();
    let locations: Vec<&str> = fleet["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["location"].as_str().unwrap())
        .collect();
    assert_eq!(locations, ["S001", "S003", "S004"]);
    Ok(())
}

#[test]
fn an_altered_or_foreign_token_is_refused() -> Result<()> {
    let (chain, other) = (Chain::start(&[])?, Chain::start(&[])?);
    let token = chain.hub_ok(&["enrol-token", "--location", "S001"])?;
    let (hub, elsewhere) = (chain.quic(), other.quic());
    // Another hub has another authority, which the token does not name.
    refused(&chain, "node", elsewhere, &token)?;
    let mut secret = token.clone().into_bytes();
    secret[6] = if secret[6] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(secret)?;
    refused(&chain, "node", hub, &altered)?;
    for nonsense in ["", "evt1", "evt1.x.y", &token[1..]] {
        let arguments = ["enrol", "--hub", hub, "--token", nonsense];
        let ended = chain.store_command("node", &arguments)?;
        assert_eq!(ended.status, Some(2), "{nonsense}: {}", ended.errors);
    }
    // None of that used the token up.
    chain.store_ok("node", &["enrol", "--hub", hub, "--token", &token])?;
    Ok(())
}

#[test]
fn an_expired_token_is_refused() -> Result<()> {
    let mut chain = Chain::start(&[])?;
    let token = chain.hub_ok(&["enrol-token", "--location", "S001"])?;
    let (_, authority) = token.rsplit_once('.').unwrap();
    chain.stop_hub()?;
    let store = Store::open(Path::new(&chain.data("hub")?), &StoreOptions::hub())?;
    store.write_blocking("issue a token of long ago", |tx| {
        let location = "S001".parse().unwrap();
        enrolments::issue_token(tx, &[0; 16], &location, Timestamp::from_millis(0))
    })?;
    store.close();
    chain.start_hub()?;
    let expired = format!("evt1.{}.{authority}", "A".repeat(22));
    let line = refused(&chain, "node", chain.quic(), &expired)?;
    assert!(line.contains("expired at 1970-01-01"), "{line}");
    assert!(line.contains("enrol-token"), "{line}");
    Ok(())
}

#[test]
fn a_hub_that_cannot_be_found_is_named() -> Result<()> {
    let chain = Chain::start(&[])?;
    let token = chain.hub_ok(&["enrol-token", "--location", "S001"])?;
    let nobody = "no-such-host.invalid:7071";
    let line = refused(&chain, "node", nobody, &token)?;
    assert!(line.contains(nobody), "{line}");
    Ok(())
}

/// The node answers already; whoever set it up gives it the token afterwards.
#[test]
fn a_running_node_joins_and_trades_at_once() -> Result<()> {
    let mut chain = Chain::start(&[])?;
    chain.serve_empty("S001")?;
    let token = chain.hub_ok(&["enrol-token", "--location", "S001"])?;
    let hub = chain.quic().to_owned();
    let mut secret = token.clone().into_bytes();
    secret[6] = if secret[6] == b'A' { b'B' } else { b'A' };
    refused(&chain, "S001", &hub, &String::from_utf8(secret)?)?;
    let arguments = ["enrol", "--hub", &hub, "--token", &token[1..]];
    assert_eq!(chain.store_command("S001", &arguments)?.status, Some(2));

    chain.store_ok("S001", &["enrol", "--hub", &hub, "--token", &token])?;
    chain.until("it knows the products", |chain| {
        Ok(chain.store("S001")?.get("/products/MILK")?.status == 200)
    })?;
    chain.sell("S001", "MILK", 2)?;
    chain.until_sent("S001")?;

    // It keeps its identity, running, and the other token is not used up.
    let other = chain.hub_ok(&["enrol-token", "--location", "S002"])?;
    let line = refused(&chain, "S001", &hub, &other)?;
    assert!(line.contains("enrolled"), "{line}");
    let line = refused(&chain, "second", &hub, &token)?;
    assert!(line.contains("enrol-token"), "{line}");
    chain.store_ok("second", &["enrol", "--hub", &hub, "--token", &other])?;
    chain.sell("S001", "MILK", 1)?;
    chain.until_sent("S001")
}
