//! Keys, the ring that holds them, and the files that they come from.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

/// A secret shared by all members of a cluster; a process that has it can be a member. Clones share one place in
/// memory, which is overwritten when the last of them is dropped.
#[derive(Clone)]
pub struct Key(Arc<Secret>);

struct Secret {
    cipher: XChaCha20Poly1305,
    id: KeyId,
}

/// Identifier of a key, which reveals nothing else about it. Its text is 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(u64);

/// The keys that a member knows: each of them opens, the primary one seals.
///
/// To change the key of a running cluster, install the new key everywhere, then use it everywhere, then remove the old
/// one everywhere. After each step all members understand each other, in whatever order they take it.
#[derive(Clone, Debug)]
pub struct Keyring {
    /// Never empty; the first is the primary one.
    keys: Vec<Key>,
}

/// Reason why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFault {
    /// Neither base64 nor hexadecimal.
    NotText,
    /// A number of bytes other than [`Key::LEN`].
    Length(usize),
}

/// Reason why a change of a keyring is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyringError {
    /// It holds [`Keyring::LIMIT`] keys already.
    Full,
    /// It holds no such key.
    Unknown(KeyId),
    /// The primary key cannot be removed: use another one first.
    Primary(KeyId),
}

/// A key file that cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub struct KeyFileError {
    /// The file.
    pub path: PathBuf,
    /// The reason.
    pub fault: KeyFileFault,
}

/// Reason why a key file cannot be used. Lines count from 1.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyFileFault {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is longer than any file of keys: [`Keyring::FILE_LIMIT`].
    TooLong,
    /// It holds no key.
    Empty,
    /// This line is not a key.
    Malformed {
        /// The line.
        line: usize,
        /// The reason.
        fault: KeyFault,
    },
    /// This line repeats the key of an earlier one.
    Duplicate {
        /// The later line.
        line: usize,
        /// The earlier one.
        of: usize,
    },
    /// It holds more keys than [`Keyring::LIMIT`].
    TooMany {
        /// The line of the first key beyond the limit.
        line: usize,
    },
}

/// A warning: other users than its owner can read or write a key file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exposed {
    /// The file.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
}

impl Key {
    /// The bytes of a key.
    pub const LEN: usize = 32;

    /// A key of these bytes. They should come from a source of randomness, not from a person.
    pub fn new(bytes: &[u8; Self::LEN]) -> Self {
        let cipher = XChaCha20Poly1305::new(bytes.into());
        // A tag under a nonce that no packet has, because a packet's nonce begins with its version.
        let tag = cipher.encrypt_inout_detached(&XNonce::default(), b"swimlab key id", (&mut [][..]).into());
        let (id, _) = tag.as_ref().expect("no bytes are not too many").split_first_chunk().expect("16 bytes");
        Self(Arc::new(Secret { cipher, id: KeyId(u64::from_be_bytes(*id)) }))
    }

    /// A new random key as text, for a key file.
    pub fn random_text() -> io::Result<Zeroizing<String>> {
        let mut bytes = Zeroizing::new([0; Self::LEN]);
        getrandom::fill(&mut *bytes).map_err(io::Error::other)?;
        Ok(Zeroizing::new(BASE64.encode(&*bytes)))
    }

    /// The key's identifier.
    pub fn id(&self) -> KeyId {
        self.0.id
    }

    /// Encrypts in place.
    pub(super) fn seal(&self, nonce: &XNonce, label: &[u8], bytes: &mut [u8]) -> Tag {
        self.0.cipher.encrypt_inout_detached(nonce, label, bytes.into()).expect("far below the cipher's 256 GiB")
    }

    /// Decrypts in place if every byte is as it was sealed; else leaves them as they are.
    pub(super) fn open(&self, nonce: &XNonce, label: &[u8], bytes: &mut [u8], tag: &Tag) -> bool {
        self.0.cipher.decrypt_inout_detached(nonce, label, bytes.into(), tag).is_ok()
    }
}

impl Keyring {
    /// The most keys. A forged packet costs as many attempts to open it; a rotation needs two.
    pub const LIMIT: usize = 4;

    /// The longest key file, in bytes: leaves room for comments.
    pub const FILE_LIMIT: u64 = 1 << 16;

    /// A ring with one key.
    pub fn new(primary: Key) -> Self {
        Self { keys: vec![primary] }
    }

    /// Reads a file: one key per line, base64 or hexadecimal, the first is the primary one. Empty lines and lines that
    /// begin with `#` do not count.
    pub fn read(path: impl AsRef<Path>) -> Result<(Self, Option<Exposed>), KeyFileError> {
        let path = path.as_ref();
        let read = || {
            let file = File::open(path)?;
            let exposed = exposed(path, &file)?;
            // Room for all of it: a string that grows leaves copies behind.
            let mut text = Zeroizing::new(String::with_capacity(Self::FILE_LIMIT as usize + 64));
            file.take(Self::FILE_LIMIT + 1).read_to_string(&mut text)?;
            Ok((text, exposed))
        };
        let fail = |fault| KeyFileError { path: path.into(), fault };
        let (text, exposed) = read().map_err(|error| fail(KeyFileFault::Unreadable(error)))?;
        Ok((Self::parse(&text).map_err(fail)?, exposed))
    }

    /// Reads the text of a key file.
    pub fn parse(text: &str) -> Result<Self, KeyFileFault> {
        if text.len() as u64 > Self::FILE_LIMIT {
            return Err(KeyFileFault::TooLong);
        }
        let mut keys: Vec<Key> = Vec::new();
        let mut lines = Vec::new();
        for (line, text) in (1..).zip(text.lines().map(str::trim)) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let key: Key = text.parse().map_err(|fault| KeyFileFault::Malformed { line, fault })?;
            if let Some(at) = keys.iter().position(|earlier| *earlier == key) {
                return Err(KeyFileFault::Duplicate { line, of: lines[at] });
            }
            if keys.len() == Self::LIMIT {
                return Err(KeyFileFault::TooMany { line });
            }
            keys.push(key);
            lines.push(line);
        }
        if keys.is_empty() { Err(KeyFileFault::Empty) } else { Ok(Self { keys }) }
    }

    /// The key that seals.
    pub fn primary(&self) -> &Key {
        &self.keys[0]
    }

    /// The identifiers of all keys, the primary one first.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = KeyId> {
        self.keys.iter().map(Key::id)
    }

    /// Adds a key that opens. Adding it a second time changes nothing.
    pub fn install(&mut self, key: Key) -> Result<(), KeyringError> {
        if self.keys.contains(&key) {
            return Ok(());
        }
        if self.keys.len() == Self::LIMIT {
            return Err(KeyringError::Full);
        }
        self.keys.push(key);
        Ok(())
    }

    /// Makes an installed key the primary one.
    pub fn promote(&mut self, id: KeyId) -> Result<(), KeyringError> {
        let at = self.position(id)?;
        self.keys[..=at].rotate_right(1);
        Ok(())
    }

    /// Removes a key.
    pub fn remove(&mut self, id: KeyId) -> Result<(), KeyringError> {
        match self.position(id)? {
            0 => Err(KeyringError::Primary(id)),
            at => {
                self.keys.remove(at);
                Ok(())
            }
        }
    }

    /// All keys, the primary one first.
    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn position(&self, id: KeyId) -> Result<usize, KeyringError> {
        self.keys.iter().position(|key| key.id() == id).ok_or(KeyringError::Unknown(id))
    }
}

#[cfg(unix)]
fn exposed(path: &Path, file: &File) -> io::Result<Option<Exposed>> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    Ok((mode & 0o077 != 0).then(|| Exposed { path: path.into(), mode }))
}

#[cfg(not(unix))]
fn exposed(_: &Path, _: &File) -> io::Result<Option<Exposed>> {
    Ok(None)
}

impl FromStr for Key {
    type Err = KeyFault;

    /// Hexadecimal if there are no other characters than for that, else base64: its padding tells that a key is not
    /// hexadecimal.
    fn from_str(text: &str) -> Result<Self, KeyFault> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let encoding = if is_hex { HEXLOWER_PERMISSIVE } else { BASE64 };
        let bytes = Zeroizing::new(encoding.decode(text.as_bytes()).map_err(|_| KeyFault::NotText)?);
        let bytes = bytes.as_slice().try_into().map_err(|_| KeyFault::Length(bytes.len()))?;
        Ok(Self::new(bytes))
    }
}

impl FromStr for KeyId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

impl PartialEq for Key {
    /// Compares identifiers, not secrets.
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Error for KeyFault {}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText => write!(f, "neither base64 nor hexadecimal of {} bytes", Key::LEN),
            Self::Length(len) => write!(f, "{len} bytes, but a key has {}", Key::LEN),
        }
    }
}

impl Error for KeyringError {}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(f, "{} keys are installed, and that is the most", Keyring::LIMIT),
            Self::Unknown(id) => write!(f, "no key {id} is installed"),
            Self::Primary(id) => write!(f, "key {id} is in use: use another one before it is removed"),
        }
    }
}

impl Error for KeyFileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.source()
    }
}

impl Error for KeyFileFault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable(error) => Some(error),
            Self::Malformed { fault, .. } => Some(fault),
            Self::TooLong | Self::Empty | Self::Duplicate { .. } | Self::TooMany { .. } => None,
        }
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key file {}: {}", self.path.display(), self.fault)
    }
}

impl fmt::Display for KeyFileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
            Self::TooLong => write!(f, "longer than {} bytes", Keyring::FILE_LIMIT),
            Self::Empty => f.write_str("holds no key"),
            Self::Malformed { line, fault } => write!(f, "line {line}: {fault}"),
            Self::Duplicate { line, of } => write!(f, "line {line}: the same key as in line {of}"),
            Self::TooMany { line } => write!(f, "line {line}: more than {} keys", Keyring::LIMIT),
        }
    }
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(
            f,
            "key file {path}: mode {:03o} gives access to other users than its owner; chmod 600 {path}",
            self.mode
        )
    }
}
