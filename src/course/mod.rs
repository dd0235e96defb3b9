//! The course: experiments on which one sees SWIM and its variants work, one idea at a time.
//!
//! `docs/course/` of the repository has the chapters; [`scenes()`] are the experiments that they open.

pub mod scenes;

pub use scenes::scenes;
