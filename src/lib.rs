//! swimlab: a laboratory for SWIM.
