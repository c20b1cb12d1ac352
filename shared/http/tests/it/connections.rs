//! Connections: how long, how many, and how they end.

use std::time::Duration;

use evertill_http::Limits;
use tokio::net::TcpStream;

use crate::server::{Server, bare};

fn short() -> Limits {
    Limits {
        header_timeout: Duration::from_millis(200),
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_connection_that_does_not_finish_its_head_is_closed() {
    let server = Server::start(short()).await;
    let mut wire = server.connect().await;
    wire.send(b"GET /healthz HTTP/1.1\r\nhost:").await;
    let refused = wire.answer().await;
    assert!(refused.is_none_or(|answer| answer.status == 408));
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer() {
    let server = Server::start(short()).await;
    let mut wire = server.connect().await;
    wire.send(&bare("GET", "/healthz")).await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    assert!(wire.answer().await.is_none());
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    for wire in [&mut first, &mut second] {
        wire.send(&bare("GET", "/healthz")).await;
        assert_eq!(wire.answer().await.unwrap().status, 200);
    }
    let mut third = server.connect().await;
    third.send(&bare("GET", "/healthz")).await;
    for _ in 0..20 {
        first.send(&bare("GET", "/healthz")).await;
        assert_eq!(first.answer().await.unwrap().status, 200);
        assert!(third.is_silent());
    }
    drop(second);
    assert_eq!(third.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn draining_finishes_what_is_under_way_and_takes_nothing_new() {
    let server = Server::start(Limits::default()).await;
    let (address, go_on) = (server.address, server.go_on.clone());
    let (mut slow, mut idle) = (server.connect().await, server.connect().await);
    idle.send(&bare("GET", "/healthz")).await;
    assert_eq!(idle.answer().await.unwrap().status, 200);
    slow.send(&bare("GET", "/api/v1/slow")).await;
    server.arrived.notified().await;
    let ending = server.stop();
    // The idle connection is closed and new ones are refused while the slow
    // answer is still awaited.
    assert!(idle.answer().await.is_none());
    assert!(TcpStream::connect(address).await.is_err());
    assert!(!ending.is_finished());
    go_on.notify_one();
    let answer = slow.answer().await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "done"));
    ending.await.unwrap();
}

#[tokio::test]
async fn draining_ends_at_its_limit_even_if_an_answer_never_comes() {
    let limits = Limits {
        drain: Duration::from_millis(100),
        ..Limits::default()
    };
    let server = Server::start(limits).await;
    let mut slow = server.connect().await;
    slow.send(&bare("GET", "/api/v1/slow")).await;
    server.arrived.notified().await;
    server.stop().await.unwrap();
    assert!(slow.answer().await.is_none());
}
