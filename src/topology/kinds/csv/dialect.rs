//! The text of a CSV file in one of several dialects: separators, comments, marks of encodings; and a description of
//! what a file is that is none.

use std::borrow::Cow;
use std::io::Cursor;

use csv::{Reader, ReaderBuilder, Trim};

/// The separators, the preferred one first.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// The first character of a comment.
const COMMENT: char = '#';

/// The start of files that are no CSV, and what they are.
const OTHERS: [(&[u8], &str); 8] = [
    (b"\xff\xfe", "text in UTF-16; save it in UTF-8"),
    (b"\xfe\xff", "text in UTF-16; save it in UTF-8"),
    (b"PK\x03\x04", "a spreadsheet or a ZIP archive; export it as CSV"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet; export it as CSV"),
    (b"\x1f\x8b", "compressed with gzip; unpack it"),
    (b"<", "HTML or XML, perhaps an error page instead of a download; expected CSV"),
    (b"{", "JSON; expected CSV"),
    (b"[", "JSON; expected CSV"),
];

/// A reader of the rows of a file, whose separator is that of its first row. Lines that begin with `#` are comments,
/// and so is a first line `sep=;` as spreadsheets write it.
///
/// # Errors
/// Names the file and what it is, if it is not text in UTF-8 or another format.
pub(super) fn reader<'a>(
    bytes: &'a [u8],
    file: &str,
    has_headers: bool,
) -> Result<Reader<Cursor<Cow<'a, [u8]>>>, String> {
    let mut text = Cow::Borrowed(text(bytes, file)?);
    let separator = match text.strip_prefix("sep=").and_then(|rest| rest.bytes().next()) {
        Some(separator) if SEPARATORS.contains(&separator) => {
            text.to_mut().insert(0, COMMENT);
            separator
        }
        Some(other) => {
            let other = char::from(other);
            return Err(format!("{file}: \"sep={other}\" on line 1 is none of comma, semicolon and tab"));
        }
        None => separator(&text),
    };
    let mut reader = ReaderBuilder::new();
    reader.has_headers(has_headers).flexible(!has_headers).trim(Trim::All);
    let bytes = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    };
    Ok(reader.delimiter(separator).comment(Some(COMMENT as u8)).from_reader(Cursor::new(bytes)))
}

/// The content as text, without a byte-order mark.
fn text<'a>(bytes: &'a [u8], file: &str) -> Result<&'a str, String> {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = start.trim_ascii_start();
    if let Some((_, what)) = OTHERS.iter().find(|(mark, _)| start.starts_with(mark) || first.starts_with(mark)) {
        return Err(format!("{file} is {what}{}", begins(first)));
    }
    if start.contains(&0) {
        // Every other byte of ASCII text in UTF-16 is zero.
        let zeros = start.iter().filter(|&&byte| byte == 0).count();
        let what = if 3 * zeros > start.len() { "text in UTF-16; save it in UTF-8" } else { "no text; expected CSV" };
        return Err(format!("{file} is {what}"));
    }
    std::str::from_utf8(start).map_err(|error| {
        let line = 1 + start[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        format!("{file}: line {line} is not text in UTF-8; save the file in UTF-8")
    })
}

/// The separator that the first row has most of, outside of quotes.
fn separator(text: &str) -> u8 {
    let mut lines = text.split(['\n', '\r']).map(str::trim);
    let row = lines.find(|line| !line.is_empty() && !line.starts_with(COMMENT)).unwrap_or_default();
    let outside: Vec<u8> = row.split('"').step_by(2).flat_map(str::bytes).collect();
    let count = |separator: u8| outside.iter().filter(|&&byte| byte == separator).count();
    // Of equal ones `max_by_key` takes the last.
    SEPARATORS.into_iter().rev().max_by_key(|&separator| count(separator)).unwrap_or(SEPARATORS[0])
}

/// The start of a text for a message; empty if it is not printable.
fn begins(bytes: &[u8]) -> String {
    let line: Vec<u8> = bytes.iter().copied().take_while(|byte| (b' '..=b'~').contains(byte)).take(40).collect();
    match String::from_utf8(line) {
        Ok(line) if line.len() > 2 => format!(" (it begins with \"{line}\")"),
        _ => String::new(),
    }
}
