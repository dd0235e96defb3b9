//! The boundary between swimlab's worlds and the page that shows them.
//!
//! The page calls one function with a [`Request`] as JSON and reads a response, JSON too; packets and events come beside it
//! as 32-bit words (see [`recording`]). [`Session`] answers requests: it opens the trial of a link, records the whole trial
//! in each of its cells, looks into members at any time of it, and measures further trials. A fault made by hand is a
//! longer link: the trial is recorded anew and, as a trial depends on nothing but its link, is the same as before up to the
//! time of the fault. There is no other state, so going back in time needs none.
//!
//! `exports` is what the WebAssembly module shows to JavaScript.

#[cfg(target_family = "wasm")]
mod exports;
mod member_view;
pub mod recording;
mod request;
mod session;
mod world_view;

pub use request::Request;
pub use session::Session;
