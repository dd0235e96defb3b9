//! The size of a group from which one detector is better than another.

use std::fmt;

use super::figure::{Estimate, Figure};

/// The result of comparing two detectors at one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Better,
    Worse,
    /// The intervals overlap, or there is none.
    Unclear,
}

/// The sizes from which one detector is better, or worse, than another at all larger ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crossing {
    /// The smallest and the largest size at which both were measured.
    pub sizes: [u32; 2],
    /// The smallest size from which it is better at all measured sizes.
    pub better_from: Option<u32>,
    /// The smallest size from which it is worse at all measured sizes.
    pub worse_from: Option<u32>,
}

impl Side {
    /// Compares two figures of which less is better: one is better if its 95 % interval lies below the other's. `None` if
    /// one of them was not measured.
    pub(super) fn of(one: Figure, other: Figure) -> Option<Self> {
        let is_below = |one: Estimate, other: Estimate| one.high.zip(other.low).is_some_and(|(high, low)| high < low);
        match (one, other) {
            (Figure::NotRun, _) | (_, Figure::NotRun) => None,
            (Figure::Measured(one), Figure::Measured(other)) if is_below(one, other) => Some(Self::Better),
            (Figure::Measured(one), Figure::Measured(other)) if is_below(other, one) => Some(Self::Worse),
            _ => Some(Self::Unclear),
        }
    }

    /// Better if all are, worse if one is.
    pub(super) fn all(sides: impl IntoIterator<Item = Self>) -> Self {
        let worst = |one, other| match (one, other) {
            (Self::Worse, _) | (_, Self::Worse) => Self::Worse,
            (Self::Unclear, _) | (_, Self::Unclear) => Self::Unclear,
            _ => Self::Better,
        };
        sides.into_iter().fold(Self::Better, worst)
    }
}

impl Crossing {
    /// The crossing of sides by ascending size; `None` without any.
    pub(super) fn of(sides: &[(u32, Side)]) -> Option<Self> {
        let (&(smallest, _), &(largest, _)) = (sides.first()?, sides.last()?);
        let from = |wanted: Side| {
            let at_the_end = sides.iter().rev().take_while(|(_, side)| *side == wanted);
            at_the_end.last().map(|&(n, _)| n)
        };
        Some(Self { sizes: [smallest, largest], better_from: from(Side::Better), worse_from: from(Side::Worse) })
    }
}

/// In words, as an entry of a table and in a sentence.
impl fmt::Display for Crossing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [smallest, largest] = self.sizes;
        match (self.better_from, self.worse_from) {
            (Some(from), _) if from == smallest => write!(f, "always ({smallest} to {largest})"),
            (Some(from), _) => write!(f, "from {from} on (of {smallest} to {largest})"),
            (None, Some(from)) if from == smallest => write!(f, "never up to {largest}"),
            (None, Some(from)) => write!(f, "not from {from} on (of {smallest} to {largest})"),
            (None, None) => write!(f, "undecided at {largest}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sides() -> impl Strategy<Value = Vec<(u32, Side)>> {
        let side = prop_oneof![Just(Side::Better), Just(Side::Worse), Just(Side::Unclear)];
        proptest::collection::btree_map(1_u32..2_000, side, 1..9).prop_map(|sides| sides.into_iter().collect())
    }

    proptest! {
        #[test]
        fn it_is_better_at_all_sizes_from_the_crossing_on_and_not_at_the_one_before(sides in sides()) {
            let crossing = Crossing::of(&sides).unwrap();
            prop_assert_eq!(crossing.sizes, [sides[0].0, sides[sides.len() - 1].0]);
            for (from, wanted) in [(crossing.better_from, Side::Better), (crossing.worse_from, Side::Worse)] {
                match from.and_then(|from| sides.iter().position(|(n, _)| *n == from)) {
                    Some(at) => {
                        prop_assert!(sides[at..].iter().all(|(_, side)| *side == wanted));
                        prop_assert!(at == 0 || sides[at - 1].1 != wanted);
                    }
                    None => prop_assert!(from.is_none() && sides[sides.len() - 1].1 != wanted),
                }
            }
        }

        #[test]
        fn what_is_better_for_one_is_worse_for_the_other(sides in sides()) {
            let turned = |side| match side {
                Side::Better => Side::Worse,
                Side::Worse => Side::Better,
                Side::Unclear => Side::Unclear,
            };
            let others: Vec<(u32, Side)> = sides.iter().map(|&(n, side)| (n, turned(side))).collect();
            let (one, other) = (Crossing::of(&sides).unwrap(), Crossing::of(&others).unwrap());
            prop_assert_eq!((one.better_from, one.worse_from), (other.worse_from, other.better_from));
        }

        #[test]
        fn sides_follow_from_intervals_alone(low in 0.0..10.0_f64, width in 0.0..5.0_f64, other_low in 0.0..10.0_f64) {
            let figure = |low: f64| {
                Figure::Measured(Estimate { value: low + width / 2.0, low: Some(low), high: Some(low + width) })
            };
            let side = Side::of(figure(low), figure(other_low)).unwrap();
            prop_assert_eq!(side == Side::Better, low + width < other_low);
            prop_assert_eq!(side == Side::Worse, other_low + width < low);
        }
    }

    #[test]
    fn crossings_are_told_in_words() {
        use Side::{Better, Unclear, Worse};
        let text =
            |sides: [Side; 3]| Crossing::of(&[(5, sides[0]), (10, sides[1]), (200, sides[2])]).unwrap().to_string();
        assert_eq!(text([Better, Better, Better]), "always (5 to 200)");
        assert_eq!(text([Worse, Unclear, Better]), "from 200 on (of 5 to 200)");
        assert_eq!(text([Worse, Better, Better]), "from 10 on (of 5 to 200)");
        assert_eq!(text([Worse, Worse, Worse]), "never up to 200");
        assert_eq!(text([Better, Worse, Worse]), "not from 10 on (of 5 to 200)");
        assert_eq!(text([Better, Better, Unclear]), "undecided at 200");
        assert_eq!(Crossing::of(&[]), None);
    }

    #[test]
    fn without_an_interval_nothing_is_decided_and_what_was_not_run_is_not_compared() {
        let of = |low, high| Figure::Measured(Estimate { value: 1.0, low, high });
        assert_eq!(Side::of(of(None, Some(1.0)), of(Some(2.0), Some(3.0))), Some(Side::Better));
        assert_eq!(Side::of(of(None, None), of(Some(2.0), Some(3.0))), Some(Side::Unclear));
        assert_eq!(Side::of(of(Some(1.0), Some(1.0)), Figure::NotReached), Some(Side::Unclear));
        assert_eq!(Side::of(of(Some(1.0), Some(1.0)), Figure::NotRun), None);
        assert_eq!(Side::all([Side::Better, Side::Unclear]), Side::Unclear);
        assert_eq!(Side::all([Side::Worse, Side::Unclear]), Side::Worse);
    }
}
