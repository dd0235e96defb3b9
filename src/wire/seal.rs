//! Encryption and authentication of packets, with replay protection.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chacha20poly1305::{Tag, XNonce};

use super::decode::decode;
use super::error::{Invalid, OpenError};
use super::frame::frame_len;
use super::keyring::Keyring;
use super::layout::SEAL_VERSION;
use super::limits::{FRAME_PREFIX, Limited};
use super::replay::{PacketId, ReplayWindow};
use super::size::{PlainSizer, encoded_len};
use super::{encode, valid};
use crate::protocol::{Packet, Sizer, Update};

/// The number of bytes that a seal adds to a packet.
pub const SEAL_OVERHEAD: usize = HEADER + TAG;

/// Bytes before each sealed packet on a stream: its length, sealed.
pub const SEALED_PREFIX: usize = FRAME_PREFIX + SEAL_OVERHEAD;

/// One member's means to seal its own packets and to open those of others.
///
/// The `now` of each call must be the time of day.
#[derive(Debug)]
pub struct Seal {
    keyring: Keyring,
    label: Arc<[u8]>,
    tolerance: u64,
    /// The id given last.
    last: PacketId,
    window: ReplayWindow,
    /// Microseconds by which the stamp of the packet opened last was ahead of the clock.
    ahead: i64,
}

/// The sizes of packets that [`Seal::encode`] writes, to the byte. The prefix on a stream is not counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct SealedSizer;

impl Seal {
    /// The default for the longest time that a packet may be under way, plus the difference between two members'
    /// clocks.
    pub const TOLERANCE: Duration = Duration::from_secs(30);

    /// A seal for one member of the cluster with this label. Clusters with the same key and different labels refuse
    /// each other's packets.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn new(keyring: Keyring, label: &str) -> io::Result<Self> {
        let salt = getrandom::u64().map_err(io::Error::other)?;
        Ok(Self::with_salt(keyring, label, salt))
    }

    /// Sets the tolerance, [`Seal::TOLERANCE`] by default.
    pub fn with_tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance: micros(tolerance), ..self }
    }

    /// Appends a packet, encoded and sealed. A packet that no reader would accept is refused, and `out` is left as it
    /// was.
    pub fn encode(&mut self, now: SystemTime, packet: &Packet, out: &mut Vec<u8>) -> Result<(), Invalid> {
        valid::packet(packet)?;
        self.wrap(now, out, |out| encode::append(packet, out));
        Ok(())
    }

    /// Opens and reads a packet. The bytes are decrypted where they are.
    pub fn decode(&mut self, now: SystemTime, bytes: &mut [u8]) -> Result<Packet, OpenError> {
        decode(self.open(now, bytes)?).map_err(OpenError::Packet)
    }

    /// Appends a packet for a stream: its length, sealed, then itself, sealed.
    pub fn frame(&mut self, now: SystemTime, packet: &Packet, out: &mut Vec<u8>) -> Result<(), Invalid> {
        valid::packet(packet)?;
        let len = encoded_len(packet);
        Limited::Frame.check(len as usize)?;
        self.seal(now, &len.to_be_bytes(), out);
        self.wrap(now, out, |out| encode::append(packet, out));
        Ok(())
    }

    /// The number of bytes to read after this prefix and to pass to [`Seal::decode`]. Authenticated, unlike
    /// [`frame_len`](super::frame_len).
    pub fn frame_len(&mut self, now: SystemTime, prefix: &mut [u8; SEALED_PREFIX]) -> Result<usize, OpenError> {
        let plain = self.open(now, prefix)?;
        let plain = plain.try_into().expect("what remains without the overhead");
        Ok(frame_len(plain).map_err(OpenError::Packet)? + SEAL_OVERHEAD)
    }

    /// Appends any bytes, sealed.
    pub fn seal(&mut self, now: SystemTime, plain: &[u8], out: &mut Vec<u8>) {
        self.wrap(now, out, |out| out.extend_from_slice(plain));
    }

    /// Opens what [`Seal::seal`] wrote, once. The bytes are decrypted where they are; those that are refused stay as
    /// they are.
    pub fn open<'a>(&mut self, now: SystemTime, bytes: &'a mut [u8]) -> Result<&'a [u8], OpenError> {
        let len = bytes.len();
        let Some((header, rest)) = bytes.split_first_chunk_mut::<HEADER>() else { return Err(OpenError::Short(len)) };
        let Some((body, tag)) = rest.split_last_chunk_mut::<TAG>() else { return Err(OpenError::Short(len)) };
        let id = PacketId::read(header).ok_or(OpenError::NotSealed(header[0]))?;
        let now = since_1970(now);
        // Cheap questions first: a flood of old packets costs no cryptography. They are asked of what is not proven
        // yet, but the header is part of what the tag proves.
        self.window.check(id, now, self.tolerance)?;
        let (nonce, tag) = (nonce(header), Tag::from(*tag));
        let opened = self.keyring.keys().iter().any(|key| key.open(&nonce, &self.label, body, &tag));
        if !opened {
            return Err(OpenError::Forged);
        }
        self.window.insert(id, now, self.tolerance);
        self.ahead = id.stamp as i64 - now as i64;
        Ok(body)
    }

    /// The keys.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The keys, mutably.
    pub fn keyring_mut(&mut self) -> &mut Keyring {
        &mut self.keyring
    }

    /// The number of packets remembered for replay protection.
    pub fn remembered(&self) -> usize {
        self.window.len()
    }

    /// Microseconds by which the stamp of the packet opened last was ahead of the clock: the difference between the
    /// clocks of its sender and of this member, less the time that it was under way. After a clock was set back by less
    /// than half of the tolerance, its stamps stay ahead until it has caught up.
    pub fn sender_ahead_us(&self) -> i64 {
        self.ahead
    }

    pub(super) fn with_salt(keyring: Keyring, label: &str, salt: u64) -> Self {
        let last = PacketId { stamp: 0, salt };
        let tolerance = micros(Self::TOLERANCE);
        Self { keyring, label: label.as_bytes().into(), tolerance, last, window: ReplayWindow::default(), ahead: 0 }
    }

    fn wrap(&mut self, now: SystemTime, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let header = self.next_id(since_1970(now)).header();
        out.extend_from_slice(&header);
        let body = out.len();
        write(out);
        let tag = self.keyring.primary().seal(&nonce(&header), &self.label, &mut out[body..]);
        out.extend_from_slice(&tag);
    }

    /// An id that was never given before: nonces must not repeat.
    fn next_id(&mut self, now: u64) -> PacketId {
        let PacketId { stamp, salt } = self.last;
        self.last = if stamp > now.saturating_add(self.tolerance / 2) {
            // The clock was set back. To go on counting from where it was would look like the future to others; to
            // count the same time again takes another salt.
            PacketId { stamp: now, salt: salt.wrapping_add(1) }
        } else {
            PacketId { stamp: now.max(stamp + 1), salt }
        };
        self.last
    }
}

/// Version, stamp, salt.
const HEADER: usize = 16;
const TAG: usize = 16;

/// The stamp's bytes are what the version leaves of eight: enough for the next two thousand years.
const STAMP_LIMIT: u64 = (1 << 56) - 1;

impl PacketId {
    fn header(self) -> [u8; HEADER] {
        let stamp = u64::from(SEAL_VERSION) << 56 | self.stamp.min(STAMP_LIMIT);
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&stamp.to_be_bytes());
        header[8..].copy_from_slice(&self.salt.to_be_bytes());
        header
    }

    fn read(header: &[u8; HEADER]) -> Option<Self> {
        let whole = u128::from_be_bytes(*header);
        let (high, salt) = ((whole >> 64) as u64, whole as u64);
        (header[0] == SEAL_VERSION).then_some(Self { stamp: high & STAMP_LIMIT, salt })
    }
}

/// The header is the nonce. XChaCha20 turns its first 16 bytes into a key of the packet's own; the rest may be zero.
fn nonce(header: &[u8; HEADER]) -> XNonce {
    let mut nonce = XNonce::default();
    nonce[..HEADER].copy_from_slice(header);
    nonce
}

fn since_1970(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).map_or(0, micros).min(STAMP_LIMIT)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

impl Sizer for SealedSizer {
    #[inline]
    fn bare(&self, packet: &Packet) -> u32 {
        SEAL_OVERHEAD as u32 + PlainSizer.bare(packet)
    }

    #[inline]
    fn update(&self, update: &Update) -> u32 {
        PlainSizer.update(update)
    }
}
