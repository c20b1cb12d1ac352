//! What both services promise from the outside: health, unknown paths, wrong
//! use, folders and ports in use, and an orderly end.
//!
//! [`serve_tests!`](crate::serve_tests) makes one test of each check.
//!
//! Invariant: a check starts its own processes over its own folders.

use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::tempdir;

use crate::{Client, Ended, Running, get, run};

/// A binary that serves.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// The binary's path.
    pub binary: &'static str,
    /// Its name, as its help shows it.
    pub name: &'static str,
    /// Flags that `serve` needs besides the data folder and the HTTP address.
    pub flags: &'static [&'static str],
}

/// Tests of a [`Service`], one for each check.
#[macro_export]
macro_rules! serve_tests {
    ($service:expr) => {
        $crate::serve_tests!(
            $service,
            it_is_healthy_shows_metrics_and_describes_its_interface,
            an_unknown_path_is_a_problem_document,
            a_path_without_a_token_is_401,
            sigterm_ends_it_with_success_within_ten_seconds,
            a_port_in_use_is_one_line_that_names_it_and_status_1,
            a_folder_in_use_is_one_line_that_names_the_holder_and_status_1,
            a_folder_that_cannot_be_written_is_one_line_and_status_1,
            after_sigkill_it_starts_again_on_the_same_folder,
            wrong_use_is_one_line_and_status_2,
            help_shows_an_example,
        );
    };
    ($service:expr, $($check:ident),+ $(,)?) => {
        $(
            #[test]
            fn $check() {
                $service.$check();
            }
        )+
    };
}

#[expect(clippy::missing_panics_doc, reason = "a check panics when it fails")]
impl Service {
    /// Starts the service on a free port over `dir`.
    #[must_use]
    pub fn start(&self, dir: &Path) -> Running {
        Running::start(self.binary, &self.serve_at(dir, "127.0.0.1:0")).unwrap()
    }

    fn serve_at<'a>(&self, dir: &'a Path, http: &'a str) -> Vec<&'a str> {
        let data = dir.to_str().expect("temporary folders have plain names");
        let mut arguments = vec!["serve", "--data", data, "--http", http];
        arguments.extend(self.flags);
        arguments
    }

    fn fails_to_serve(&self, dir: &Path, http: &str) -> Ended {
        let ended = run(self.binary, &self.serve_at(dir, http)).unwrap();
        assert_eq!(ended.status, Some(1), "{}", ended.errors);
        assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
        ended
    }

    /// `/healthz`, `/metrics` and the interface description answer.
    pub fn it_is_healthy_shows_metrics_and_describes_its_interface(&self) {
        let dir = tempdir().unwrap();
        let service = self.start(dir.path());
        let health = get(&format!("{}/healthz", service.url())).unwrap();
        assert_eq!(
            (health.status, health.body.as_str()),
            (200, r#"{"status":"serving"}"#)
        );
        let metrics = get(&format!("{}/metrics", service.url())).unwrap();
        assert_eq!(metrics.status, 200);
        assert!(metrics.body.contains("# TYPE"), "{}", metrics.body);
        let openapi = get(&format!("{}/api/openapi.json", service.url())).unwrap();
        let described: serde_json::Value = serde_json::from_str(&openapi.body).unwrap();
        assert!(described["openapi"].as_str().unwrap().starts_with("3."));
        assert!(!described["paths"].as_object().unwrap().is_empty());
    }

    /// A path that no route has is a 404 with a problem document.
    pub fn an_unknown_path_is_a_problem_document(&self) {
        let dir = tempdir().unwrap();
        let service = self.start(dir.path());
        let answer = get(&format!("{}/api/v1/nonsense", service.url())).unwrap();
        assert_eq!(answer.status, 404);
        assert_eq!(answer.content_type, "application/problem+json");
        assert!(
            answer.body.contains(r#""code":"not_found""#),
            "{}",
            answer.body
        );
    }

    /// Every route that the interface describes asks for a token first.
    pub fn a_path_without_a_token_is_401(&self) {
        let dir = tempdir().unwrap();
        let service = self.start(dir.path());
        let openapi = get(&format!("{}/api/openapi.json", service.url())).unwrap();
        let described: serde_json::Value = serde_json::from_str(&openapi.body).unwrap();
        let nobody = Client::new(service.url(), "");
        for (path, operations) in described["paths"].as_object().unwrap() {
            let under = path.strip_prefix("/api/v1").unwrap();
            let under = under.replace(['{', '}'], "");
            for method in operations.as_object().unwrap().keys() {
                let no_token = [("authorization", "")];
                let method = method.to_uppercase();
                let refused = nobody.send(&method, &under, &no_token, b"{}").unwrap();
                assert_eq!(refused.problem(401), "token_missing", "{method} {path}");
                assert!(
                    !refused.header("www-authenticate").is_empty(),
                    "{refused:?}"
                );
            }
        }
    }

    /// Regression: a SIGTERM right behind the line that names the address met
    /// no handler yet and killed the process.
    pub fn sigterm_ends_it_with_success_within_ten_seconds(&self) {
        let dir = tempdir().unwrap();
        let service = self.start(dir.path());
        let asked = Instant::now();
        let ended = service.stop().unwrap();
        assert_eq!(ended.status, Some(0), "{}", ended.errors);
        assert!(asked.elapsed() < Duration::from_secs(10));
    }

    /// A port that somebody holds.
    pub fn a_port_in_use_is_one_line_that_names_it_and_status_1(&self) {
        let (dir, other) = (tempdir().unwrap(), tempdir().unwrap());
        let first = self.start(dir.path());
        let errors = self.fails_to_serve(other.path(), first.address()).errors;
        assert!(errors.contains(first.address()), "{errors}");
        assert!(errors.contains("--http"), "{errors}");
    }

    /// A folder that another process holds.
    pub fn a_folder_in_use_is_one_line_that_names_the_holder_and_status_1(&self) {
        let dir = tempdir().unwrap();
        let _first = self.start(dir.path());
        let errors = self.fails_to_serve(dir.path(), "127.0.0.1:0").errors;
        assert!(errors.contains("is in use by process"), "{errors}");
    }

    /// A folder that cannot be made, because a file is in its way.
    pub fn a_folder_that_cannot_be_written_is_one_line_and_status_1(&self) {
        let dir = tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "not a folder").unwrap();
        let errors = self
            .fails_to_serve(&file.join("data"), "127.0.0.1:0")
            .errors;
        assert!(errors.contains("file"), "{errors}");
    }

    /// A killed process leaves a folder that serves again.
    pub fn after_sigkill_it_starts_again_on_the_same_folder(&self) {
        let dir = tempdir().unwrap();
        drop(self.start(dir.path()));
        let again = self.start(dir.path());
        let health = get(&format!("{}/healthz", again.url())).unwrap();
        assert_eq!(health.status, 200);
    }

    /// Wrong flags and commands.
    pub fn wrong_use_is_one_line_and_status_2(&self) {
        for arguments in [
            &[] as &[&str],
            &["serve"],
            &["serve", "--data", "d", "--nonsense"],
            &["serve", "--data", "d", "--http", "nowhere"],
            &["serve", "--data", "d", "--max-database-mib", "-1"],
            &["nonsense"],
        ] {
            self.refuses(arguments);
        }
    }

    /// A command line that is refused with status 2 and one line.
    pub fn refuses(&self, arguments: &[&str]) {
        let ended = run(self.binary, arguments).unwrap();
        assert_eq!(ended.status, Some(2), "{arguments:?}: {}", ended.errors);
        assert_eq!(ended.errors.lines().count(), 1, "{}", ended.errors);
        assert!(ended.output.is_empty());
    }

    /// Help ends with an example.
    pub fn help_shows_an_example(&self) {
        for arguments in [&["--help"] as &[&str], &["serve", "--help"]] {
            let ended = run(self.binary, arguments).unwrap();
            assert_eq!(ended.status, Some(0));
            let example = format!("Example: {} serve", self.name);
            assert!(ended.output.contains(&example), "{}", ended.output);
        }
    }
}
