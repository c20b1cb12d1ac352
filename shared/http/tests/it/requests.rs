//! Every request gets a documented answer.

use evertill_http::Limits;

use crate::server::{Server, bare, post};

#[tokio::test]
async fn a_body_that_fits_is_read() {
    let server = Server::start(Limits::default()).await;
    let answer = server
        .ask(&post("application/json", b"{\"name\":\"Ada\"}"))
        .await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "Ada"));
    assert!(answer.head.contains("x-request-id: "), "{answer:?}");
}

/// The client of an oversized body still writes; it must see the answer and no
/// reset connection, and may go on.
#[tokio::test]
async fn an_oversized_body_is_413_on_a_connection_that_goes_on() {
    let server = Server::start(Limits::default()).await;
    let mut wire = server.connect().await;
    wire.send(&post("application/json", &vec![b' '; 10 << 20]))
        .await;
    let answer = wire.answer().await.unwrap();
    assert_eq!(answer.problem(413), "body_too_large");
    wire.send(&bare("GET", "/healthz")).await;
    assert_eq!(wire.answer().await.unwrap().status, 200);

    let chunk = format!("{:x}\r\n{}\r\n", 1 << 20, " ".repeat(1 << 20));
    let mut chunked = b"POST /api/v1/echo HTTP/1.1\r\nhost: test\r\n\
        content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        .to_vec();
    for _ in 0..3 {
        chunked.extend_from_slice(chunk.as_bytes());
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(server.ask(&chunked).await.problem(413), "body_too_large");
}

/// Regression: a request refused by its path or headers was answered and its
/// connection closed while the client still wrote the body.
#[tokio::test]
async fn a_body_that_nobody_wanted_is_read_before_the_answer() {
    let server = Server::start(Limits::default()).await;
    let mut wire = server.connect().await;
    let mut request = b"POST /api/v1/nonsense HTTP/1.1\r\nhost: test\r\n\
        content-length: 10485760\r\n\r\n"
        .to_vec();
    request.resize(request.len() + (10 << 20), b' ');
    wire.send(&request).await;
    assert_eq!(wire.answer().await.unwrap().problem(404), "not_found");
    wire.send(&bare("GET", "/healthz")).await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_client_that_asks_first_hears_413_before_it_sends() {
    let server = Server::start(Limits::default()).await;
    let head = "POST /api/v1/echo HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
                content-length: 20000000\r\nexpect: 100-continue\r\n\r\n";
    assert_eq!(
        server.ask(head.as_bytes()).await.problem(413),
        "body_too_large"
    );
}

#[tokio::test]
async fn wrong_requests_are_problems() {
    let server = Server::start(Limits::default()).await;
    let cases: [(&str, Vec<u8>, u16, &str); 9] = [
        (
            "another type",
            post("text/plain", b"{}"),
            415,
            "unsupported_media_type",
        ),
        ("no type", post("", b"{}"), 415, "unsupported_media_type"),
        (
            "no JSON",
            post("application/json", b"{"),
            400,
            "malformed_json",
        ),
        (
            "breaks off",
            post("application/json", b"{\"name\":1"),
            400,
            "malformed_json",
        ),
        (
            "no UTF-8",
            post("application/json", b"{\"name\":\"\xff\"}"),
            400,
            "malformed_json",
        ),
        (
            "misfits",
            post("application/json", b"{\"name\":1}"),
            422,
            "invalid_body",
        ),
        (
            "no route",
            bare("GET", "/api/v1/nonsense"),
            404,
            "not_found",
        ),
        (
            "other method",
            bare("DELETE", "/api/v1/echo"),
            405,
            "method_not_allowed",
        ),
        (
            "invented method",
            bare("FROB", "/api/v1/echo"),
            405,
            "method_not_allowed",
        ),
    ];
    for (what, request, status, code) in cases {
        let answer = server.ask(&request).await;
        assert_eq!(answer.problem(status), code, "{what}");
        // Regression: an empty Allow was sent, which kept the router's own away.
        let allows = answer.head.contains("allow: post");
        assert_eq!(allows, status == 405, "{what}: {answer:?}");
    }
}

#[tokio::test]
async fn a_panic_is_a_500_that_tells_nothing() {
    let server = Server::start(Limits::default()).await;
    let answer = server.ask(&bare("GET", "/api/v1/panic")).await;
    assert_eq!(answer.problem(500), "internal");
    assert!(!answer.body.contains("floor"), "{answer:?}");
    assert_eq!(server.ask(&bare("GET", "/healthz")).await.status, 200);
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_others_are_served() {
    let server = Server::start(Limits::default()).await;
    let mut wire = server.connect().await;
    wire.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
        .await;
    let refused = wire.answer().await;
    assert!(refused.is_none_or(|answer| answer.status == 400));
    let long = format!(
        "GET /{} HTTP/1.1\r\nhost: test\r\n\r\n",
        "x".repeat(100_000)
    );
    let mut wire = server.connect().await;
    wire.send(long.as_bytes()).await;
    let refused = wire.answer().await;
    assert!(refused.is_none_or(|answer| (400..=431).contains(&answer.status)));
    assert_eq!(server.ask(&bare("GET", "/healthz")).await.status, 200);
}
