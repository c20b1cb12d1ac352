//! What a thousand connected stores that do nothing cost the hub; run with
//! `cargo test --release -p evertill-e2e --test it idle -- --ignored --nocapture`.
//!
//! The stores are sessions of this process: real certificates, real connections,
//! nothing to say.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use evertill_domain::{ReplicaId, Timestamp};
use evertill_e2e::Chain;
use evertill_journal::Watermark;
use evertill_storage::{Store, StoreOptions, TableError, enrolments};
use evertill_sync::{Channel, NodeEffect, NodeInput, NodeSession, NodeStart};
use evertill_transport::{
    EnrolmentToken, NodeEndpoint, NodeIdentity, Receiver, SECRET_BYTES, Sender, SteadyClock, enrol,
};
use tempfile::TempDir;
use tokio::task::JoinSet;

const STORES: u64 = 1_000;
/// Stores that enrol or connect at the same time.
const AT_ONCE: usize = 8;
/// What the design allows the hub for them, in KiB.
const BUDGET_KIB: u64 = 80 * 1024;

#[test]
#[ignore = "prints figures; takes a minute"]
fn a_thousand_idle_stores_cost_little_memory() -> Result<()> {
    let mut chain = Chain::start(&[])?;
    let sample: EnrolmentToken = chain
        .hub_ok(&["enrol-token", "--location", "S001"])?
        .parse()?;
    chain.stop_hub()?;
    issue_tokens(Path::new(&chain.data("hub")?))?;
    chain.start_hub()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let folders = TempDir::new()?;
    let enrolled = runtime.block_on(enrol_all(folders.path(), chain.quic(), sample.authority))?;
    let before = resident_kib(chain.hub_pid()?)?;
    let _stores = runtime.block_on(connect_all(enrolled))?;
    chain.until("all are connected", |chain| Ok(connected(chain)? == STORES))?;
    // Whatever the handshakes held is given back or not; a quiet moment tells.
    std::thread::sleep(Duration::from_secs(3));
    let after = resident_kib(chain.hub_pid()?)?;
    println!(
        "hub with {STORES} idle stores: {after} KiB, before they connected {before} KiB, {} KiB each",
        (after - before) / STORES
    );
    assert_eq!(connected(&chain)?, STORES);
    assert!(after <= BUDGET_KIB, "{after} KiB");
    Ok(())
}

fn issue_tokens(hub: &Path) -> Result<()> {
    let store = Store::open(hub, &StoreOptions::hub())?;
    store.write_blocking("issue tokens", |tx| {
        for number in 0..STORES {
            let location = format!("L{number:04}").parse().unwrap();
            enrolments::issue_token(tx, &secret(number), &location, now())?;
        }
        Ok::<_, TableError>(())
    })?;
    store.close();
    Ok(())
}

fn secret(number: u64) -> [u8; SECRET_BYTES] {
    u128::from(number + 1).to_be_bytes()
}

async fn enrol_all(folders: &Path, hub: &str, authority: [u8; 32]) -> Result<Vec<NodeIdentity>> {
    let (mut running, mut enrolled) = (JoinSet::new(), Vec::new());
    for number in 0..STORES {
        if running.len() == AT_ONCE {
            enrolled.push(running.join_next().await.context("one runs")???);
        }
        let folder = folders.join(number.to_string());
        std::fs::create_dir(&folder)?;
        let (hub, secret) = (hub.to_owned(), secret(number));
        let token = EnrolmentToken { secret, authority };
        running.spawn(async move { enrol(&folder, &hub, &token).await });
    }
    while let Some(one) = running.join_next().await {
        enrolled.push(one??);
    }
    Ok(enrolled)
}

async fn connect_all(enrolled: Vec<NodeIdentity>) -> Result<JoinSet<()>> {
    let mut stores = JoinSet::new();
    for identity in enrolled {
        let connection = NodeEndpoint::new(&identity)?.connect().await?;
        let limits = Channel::ALL.map(Channel::max_message_bytes);
        let (sender, receiver) = connection.open(limits).await?;
        stores.spawn(idle(identity, sender, receiver));
    }
    Ok(stores)
}

/// A store that takes what comes and says nothing of its own.
async fn idle(identity: NodeIdentity, sender: Sender, mut receiver: Receiver) {
    let replica = ReplicaId(identity.node.0);
    let nothing = Watermark::nothing(replica);
    let start = NodeStart {
        node: identity.node,
        location: identity.location.clone(),
        replica,
        head: nothing,
        acknowledged: nothing,
        feed: None,
        reference: evertill_sync::ReferencePosition::default(),
        private: Some(evertill_sync::PrivatePosition::NOTHING),
        software: "idle".to_owned(),
    };
    let clock = SteadyClock::starting_at(now());
    let mut session = NodeSession::new(start, clock.now());
    let mut inputs = vec![NodeInput::Opened { clock: now() }];
    let mut wake = None;
    loop {
        while let Some(input) = inputs.pop() {
            for effect in session.handle(clock.now(), input) {
                match effect {
                    NodeEffect::Send { channel, bytes } => {
                        let place = Channel::ALL.iter().position(|known| *known == channel);
                        sender.send(place.unwrap(), bytes).unwrap();
                    }
                    NodeEffect::LookUpOwn { seq } => {
                        inputs.push(NodeInput::OwnEntry { seq, hash: None });
                    }
                    NodeEffect::ReadJournal { .. } => {
                        inputs.push(NodeInput::JournalRead { frame: None });
                    }
                    NodeEffect::StageReference { page } => {
                        inputs.push(NodeInput::ReferenceStaged { position: page.to });
                    }
                    NodeEffect::WakeAt(at) => wake = Some(at),
                    NodeEffect::Close(reason) => panic!("{reason:?}"),
                    _ => {}
                }
            }
        }
        let input = tokio::select! {
            message = receiver.receive() => {
                // The hub is gone at the end of the test.
                let Ok((channel, bytes)) = message else { return };
                NodeInput::Received { channel: Channel::ALL[channel], bytes }
            }
            () = clock.sleep_until(wake) => {
                wake = None;
                NodeInput::Woke
            }
        };
        inputs.push(input);
    }
}

fn connected(chain: &Chain) -> Result<u64> {
    let mut count = 0;
    let mut path = "/fleet?limit=1000".to_owned();
    loop {
        let page = chain.hub()?.get(&path)?.json();
        let nodes = page["items"].as_array().context("a list of nodes")?;
        count += nodes.iter().filter(|n| n["connected"] == true).count() as u64;
        let Some(cursor) = page["next_cursor"].as_str() else {
            return Ok(count);
        };
        path = format!("/fleet?limit=1000&cursor={cursor}");
    }
}

/// The resident memory of a process in KiB.
fn resident_kib(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let figure = line.and_then(|line| line.split_whitespace().next());
    Ok(figure.context("a resident size")?.parse()?)
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}
