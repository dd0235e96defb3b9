//! Clients of the catalog's interfaces.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpStream, UdpSocket};
use tokio::task::JoinSet;

/// Connections of the HTTP clients.
const CONNECTIONS: u32 = 8;

/// Times of DNS queries, one after the other.
pub(crate) async fn dns(server: SocketAddr, kind: u16, queries: usize) -> Vec<Duration> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    socket.connect(server).await.expect("loopback");
    let (query, mut buffer) = (dns_query("s7.service.swimlab", kind), [0; 4096]);
    let mut times = Vec::with_capacity(queries);
    for _ in 0..queries {
        let begun = Instant::now();
        socket.send(&query).await.expect("loopback");
        let len = socket.recv(&mut buffer).await.expect("loopback");
        times.push(begun.elapsed());
        assert!(buffer[3] & 0x0f == 0 && buffer[7] > 0, "records in {len} bytes");
    }
    times
}

/// A query with EDNS (RFC 1035, RFC 6891).
fn dns_query(name: &str, kind: u16) -> Vec<u8> {
    let mut query = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    for label in name.split('.') {
        query.push(label.len() as u8);
        query.extend(label.bytes());
    }
    query.push(0);
    query.extend([kind.to_be_bytes(), [0, 1]].concat());
    // The root, OPT, answers of 1,232 bytes, no flags and no options.
    query.extend([0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
    query
}

/// Requests one after another over each of several connections, at a rate in requests per second or as fast as answers
/// come, until told to stop; the number of answers.
pub(crate) async fn http(server: SocketAddr, rate: Option<u32>, stop: Arc<AtomicBool>) -> u32 {
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let stop = Arc::clone(&stop);
        connections.spawn(async move { requests(server, rate, &stop).await.expect("answers") });
    }
    connections.join_all().await.into_iter().sum()
}

async fn requests(server: SocketAddr, rate: Option<u32>, stop: &AtomicBool) -> io::Result<u32> {
    let mut ticks = rate.map(|rate| tokio::time::interval(Duration::from_secs(CONNECTIONS.into()) / rate));
    let mut stream = BufStream::new(TcpStream::connect(server).await?);
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        stream.write_all(b"GET /v1/services/s7 HTTP/1.1\r\nHost: a\r\n\r\n").await?;
        stream.flush().await?;
        read_answer(&mut stream).await?;
        count += 1;
    }
    Ok(count)
}

/// Reads one answer, of which the length is in the head.
async fn read_answer(stream: &mut BufStream<TcpStream>) -> io::Result<()> {
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line).await?;
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).await?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    assert!(length > 1000, "a list of instances");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.map(drop)
}
