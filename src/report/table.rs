//! A table per topology, for people.

use crate::experiment::results::Results;

/// The tables and what explains them, for a terminal of this width in columns.
pub fn render(_results: &Results, _width: u16, _colour: bool) -> String {
    todo!()
}
