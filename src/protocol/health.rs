//! Local health: how far a member trusts its own judgment (Lifeguard, section IV-A).
//!
//! A slow member receives acks late and wrongly accuses its peers. It therefore keeps a score of signs that it is the
//! slow one, and stretches its timeouts and periods to (score + 1) times their length.

use super::config_error::ConfigError;

/// Parameters of the local health multiplier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalHealth {
    /// S: the highest score. Timeouts and periods are at most `limit` + 1 times as long. 8 in the paper, 7 in
    /// memberlist; with 0 the score never rises. At most 100.
    pub limit: u32,
    /// Points for a failed probe. The paper counts one for the probe and one per missing nack, memberlist only the
    /// missing nacks, or one point if no helper could be asked.
    pub scoring: LifeguardVariant,
    /// Intervals that the score stretches. In the paper every period and every probe timeout; in memberlist only
    /// periods whose pings stay unanswered, since its probe loop follows a ticker of the configured period and an ack
    /// ends a round.
    pub pacing: LifeguardVariant,
}

/// Source of a Lifeguard detail: the paper and its authors' implementation differ in some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LifeguardVariant {
    /// As published (Dadgar, Phillips, Currey: "Lifeguard: Local Health Awareness for More Accurate Failure Detection",
    /// DSN 2018).
    Paper,
    /// As implemented in HashiCorp's memberlist.
    Memberlist,
}

/// A member's health score; 0 is perfect health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct HealthScore(u16);

impl LocalHealth {
    /// The paper's parameters: S = 8, its scoring and pacing.
    pub const PAPER: Self = Self { limit: 8, scoring: LifeguardVariant::Paper, pacing: LifeguardVariant::Paper };

    /// memberlist's parameters: scores up to 7, its scoring and pacing.
    pub const MEMBERLIST: Self =
        Self { limit: 7, scoring: LifeguardVariant::Memberlist, pacing: LifeguardVariant::Memberlist };

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::check(self.limit <= 100, "health_limit", self.limit, "at most 100")
    }
}

impl HealthScore {
    /// The score: 0 is perfect health.
    pub(super) fn score(self) -> u16 {
        self.0
    }

    /// Factor for periods and timeouts, at least 1.
    pub(super) fn slowdown(self) -> u64 {
        u64::from(self.0) + 1
    }

    /// Takes a point off after a period in which all targets answered.
    pub(super) fn probe_answered(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }

    /// Adds points after a period in which a target stayed silent and `received` of `expected` helper answers came.
    pub(super) fn probe_failed(&mut self, rules: &LocalHealth, expected: u16, received: u16) {
        let missed = u32::from(expected.saturating_sub(received));
        let points = match rules.scoring {
            LifeguardVariant::Paper => 1 + missed,
            LifeguardVariant::Memberlist if expected == 0 => 1,
            LifeguardVariant::Memberlist => missed,
        };
        self.add(points, rules.limit);
    }

    /// Adds a point after a peer wrongly suspected this member.
    pub(super) fn was_suspected(&mut self, rules: &LocalHealth) {
        self.add(1, rules.limit);
    }

    fn add(&mut self, points: u32, limit: u32) {
        self.0 = u16::try_from((u32::from(self.0) + points).min(limit)).unwrap_or(u16::MAX);
    }
}

impl LifeguardVariant {
    /// Names in experiment files.
    pub const NAMES: &'static [&'static str] = &["paper", "memberlist"];

    /// The variant of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "paper" => Some(Self::Paper),
            "memberlist" => Some(Self::Memberlist),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_counts_the_failed_probe_and_each_missing_nack_memberlist_only_the_nacks() {
        for (scoring, expected, received, slowdown) in [
            (LifeguardVariant::Paper, 3, 3, 2),
            (LifeguardVariant::Paper, 3, 1, 4),
            (LifeguardVariant::Paper, 0, 0, 2),
            (LifeguardVariant::Memberlist, 3, 3, 1),
            (LifeguardVariant::Memberlist, 3, 1, 3),
            (LifeguardVariant::Memberlist, 0, 0, 2),
        ] {
            let mut score = HealthScore::default();
            score.probe_failed(&LocalHealth { scoring, ..LocalHealth::PAPER }, expected, received);
            assert_eq!(score.slowdown(), slowdown, "{scoring:?}, {received} of {expected}");
        }
    }

    #[test]
    fn the_score_stays_between_zero_and_its_limit() {
        let mut score = HealthScore::default();
        score.probe_answered();
        assert_eq!(score.slowdown(), 1);
        (0..20).for_each(|_| score.was_suspected(&LocalHealth::PAPER));
        assert_eq!(score.slowdown(), 9);
        (0..8).for_each(|_| score.probe_answered());
        assert_eq!(score, HealthScore::default());
    }
}
