//! `go-swim`: Michael Phan-Ba's simulator of 2015, with its defaults. Its selectors are `shuffle` (one
//! bucket) and `bucket` over the metrics `finger`, `ring` and `xor`.
//!
//! Suspicion grows in steps: 5 x max(1, floor(log2ceil(n+1)/3)) periods. Its bugs are not carried over; see
//! docs/architecture.md.

use super::profile::Profile;
use crate::protocol::config::{Config, DefaultStrategies};

pub(super) const PROFILE: Profile = Profile {
    name: "go-swim",
    about: "go-swim's defaults: batched ping requests, a 300 ms timeout, 512-byte packets, suspicion in steps.",
    values: &[
        "period=1s,probe_timeout=300ms,indirect=3,prober=batched,packet_bytes=512",
        "suspicion=fixed,suspicion_mult=5,suspicion_scale=go-swim,dissemination=piggyback,retransmit_mult=4",
    ],
    defaults: DefaultStrategies::selector("bucket:buckets=8,metric=ring"),
};

impl Config {
    /// go-swim (2015) with its defaults.
    pub fn go_swim() -> Self {
        PROFILE.config()
    }
}
