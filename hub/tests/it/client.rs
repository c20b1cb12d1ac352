//! A hub as a process, its commands, and requests to it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use evertill_storage::{OpenError, Store, StoreOptions};
use evertill_support::{Ended, Running, run};
use serde_json::Value;
use tempfile::TempDir;

pub const BINARY: &str = env!("CARGO_BIN_EXE_evertill-hub");

/// A data folder with the commands that work on it.
pub struct Folder(pub TempDir);

/// A running hub with a key to its interface.
pub struct Hub {
    pub folder: Folder,
    pub key: String,
    running: Running,
}

/// A request's answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub etag: Option<String>,
    pub text: String,
}

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// Writes a file beside the data folder.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs a command on this folder.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let data = self.data();
        let mut all = arguments.to_vec();
        all.extend(["--data", data.to_str().unwrap()]);
        run(BINARY, &all).unwrap()
    }

    /// Runs a command that must succeed; returns what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.status, Some(0), "{arguments:?}: {}", ended.errors);
        assert_eq!(ended.errors, "", "{arguments:?}");
        ended.output
    }

    /// Runs a command that must fail with `status`; returns its line.
    pub fn fails(&self, status: i32, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(
            ended.status,
            Some(status),
            "{arguments:?}: {}",
            ended.errors
        );
        assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
        ended.errors
    }

    pub fn import(&self, kind: &str, file: &Path) -> Ended {
        self.run(&["import", kind, file.to_str().unwrap()])
    }

    pub fn serve(&self) -> Running {
        self.serve_with(&[])
    }

    pub fn serve_with(&self, more: &[&str]) -> Running {
        let data = self.data();
        let mut arguments = vec![
            "serve",
            "--data",
            data.to_str().unwrap(),
            "--http",
            "127.0.0.1:0",
            "--quic",
            "127.0.0.1:0",
        ];
        arguments.extend(more);
        Running::start(BINARY, &arguments).unwrap()
    }
}

impl Hub {
    pub fn start() -> Self {
        Self::on(Folder::new())
    }

    pub fn on(folder: Folder) -> Self {
        let running = folder.serve();
        Self::with(folder, running)
    }

    /// A hub whose database may grow to so many MiB.
    pub fn limited(folder: Folder, mib: u32) -> Self {
        let running = folder.serve_with(&["--max-database-mib", &mib.to_string()]);
        Self::with(folder, running)
    }

    fn with(folder: Folder, running: Running) -> Self {
        let key = folder.ok(&["api-key", "--name", "test"]).trim().to_owned();
        Self {
            folder,
            key,
            running,
        }
    }

    pub fn stop(self) -> Folder {
        let ended = self.running.stop().unwrap();
        assert_eq!(ended.status, Some(0), "{}", ended.errors);
        self.folder
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.running.url())
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], b"")
    }

    /// A list's items.
    pub fn items(&self, path: &str) -> Vec<Value> {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()["items"].as_array().unwrap().clone()
    }

    pub fn put(&self, path: &str, body: &Value) -> Answer {
        let json = [("content-type", "application/json")];
        self.request("PUT", path, &json, body.to_string().as_bytes())
    }

    /// Posts JSON under a key of its own.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_as(&new_key(), path, body)
    }

    /// Posts JSON under this key.
    pub fn post_as(&self, key: &str, path: &str, body: &Value) -> Answer {
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        self.request("POST", path, &headers, body.to_string().as_bytes())
    }

    /// Ends the process without a word.
    pub fn kill(self) -> Folder {
        drop(self.running);
        self.folder
    }

    /// Posts a CSV file under a key of its own.
    pub fn post_csv(&self, path: &str, text: &str) -> Answer {
        let key = new_key();
        let headers = [
            ("content-type", "text/csv"),
            ("idempotency-key", key.as_str()),
        ];
        self.request("POST", path, &headers, text.as_bytes())
    }

    /// A request with the hub's key; a header of the same name replaces it.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(self.url(path));
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.key));
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_mins(1)))
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build()
            .into();
        let mut answer = agent
            .run(request.body(body.to_vec()).unwrap())
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        Answer {
            status: answer.status().as_u16(),
            etag: answer
                .headers()
                .get("etag")
                .map(|tag| tag.to_str().unwrap().to_owned()),
            text: answer.body_mut().read_to_string().unwrap(),
        }
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that this is a problem document and returns its code.
    pub fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let document = self.json();
        assert_eq!(document["status"], status, "{self:?}");
        assert!(!document["detail"].as_str().unwrap().is_empty(), "{self:?}");
        document["code"].as_str().unwrap().to_owned()
    }
}

/// Opens a stopped hub's database in this process.
///
/// Regression: a process that another test was just starting still held a copy
/// of the lock that this process had given up, until it became its own program.
pub fn open(data: &Path) -> Store {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match Store::open(data, &StoreOptions::hub()) {
            Ok(store) => return store,
            Err(OpenError::Locked { .. }) if Instant::now() < deadline => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// A key that no other request of this test run has.
pub fn new_key() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    format!("key-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
