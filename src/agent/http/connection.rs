//! One connection: its requests, their time, and its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::deadline::Deadline;
use super::routes::Routes;

/// The longest head of a request, in bytes: its first line and its headers.
pub(super) const LONGEST_HEAD: usize = 8192;
/// The most headers of a request.
pub(super) const MAX_HEADERS: usize = 64;
/// Time for the head of a request, and between two requests of a connection.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(4);
/// Time to read what a client goes on sending after its answer, as it may lose the answer otherwise.
const LINGER_TIMEOUT: Duration = Duration::from_millis(500);
/// The most bytes that are read then.
const LINGER_BYTES: u64 = 1 << 16;

/// The answer to a request whose head did not come in time.
fn too_slow() -> String {
    let body = r#"{"error":"the request did not come whole in time"}"#;
    let head = "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json";
    format!("{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

type Answered = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// Answers the requests of a connection, several if `keeps_alive`, and closes it. Calls `has_asked` for each of them.
/// Returns the connection.
pub(super) async fn serve_connection<I>(io: I, routes: Routes, keeps_alive: bool, has_asked: impl Fn()) -> io::Result<I>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let (deadline, is_asked) = (Arc::new(Deadline::of_connection()), AtomicBool::new(false));
    let service = service_fn(|request: Request<hyper::body::Incoming>| -> Answered {
        has_asked();
        is_asked.store(true, Ordering::Relaxed);
        deadline.extend_for_answer();
        let (routes, deadline) = (routes.clone(), Arc::clone(&deadline));
        Box::pin(async move { Ok(routes.answer(request, deadline).await) })
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_header_size(LONGEST_HEAD)
        .max_headers(MAX_HEADERS)
        .max_buf_size(2 * LONGEST_HEAD)
        .keep_alive(keeps_alive)
        // A client that has closed its side waits for one answer, but not for a stream.
        .half_close(!keeps_alive)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(io), service);
    let end = tokio::select! {
        end = poll_fn(|context| connection.poll_without_shutdown(context)) => Some(end),
        () = deadline.passed() => None,
    };
    let mut io = connection.into_parts().io.into_inner();
    match end {
        None => return Ok(io),
        Some(Err(error)) if error.is_timeout() && !is_asked.load(Ordering::Relaxed) => {
            io.write_all(too_slow().as_bytes()).await?;
        }
        Some(_) => {}
    }
    io.shutdown().await?;
    let mut rest = (&mut io).take(LINGER_BYTES);
    let _ = timeout(LINGER_TIMEOUT, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    Ok(io)
}
