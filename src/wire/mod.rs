//! The wire format: packets as bytes, their exact sizes, and their encryption.
//!
//! [`encode`] writes a packet and [`decode`] reads one: an envelope of four bytes, then MessagePack values. Each packet
//! has exactly one encoding, and [`decode`] refuses all other bytes with a [`DecodeError`]: input from the network is
//! not trusted. On a stream each packet follows its length ([`frame`], [`frame_len`]). The simulator needs the size of
//! every packet and the bytes of none: [`PlainSizer`] computes sizes without encoding.
//!
//! ```
//! use swimlab::protocol::{Body, Incarnation, Packet, PeerView};
//! use swimlab::wire::{VERSION, decode, encode, encoded_len};
//!
//! let ping = Packet {
//!     from: 0xa11ce,
//!     incarnation: Incarnation::of_generation(1),
//!     peer_view: PeerView::Unknown,
//!     body: Body::Ping { seq: 7 },
//!     updates: vec![].into(),
//!     coordinate: None,
//! };
//! let mut bytes = Vec::new();
//! encode(&ping, &mut bytes)?;
//! assert_eq!((bytes[0], bytes.len()), (VERSION, 13));
//! assert_eq!(encoded_len(&ping), 13);
//! assert_eq!(decode(&bytes)?, ping);
//!
//! bytes.push(0);
//! assert_eq!(decode(&bytes).unwrap_err().to_string(), "1 bytes follow the packet");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the feature `seal`, `Seal` encodes and encrypts for clusters that share a key, with XChaCha20-Poly1305. It
//! opens each packet once, and only within a tolerance around the time at which it was sealed, so that a recorded
//! packet cannot be sent again:
//!
//! ```
//! # #[cfg(feature = "seal")] {
//! # use swimlab::protocol::{Body, Incarnation, Packet, PeerView};
//! # let (from, incarnation) = (0xa11ce, Incarnation::of_generation(1));
//! # let (peer_view, body) = (PeerView::Unknown, Body::Ping { seq: 7 });
//! # let ping = Packet { from, incarnation, peer_view, body, updates: vec![].into(), coordinate: None };
//! use std::time::SystemTime;
//!
//! use swimlab::wire::{Keyring, OpenError, SEAL_OVERHEAD, Seal};
//!
//! let keyring = Keyring::parse("L8KCyvSWuKWmVGmLxXtLUPoKcKgBZ06r0jSCdQR0KJA=")?;
//! let mut sender = Seal::new(keyring.clone(), "production")?;
//! let mut receiver = Seal::new(keyring, "production")?;
//!
//! let now = SystemTime::now();
//! let mut sealed = Vec::new();
//! sender.encode(now, &ping, &mut sealed)?;
//! assert_eq!(sealed.len(), 13 + SEAL_OVERHEAD);
//!
//! let mut replay = sealed.clone();
//! assert_eq!(receiver.decode(now, &mut sealed)?, ping);
//! assert_eq!(receiver.decode(now, &mut replay), Err(OpenError::Replayed));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The page docs/wire.md of the repository describes every byte, the limits, and how versions change; docs/security.md
//! describes the attacks that sealing prevents.

mod decode;
mod encode;
mod error;
mod frame;
#[cfg(feature = "seal")]
mod keyring;
mod label;
mod layout;
#[cfg(test)]
mod limit_table;
mod limits;
#[cfg(feature = "seal")]
mod replay;
#[cfg(feature = "seal")]
mod seal;
mod size;
#[cfg(test)]
mod tests;
mod valid;

pub use decode::decode;
pub use encode::encode;
#[cfg(feature = "seal")]
pub use error::OpenError;
pub use error::{DecodeError, Invalid, Part};
pub use frame::{frame, frame_len};
#[cfg(feature = "seal")]
pub use keyring::{Exposed, Key, KeyFault, KeyFileError, KeyFileFault, KeyId, Keyring, KeyringError};
pub use label::{LABEL_OVERHEAD, Label, LabelSizer};
#[cfg(feature = "seal")]
pub use layout::SEAL_VERSION;
pub use layout::{LABEL_VERSION, VERSION};
#[cfg(test)]
pub(crate) use limit_table::stated_limits;
pub use limits::{FRAME_LIMIT, FRAME_PREFIX, Limited, RECORD_LIMIT, UPDATE_LIMIT};
#[cfg(feature = "seal")]
pub use seal::{SEAL_OVERHEAD, SEALED_PREFIX, Seal, SealedSizer};
pub(crate) use size::uint32_len;
pub use size::{PlainSizer, encoded_len};
