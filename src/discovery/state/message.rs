//! Messages as bytes: a byte with the version, one with the kind, then MessagePack values.
//!
//! Zeros may follow a message: requests are padded, so that an answer is at most [`ANSWER_FACTOR`] times as long
//! (QUIC pads its first packets for the same reason, RFC 9000, section 8.1).
//!
//! [`ANSWER_FACTOR`]: super::limits::ANSWER_FACTOR

use rmp_serde::Deserializer;
use rmp_serde::decode::{Error as RmpError, ReadRefReader};
use serde::{Deserialize, Serialize};

use super::delta::{Content, Delta, DeltaEntry, StateVersion};
use super::error::{PayloadError, check_key, check_value};
use super::limits::{KEY_BYTES, KEY_LIMIT, LONGEST_TTL, PART_LIMIT, RECEIVED_FACTOR, VALUE_BYTES, VERSION};
use crate::protocol::{Id, Span};

/// Bytes of a digest, the only message that is sent while nothing changes.
pub const DIGEST_BYTES: usize = HEAD + 9;

/// Bytes of a digest of contents, which goes with every [`CONTENT_CHECK_EVERY`](super::CONTENT_CHECK_EVERY)th digest.
pub const CONTENT_DIGEST_BYTES: usize = HEAD + 18;

/// The smallest datagram in which the largest entry fits.
pub(super) const SMALLEST_MTU: usize = 800;
const _: () = assert!(MESSAGE_HEAD + DELTA_HEAD + ENTRY_HEAD + KEY_BYTES + VALUE_BYTES <= SMALLEST_MTU);

/// Bytes of version and kind.
const HEAD: usize = 2;
/// The most bytes of an integer.
const INTEGER: usize = 9;
/// The most bytes of a number of things.
const COUNT: usize = 3;
/// The most bytes before the things in a message.
const MESSAGE_HEAD: usize = HEAD + COUNT;
/// The most bytes of a delta without entries.
const DELTA_HEAD: usize = 1 + 4 * INTEGER + 5 + COUNT;
/// The most bytes of an entry without its texts.
const ENTRY_HEAD: usize = 1 + INTEGER + 5 + 3 + 3;

mod kind {
    pub(super) const DIGEST: u8 = 0;
    pub(super) const DIGEST_REPLY: u8 = 1;
    pub(super) const PARTS: u8 = 2;
    pub(super) const VERSIONS: u8 = 3;
    pub(super) const REQUEST: u8 = 4;
    pub(super) const NEWS: u8 = 5;
    pub(super) const DELTAS: u8 = 6;
    pub(super) const LAST_DELTAS: u8 = 7;
    pub(super) const CONTENT_DIGEST: u8 = 8;
    pub(super) const CONTENT_DIGEST_REPLY: u8 = 9;
    pub(super) const CONTENT_PARTS: u8 = 10;
    pub(super) const CONTENTS: u8 = 11;
}

/// A message between two members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// The digest of all states; the one who receives it answers with its own if that differs.
    Digest { is_reply: bool, digest: u64 },
    /// Digests of the parts of all states.
    Parts(Vec<u32>),
    /// Versions that the sender has. The receiver answers with what the sender lacks, and asks for what it lacks itself.
    Versions(Vec<StateVersion>),
    /// Versions after which the sender lacks something. The receiver answers with that and asks nothing in return.
    Request(Vec<StateVersion>),
    /// Changes to be passed on.
    News(Vec<Delta<'a>>),
    /// A part of the answer to versions or to a request.
    Deltas { is_last: bool, deltas: Vec<Delta<'a>> },
    /// The digest of the contents of all states, hashed with a salt; the one who receives it answers with its own if that
    /// differs.
    ContentDigest { is_reply: bool, salt: u64, digest: u64 },
    /// Digests of the parts of the contents of all states.
    ContentParts { salt: u64, parts: Vec<u32> },
    /// Contents that the sender has, or that it has and was told.
    Contents { salt: u64, contents: Vec<Content> },
}

/// The bytes of an entry.
pub(super) fn entry_size(entry: &DeltaEntry<'_>) -> usize {
    1 + integer(entry.version) + integer(left_ms(entry).into()) + text(entry.key) + entry.value.map_or(1, text)
}

/// The bytes of a delta.
pub(super) fn delta_size(delta: &Delta<'_>) -> usize {
    let Delta { member, generation, from, to, collected, ref entries } = *delta;
    let numbers = [member, generation.into(), from, to, collected, entries.len() as u64];
    1 + numbers.map(integer).iter().sum::<usize>() + entries.iter().map(entry_size).sum::<usize>()
}

/// The room for entries of one more delta where `bytes` are left.
pub(super) fn room_for_entries(bytes: usize) -> Option<usize> {
    bytes.checked_sub(DELTA_HEAD)
}

/// The room for deltas in a message of `bytes` bytes.
pub(super) fn room_for_deltas(bytes: usize) -> usize {
    bytes.saturating_sub(MESSAGE_HEAD)
}

/// The most parts of which a message of `bytes` bytes has the digests.
pub(super) fn parts_that_fit(bytes: usize) -> usize {
    (bytes.saturating_sub(MESSAGE_HEAD + INTEGER) / 5).min(PART_LIMIT)
}

/// The number of contents, from the first on, for which a message of `bytes` bytes has room.
pub(super) fn fitting_contents(contents: &[Content], bytes: usize) -> usize {
    let sizes = contents.iter().map(|content| {
        let numbers = [content.member, content.generation.into(), content.version, content.hash];
        1 + numbers.map(integer).iter().sum::<usize>()
    });
    fitting(sizes, bytes.saturating_sub(MESSAGE_HEAD + INTEGER))
}

/// Drops the versions at the end that a message of `bytes` bytes has no room for.
pub(super) fn truncate_versions(versions: &mut Vec<StateVersion>, bytes: usize) {
    let sizes = versions.iter().map(|row| {
        let numbers = [row.member, row.generation.into(), row.version, row.collected];
        1 + numbers.map(integer).iter().sum::<usize>()
    });
    versions.truncate(fitting(sizes, bytes.saturating_sub(MESSAGE_HEAD)));
}

/// The number of things of these sizes, from the first on, for which there is room.
fn fitting(sizes: impl Iterator<Item = usize>, mut room: usize) -> usize {
    let fitting = sizes.take_while(|size| {
        let fits = *size <= room;
        room = room.saturating_sub(*size);
        fits
    });
    fitting.count()
}

fn integer(value: u64) -> usize {
    match value {
        ..0x80 => 1,
        0x80..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    }
}

fn text(text: &str) -> usize {
    match text.len() {
        len @ ..32 => 1 + len,
        len @ 32..0x100 => 2 + len,
        len => 3 + len,
    }
}

/// The remaining time to live in milliseconds, rounded up; 0 without one.
fn left_ms(entry: &DeltaEntry<'_>) -> u32 {
    entry.left.map_or(0, |left| left.as_micros().div_ceil(1000).max(1) as u32)
}

impl<'a> Message<'a> {
    /// The bytes of this message, followed by zeros up to `padded` bytes.
    pub(super) fn encode(&self, padded: usize) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.kind()];
        match self {
            Self::Digest { digest, .. } => {
                write_long(&mut bytes, *digest);
            }
            Self::ContentDigest { salt, digest, .. } => {
                write_long(&mut bytes, *salt);
                write_long(&mut bytes, *digest);
            }
            Self::ContentParts { salt, parts } => {
                write_long(&mut bytes, *salt);
                write(&mut bytes, &(parts.len() as u16));
                parts.iter().for_each(|part| write(&mut bytes, part));
            }
            Self::Contents { salt, contents } => {
                write_long(&mut bytes, *salt);
                write(&mut bytes, &(contents.len() as u16));
                for content in contents {
                    write(&mut bytes, &(content.member, content.generation, content.version, content.hash));
                }
            }
            Self::Parts(parts) => {
                write(&mut bytes, &(parts.len() as u16));
                parts.iter().for_each(|part| write(&mut bytes, part));
            }
            Self::Versions(versions) | Self::Request(versions) => {
                write(&mut bytes, &(versions.len() as u16));
                for row in versions {
                    write(&mut bytes, &(row.member, row.generation, row.version, row.collected));
                }
            }
            Self::News(deltas) | Self::Deltas { deltas, .. } => {
                write(&mut bytes, &(deltas.len() as u16));
                deltas.iter().for_each(|delta| write_delta(&mut bytes, delta));
            }
        }
        if bytes.len() < padded {
            bytes.resize(padded, 0);
        }
        bytes
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Digest { is_reply: false, .. } => kind::DIGEST,
            Self::Digest { is_reply: true, .. } => kind::DIGEST_REPLY,
            Self::Parts(_) => kind::PARTS,
            Self::Versions(_) => kind::VERSIONS,
            Self::Request(_) => kind::REQUEST,
            Self::News(_) => kind::NEWS,
            Self::Deltas { is_last: false, .. } => kind::DELTAS,
            Self::Deltas { is_last: true, .. } => kind::LAST_DELTAS,
            Self::ContentDigest { is_reply: false, .. } => kind::CONTENT_DIGEST,
            Self::ContentDigest { is_reply: true, .. } => kind::CONTENT_DIGEST_REPLY,
            Self::ContentParts { .. } => kind::CONTENT_PARTS,
            Self::Contents { .. } => kind::CONTENTS,
        }
    }

    /// Reads the one message in `bytes`.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, PayloadError> {
        let [version, kind, body @ ..] = bytes else { return Err(PayloadError::Truncated) };
        if *version != VERSION {
            return Err(PayloadError::Version(*version));
        }
        let mut reader = Reader::new(body);
        let message = match *kind {
            kind::DIGEST | kind::DIGEST_REPLY => {
                Self::Digest { is_reply: *kind == kind::DIGEST_REPLY, digest: reader.next()? }
            }
            kind::PARTS => Self::Parts(reader.parts()?),
            kind::VERSIONS => Self::Versions(reader.list(Reader::version_row)?),
            kind::REQUEST => Self::Request(reader.list(Reader::version_row)?),
            kind::NEWS => Self::News(reader.list(Reader::delta)?),
            kind::DELTAS | kind::LAST_DELTAS => {
                Self::Deltas { is_last: *kind == kind::LAST_DELTAS, deltas: reader.list(Reader::delta)? }
            }
            kind::CONTENT_DIGEST | kind::CONTENT_DIGEST_REPLY => Self::ContentDigest {
                is_reply: *kind == kind::CONTENT_DIGEST_REPLY,
                salt: reader.next()?,
                digest: reader.next()?,
            },
            kind::CONTENT_PARTS => Self::ContentParts { salt: reader.next()?, parts: reader.parts()? },
            kind::CONTENTS => Self::Contents { salt: reader.next()?, contents: reader.list(Reader::content)? },
            unknown => return Err(PayloadError::Kind(unknown)),
        };
        // MessagePack has many forms for one value. A comparison with the form that is written admits only that.
        let padding = bytes.strip_prefix(&message.encode(0)[..]).ok_or(PayloadError::NotCanonical)?;
        if padding.iter().any(|byte| *byte != 0) { Err(PayloadError::Trailing) } else { Ok(message) }
    }
}

fn write(bytes: &mut Vec<u8>, value: &impl Serialize) {
    rmp_serde::encode::write(bytes, value).expect("numbers and texts can be written to memory");
}

/// Always nine bytes, so that the cost is the same for all values.
fn write_long(bytes: &mut Vec<u8>, value: u64) {
    bytes.push(0xcf);
    bytes.extend(value.to_be_bytes());
}

fn write_delta(bytes: &mut Vec<u8>, delta: &Delta<'_>) {
    let count = delta.entries.len() as u16;
    write(bytes, &(delta.member, delta.generation, delta.from, delta.to, delta.collected, count));
    for entry in &delta.entries {
        write(bytes, &(entry.version, left_ms(entry), entry.key, entry.value));
    }
}

/// Reads one MessagePack value after the other. Lists grow as they are read, whatever length they claim.
struct Reader<'a> {
    input: Deserializer<ReadRefReader<'a, [u8]>>,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let mut input = Deserializer::from_read_ref(bytes);
        // A tuple of numbers and texts; skipping over deeper nonsense would cost stack.
        input.set_max_depth(3);
        Self { input }
    }

    fn next<T: Deserialize<'a>>(&mut self) -> Result<T, PayloadError> {
        T::deserialize(&mut self.input).map_err(|error| match error {
            // A slice has no other way to fail than to end.
            RmpError::InvalidMarkerRead(_) | RmpError::InvalidDataRead(_) => PayloadError::Truncated,
            _ => PayloadError::Malformed,
        })
    }

    fn list<T>(&mut self, item: fn(&mut Self) -> Result<T, PayloadError>) -> Result<Vec<T>, PayloadError> {
        let count: u16 = self.next()?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(item(self)?);
        }
        Ok(list)
    }

    fn parts(&mut self) -> Result<Vec<u32>, PayloadError> {
        let parts = self.list(Self::next::<u32>)?;
        if (1..=PART_LIMIT).contains(&parts.len()) { Ok(parts) } else { Err(PayloadError::OutOfRange) }
    }

    fn version_row(&mut self) -> Result<StateVersion, PayloadError> {
        let (member, generation, version, collected) = self.next()?;
        Ok(StateVersion { member, generation, version, collected })
    }

    fn content(&mut self) -> Result<Content, PayloadError> {
        let (member, generation, version, hash) = self.next()?;
        Ok(Content { member, generation, version, hash })
    }

    fn delta(&mut self) -> Result<Delta<'a>, PayloadError> {
        let (member, generation, from, to, collected, count): (Id, u32, u64, u64, u64, u16) = self.next()?;
        if from >= to || usize::from(count) > KEY_LIMIT * RECEIVED_FACTOR {
            return Err(PayloadError::OutOfRange);
        }
        let mut entries: Vec<DeltaEntry<'a>> = Vec::new();
        for _ in 0..count {
            let entry = self.entry()?;
            let after = entries.last().map_or(from, |last| last.version);
            if entry.version <= after || entry.version > to {
                return Err(PayloadError::OutOfRange);
            }
            entries.push(entry);
        }
        Ok(Delta { member, generation, from, to, collected, entries })
    }

    fn entry(&mut self) -> Result<DeltaEntry<'a>, PayloadError> {
        let (version, left, key, value): (u64, u32, &str, Option<&str>) = self.next()?;
        check_key(key)?;
        value.map_or(Ok(()), check_value)?;
        let left = (left > 0).then(|| Span::from_millis(left.into()));
        if left > Some(LONGEST_TTL) {
            return Err(PayloadError::OutOfRange);
        }
        Ok(DeltaEntry { version, left, key, value })
    }
}
