#![doc = include_str!("../../docs/wire.md")]

mod decode;
mod encode;
mod frame;
#[cfg(feature = "seal")]
mod keyring;
mod layout;
#[cfg(feature = "seal")]
mod replay;
#[cfg(feature = "seal")]
mod seal;
mod size;
#[cfg(test)]
mod tests;
mod valid;

pub use decode::{DecodeError, Part, decode};
pub use encode::encode;
pub use frame::{FRAME_LIMIT, FRAME_PREFIX, frame, frame_len};
#[cfg(feature = "seal")]
pub use keyring::{Exposed, Key, KeyFault, KeyFileError, KeyFileFault, KeyId, Keyring, KeyringError};
#[cfg(feature = "seal")]
pub use seal::{OpenError, SEAL_OVERHEAD, SEAL_VERSION, SEALED_PREFIX, Seal, SealedSizer};
pub(crate) use size::uint32_len;
pub use size::{PlainSizer, encoded_len};
pub use valid::{Invalid, Limited, RECORD_LIMIT, UPDATE_LIMIT};

/// The version that this build writes, and the only one that it reads: the first byte of every packet.
pub const VERSION: u8 = 1;
