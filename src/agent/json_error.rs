//! Messages about text that is not the expected JSON.

/// Bytes that are kept of each end of a long message.
const KEPT: usize = 96;

/// The message of an error in at most 200 bytes. The parser may quote all of the text: the middle is left out then.
pub(super) fn describe(error: &serde_json::Error) -> String {
    let message = error.to_string();
    if message.len() <= 2 * KEPT {
        return message;
    }
    let head = message.floor_char_boundary(KEPT);
    let tail = message.ceil_char_boundary(message.len() - KEPT);
    format!("{} ... {}", &message[..head], &message[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_keep_both_ends() {
        let error = |text: &str| describe(&serde_json::from_str::<u32>(text).unwrap_err());
        assert_eq!(error("\"seven\""), "invalid type: string \"seven\", expected u32 at line 1 column 7");
        for letter in ["x", "\u{7f}", "é", "\u{1f980}"] {
            let message = error(&format!("\"{}\"", letter.repeat(100_000)));
            assert!(message.len() <= 200 && message.starts_with("invalid type: string \""), "{message}");
            assert!(message.contains(" ... ") && message.contains("\", expected u32 at line 1 column "), "{message}");
        }
    }
}
