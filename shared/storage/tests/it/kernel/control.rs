//! Commands on a data folder, with its service running and without.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use evertill_storage::kernel::control::{
    CallError, ControlSocket, Failed, Progress, REQUEST_MAX, Request, SOCKET_FILE, carry_out,
};
use evertill_storage::{OpenError, Store, StoreOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// A service on a folder, in this process.
struct Service {
    runtime: Runtime,
    store: Store,
    end: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Service {
    fn start(dir: &Path) -> Self {
        let runtime = Runtime::new().unwrap();
        let store = Store::open(dir, &StoreOptions::hub()).unwrap();
        let (end, ended) = oneshot::channel();
        let entered = runtime.enter();
        let socket = ControlSocket::bind(&store).unwrap();
        let task = tokio::spawn(socket.run(carry, async { drop(ended.await) }));
        drop(entered);
        Self {
            runtime,
            store,
            end,
            task,
        }
    }

    fn stop(self) {
        self.end.send(()).unwrap();
        self.runtime.block_on(self.task).unwrap();
        self.store.close();
    }
}

async fn carry(request: Request, progress: Progress) -> Result<Value, Failed> {
    match request.command.as_str() {
        "echo" => Ok(request.args),
        "steps" => {
            progress.report(json!(1));
            progress.report(json!(2));
            Ok(json!("done"))
        }
        "big" => Ok(json!("x".repeat(9 << 20))),
        "panic" => panic!("for the test"),
        other => Err(Failed::wrong_use(format!("there is no command {other}"))),
    }
}

fn call(dir: &Path, command: &str, args: Value) -> Result<(Value, Vec<Value>), CallError> {
    let mut steps = Vec::new();
    let result = carry_out(
        dir,
        &StoreOptions::hub(),
        Request::new(command, args),
        &mut |step| steps.push(step),
        |_, request, _| Ok(json!({ "alone": request.command })),
    )?;
    Ok((result, steps))
}

fn socket(dir: &Path) -> PathBuf {
    dir.join(SOCKET_FILE)
}

/// What a client that does not keep to the rules is told.
fn told(dir: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket(dir)).unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

#[test]
fn a_command_works_alone_and_through_a_running_service() {
    let dir = TempDir::new().unwrap();
    let alone = call(dir.path(), "echo", json!([1])).unwrap();
    assert_eq!(alone.0, json!({"alone": "echo"}));
    let service = Service::start(dir.path());
    let asked = call(dir.path(), "echo", json!([1])).unwrap();
    assert_eq!(asked.0, json!([1]));
    assert_eq!(
        call(dir.path(), "steps", Value::Null).unwrap(),
        (json!("done"), vec![json!(1), json!(2)])
    );
    service.stop();
    assert!(!socket(dir.path()).exists());
    assert_eq!(
        call(dir.path(), "echo", json!([1])).unwrap().0,
        json!({"alone": "echo"})
    );
}

#[test]
fn a_refusal_keeps_its_status_and_a_panic_is_a_refusal() {
    let dir = TempDir::new().unwrap();
    let service = Service::start(dir.path());
    let refused = call(dir.path(), "nonsense", Value::Null).unwrap_err();
    assert_eq!(refused.status(), 2);
    assert_eq!(refused.to_string(), "there is no command nonsense");
    let panicked = call(dir.path(), "panic", Value::Null).unwrap_err();
    assert_eq!(panicked.status(), 1);
    assert!(panicked.to_string().contains("unforeseen"), "{panicked}");
    let big = call(dir.path(), "big", Value::Null).unwrap_err();
    assert!(big.to_string().contains("stop the service"), "{big}");
    assert_eq!(call(dir.path(), "echo", json!(7)).unwrap().0, json!(7));
    service.stop();
}

#[test]
fn the_socket_is_for_its_user_alone_and_takes_only_bounded_lines() {
    let dir = TempDir::new().unwrap();
    let service = Service::start(dir.path());
    let mode = std::fs::metadata(socket(dir.path())).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    for (sent, reason) in [
        (b"nonsense\n".to_vec(), "cannot be read"),
        (b"{\"command\":\"echo\"".to_vec(), "cut off"),
        (vec![b' '; REQUEST_MAX + 1], "longer than"),
        (
            b"{\"command\":\"echo\",\"x\":1}\n".to_vec(),
            "unknown field",
        ),
    ] {
        let answer = told(dir.path(), &sent);
        assert!(answer.contains(reason), "{answer}");
    }
    // A client that goes away at once disturbs nobody.
    drop(UnixStream::connect(socket(dir.path())).unwrap());
    assert_eq!(call(dir.path(), "echo", json!(7)).unwrap().0, json!(7));
    service.stop();
}

#[test]
fn a_socket_that_a_killed_service_left_is_replaced() {
    let dir = TempDir::new().unwrap();
    drop(Store::open(dir.path(), &StoreOptions::hub()).unwrap());
    drop(UnixListener::bind(socket(dir.path())).unwrap());
    assert!(socket(dir.path()).exists());
    assert_eq!(
        call(dir.path(), "echo", json!(7)).unwrap().0,
        json!({"alone": "echo"})
    );
    let service = Service::start(dir.path());
    assert_eq!(call(dir.path(), "echo", json!(7)).unwrap().0, json!(7));
    service.stop();
}

#[test]
fn a_folder_with_a_long_path_has_a_socket_too() {
    let top = TempDir::new().unwrap();
    let dir = top.path().join("d".repeat(120));
    let service = Service::start(&dir);
    assert_eq!(call(&dir, "echo", json!(7)).unwrap().0, json!(7));
    service.stop();
}

#[test]
fn a_holder_that_does_not_answer_is_named() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), &StoreOptions::hub()).unwrap();
    let error = call(dir.path(), "echo", Value::Null).unwrap_err();
    assert!(matches!(error, CallError::NoAnswer { .. }), "{error}");
    let words = error.to_string();
    assert!(
        words.contains(&std::process::id().to_string()) && words.contains("does not answer"),
        "{words}"
    );
    store.close();
}

/// A service that starts: the lock is held before the socket is there.
#[test]
fn a_command_waits_for_a_service_that_is_starting() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), &StoreOptions::hub()).unwrap();
    let path = dir.path().to_owned();
    let asked = std::thread::spawn(move || call(&path, "echo", json!(7)).unwrap().0);
    store.close();
    assert_eq!(asked.join().unwrap(), json!({"alone": "echo"}));
}

#[test]
fn a_service_that_ends_in_the_middle_leaves_a_clear_word() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), &StoreOptions::hub()).unwrap();
    let listener = UnixListener::bind(socket(dir.path())).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"{\"progress\":1}\n{\"resu").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        // Read what was asked, so that closing does not reset the connection.
        let _ = stream.read(&mut [0; 1_024]);
    });
    let error = call(dir.path(), "echo", Value::Null).unwrap_err();
    server.join().unwrap();
    assert!(matches!(error, CallError::CutOff { .. }), "{error}");
    assert!(error.to_string().contains("look at its log"), "{error}");
    store.close();
}

#[test]
fn a_folder_that_cannot_be_opened_says_why() {
    let dir = TempDir::new().unwrap();
    let error = carry_out(
        &dir.path().join("nowhere"),
        &StoreOptions::hub().existing(),
        Request::new("echo", Value::Null),
        &mut |_| {},
        |_, _, _| unreachable!("there is no folder"),
    )
    .unwrap_err();
    assert!(
        matches!(error, CallError::Open(OpenError::NoFolder { .. })),
        "{error}"
    );
    assert_eq!(error.status(), 1);
}
