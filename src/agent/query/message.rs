//! Messages of queries as bytes: the payloads of direct messages on a channel of their own.
//!
//! | kind | from | content |
//! |---|---|---|
//! | 0, ask | the asker | number of the query (8 bytes), milliseconds left (4), lengths of name (1) and payload (2), name, payload |
//! | 1, ack | a member | number, token (8) |
//! | 2, confirm | the asker | number, token |
//! | 3, answer | a member | number, token, outcome (1; 0: answered, 1: failed, 2: declined), the answer or the reason |
//!
//! Each begins with a byte for the version and one for the kind. Numbers are big-endian. There is one form for each
//! message, and an ack is never longer than what it acknowledges.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::str;

use super::limits::{ANSWER_BYTES, LONGEST_TIMEOUT, NAME_BYTES, PAYLOAD_BYTES, REASON_BYTES, VERSION};
use crate::protocol::{NameError, Span};

/// The bytes of a message that asks, without name and payload.
pub(super) const ASK_HEAD: usize = HEAD + NUMBER + 4 + 1 + 2;

/// The bytes of an answer without its content.
pub(super) const ANSWER_HEAD: usize = HEAD + NUMBER + NUMBER + 1;

/// Bytes of version and kind.
const HEAD: usize = 2;

/// Bytes of the number of a query, and of a token.
const NUMBER: usize = 8;

// Names have a byte at least.
const _: () = assert!(ASK_HEAD + 1 >= HEAD + NUMBER + NUMBER);

/// The outcome of a query at one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// An answer.
    Answered(Box<[u8]>),
    /// The reason why the member has none.
    Failed(Box<str>),
    /// No application of the member answers this query.
    Declined,
}

/// A message between two members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// Asks, and is repeated until it is acknowledged.
    Ask { number: u64, left: Span, name: &'a str, payload: &'a [u8] },
    /// Acknowledges a query.
    Ack { number: u64, token: u64 },
    /// Proves by the token that the asker receives what is sent to its address, and asks for the answer.
    Confirm { number: u64, token: u64 },
    /// Answers.
    Answer { number: u64, token: u64, outcome: Cow<'a, Outcome> },
}

impl<'a> Message<'a> {
    /// The bytes of this message.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.kind()];
        match self {
            Self::Ask { number, left, name, payload } => {
                let left_ms = left.as_micros().div_ceil(1000) as u32;
                bytes.extend(number.to_be_bytes());
                bytes.extend(left_ms.to_be_bytes());
                bytes.push(name.len() as u8);
                bytes.extend((payload.len() as u16).to_be_bytes());
                bytes.extend(name.as_bytes());
                bytes.extend_from_slice(payload);
            }
            Self::Ack { number, token } | Self::Confirm { number, token } => {
                bytes.extend(number.to_be_bytes());
                bytes.extend(token.to_be_bytes());
            }
            Self::Answer { number, token, outcome } => {
                let (outcome, content): (u8, &[u8]) = match &**outcome {
                    Outcome::Answered(answer) => (0, answer),
                    Outcome::Failed(reason) => (1, reason.as_bytes()),
                    Outcome::Declined => (2, &[]),
                };
                bytes.extend(number.to_be_bytes());
                bytes.extend(token.to_be_bytes());
                bytes.push(outcome);
                bytes.extend_from_slice(content);
            }
        }
        bytes
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Ask { .. } => 0,
            Self::Ack { .. } => 1,
            Self::Confirm { .. } => 2,
            Self::Answer { .. } => 3,
        }
    }

    /// Reads the one message in `bytes`.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let mut reader = Reader(bytes);
        let [version, kind] = reader.take()?;
        if version != VERSION {
            return Err(MessageError::Version(version));
        }
        let number = reader.number()?;
        let message = match kind {
            0 => reader.ask(number)?,
            1 => Self::Ack { number, token: reader.number()? },
            2 => Self::Confirm { number, token: reader.number()? },
            3 => Self::Answer { number, token: reader.number()?, outcome: Cow::Owned(reader.outcome()?) },
            unknown => return Err(MessageError::Kind(unknown)),
        };
        if reader.0.is_empty() { Ok(message) } else { Err(MessageError::Trailing) }
    }
}

/// Reads one field after the other.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], MessageError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(MessageError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], MessageError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(MessageError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64, MessageError> {
        self.take().map(u64::from_be_bytes)
    }

    fn text(&mut self, length: usize) -> Result<&'a str, MessageError> {
        str::from_utf8(self.slice(length)?).map_err(|_| MessageError::Text)
    }

    fn ask(&mut self, number: u64) -> Result<Message<'a>, MessageError> {
        let left = Span::from_millis(u32::from_be_bytes(self.take()?).into());
        let [name] = self.take()?;
        let payload = usize::from(u16::from_be_bytes(self.take()?));
        let name = self.text(name.into())?;
        NameError::check(name, NAME_BYTES).map_err(MessageError::Name)?;
        if left == Span::ZERO || left > LONGEST_TIMEOUT || payload > PAYLOAD_BYTES {
            return Err(MessageError::OutOfRange);
        }
        Ok(Message::Ask { number, left, name, payload: self.slice(payload)? })
    }

    /// Reads an outcome, which takes all that is left.
    fn outcome(&mut self) -> Result<Outcome, MessageError> {
        let [outcome] = self.take()?;
        let length = self.0.len();
        match outcome {
            0 if length <= ANSWER_BYTES => Ok(Outcome::Answered(self.slice(length)?.into())),
            1 if length <= REASON_BYTES => Ok(Outcome::Failed(self.text(length)?.into())),
            2 => Ok(Outcome::Declined),
            _ => Err(MessageError::OutOfRange),
        }
    }
}

/// Reason why a payload is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageError {
    /// It ends too early.
    Truncated,
    /// A version that this build does not read.
    Version(u8),
    /// An unknown kind of message.
    Kind(u8),
    /// A time, a length or an outcome out of range.
    OutOfRange,
    /// A name that no query can have.
    Name(NameError),
    /// A text that is not UTF-8.
    Text,
    /// Bytes follow the message.
    Trailing,
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("it ends too early"),
            Self::Version(version) => write!(f, "unsupported version {version} (expected {VERSION})"),
            Self::Kind(kind) => write!(f, "unknown kind {kind}"),
            Self::OutOfRange => f.write_str("a number in it is out of range"),
            Self::Name(error) => write!(f, "its name: {error}"),
            Self::Text => f.write_str("a text in it is not UTF-8"),
            Self::Trailing => f.write_str("bytes follow the message"),
        }
    }
}

impl Error for MessageError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ask<'a>(name: &'a str, payload: &'a [u8]) -> Message<'a> {
        Message::Ask { number: 7, left: Span::from_millis(5000), name, payload }
    }

    fn answer(outcome: Outcome) -> Vec<u8> {
        Message::Answer { number: 7, token: 9, outcome: Cow::Owned(outcome) }.encode()
    }

    #[test]
    fn each_message_has_one_form_that_is_pinned() {
        assert_eq!(
            ask("n", b"xy").encode(),
            [1, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0x13, 0x88, 1, 0, 2, b'n', b'x', b'y']
        );
        let ack = [1, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9];
        assert_eq!(Message::Ack { number: 7, token: 9 }.encode(), ack);
        assert_eq!(Message::Confirm { number: 7, token: 9 }.encode(), [&[1, 2], &ack[2..]].concat());
        assert_eq!(answer(Outcome::Answered([5].into())), [&[1, 3], &ack[2..], &[0, 5]].concat());
        assert_eq!(answer(Outcome::Failed("x".into())), [&[1, 3], &ack[2..], &[1, b'x']].concat());
        assert_eq!(answer(Outcome::Declined), [&[1, 3], &ack[2..], &[2]].concat());
        // Nobody gets more bytes for a query that somebody has sent in its name.
        assert!(ask("n", b"").encode().len() >= ack.len());
    }

    #[test]
    fn messages_that_no_member_sends_are_refused() {
        let long = "x".repeat(NAME_BYTES + 1);
        let last = |left| Message::Ask { number: 7, left, name: "n", payload: &[] }.encode();
        let cases = [
            (vec![], MessageError::Truncated),
            (vec![1, 1, 0], MessageError::Truncated),
            (vec![2, 1, 0], MessageError::Version(2)),
            (vec![1, 4, 0, 0, 0, 0, 0, 0, 0, 7], MessageError::Kind(4)),
            (ask("", b"").encode(), MessageError::Name(NameError::Empty)),
            (ask("a\nb", b"").encode(), MessageError::Name(NameError::Control('\n'))),
            (ask("n", &[0; PAYLOAD_BYTES + 1]).encode(), MessageError::OutOfRange),
            (last(Span::ZERO), MessageError::OutOfRange),
            (last(LONGEST_TIMEOUT + Span::from_millis(1)), MessageError::OutOfRange),
            (answer(Outcome::Answered([0; ANSWER_BYTES + 1].into())), MessageError::OutOfRange),
            (answer(Outcome::Failed("x".repeat(REASON_BYTES + 1).into())), MessageError::OutOfRange),
            ([answer(Outcome::Declined), vec![0]].concat(), MessageError::Trailing),
            ([ask("n", b"x").encode(), vec![0]].concat(), MessageError::Trailing),
        ];
        for (bytes, error) in cases {
            assert_eq!(Message::decode(&bytes), Err(error), "{bytes:?}");
        }
        assert!(matches!(Message::decode(&ask(&long, b"").encode()), Err(MessageError::Name(NameError::TooLong(_)))));
        assert!(Message::decode(&ask(&long[1..], &[0; PAYLOAD_BYTES]).encode()).is_ok());
        assert!(Message::decode(&answer(Outcome::Answered([0; ANSWER_BYTES].into()))).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_in_the_same_form(bytes in proptest::collection::vec(any::<u8>(), 0..60), kind in 0u8..5) {
            let bytes = [&[VERSION, kind], &bytes[..]].concat();
            if let Ok(message) = Message::decode(&bytes) {
                prop_assert_eq!(message.encode(), bytes);
            }
        }
    }
}
