//! HTTP of an agent.

use swimlab::agent::testing::http_response;

/// The longest head of a request that is read, in bytes.
const LONGEST: usize = 8192;

/// The first line of connections by HTTP/2, which get no answer.
const NEXT_VERSION: &[u8] = b"PRI * HTTP/2.0";

/// A request whose head comes whole is answered by one whole response, the same however its bytes are split. One that
/// does not is refused or gets no answer: how soon a fault in a part of a head is found depends on the pieces.
pub fn http(bytes: &[u8]) {
    let responses = [bytes.len(), 1, 7].map(|piece| undated(&http_response(bytes, piece)));
    if has_whole_head(bytes) {
        assert_eq!(responses[1], responses[0], "in pieces of 1 byte");
        assert_eq!(responses[2], responses[0], "in pieces of 7 bytes");
        assert!(!responses[0].is_empty(), "a whole head without an answer");
    }
    responses.iter().for_each(|response| check(response));
}

fn has_whole_head(bytes: &[u8]) -> bool {
    let start = bytes.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(bytes.len());
    let head = &bytes[start..bytes.len().min(LONGEST)];
    !head.starts_with(NEXT_VERSION) && head.windows(4).any(|four| four == b"\r\n\r\n")
}

/// Checks that a response is whole, or empty.
fn check(response: &str) {
    let Some((head, body)) = response.split_once("\r\n\r\n") else {
        assert!(response.is_empty(), "a part of a head: {response}");
        return;
    };
    let mut lines = head.split("\r\n");
    let status = lines.next().expect("a status").strip_prefix("HTTP/1.").expect("a version");
    let status: u16 = status.get(2..5).expect("a code").parse().expect("a number");
    assert!([200, 400, 404, 405, 408, 413, 414, 431].contains(&status), "{status}");
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
