//! The page `/metrics` of an agent, over HTTP.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::handle::Agent;
use super::prometheus::render;
use super::server::{Place, ServerLimits, read_through, serve};

pub(super) const LIMITS: ServerLimits = ServerLimits {
    clients: "clients of the metrics",
    connections: 64,
    per_source: 8,
    first_byte: Duration::from_secs(2),
    timeout: Duration::from_secs(5),
};

/// The longest request, in bytes.
pub(super) const MAX_REQUEST_BYTES: usize = 8192;

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
    let Some(head) = read_head(&mut stream).await? else { return Ok(()) };
    place.has_asked();
    let request = Request::of(&head);
    let page = match request.resource() {
        Ok(()) => agent.info().await.map(|info| render(&info)).map_err(|closed| format!("{closed}\n")),
        Err(_) => Ok(String::new()),
    };
    stream.write_all(&request.response(page)).await?;
    stream.shutdown().await
}

/// Reads a request up to the end of its head; `None` if it has no end within [`MAX_REQUEST_BYTES`].
pub(super) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut request = Vec::new();
    let is_whole = read_through(stream, &mut request, b"\r\n\r\n", MAX_REQUEST_BYTES).await?;
    Ok(is_whole.then_some(request))
}

/// The first line of a request, without the version.
pub(super) struct Request<'a> {
    method: &'a [u8],
    target: &'a [u8],
}

impl<'a> Request<'a> {
    pub(super) fn of(head: &'a [u8]) -> Self {
        let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
        let mut words = line.split(|&byte| byte == b' ');
        Self { method: words.next().unwrap_or_default(), target: words.next().unwrap_or_default() }
    }

    /// Whether the request is for the page.
    ///
    /// # Errors
    /// The status and the body of the response to other requests.
    fn resource(&self) -> Result<(), (&'static str, &'static str)> {
        match (self.method, path(self.target)) {
            (b"GET" | b"HEAD", b"/metrics") => Ok(()),
            (b"GET" | b"HEAD", _) => Err(("404 Not Found", "there is only /metrics\n")),
            _ => Err(("405 Method Not Allowed", "there is only GET /metrics\n")),
        }
    }

    /// The response; `page` is the page, or the reason why there is none.
    pub(super) fn response(&self, page: Result<String, String>) -> Vec<u8> {
        let (status, body) = match (self.resource(), page) {
            (Ok(()), Ok(page)) => ("200 OK", page),
            (Ok(()), Err(why)) => ("503 Service Unavailable", why),
            (Err((status, body)), _) => (status, body.to_owned()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\n{}\
             Connection: close\r\n\r\n",
            body.len(),
            if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" },
        );
        // The answer to HEAD is that to GET without its body (RFC 9110, section 9.3.2).
        let body = if self.method == b"HEAD" { "" } else { &body };
        [head.as_bytes(), body.as_bytes()].concat()
    }
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
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn a_request_for_metrics_is_read_up_to_the_longest() {
        let agent = Agent::builder().spawn().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve_metrics(listener, agent));
        for (len, is_answered) in [(MAX_REQUEST_BYTES, true), (MAX_REQUEST_BYTES + 1, false)] {
            let (head, end) = ("GET /metrics HTTP/1.1\r\nX: ", "\r\n\r\n");
            let request = format!("{head}{}{end}", "x".repeat(len - head.len() - end.len()));
            let mut stream = TcpStream::connect(addr).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            assert_eq!(answer.starts_with(b"HTTP/1.1 200 OK"), is_answered, "{len}");
        }
        serving.abort();
    }

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
