//! HTTP of the metrics server.

use swimlab::agent::testing::metrics_response;

/// Stands for the metrics.
const PAGE: &str = "swimlab_members 3\n";

/// The longest request that is read, in bytes.
const LONGEST: usize = 8192;

/// A request is answered the same however its bytes are split, if its head ends within the limit, and by one whole
/// response.
pub fn metrics(bytes: &[u8]) {
    let response = metrics_response(bytes, bytes.len(), PAGE);
    for piece in [1, 7] {
        assert_eq!(metrics_response(bytes, piece, PAGE), response, "in pieces of {piece} bytes");
    }
    let has_end = bytes[..bytes.len().min(LONGEST)].windows(4).any(|four| four == b"\r\n\r\n");
    assert_eq!(response.is_some(), has_end);
    let Some(response) = response else { return };
    let response = String::from_utf8(response).expect("text");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    let status = lines.next().expect("a status").strip_prefix("HTTP/1.1 ").expect("a version");
    assert!(["200 OK", "404 Not Found", "405 Method Not Allowed"].contains(&status), "{status}");
    let headers: Vec<(&str, &str)> = lines.map(|line| line.split_once(": ").expect("a header")).collect();
    let header = |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let length: usize = header("Content-Length").expect("a length").parse().expect("a number");
    assert_eq!(header("Allow").is_some(), status.starts_with("405"));
    assert_eq!(header("Connection"), Some("close"));
    let method = bytes.split(|byte| b" \r".contains(byte)).next();
    assert_eq!(body.len(), if method == Some(b"HEAD") { 0 } else { length });
    assert_eq!(status == "200 OK", length == PAGE.len() && status.starts_with("200"));
}
