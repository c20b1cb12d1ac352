//! The resolved dependency graph, from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// One package of the graph.
#[derive(Clone, Debug)]
pub struct Package {
    /// Package name.
    pub name: String,
    /// Version as published.
    pub version: String,
    /// Licence expression, if the package states one.
    pub licence: Option<String>,
    /// Where it comes from; nothing for the workspace's own packages.
    pub source: Option<String>,
    /// Names it writes in its manifest: (name, is it a normal dependency).
    pub names: Vec<(String, bool)>,
    /// Packages it resolves to through normal dependencies, by id.
    normal: Vec<String>,
}

/// The graph for this machine's platform, keyed by cargo's package ids.
#[derive(Debug)]
pub struct Graph {
    packages: BTreeMap<String, Package>,
}

impl Graph {
    /// Asks cargo, with the lock file as it stands.
    ///
    /// # Errors
    /// When cargo fails, or answers in a form this reader does not know.
    pub fn load() -> Result<Self> {
        let host = host()?;
        let answer = run_cargo(&[
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            &host,
        ])?;
        let value: Value = serde_json::from_str(&answer).context("cargo metadata is not JSON")?;
        let mut packages = BTreeMap::new();
        for package in list(&value["packages"]) {
            packages.insert(word(&package["id"]), read_package(package));
        }
        for node in list(&value["resolve"]["nodes"]) {
            if let Some(package) = packages.get_mut(&word(&node["id"])) {
                package.normal = list(&node["deps"])
                    .filter(|dep| list(&dep["dep_kinds"]).any(|kind| kind["kind"].is_null()))
                    .map(|dep| word(&dep["pkg"]))
                    .collect();
            }
        }
        Ok(Self { packages })
    }

    /// Every package.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.packages.values()
    }

    /// The workspace's own packages.
    pub fn own(&self) -> impl Iterator<Item = &Package> {
        self.packages().filter(|package| package.source.is_none())
    }

    /// Every package that `name` links, through normal dependencies.
    #[must_use]
    pub fn closure(&self, name: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&Package> = self.own().filter(|own| own.name == name).collect();
        while let Some(package) = open.pop() {
            for id in &package.normal {
                if let Some(dependency) = self.packages.get(id)
                    && found.insert(dependency.name.as_str())
                {
                    open.push(dependency);
                }
            }
        }
        found
    }
}

fn read_package(package: &Value) -> Package {
    let names = list(&package["dependencies"])
        .map(|dep| (word(&dep["name"]), dep["kind"].is_null()))
        .collect();
    Package {
        name: word(&package["name"]),
        version: word(&package["version"]),
        licence: package["license"].as_str().map(str::to_owned),
        source: package["source"].as_str().map(str::to_owned),
        names,
        normal: Vec::new(),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn run_cargo(args: &[&str]) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(args)
        .current_dir(crate::tree::root())
        .output()
        .context("could not start cargo")?;
    ensure!(
        output.status.success(),
        "cargo {} failed: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// The platform triple of this machine, so that cargo does not fetch packages
/// of other platforms only to be asked about them.
fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("-vV")
        .output()
        .context("could not start rustc")?;
    String::from_utf8(output.stdout)?
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc -vV names no host")
}
