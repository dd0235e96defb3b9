//! HTTP of an agent.

use swimlab::agent::testing::http_response;

/// The longest head of a request that is read, in bytes.
const LONGEST: usize = 8192;

/// Requests are answered the same however their bytes are split, each by one whole response, and what is none is refused.
pub fn http(bytes: &[u8]) {
    let responses = undated(&http_response(bytes, bytes.len()));
    for piece in [1, 7] {
        assert_eq!(undated(&http_response(bytes, piece)), responses, "in pieces of {piece} bytes");
    }
    let Some((head, body)) = responses.split_once("\r\n\r\n") else {
        assert!(responses.is_empty(), "a part of a head: {responses}");
        let has_end = bytes[..bytes.len().min(LONGEST)].windows(4).any(|four| four == b"\r\n\r\n");
        assert!(!has_end, "a whole head without an answer");
        return;
    };
    let mut lines = head.split("\r\n");
    let status = lines.next().expect("a status").strip_prefix("HTTP/1.").expect("a version");
    let status: u16 = status.get(2..5).expect("a code").parse().expect("a number");
    assert!([200, 400, 404, 405, 413, 414, 417, 431, 501, 505].contains(&status), "{status}");
    let headers: Vec<(&str, &str)> = lines.map(|line| line.split_once(": ").expect("a header")).collect();
    let header = |name: &str| headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
    assert_eq!(header("Allow").is_some(), status == 405);
    if let Some(length) = header("Content-Length") {
        let length: usize = length.parse().expect("a number");
        assert!(body.is_empty() || body.len() == length, "{} of {length} bytes", body.len());
    }
    if header("Content-Type") == Some("application/json") && !body.is_empty() {
        let value: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(value.get("error").is_some(), status != 200, "{value}");
    }
}

/// A response without the header that tells the time.
fn undated(response: &[u8]) -> String {
    let text = String::from_utf8(response.to_vec()).expect("text");
    text.split_inclusive("\r\n").filter(|line| !line.starts_with("Date: ")).collect()
}
