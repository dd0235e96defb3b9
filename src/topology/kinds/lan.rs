//! `lan`: one site, all members equally far from each other.

use swimlab_selectors::{Param, Params, Registry};

use crate::topology::data::SAME_ZONE_MS;
use crate::topology::jitter::{Jitter, Tail};
use crate::topology::latency::Latency;
use crate::topology::model::{Topology, TopologyContext};
use crate::topology::site_map::{Site, SiteMap};
use crate::topology::units::whole_us;

/// Longer delays than a minute are of no use to any detector, and keep sums far from the end of `u32`.
const LONGEST_MS: f64 = 60_000.0;

pub(super) fn register(registry: &mut Registry<Topology, TopologyContext>) {
    let about = "One site with the same delay between all members, with or without jitter.";
    registry.register("lan", about, params(), build);
}

fn params() -> Vec<Param> {
    vec![
        Param::real("delay_ms", 0.001, LONGEST_MS, SAME_ZONE_MS / 2.0, "mean one-way delay of a packet").unit("ms"),
        Param::choice(
            "jitter",
            &["none", "uniform", "normal", "exponential"],
            "uniform",
            "distribution of the random delay; exponential: what delay_ms has above min_ms",
        ),
        Param::real(
            "spread_ms",
            0.0,
            LONGEST_MS,
            0.02,
            "uniform: maximum deviation to either side; normal: standard deviation",
        )
        .unit("ms"),
        Param::real("min_ms", 0.001, LONGEST_MS, 0.001, "minimum delay").unit("ms"),
    ]
}

fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    let (delay_ms, spread_ms, min_ms) = (params.real("delay_ms")?, params.real("spread_ms")?, params.real("min_ms")?);
    if min_ms > delay_ms {
        return Err(format!("min_ms ({min_ms}) must not be more than delay_ms ({delay_ms})"));
    }
    let min_us = whole_us(1e3 * min_ms);
    let (jitter, law) = match params.text("jitter")? {
        "uniform" if spread_ms > delay_ms => {
            return Err(format!("spread_ms ({spread_ms}) must not be more than delay_ms ({delay_ms}) when uniform"));
        }
        "uniform" => {
            let spread_us = (1e3 * spread_ms).round() as u32;
            let law = format!("uniform {} to {} ms", ms(delay_ms - spread_ms).max(min_ms), ms(delay_ms + spread_ms));
            (Jitter::Uniform { spread_us, min_us }, law)
        }
        "normal" => {
            let law = format!("normal, {delay_ms} ms with standard deviation {spread_ms} ms, at least {min_ms} ms");
            (Jitter::Normal { deviation_us: 1e3 * spread_ms, min_us }, law)
        }
        "exponential" if min_ms < delay_ms => {
            let tail = Tail::above(min_us, (1e3 * (delay_ms - min_ms)) as f32);
            (
                Jitter::Tails { sites: 1, pairs: [tail].into() },
                format!("{min_ms} ms and exponential {} ms", ms(delay_ms - min_ms)),
            )
        }
        _ => (Jitter::None, format!("{delay_ms} ms")),
    };
    let site = Site::new("lan");
    let site_map = SiteMap::assemble(vec![site], Latency::Constant(whole_us(1e3 * delay_ms))).jittered(jitter);
    Ok(Topology::new(format!("local network, one way {law}"), site_map))
}

/// To the microsecond, so that a sum does not show its binary digits.
fn ms(delay: f64) -> f64 {
    (1e3 * delay).round() / 1e3
}
