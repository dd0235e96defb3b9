//! The answer to "From which size does SWIM pay?", from the measured values.

use super::SWIM;
use super::crossing::{Crossing, Side};
use super::figure::Figure;
use super::groups::{Contender, Group, Groups};
use crate::reproduce::Section;

/// A value of which less is better.
struct Criterion {
    name: &'static str,
    of: fn(&Group) -> Figure,
}

const MESSAGES: Criterion = Criterion { name: "messages handled", of: |group| group.messages };
const BYTES: Criterion = Criterion { name: "bytes sent", of: |group| group.bytes };
const CPU: Criterion = Criterion { name: "processor time", of: |group| group.cpu_ns };
const BUSIEST: Criterion = Criterion { name: "bytes at the busiest member", of: |group| group.busiest };
const DECLARED: Criterion = Criterion { name: "time to the first declaration", of: |group| group.declared_s };
const INFORMED: Criterion = Criterion { name: "time until all know", of: |group| group.informed_s };
const PRODUCT: Criterion = Criterion { name: "bytes until all know", of: Group::bytes_until_informed };
const DEATHS: Criterion = Criterion { name: "false deaths at 5 % loss", of: |group| group.false_deaths };

/// The rows of the table.
const CRITERIA: [Criterion; 8] = [MESSAGES, BYTES, CPU, BUSIEST, DECLARED, INFORMED, PRODUCT, DEATHS];

/// The beginnings of statements about one or several criteria at once, in all of which SWIM has less.
const STATEMENTS: [(&str, &[Criterion]); 5] = [
    (
        "**Work**, that is messages handled, bytes sent and processor time together, is less with `swim`",
        &[MESSAGES, BYTES, CPU],
    ),
    ("**Load of the busiest member** is lower with `swim`", &[BUSIEST]),
    ("**Time until all know** of a crash, at the same period, is shorter with `swim`", &[INFORMED]),
    ("**Bytes until all know**, which no choice of the period changes, are fewer with `swim`", &[PRODUCT]),
    ("**False deaths** on links that lose one packet in twenty are fewer with `swim`", &[DEATHS]),
];

pub(super) fn section(groups: &Groups) -> Section {
    let others: Vec<&Contender> = groups.contenders.iter().filter(|contender| !contender.is_swim).collect();
    let mut text = vec![
        "`swim` against each detector that is not SWIM. A size counts for the one whose 95 % interval lies below the \
         other's; the size from which it pays is the least of the measured ones from which it is so at all larger ones, \
         up to the largest that was run."
            .to_owned(),
    ];
    text.extend(STATEMENTS.iter().map(|(statement, criteria)| {
        let crossings =
            others.iter().filter_map(|other| Some((other.name.as_str(), crossing(groups, other, criteria)?)));
        format!("- {statement}: {}.", told(&crossings.collect::<Vec<_>>()))
    }));
    let row = |criterion: &Criterion| {
        let entry = |other: &&Contender| {
            crossing(groups, other, std::slice::from_ref(criterion))
                .map_or("not run".to_owned(), |found| found.to_string())
        };
        std::iter::once(criterion.name.to_owned()).chain(others.iter().map(entry)).collect()
    };
    let names = others.iter().map(|other| other.name.as_str());
    let columns: Vec<&str> = std::iter::once("`swim` has less of it than").chain(names).collect();
    Section::new("From which size does SWIM pay?", text).with_table(&columns, CRITERIA.iter().map(row).collect())
}

/// The crossing of SWIM with another detector in several criteria at once; `None` if no size has values of both.
fn crossing(groups: &Groups, other: &Contender, criteria: &[Criterion]) -> Option<Crossing> {
    let side = |n: u32| {
        let (swim, other) = (groups.at(SWIM, n), groups.at(&other.name, n));
        let sides: Option<Vec<Side>> =
            criteria.iter().map(|Criterion { of, .. }| Side::of(of(&swim), of(&other))).collect();
        Some((n, Side::all(sides?)))
    };
    Crossing::of(&groups.sizes().into_iter().filter_map(side).collect::<Vec<_>>())
}

/// Crossings in words, those of the same kind together: "from 10 on (of 5 to 200) against `a` and `b`; never up to 200
/// against `c`".
fn told(crossings: &[(&str, Crossing)]) -> String {
    let mut kinds: Vec<(Crossing, Vec<String>)> = Vec::new();
    for (name, crossing) in crossings {
        let name = format!("`{name}`");
        match kinds.iter_mut().find(|(other, _)| other == crossing) {
            Some((_, names)) => names.push(name),
            None => kinds.push((*crossing, vec![name])),
        }
    }
    let clause = |(crossing, names): &(Crossing, Vec<String>)| format!("{crossing} against {}", enumerated(names));
    kinds.iter().map(clause).collect::<Vec<_>>().join("; ")
}

/// "a", "a and b", "a, b and c".
fn enumerated(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crossing(better_from: Option<u32>, worse_from: Option<u32>) -> Crossing {
        Crossing { sizes: [5, 200], better_from, worse_from }
    }

    #[test]
    fn crossings_of_one_kind_are_told_together() {
        let crossings = [
            ("a", crossing(Some(10), None)),
            ("b", crossing(None, Some(5))),
            ("c", crossing(Some(10), None)),
            ("d", crossing(None, None)),
        ];
        let expected = "from 10 on (of 5 to 200) against `a` and `c`; never up to 200 against `b`; undecided at 200 \
                        against `d`";
        assert_eq!(told(&crossings), expected);
        assert_eq!(told(&[("a", crossing(Some(5), None))]), "always (5 to 200) against `a`");
    }
}
