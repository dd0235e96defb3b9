//! Findings that last: reported once, and again only after they were gone for as long.

use std::collections::BTreeMap;

use super::warning::{Subject, Warning};
use crate::protocol::{Span, Time};

/// Findings of the latest checks, by subject.
pub(super) struct Hold {
    span: Span,
    findings: BTreeMap<Subject, Finding>,
}

struct Finding {
    warning: Warning,
    /// The time at which it began, or returned.
    since: Time,
    /// The time of the latest check that found it.
    last: Time,
    is_reported: bool,
}

impl Hold {
    /// Findings that are reported after they have lasted for `span`.
    pub(super) fn new(span: Span) -> Self {
        Self { span, findings: BTreeMap::new() }
    }

    /// Takes the findings of a check, and returns those that are to be reported.
    pub(super) fn update(&mut self, now: Time, found: Vec<Warning>) -> Vec<Warning> {
        let span = self.span;
        let mut due = Vec::new();
        for warning in found {
            let begun = || Finding { warning: warning.clone(), since: now, last: now, is_reported: false };
            let finding = self.findings.entry(warning.subject()).or_insert_with(begun);
            finding.last = now;
            finding.warning = warning;
            if !finding.is_reported && finding.since + span <= now {
                finding.is_reported = true;
                due.push(finding.warning.clone());
            }
        }
        // One that was not reported yet begins anew when it returns.
        let lasts = |finding: &Finding| finding.last == now || finding.is_reported && finding.last + span > now;
        self.findings.retain(|_, finding| lasts(finding));
        due
    }

    /// Findings that were reported and have not ended.
    pub(super) fn reported(&self) -> impl Iterator<Item = &Warning> {
        self.findings.values().filter(|finding| finding.is_reported).map(|finding| &finding.warning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Time {
        Time::ZERO + Span::from_secs(second)
    }

    fn found() -> Vec<Warning> {
        vec![Warning::Unplaced { names: vec!["a".to_owned()], more: 0, others: 3 }]
    }

    #[test]
    fn a_finding_is_reported_once_when_it_has_lasted_and_again_after_it_was_gone_for_as_long() {
        let mut hold = Hold::new(Span::from_secs(20));
        let mut reported = Vec::new();
        for second in (0..200).step_by(5) {
            // It is gone from 60 s to 65 s, too short to be over, and from 100 s to 130 s.
            let is_found = !(60..65).contains(&second) && !(100..130).contains(&second);
            let due = hold.update(at(second), if is_found { found() } else { Vec::new() });
            reported.extend(due.iter().map(|_| second));
            assert_eq!(hold.reported().count(), usize::from((20..115).contains(&second) || second >= 150), "{second}");
        }
        assert_eq!(reported, [20, 150]);
    }

    #[test]
    fn a_finding_that_comes_and_goes_while_members_join_is_not_reported() {
        let mut hold = Hold::new(Span::from_secs(20));
        for second in 0..100 {
            assert_eq!(hold.update(at(second), if second % 15 == 0 { Vec::new() } else { found() }), []);
        }
    }
}
