//! Wrong use of every command of both binaries: the documented status, one line
//! that says what and how to mend it, nothing on standard output, and nothing
//! made that was not there.

use std::fs;

use anyhow::Result;
use evertill_e2e::{Chain, binary};
use evertill_support::{Ended, run};

/// A command with what it needs besides its folder.
struct Command {
    binary: &'static str,
    words: &'static [&'static str],
    /// Whether it may begin a new folder.
    begins: bool,
}

const TOKEN: &str = "evt1.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const HUB: &str = "evertill-hub";
const NODE: &str = "evertill-node";

const fn command(binary: &'static str, words: &'static [&'static str], begins: bool) -> Command {
    Command {
        binary,
        words,
        begins,
    }
}

const COMMANDS: [Command; 19] = [
    command(
        HUB,
        &["serve", "--http", "127.0.0.1:0", "--quic", "127.0.0.1:0"],
        true,
    ),
    command(HUB, &["import", "products", "/nowhere/products.csv"], true),
    command(HUB, &["import", "stock", "/nowhere/stock.csv"], true),
    command(
        HUB,
        &["import", "locations", "/nowhere/locations.csv"],
        true,
    ),
    command(HUB, &["api-key", "--name", "n"], true),
    command(HUB, &["enrol-token", "--location", "S001"], true),
    command(HUB, &["revoke", "--location", "S001"], false),
    command(HUB, &["verify"], false),
    command(HUB, &["rebuild"], false),
    command(HUB, &["backup", "target"], false),
    command(HUB, &["restore", "source"], true),
    command(HUB, &["doctor"], false),
    command(NODE, &["serve", "--http", "127.0.0.1:0"], true),
    command(
        NODE,
        &["enrol", "--hub", "127.0.0.1:1", "--token", TOKEN],
        true,
    ),
    command(NODE, &["register-token", "--register", "R1"], true),
    command(NODE, &["verify"], false),
    command(NODE, &["rebuild"], false),
    command(NODE, &["backup", "target"], false),
    command(NODE, &["doctor"], false),
];

/// Fails with this status and one line that holds one of these words.
fn refused(what: &str, ended: &Ended, status: i32, words: &[&str], wrong: &mut Vec<String>) {
    let errors = ended.errors.trim_end();
    let sound = ended.status == Some(status)
        && errors.lines().count() == 1
        && ended.output.is_empty()
        && (words.is_empty() || words.iter().any(|word| errors.contains(word)));
    if !sound {
        wrong.push(format!(
            "{what}: {:?}, {errors:?}, printed {:?}",
            ended.status, ended.output
        ));
    }
}

#[test]
fn every_command_refuses_wrong_use_and_folders_that_cannot_be() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let path = |name: &str| {
        dir.path()
            .join(name)
            .to_str()
            .unwrap_or_default()
            .to_owned()
    };
    let file = path("file");
    fs::write(&file, "not a folder")?;
    let foreign = path("foreign");
    fs::create_dir(&foreign)?;
    for database in [
        "evertill.db",
        "journal.db",
        "node.db",
        "hub.db",
        "reference.db",
    ] {
        fs::write(
            dir.path().join("foreign").join(database),
            "no database at all",
        )?;
    }
    let mut wrong = Vec::new();
    for command in &COMMANDS {
        let binary = binary(command.binary)?;
        let ask = |more: &[&str]| {
            let mut words = command.words.to_vec();
            words.extend(more);
            run(&binary, &words)
        };
        let what =
            |fault: &str| format!("{} {} ({fault})", command.binary, command.words.join(" "));
        refused(
            &what("no folder named"),
            &ask(&[])?,
            2,
            &["--data"],
            &mut wrong,
        );
        let folder = path("folder");
        let flag = ask(&["--data", &folder, "--nonsense"])?;
        refused(&what("wrong flag"), &flag, 2, &["--nonsense"], &mut wrong);
        let config = ask(&["--data", &folder, "--config", "/nowhere/config.toml"])?;
        refused(
            &what("no configuration"),
            &config,
            2,
            &["/nowhere/config.toml"],
            &mut wrong,
        );
        let below_file = format!("{file}/data");
        refused(
            &what("a file in the way"),
            &ask(&["--data", &below_file])?,
            1,
            &[],
            &mut wrong,
        );
        refused(
            &what("a file"),
            &ask(&["--data", &file])?,
            1,
            &[],
            &mut wrong,
        );
        refused(
            &what("no database"),
            &ask(&["--data", &foreign])?,
            1,
            &[],
            &mut wrong,
        );
        if !command.begins {
            refused(
                &what("no folder"),
                &ask(&["--data", &folder])?,
                1,
                &[&folder],
                &mut wrong,
            );
            if fs::exists(&folder)? {
                wrong.push(what("made a folder"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong ends:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(fs::read_to_string(&file)?, "not a folder");
    Ok(())
}

#[test]
fn commands_that_need_the_folder_for_themselves_name_who_holds_it() -> Result<()> {
    let chain = Chain::start(&["S001"])?;
    let mut wrong = Vec::new();
    let backup = chain.data("backup")?;
    chain.hub_ok(&["backup", &backup])?;
    let own = chain.data("own")?;
    chain.store_ok("S001", &["backup", &own])?;
    let serve = ["serve", "--http", "127.0.0.1:0"];
    for (what, ended) in [
        ("hub restore", chain.hub_command(&["restore", &backup])?),
        (
            "hub serve",
            chain.hub_command(&[&serve[..], &["--quic", "127.0.0.1:0"]].concat())?,
        ),
        (
            "node restore",
            chain.store_command("S001", &["restore", &own])?,
        ),
        ("node serve", chain.store_command("S001", &serve)?),
    ] {
        refused(
            what,
            &ended,
            1,
            &["is in use by process", "is running"],
            &mut wrong,
        );
    }
    let quic = ["serve", "--http", "127.0.0.1:0", "--quic", chain.quic()];
    let mut other = quic.to_vec();
    let elsewhere = chain.data("elsewhere")?;
    other.extend(["--data", &elsewhere]);
    let ended = run(&binary("evertill-hub")?, &other)?;
    refused(
        "hub serve on a port in use",
        &ended,
        1,
        &["--quic"],
        &mut wrong,
    );
    assert!(
        wrong.is_empty(),
        "{} wrong ends:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}
