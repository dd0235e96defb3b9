//! The course: experiments on which one sees SWIM and its variants work, one idea at a time, and challenges for selectors
//! that students write.
//!
//! `docs/course/` of the repository has the chapters; [`scenes()`] are the experiments that they open. [`challenges`] judges
//! selectors.

pub mod challenges;
pub mod scenes;

pub use scenes::scenes;
