//! The one page that an agent serves over HTTP: `/metrics`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::handle::Agent;
use super::prometheus::render;

/// The most scrapers at once; more wait.
const MOST_AT_ONCE: usize = 8;

/// How long one may take.
const LONGEST: Duration = Duration::from_secs(5);

/// The longest request, in bytes.
const LONGEST_REQUEST: usize = 8192;

/// Serves an agent's figures to Prometheus until the agent ends.
pub async fn serve_metrics(listener: TcpListener, agent: Agent) {
    let slots = Arc::new(Semaphore::new(MOST_AT_ONCE));
    let serve = async {
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let agent = agent.clone();
                    tokio::spawn(async move {
                        let _ = timeout(LONGEST, answer(stream, &agent)).await;
                        drop(slot);
                    });
                }
                // Out of file descriptors, most likely: others will be closed.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    tokio::select! {
        () = serve => {}
        _ = agent.ended() => {}
    }
}

async fn answer(mut stream: TcpStream, agent: &Agent) -> io::Result<()> {
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = stream.read(&mut piece).await?;
        if read == 0 || request.len() + read > LONGEST_REQUEST {
            return Ok(());
        }
        request.extend_from_slice(&piece[..read]);
    }
    let (status, body) = match request.split(|&byte| byte == b' ').take(2).collect::<Vec<_>>()[..] {
        [b"GET", b"/metrics"] => match agent.info().await {
            Ok(info) => ("200 OK", render(&info)),
            Err(gone) => ("503 Service Unavailable", format!("{gone}\n")),
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
