//! A small service on a free port, and a client that speaks plain bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing;
use evertill_http::{Body, Health, Limits, Metrics, Problem};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service that is served.
pub struct Server {
    pub address: SocketAddr,
    /// Lets requests of `/slow` go on.
    pub go_on: Arc<Notify>,
    /// Told whenever a request of `/slow` has arrived.
    pub arrived: Arc<Notify>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

/// A connection.
pub struct Wire(TcpStream);

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

#[derive(Debug, serde::Deserialize)]
struct Named {
    name: String,
}

impl Server {
    pub async fn start(limits: Limits) -> Self {
        let (go_on, arrived) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (free, seen) = (Arc::clone(&go_on), Arc::clone(&arrived));
        let slow = move || async move {
            seen.notify_one();
            free.notified().await;
            "done"
        };
        let routes = Router::new()
            .route(
                "/api/v1/echo",
                routing::post(|body: Body<Named>| async { body.value.name }),
            )
            .route("/api/v1/panic", routing::get(panics))
            .route("/api/v1/slow", routing::get(slow));
        let openapi = utoipa::openapi::OpenApiBuilder::new().build();
        let health = Health::default();
        let service = evertill_http::service(routes, health.clone(), Metrics::install(), &openapi);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let serving = evertill_http::serve(listener, service, health, limits, shutdown);
        Self {
            address,
            go_on,
            arrived,
            stop,
            served: tokio::spawn(serving),
        }
    }

    pub async fn connect(&self) -> Wire {
        Wire(TcpStream::connect(self.address).await.unwrap())
    }

    /// One request on a connection of its own.
    pub async fn ask(&self, request: &[u8]) -> Answer {
        let mut wire = self.connect().await;
        wire.send(request).await;
        wire.answer().await.expect("an answer")
    }

    /// Asks it to stop, and goes on at once.
    pub fn stop(self) -> JoinHandle<()> {
        let _ = self.stop.send(());
        self.served
    }
}

async fn panics() -> Result<(), Problem> {
    panic!("the safe is under the floor");
}

impl Wire {
    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// The next answer; none if the connection was closed instead.
    pub async fn answer(&mut self) -> Option<Answer> {
        let reading = async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match self.0.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return None,
                }
            }
            let head = String::from_utf8(head).unwrap().to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).await.ok()?;
            Some(Answer {
                status: head[9..12].parse().unwrap(),
                body: String::from_utf8(body).unwrap(),
                head,
            })
        };
        timeout(PATIENCE, reading)
            .await
            .expect("an answer or an end")
    }

    /// Whether nothing has come yet.
    pub fn is_silent(&self) -> bool {
        let seen = self.0.try_read(&mut [0; 1]);
        seen.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

impl Answer {
    /// Checks that this is a problem document and returns its code.
    pub fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert!(
            self.head.contains("content-type: application/problem+json"),
            "{self:?}"
        );
        assert!(self.head.contains("x-request-id: "), "{self:?}");
        let document: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(document["status"], status, "{self:?}");
        assert!(document["errors"].is_array(), "{self:?}");
        assert!(!document["detail"].as_str().unwrap().is_empty(), "{self:?}");
        document["code"].as_str().unwrap().to_owned()
    }
}

/// A request with a body of so many bytes.
pub fn post(content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut request = format!(
        "POST /api/v1/echo HTTP/1.1\r\nhost: test\r\ncontent-type: {content_type}\r\n\
         content-length: {length}\r\n\r\n"
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// A request without a body.
pub fn bare(method: &str, path: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nhost: test\r\n\r\n").into_bytes()
}
