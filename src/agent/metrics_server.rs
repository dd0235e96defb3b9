//! The page `/metrics` of an agent, over HTTP.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::handle::Agent;
use super::prometheus::render;
use super::server::{Place, ServerLimits, serve};

const LIMITS: ServerLimits = ServerLimits {
    connections: 64,
    per_source: 8,
    first_byte: Duration::from_secs(2),
    timeout: Duration::from_secs(5),
};

/// The longest request, in bytes.
const MAX_REQUEST_BYTES: usize = 8192;

/// Serves an agent's metrics to Prometheus at `/metrics`, until the agent ends.
pub async fn serve_metrics(listener: TcpListener, agent: Agent) {
    let respond = {
        let agent = agent.clone();
        move |stream, place| respond(stream, place, agent.clone())
    };
    tokio::select! {
        () = serve(&listener, LIMITS, respond) => {}
        _ = agent.ended() => {}
    }
}

async fn respond(mut stream: TcpStream, place: Place, agent: Agent) -> io::Result<()> {
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = stream.read(&mut piece).await?;
        if read == 0 || request.len() + read > MAX_REQUEST_BYTES {
            return Ok(());
        }
        request.extend_from_slice(&piece[..read]);
    }
    place.has_asked();
    let line = request.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|&byte| byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, body) = match (method, path(target)) {
        (b"GET" | b"HEAD", b"/metrics") => match agent.info().await {
            Ok(info) => ("200 OK", render(&info)),
            Err(closed) => ("503 Service Unavailable", format!("{closed}\n")),
        },
        (b"GET" | b"HEAD", _) => ("404 Not Found", "there is only /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "there is only GET /metrics\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\n{}\
         Connection: close\r\n\r\n",
        body.len(),
        if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" },
    );
    stream.write_all(head.as_bytes()).await?;
    // The answer to HEAD is that to GET without its body (RFC 9110, section 9.3.2).
    if method != b"HEAD" {
        stream.write_all(body.as_bytes()).await?;
    }
    stream.shutdown().await
}

/// The path of a request's target, without its query. A target may also name scheme and host (RFC 9112, section 3.2.2).
fn path(target: &[u8]) -> &[u8] {
    let rest = target.strip_prefix(b"http://").map_or(target, |rest| {
        let host = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
        &rest[host..]
    });
    rest.split(|&byte| byte == b'?' || byte == b'#').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_target_is_found() {
        for target in ["/metrics", "/metrics?x=y", "/metrics?", "http://host:9100/metrics", "http://host/metrics?a=/b"]
        {
            assert_eq!(path(target.as_bytes()), b"/metrics", "{target}");
        }
        for target in ["", "/", "/metricsx", "/metrics/", "?/metrics", "http://host", "*"] {
            assert_ne!(path(target.as_bytes()), b"/metrics", "{target}");
        }
    }
}
