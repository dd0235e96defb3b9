//! Tests of one member and of pairs.
