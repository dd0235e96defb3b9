//! Text from outside in a form that a person can be shown.

/// Escapes what could forge lines, steer a terminal or be invisible in a text that another member, a file or an
/// application chose: control characters, line breaks, direction marks and other unprintable characters, and the
/// backslash itself. Quotation marks stay as they are.
pub(super) fn escaped(text: &str) -> String {
    text.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    // F11
    #[test]
    fn what_could_forge_lines_or_steer_a_terminal_is_escaped_and_other_text_is_not() {
        for same in ["", "web-1", "grüße 🚀 東京", "it's \"quoted\"", "a=b c"] {
            assert_eq!(escaped(same), same);
        }
        let evil = "web1\njoined     evil\r\0\x1b[2J\x7f\u{9b}2J\u{202e}\u{2028}\\";
        let shown = r"web1\njoined     evil\r\0\u{1b}[2J\u{7f}\u{9b}2J\u{202e}\u{2028}\\";
        assert_eq!(escaped(evil), shown);
        assert_eq!(escaped("\\\"'"), "\\\\\"'");
    }
}
