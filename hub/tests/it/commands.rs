//! Commands, with the hub running and stopped: both must do and say the same.

use std::os::unix::fs::PermissionsExt as _;

use evertill_domain::{NodeId, Timestamp};
use evertill_storage::enrolments::{Certificate, record_certificate};
use evertill_storage::rusqlite::Connection;
use evertill_storage::{Store, StoreOptions};
use evertill_transport::EnrolmentToken;

use crate::client::{Folder, Hub, open};

const PRODUCTS: &str = "sku,barcode,name,department,category,price,cost,currency,tax_class,unit\n\
                        A,,Milk,DAIRY,MILK,1.61,0.90,USD,zero,each\n\
                        B,,Tea,GROCERY,TEA,2.50,1.00,USD,zero,each\n";

#[test]
fn an_api_key_is_printed_alone_and_works_at_once() {
    let folder = Folder::new();
    let stopped = folder.ok(&["api-key", "--name", "first"]);
    let hub = Hub::on(folder);
    let running = hub.folder.ok(&["api-key", "--name", "second"]);
    for key in [&stopped, &running] {
        assert_eq!(key.lines().count(), 1, "{key}");
        assert!(key.starts_with("evk1."), "{key}");
        let bearer = format!("Bearer {}", key.trim());
        let answer = hub.request("GET", "/policies", &[("authorization", &bearer)], b"");
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[test]
fn an_import_does_and_says_the_same_running_and_stopped() {
    let folder = Folder::new();
    let file = folder.file("products.csv", PRODUCTS);
    let file = file.to_str().unwrap();
    let dry = folder.ok(&["import", "products", file, "--dry-run"]);
    assert_eq!(
        dry,
        "dry run: 2 rows: 2 accepted, 0 unchanged, 0 rejected\n"
    );
    let first = folder.ok(&["import", "products", file]);
    assert_eq!(first, "2 rows: 2 accepted, 0 unchanged, 0 rejected\n");
    let hub = Hub::on(folder);
    let again = hub.folder.ok(&["import", "products", file]);
    assert_eq!(again, "2 rows: 0 accepted, 2 unchanged, 0 rejected\n");
}

#[test]
fn stock_of_a_file_is_shown_at_once_and_the_same_file_changes_nothing() {
    let folder = Folder::new();
    let products = folder.file("products.csv", PRODUCTS);
    assert_eq!(folder.import("products", &products).status, Some(0));
    let stock = "location,sku,quantity,unit_cost\nS001,A,12,0.90\nS002,B,3,\n";
    let file = folder.file("stock.csv", stock);
    let file = file.to_str().unwrap();
    let first = folder.ok(&["import", "stock", file]);
    assert_eq!(first, "2 rows: 2 accepted, 0 unchanged, 0 rejected\n");
    let hub = Hub::on(folder);
    let again = hub.folder.ok(&["import", "stock", file]);
    assert_eq!(again, "2 rows: 0 accepted, 2 unchanged, 0 rejected\n");
    let items = hub.items("/stock");
    let figures: Vec<_> = items
        .iter()
        .map(|item| {
            (
                item["location"].as_str(),
                item["sku"].as_str(),
                item["on_hand"].as_str(),
            )
        })
        .collect();
    let expected = [("S001", "A", "12"), ("S002", "B", "3")];
    assert_eq!(
        figures,
        expected.map(|(l, s, n)| (Some(l), Some(s), Some(n)))
    );
    assert_eq!(items[0]["complete"], true);
    assert_eq!(items[0]["buckets"]["opening"], "-12");
    assert_eq!(hub.items("/stock?sku=B").len(), 1);
    assert_eq!(hub.items("/stock?location=S001&sku=B").len(), 0);
    hub.get("/stock?sku=%20x").problem(400);
    hub.get("/stock?shop=S001").problem(400);
    // Uploaded, the next count is a difference from the hub's own fold.
    let next = "location,sku,quantity,unit_cost\nS001,A,10,\n";
    assert_eq!(hub.post_csv("/imports/stock", next).json()["accepted"], 1);
    assert_eq!(hub.items("/stock?sku=A")[0]["on_hand"], "10");
    assert_eq!(hub.folder.ok(&["verify"]).lines().count(), 1);
}

#[test]
fn rejected_rows_go_to_the_reject_file_and_good_rows_stay() {
    let rows = format!("{PRODUCTS}C,,,,,x,,USD,zero,each\n");
    for running in [false, true] {
        let folder = Folder::new();
        let file = folder.file("products.csv", &rows);
        let service = running.then(|| folder.serve());
        let dry = folder.run(&["import", "products", file.to_str().unwrap(), "--dry-run"]);
        assert_eq!(dry.status, Some(1), "{}", dry.errors);
        assert!(dry.errors.starts_with("line 4: name: "), "{}", dry.errors);
        let ended = folder.import("products", &file);
        assert_eq!(ended.status, Some(1), "{}", ended.errors);
        assert_eq!(
            ended.output,
            "3 rows: 2 accepted, 0 unchanged, 1 rejected\n"
        );
        let rejects = folder.0.path().join("products.csv.rejects.csv");
        assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
        assert!(
            ended.errors.trim_end().ends_with(rejects.to_str().unwrap()),
            "{}",
            ended.errors
        );
        let text = std::fs::read_to_string(&rejects).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        drop(service);
        let again = folder.import("products", &file);
        assert_eq!(
            again.output, "3 rows: 0 accepted, 2 unchanged, 1 rejected\n",
            "{}",
            again.errors
        );
    }
}

#[test]
fn the_doctor_looks_at_a_hub_that_is_there() {
    let folder = Folder::new();
    let line = folder.fails(1, &["doctor"]);
    assert!(line.contains("there is no folder"), "{line}");
    assert!(!folder.data().exists());
    let hub = Hub::on(folder);
    let running = hub.folder.ok(&["doctor"]);
    assert!(
        running.contains("ok database: no damage found"),
        "{running}"
    );
    let folder = hub.stop();
    let stopped = folder.ok(&["doctor"]);
    assert_eq!(running.lines().count(), stopped.lines().count());
    assert!(stopped.contains("ok API keys: 1 live"), "{stopped}");
}

#[test]
fn journals_verify_and_rebuild_running_and_stopped() {
    let hub = Hub::start();
    let running = hub.folder.ok(&["verify"]);
    // The hub's own journal begins with its start entry.
    let words: Vec<&str> = running.split_whitespace().collect();
    assert_eq!(
        (words[0], words[1], words[2].len()),
        ("ok", "1", 64),
        "{running}"
    );
    assert_eq!(running.lines().count(), 1);
    let rebuilt = hub.folder.ok(&["rebuild"]);
    assert!(rebuilt.starts_with("rebuilt from 1 entries"), "{rebuilt}");
    let folder = hub.stop();
    assert_eq!(folder.ok(&["verify"]), running);
    assert_eq!(folder.ok(&["rebuild"]), rebuilt);
    assert_eq!(folder.ok(&["verify"]), running);
}

#[test]
fn a_tampered_journal_is_named_with_status_1() {
    let folder = Hub::start().stop();
    let conn = Connection::open(folder.data().join("evertill.db")).unwrap();
    let replica: i64 = conn
        .query_row("SELECT replica FROM local", [], |row| row.get(0))
        .unwrap();
    conn.execute("UPDATE entry SET bytes = x'00'", []).unwrap();
    drop(conn);
    let line = folder.fails(1, &["verify"]);
    assert!(
        line.contains(&format!("{:016x}", replica.cast_unsigned())),
        "{line}"
    );
    assert!(line.contains("at number 1"), "{line}");
}

#[test]
fn a_backup_of_a_running_hub_is_restored_elsewhere_and_over_it() {
    let hub = Hub::start();
    let backup = hub.folder.0.path().join("backup");
    let backup = backup.to_str().unwrap();
    assert_eq!(hub.folder.ok(&["backup", backup]).trim(), backup);
    let taken = hub.folder.fails(1, &["backup", backup]);
    assert!(taken.contains("is not empty"), "{taken}");
    let refused = hub.folder.fails(1, &["restore", backup]);
    assert!(refused.contains("is in use by process"), "{refused}");
    let other = Folder::new();
    assert_eq!(other.ok(&["restore", backup]), "");
    let restored = Hub::on(other);
    let bearer = format!("Bearer {}", hub.key);
    let known = restored.request("GET", "/policies", &[("authorization", &bearer)], b"");
    assert_eq!(known.status, 200, "the keys came along");
    // The journal of the hub's former life is there, and a new one began.
    assert_eq!(restored.folder.ok(&["verify"]).lines().count(), 2);
    assert_eq!(restored.items("/fleet").len(), 0, "it is no node");
    let folder = hub.stop();
    let said = folder.ok(&["restore", backup]);
    assert!(said.starts_with("the former data is in "), "{said}");
    assert!(
        folder
            .fails(1, &["restore", "nowhere"])
            .contains("is no backup")
    );
}

/// Regression: the feeds of the former life were taken for feeds that somebody
/// else had sent, so a restored hub did not verify.
#[test]
fn a_restored_hub_verifies_and_rebuilds_what_its_former_life_wrote() {
    let folder = Folder::new();
    let products = folder.file("products.csv", PRODUCTS);
    assert_eq!(folder.import("products", &products).status, Some(0));
    let stock = folder.file("stock.csv", "location,sku,quantity,unit_cost\nS001,A,12,\n");
    assert_eq!(folder.import("stock", &stock).status, Some(0));
    let backup = folder.0.path().join("backup");
    let backup = backup.to_str().unwrap();
    folder.ok(&["backup", backup]);
    folder.ok(&["restore", backup]);
    let check = |folder: &Folder, lives: usize| {
        assert_eq!(folder.ok(&["verify"]).lines().count(), lives);
        folder.ok(&["rebuild"]);
        assert_eq!(folder.ok(&["verify"]).lines().count(), lives);
    };
    check(&folder, 1);
    let hub = Hub::on(folder);
    check(&hub.folder, 2);
    assert_eq!(hub.items("/stock")[0]["on_hand"], "12");
    assert_eq!(hub.items("/fleet").len(), 0);
}

#[test]
fn enrolment_tokens_name_the_authority_running_and_stopped() {
    let folder = Folder::new();
    let token = |folder: &Folder, location: &str| -> EnrolmentToken {
        let printed = folder.ok(&["enrol-token", "--location", location]);
        assert_eq!(printed.lines().count(), 1, "{printed}");
        printed.parse().unwrap()
    };
    let stopped = token(&folder, "S001");
    let hub = Hub::on(folder);
    // No import listed this location; it has its defaults.
    let running = token(&hub.folder, "S002");
    assert_eq!(stopped.authority, running.authority);
    assert_ne!(stopped.secret, running.secret);
    for location in ["s001", "", "HUB"] {
        hub.folder
            .fails(2, &["enrol-token", "--location", location]);
    }
    let key = hub.folder.data().join("ca.key");
    let mode = std::fs::metadata(key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Writes certificates into a stopped hub, as enrolments do.
fn enrolled(folder: &Folder, certificates: &[(u8, u64, &str)]) {
    let store = open(&folder.data());
    for (mark, node, location) in certificates {
        let certificate = Certificate {
            fingerprint: [*mark; 32],
            node: NodeId(*node),
            location: location.parse().unwrap(),
            issued_at: Timestamp::from_millis(1),
            expires_at: Timestamp::from_millis(i64::MAX),
            revoked: None,
        };
        store
            .write_blocking("enrol", move |tx| record_certificate(tx, &certificate))
            .unwrap();
    }
    store.close();
}

#[test]
fn revoked_nodes_and_keys_stay_out_running_and_stopped() {
    let folder = Hub::start().stop();
    enrolled(
        &folder,
        &[(1, 0x11, "S001"), (2, 0x22, "S002"), (3, 0x33, "S002")],
    );
    let node = "0000000000000011";
    let said = folder.ok(&["revoke", "--node", node, "--reason", "stolen"]);
    assert_eq!(said, "certificates revoked: 1\n");
    let line = folder.fails(1, &["revoke", "--node", node]);
    assert!(line.contains("no live certificate of node"), "{line}");
    let hub = Hub::on(folder);
    let said = hub.folder.ok(&["revoke", "--location", "S002"]);
    assert_eq!(said, "certificates revoked: 2\n");
    let fleet = hub.items("/fleet");
    let states: Vec<_> = fleet
        .iter()
        .map(|node| (&node["location"], &node["revoked"], &node["connected"]))
        .collect();
    assert_eq!(states.len(), 3);
    assert!(
        fleet
            .iter()
            .all(|node| node["revoked"] == true && node["replica"].is_null())
    );
    let list = std::fs::read_to_string(hub.folder.data().join("revoked")).unwrap();
    for mark in ["01", "02", "03"] {
        assert!(list.contains(&mark.repeat(32)), "{list}");
    }
    assert_eq!(hub.get("/fleet").status, 200);
    // One was made at each start.
    let said = hub.folder.ok(&["revoke", "--api-key", "test"]);
    assert_eq!(said, "API keys revoked: 2\n");
    assert_eq!(hub.get("/fleet").problem(401), "token_invalid");
    hub.folder.fails(1, &["revoke", "--api-key", "test"]);
}

#[test]
fn wrong_use_is_one_line_that_says_what_to_write() {
    let folder = Folder::new();
    let file = folder.file("products.csv", PRODUCTS);
    let file = file.to_str().unwrap();
    for (status, arguments, words) in [
        (
            2,
            &["import", "customers", file] as &[&str],
            "products, stock or locations",
        ),
        (2, &["import", "products"], "FILE"),
        (2, &["import", "products", file, "--nonsense"], "--nonsense"),
        (2, &["api-key"], "--name"),
        (2, &["api-key", "--name", ""], "printable"),
        (2, &["api-key", "--name", "a\tb"], "printable"),
        (2, &["revoke"], "--node"),
        (
            2,
            &["revoke", "--node", "1", "--location", "S001"],
            "--node",
        ),
        (2, &["revoke", "--node", "zz"], "16 hexadecimal digits"),
        (2, &["enrol-token"], "--location"),
        (2, &["backup"], "FOLDER"),
        (2, &["restore"], "FOLDER"),
        (1, &["import", "products", "nowhere.csv"], "check the path"),
        (1, &["import", "locations", file], "unknown column"),
    ] {
        let line = folder.fails(status, arguments);
        assert!(line.contains(words), "{arguments:?}: {line}");
    }
    let line = evertill_support::run(crate::client::BINARY, &["api-key", "--name", "x"]).unwrap();
    assert_eq!(line.status, Some(2));
    assert!(line.errors.contains("--data"), "{}", line.errors);
}

/// A folder or file that is not what a command needs: status 1, one line, and
/// nothing is made or changed.
#[test]
fn a_folder_that_does_not_fit_is_named_by_every_command() {
    let folder = Folder::new();
    let file = folder.file("products.csv", PRODUCTS);
    let file = file.to_str().unwrap();
    let existing: [&[&str]; 5] = [
        &["verify"],
        &["rebuild"],
        &["doctor"],
        &["backup", "copy"],
        &["revoke", "--location", "S001"],
    ];
    let beginning: [&[&str]; 3] = [
        &["api-key", "--name", "x"],
        &["enrol-token", "--location", "S001"],
        &["import", "products", file],
    ];
    for arguments in existing {
        let line = folder.fails(1, arguments);
        assert!(line.contains("there is no folder"), "{arguments:?}: {line}");
        assert!(!folder.data().exists(), "{arguments:?}");
    }
    let empty = Folder::new();
    std::fs::create_dir(empty.data()).unwrap();
    for arguments in existing {
        let line = empty.fails(1, arguments);
        assert!(
            line.contains("holds no hub database"),
            "{arguments:?}: {line}"
        );
    }
    let nodes = Folder::new();
    let store = Store::open(&nodes.data(), &StoreOptions::node()).unwrap();
    store.close();
    let foreign = Folder::new();
    std::fs::create_dir(foreign.data()).unwrap();
    std::fs::write(foreign.data().join("evertill.db"), "a letter to a friend").unwrap();
    let taken = Folder::new();
    std::fs::write(taken.data(), "x").unwrap();
    for arguments in existing.into_iter().chain(beginning) {
        let line = nodes.fails(1, arguments);
        assert!(line.contains("belongs to a node"), "{arguments:?}: {line}");
        let line = foreign.fails(1, arguments);
        assert!(
            line.contains("is not an Evertill database"),
            "{arguments:?}: {line}"
        );
        let line = taken.fails(1, arguments);
        assert!(line.contains("is not a folder"), "{arguments:?}: {line}");
    }
    let line = folder.fails(
        1,
        &["import", "products", folder.0.path().to_str().unwrap()],
    );
    assert!(line.contains("could not read"), "{line}");
}

#[test]
fn every_command_explains_itself_with_an_example() {
    for command in [
        "serve",
        "import",
        "api-key",
        "enrol-token",
        "revoke",
        "verify",
        "rebuild",
        "backup",
        "restore",
        "doctor",
    ] {
        let ended = evertill_support::run(crate::client::BINARY, &[command, "--help"]).unwrap();
        assert_eq!(ended.status, Some(0));
        let example = format!("Example: evertill-hub {command}");
        assert!(ended.output.contains(&example), "{}", ended.output);
    }
}

#[test]
fn flags_come_from_a_configuration_file_and_the_environment_too() {
    let folder = Folder::new();
    let config = folder.file(
        "hub.toml",
        &format!("data = {:?}\nname = \"from-file\"\n", folder.data()),
    );
    let ended = std::process::Command::new(crate::client::BINARY)
        .args(["api-key", "--config", config.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let ended = std::process::Command::new(crate::client::BINARY)
        .arg("api-key")
        .env("EVERTILL_DATA_DIR", folder.data())
        .env("EVERTILL_NAME", "from-environment")
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.stdout.starts_with(b"evk1."), "{ended:?}");
}
