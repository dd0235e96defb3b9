//! The control socket: requests as an agent reads them, answers as a client does.

use swimlab::agent::control::{Answer, Request};
use swimlab::agent::testing::control_request;
use swimlab::wire::{Key, KeyId};

/// A request is the same however its bytes are split, its JSON reads back, and its `Debug` form shows no key.
pub fn control(bytes: &[u8]) {
    let request = control_request(bytes, bytes.len());
    for piece in [1, 7] {
        assert_eq!(control_request(bytes, piece), request, "in pieces of {piece} bytes");
    }
    match request {
        Err(why) => assert!(why.len() <= 6 * bytes.len() + 200, "a refusal of {} bytes", why.len()),
        Ok(request) => {
            let mut line = serde_json::to_vec(&request).expect("plain data");
            line.push(b'\n');
            assert_eq!(control_request(&line, line.len()).as_ref(), Ok(&request));
            match &request {
                Request::InstallKey { key } => {
                    assert_eq!(format!("{request:?}"), "InstallKey { key: SecretText(..) }");
                    let _ = key.as_str().trim().parse::<Key>();
                }
                Request::UseKey { id } | Request::RemoveKey { id } => {
                    if let Ok(id) = id.parse::<KeyId>() {
                        assert_eq!(id.to_string().parse(), Ok(id));
                    }
                }
                _ => {}
            }
        }
    }
    if let Ok(answer) = serde_json::from_slice::<Answer>(bytes) {
        serde_json::to_vec(&answer).expect("plain data");
    }
}
