//! Local health: how far a member trusts its own judgement (Lifeguard, section IV-A).
//!
//! A member that is slow itself hears too late from others, and accuses them. So it keeps a score of signs that it is the
//! one in trouble, and gives the others (score + 1) times as long: to answer, and until they are probed again.

/// A member's score: 0 in good health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health(u16);

/// Whose Lifeguard: the paper and its authors' program differ in some details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeguardVariant {
    /// As published (Dadgar, Phillips, Currey 2018).
    Paper,
    /// As HashiCorp's memberlist has it.
    Memberlist,
}

impl Health {
    /// How many times as long periods and timeouts are: from 1 on.
    pub fn slowdown(self) -> u64 {
        u64::from(self.0) + 1
    }

    /// All targets of a period answered.
    pub fn probe_answered(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }

    /// A target stayed silent; so many answers were expected of helpers, and so many of them came. In the paper that is
    /// one point, and one for each helper that was not heard of; in memberlist only the latter, or one point if there was
    /// no helper to ask.
    pub fn probe_failed(&mut self, scoring: LifeguardVariant, expected: u16, heard: u16, limit: u32) {
        let missed = u32::from(expected.saturating_sub(heard));
        let points = match scoring {
            LifeguardVariant::Paper => 1 + missed,
            LifeguardVariant::Memberlist if expected == 0 => 1,
            LifeguardVariant::Memberlist => missed,
        };
        self.worsen(points, limit);
    }

    /// Somebody suspected this member, wrongly.
    pub fn was_accused(&mut self, limit: u32) {
        self.worsen(1, limit);
    }

    fn worsen(&mut self, points: u32, limit: u32) {
        self.0 = u16::try_from((u32::from(self.0) + points).min(limit)).unwrap_or(u16::MAX);
    }
}

impl LifeguardVariant {
    /// Their names, as experiment files spell them.
    pub const NAMES: &'static [&'static str] = &["paper", "memberlist"];

    /// The reading of this name.
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
    fn the_paper_counts_the_failure_and_each_missing_nack_and_memberlist_only_the_latter() {
        for (scoring, expected, heard, slowdown) in [
            (LifeguardVariant::Paper, 3, 3, 2),
            (LifeguardVariant::Paper, 3, 1, 4),
            (LifeguardVariant::Paper, 0, 0, 2),
            (LifeguardVariant::Memberlist, 3, 3, 1),
            (LifeguardVariant::Memberlist, 3, 1, 3),
            (LifeguardVariant::Memberlist, 0, 0, 2),
        ] {
            let mut health = Health::default();
            health.probe_failed(scoring, expected, heard, 8);
            assert_eq!(health.slowdown(), slowdown, "{scoring:?}, {heard} of {expected}");
        }
    }

    #[test]
    fn the_score_stays_between_perfect_health_and_its_limit() {
        let mut health = Health::default();
        health.probe_answered();
        assert_eq!(health.slowdown(), 1);
        (0..20).for_each(|_| health.was_accused(8));
        assert_eq!(health.slowdown(), 9);
        (0..8).for_each(|_| health.probe_answered());
        assert_eq!(health, Health::default());
    }
}
