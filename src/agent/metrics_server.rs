//! The page `/metrics` of an agent, over HTTP.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::handle::Agent;
use super::prometheus::render;
use super::server::{ServerLimits, serve};

const LIMITS: ServerLimits = ServerLimits { connections: 8, timeout: Duration::from_secs(5) };

/// The longest request, in bytes.
const MAX_REQUEST_BYTES: usize = 8192;

/// Serves an agent's metrics to Prometheus at `/metrics`, until the agent ends.
pub async fn serve_metrics(listener: TcpListener, agent: Agent) {
    tokio::select! {
        () = serve(&listener, LIMITS, |stream| respond(stream, agent.clone())) => {}
        _ = agent.ended() => {}
    }
}

async fn respond(mut stream: TcpStream, agent: Agent) -> io::Result<()> {
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = stream.read(&mut piece).await?;
        if read == 0 || request.len() + read > MAX_REQUEST_BYTES {
            return Ok(());
        }
        request.extend_from_slice(&piece[..read]);
    }
    let (status, body) = match request.split(|&byte| byte == b' ').take(2).collect::<Vec<_>>()[..] {
        [b"GET", b"/metrics"] => match agent.info().await {
            Ok(info) => ("200 OK", render(&info)),
            Err(closed) => ("503 Service Unavailable", format!("{closed}\n")),
        },
        [b"GET", _] => ("404 Not Found", "there is only /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "there is only GET /metrics\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
