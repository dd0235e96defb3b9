//! Closed forms of SWIM and of heartbeats: messages, detection times, false deaths. docs/detectors.md spells them out.

/// Messages per member and period in a group without events; `None` for a detector without a closed form.
pub(super) fn messages(detector: &str, n: f64) -> Option<f64> {
    match detector {
        "swim" | "swim-basic" => Some(2.0),
        "all-to-all" | "majority" => Some(n - 1.0),
        _ => None,
    }
}

/// The expected time from a crash to a declaration, in periods, and its formula.
pub(super) struct Delay {
    /// The measure, with its unit.
    pub measure: &'static str,
    /// The measure's column.
    pub column: &'static str,
    /// The mean, in periods.
    pub periods: f64,
    /// The formula.
    pub says: &'static str,
}

/// The expected delay of a detector in a group of `n`; heartbeats have a timeout of this many periods. `None` for a detector
/// without a closed form.
pub(super) fn delay(detector: &str, n: f64, timeout: f64) -> Option<Delay> {
    // From the last heartbeat to the crash it is half a period; all members receive the same heartbeats.
    let silence = timeout - 0.5;
    match detector {
        "all-to-all" => Some(Delay {
            measure: "periods until all are informed, mean",
            column: "informed_100_s",
            periods: silence,
            says: "timeout - 1/2",
        }),
        "majority" => Some(Delay {
            measure: "periods until all are informed, mean",
            column: "informed_100_s",
            // Each survivor sends its vote at a random time in the next period.
            periods: silence + ((n / 2.0).floor() + 1.0) / n,
            says: "timeout - 1/2 + m/n, m being the majority: when the m-th of n-1 survivors has sent its vote",
        }),
        "swim" => Some(Delay {
            measure: "periods to the first declaration, mean",
            column: "first_declaration_s",
            periods: first_ping(n) + 1.0 + 4.0 * libm::log10(n + 1.0).max(1.0),
            says: "the first ping, one period, and a suspicion of 4 max(1, log10(n+1))",
        }),
        _ => None,
    }
}

/// Mean periods from a crash to the first ping, with N = n-1 survivors in random phases that each draw one of N per
/// period.
fn first_ping(n: f64) -> f64 {
    let others = n - 1.0;
    let missed = 1.0 - 1.0 / others;
    // The probability of no ping after the share u of the first period is (1 - u/N)^N; each further period multiplies
    // it by (1-1/N)^N.
    others / (others + 1.0) * (1.0 - libm::pow(missed, others + 1.0)) / (1.0 - libm::pow(missed, others))
}

/// False deaths per member and period of all-to-all heartbeats with a timeout of four and a half periods, on links that
/// lose this share of packets: one heartbeat is heard, the next four are lost. A member that is received again can be
/// declared dead again.
pub(super) fn false_heartbeat_deaths(n: f64, loss: f64) -> f64 {
    (n - 1.0) * (1.0 - loss) * libm::pow(loss, 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ping_has_the_times_of_a_monte_carlo_simulation() {
        assert!((first_ping(8.0) - 0.94).abs() < 0.01 && (first_ping(128.0) - 1.002).abs() < 0.01);
    }

    #[test]
    fn a_majority_of_three_needs_one_vote_of_another_member() {
        let majority = delay("majority", 3.0, 5.0).unwrap();
        assert!((majority.periods - (4.5 + 2.0 / 3.0)).abs() < 1e-12);
    }
}
