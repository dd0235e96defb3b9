//! Programs that ask an agent over HTTP and DNS: `curl` and `dig` if they are installed, else bare sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

/// Whether a program is installed; that it is not is printed, with what happens instead.
pub fn has(program: &str, argument: &str, otherwise: &str) -> bool {
    let is_there = Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success());
    if !is_there {
        // Past the test harness, which keeps what passing tests print to itself.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {program} is not installed: {otherwise}");
    }
    is_there
}

const BARE: &str = "a bare socket asks in its place";

/// Status and body of a page, by `curl` or a bare socket.
pub fn get(addr: SocketAddr, target: &str) -> (u16, String) {
    if has("curl", "--version", BARE) {
        let url = format!("http://{addr}{target}");
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--globoff",
            "--noproxy",
            "*",
            "--max-time",
            "20",
            "--write-out",
            "\n%{http_code}",
            &url,
        ]);
        let output = String::from_utf8(curl.output().unwrap().stdout).unwrap();
        let (body, status) = output.rsplit_once('\n').unwrap();
        return (status.parse().unwrap(), body.to_owned());
    }
    let answer = raw(addr, format!("GET {target} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n").as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

/// All that a TCP server sends to a client who sends this and waits for the end.
pub fn raw(addr: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The number of a type of DNS records.
pub const A: u16 = 1;
/// The number of a type of DNS records.
pub const SRV: u16 = 33;

/// A DNS query for a name and a type.
pub fn query(name: &str, kind: u16) -> Vec<u8> {
    let mut packet = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        packet.push(label.len() as u8);
        packet.extend(label.bytes());
    }
    packet.push(0);
    packet.extend(kind.to_be_bytes());
    packet.extend([0, 1]);
    packet
}

/// The answer of a DNS server over UDP; `None` after half a second without one.
pub fn answer(addr: SocketAddr, packet: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind((addr.ip(), 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    socket.send_to(packet, addr).unwrap();
    let mut buffer = [0; 2048];
    let len = socket.recv(&mut buffer).ok()?;
    Some(buffer[..len].to_vec())
}

/// The response code and the number of answers to a question; asked until there is an answer.
pub fn resolve(addr: SocketAddr, name: &str, kind: u16) -> (u8, u16) {
    for _ in 0..40 {
        if let Some(answer) = answer(addr, &query(name, kind)) {
            return (answer[3] & 0x0f, u16::from_be_bytes([answer[6], answer[7]]));
        }
    }
    panic!("no answer about {name}");
}

/// The lines of `dig +short`, sorted; `None` if it is not installed.
pub fn dig(addr: SocketAddr, args: &[&str]) -> Option<Vec<String>> {
    if !has("dig", "-v", BARE) {
        return None;
    }
    let mut dig = Command::new("dig");
    dig.arg(format!("@{}", addr.ip())).args(["-p", &addr.port().to_string(), "+short"]).args(args);
    let output = String::from_utf8(dig.output().unwrap().stdout).unwrap();
    let mut lines: Vec<String> = output.lines().map(str::to_owned).collect();
    lines.sort();
    Some(lines)
}
