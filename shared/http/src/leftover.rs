//! What a handler leaves of a request's body is read before the answer goes out.
//!
//! A request that is refused by its headers (no token, no idempotency key) is
//! answered without a look at its body. The client may still be writing it; if
//! the connection were closed under it, it would see a reset and never the
//! answer.
//!
//! Invariant: reading on is bounded in bytes and time, and a client that waits
//! for permission to send is never asked to.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use hyper::body::{Frame, SizeHint};

/// Most bytes that are read and thrown away.
const LEFTOVER_LIMIT: usize = 64 * 1024 * 1024;

/// How long the rest of a body may take to arrive.
const LEFTOVER_TIMEOUT: Duration = Duration::from_secs(5);

/// The body of a request whose handler has another hold of it.
pub(crate) struct Leftover(Option<Arc<Mutex<Body>>>);

impl Leftover {
    /// Keeps a hold of the request's body.
    pub(crate) fn of(request: Request) -> (Self, Request) {
        let waits = request.headers().contains_key(EXPECT);
        if waits || request.body().is_end_stream() {
            return (Self(None), request);
        }
        let (parts, body) = request.into_parts();
        let shared = Arc::new(Mutex::new(body));
        let lent = Body::new(Lent(Arc::clone(&shared)));
        (Self(Some(shared)), Request::from_parts(parts, lent))
    }

    /// Reads what the handler has not.
    pub(crate) async fn read_on(self) {
        let Some(mut body) = self.0.map(Lent) else {
            return;
        };
        let reading = async {
            let mut left = LEFTOVER_LIMIT;
            while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                let read = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(read) {
                    Some(rest) => left = rest,
                    None => return,
                }
            }
        };
        // Whoever sends for longer is closed on, as without this.
        let _ = tokio::time::timeout(LEFTOVER_TIMEOUT, reading).await;
    }
}

/// A body in two hands; each frame goes to the one that asks.
struct Lent(Arc<Mutex<Body>>);

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.size_hint()
    }
}
