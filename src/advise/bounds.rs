//! Bounds that no detector can beat: they prove that targets cannot be met, and name the nearest ones that can.

use super::closed_forms::LEAST_MESSAGE;
use super::question::Question;
use super::units::{HOURS_PER_MONTH, percent, shown_bytes, three_digits};
use crate::protocol::Span;
use crate::topology::Placement;

/// Targets that contradict each other, the network, or the laws of detection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Impossible {
    /// The bound, with its values.
    pub bound: String,
    /// The nearest target that the bound allows, as a flag.
    pub nearest: String,
}

impl std::fmt::Display for Impossible {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "no detector can meet this: {}\n  the nearest target that this bound allows: {}",
            self.bound, self.nearest
        )
    }
}

/// The share of crashes that must be declared in time.
pub(super) const IN_TIME: f64 = 0.95;

/// The first bound that forbids an answer; `None` if none does.
pub(super) fn forbids(question: &Question, placement: &Placement) -> Option<Impossible> {
    travel(question, placement).or_else(|| silence(question)).or_else(|| lone(question, placement))
}

/// Messages sent before a crash still arrive for as long as a packet takes to the nearest peer, and look alive.
fn travel(question: &Question, placement: &Placement) -> Option<Impossible> {
    let n = placement.members();
    let nearest =
        |member: u32| (0..n).filter(|&other| other != member).map(|other| placement.one_way_us(member, other)).min();
    let sample = (0..n).step_by(n.div_ceil(MOST_SAMPLED) as usize);
    let mut delays: Vec<u32> = sample.filter_map(nearest).collect();
    delays.sort_unstable();
    let rank = libm::ceil(IN_TIME * delays.len() as f64) as usize;
    let least = Span::from_micros(u64::from(*delays.get(rank.max(1) - 1)?));
    (question.declare_within < least).then(|| Impossible {
        bound: format!(
            "a packet takes {least} from one of 20 members to its nearest peer, so that a crash cannot be noticed within {}",
            question.declare_within
        ),
        nearest: format!("--declare-within {least}"),
    })
}

/// The most members whose nearest peer is looked for.
const MOST_SAMPLED: u32 = 500;

/// A detector that declares crashes within a time must declare a member of which nothing was heard for that time. A
/// live member sends only a limited number of messages in it, and all of them may be lost.
fn silence(question: &Question) -> Option<Impossible> {
    let (bytes, window) = (question.bytes?, question.declare_within.as_secs_f64());
    let (loss, n) = (question.loss, f64::from(question.members));
    let target = question.false_deaths.per_month();
    let messages = |window: f64| libm::floor(bytes * window / LEAST_MESSAGE);
    let windows = |window: f64| n * HOURS_PER_MONTH * 3600.0 / window;
    let false_deaths = |window: f64| match messages(window) {
        0.0 => f64::INFINITY,
        sent => IN_TIME * windows(window) * libm::pow(loss, sent),
    };
    if false_deaths(window) <= target {
        return None;
    }
    // Whole messages: the window grows by one at a time.
    let sent = (1..).map(f64::from).find(|sent| false_deaths(sent * LEAST_MESSAGE / bytes * (1.0 + 1e-9)) <= target)?;
    let rate = sent * LEAST_MESSAGE / window;
    let needed = Span::from_secs_f64(libm::ceil(sent * LEAST_MESSAGE / bytes * 1e3) / 1e3);
    let bound = match messages(window) {
        0.0 => format!(
            "at {} a member sends less than one message of {LEAST_MESSAGE} bytes within {}, so that live members are as \
             silent as crashed ones",
            shown_bytes(bytes),
            question.declare_within
        ),
        sent => format!(
            "at {} a member sends {sent} messages of {LEAST_MESSAGE} bytes within {}; at {} loss all of them are lost {} \
             times a month in the group, and it is as silent as a crashed one",
            shown_bytes(bytes),
            question.declare_within,
            percent(loss),
            three_digits(false_deaths(window)),
        ),
    };
    Some(Impossible { bound, nearest: format!("--declare-within {needed}, or --bytes {}B/s", libm::ceil(rate)) })
}

/// Members that are alone in their region have nobody else to talk to.
fn lone(question: &Question, placement: &Placement) -> Option<Impossible> {
    let (target, regions) = (question.cross_region?, placement.regions()?);
    let mut members = vec![0_u32; regions.len()];
    (0..placement.members()).for_each(|member| members[usize::from(placement.region_of(member))] += 1);
    let lone = members.iter().filter(|&&count| count == 1).count() as u32;
    let all_are_lone = lone == placement.members();
    (all_are_lone && target < 1.0).then(|| Impossible {
        bound: format!("with {lone} members in {lone} regions every byte leaves its region"),
        nearest: "--cross-region 100%".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::advise::QuestionText;
    use crate::experiment::Lab;

    fn forbidden(flags: &[(&str, &str)]) -> Option<Impossible> {
        let mut text = QuestionText::default();
        let defaults = [("members", "100"), ("topology", "aws"), ("declare_within", "5s"), ("false_deaths", "1/month")];
        defaults.iter().chain(flags).for_each(|(key, value)| text.set_flag(key, *value));
        let lab = Lab::default();
        let question = text.parse(Path::new(""), &lab).unwrap();
        forbids(&question, &question.network.place(question.members, question.seed, &lab))
    }

    #[test]
    fn a_bound_names_the_nearest_target_that_it_allows() {
        assert_eq!(forbidden(&[]), None);
        // 10 ms is more than any two members of a region need, and less than from some regions to the nearest other
        // one.
        assert_eq!(forbidden(&[("declare_within", "10ms")]), None);
        let lone = forbidden(&[("topology", "azure"), ("members", "20"), ("cross_region", "20%")]).unwrap();
        assert_eq!(lone.nearest, "--cross-region 100%");
        let far = forbidden(&[("topology", "lan:delay_ms=500"), ("declare_within", "100ms")]).unwrap();
        assert_eq!(far.nearest, "--declare-within 500ms");
        // One message in 7.5 s.
        let mute = forbidden(&[("bytes", "2B/s"), ("loss", "0%")]).unwrap();
        assert_eq!(mute.nearest, "--declare-within 7.5s, or --bytes 3B/s");
    }

    #[test]
    fn the_nearest_target_is_allowed_and_less_is_not() {
        let asked =
            |bytes: &str, within: &str| forbidden(&[("bytes", bytes), ("declare_within", within), ("loss", "20%")]);
        let refused = asked("15B/s", "10s").unwrap();
        assert!(refused.bound.contains("10 messages of 15 bytes within 10s; at 20% loss"), "{refused}");
        let (within, bytes) = refused.nearest.split_once(", or ").unwrap();
        assert_eq!(asked("15B/s", within.strip_prefix("--declare-within ").unwrap()), None, "{refused}");
        assert_eq!(asked(bytes.strip_prefix("--bytes ").unwrap(), "10s"), None, "{refused}");
    }
}
