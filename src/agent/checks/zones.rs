//! Zone paths that nobody shares, and members without zone and place.

use std::collections::{BTreeMap, BTreeSet};

use swimlab_selectors::ZonePath;

use super::warning::{Warning, named};
use crate::agent::zone_names::{ZoneNames, label};
use crate::protocol::NodeInfo;

/// The least number of other members that make an exception stand out.
const OTHERS: usize = 3;

/// The longest name that is compared with others: the comparison takes the product of both lengths.
const LONGEST: usize = 64;

/// An area: the members whose zone paths begin alike.
struct Area<'a> {
    members: usize,
    /// One of them.
    node: &'a NodeInfo,
}

/// Finds members that are alone in their area, by what they say themselves. That is legitimate: so it is reported only
/// where another area is spelled almost alike, or where all other members share theirs.
pub(super) fn check(alive: &[&NodeInfo]) -> Vec<Warning> {
    let mut found = Vec::new();
    let mut reported: BTreeSet<&[u32]> = BTreeSet::new();
    for level in 0..ZonePath::LEVELS {
        let mut areas: BTreeMap<&[u32], Area<'_>> = BTreeMap::new();
        for node in alive {
            if let Some(prefix) = node.peer.zone.levels().get(..=level) {
                areas.entry(prefix).or_insert(Area { members: 0, node }).members += 1;
            }
        }
        let total: usize = areas.values().map(|area| area.members).sum();
        let lone = areas.values().filter(|area| area.members == 1).count();
        for (prefix, area) in areas.iter().filter(|(_, area)| area.members == 1) {
            let parent = &prefix[..level];
            // Alone at an earlier level already.
            if reported.contains(parent) {
                reported.insert(prefix);
                continue;
            }
            let siblings = areas.iter().filter(|(other, area)| other[..level] == *parent && area.members > 1);
            let nearest = nearest(area.node, level, siblings.map(|(_, area)| area.node));
            if nearest.is_some() || lone == 1 && total > OTHERS {
                found.push((area.node, level + 1, nearest));
            }
            reported.insert(prefix);
        }
    }
    Warning::lone_zones(&found).into_iter().chain(unplaced(alive)).collect()
}

/// Finds members without zone and place among many that have one.
fn unplaced(alive: &[&NodeInfo]) -> Option<Warning> {
    let is_placed = |node: &&&NodeInfo| node.peer.location.is_some() || !node.peer.zone.levels().is_empty();
    let others = alive.iter().filter(is_placed).count();
    let (names, more) = named(alive.iter().filter(|node| !is_placed(node)).copied());
    let are_few = others >= OTHERS.max(2 * (names.len() + more));
    (!names.is_empty() && are_few).then_some(Warning::Unplaced { names, more, others })
}

/// The area among `others` whose name at this level is probably meant by a member's.
fn nearest<'a>(node: &NodeInfo, level: usize, others: impl Iterator<Item = &'a NodeInfo>) -> Option<String> {
    let name = name_at(node, level)?;
    let mut meant = others.filter(|other| name_at(other, level).is_some_and(|other| is_misspelling(&name, &other)));
    meant.next().map(|other| label(other, level + 1))
}

fn name_at(node: &NodeInfo, level: usize) -> Option<String> {
    ZoneNames::of(node)?.as_str().split('/').nth(level).map(str::to_owned)
}

/// Whether two names differ by one letter, by two that are exchanged, or by upper and lower case, and not as names of a
/// series do: by digits, or by a letter at the end, as in `eu-1a`. Short ones differ by case or exchange.
fn is_misspelling(a: &str, b: &str) -> bool {
    if a.len().max(b.len()) > LONGEST || a == b {
        return false;
    }
    if a.to_lowercase() == b.to_lowercase() {
        return true;
    }
    let without_digits = |name: &str| name.replace(|character: char| character.is_ascii_digit(), "");
    let (a_chars, b_chars): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let is_series = without_digits(a) == without_digits(b) || is_lettered_series(&a_chars, &b_chars);
    if is_series {
        return false;
    }
    is_exchange(&a_chars, &b_chars) || a_chars.len().min(b_chars.len()) > 3 && is_one_edit(&a_chars, &b_chars)
}

/// Whether two names differ by a single letter at the end, behind something that is no letter.
fn is_lettered_series(a: &[char], b: &[char]) -> bool {
    let letter = |name: &[char]| {
        let (&last, rest) = name.split_last()?;
        let stands_alone = rest.last().is_none_or(|before| !before.is_alphabetic());
        (last.is_alphabetic() && stands_alone).then(|| rest.to_vec())
    };
    letter(a).is_some_and(|rest| letter(b) == Some(rest))
}

/// Whether two names differ by the exchange of two neighboring letters.
fn is_exchange(a: &[char], b: &[char]) -> bool {
    let differing: Vec<usize> = (0..a.len().min(b.len())).filter(|&i| a[i] != b[i]).collect();
    a.len() == b.len() && matches!(differing[..], [i, j] if j == i + 1 && a[i] == b[j] && a[j] == b[i])
}

/// Whether one name becomes the other when a letter is replaced, added or left out.
fn is_one_edit(a: &[char], b: &[char]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let first = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    match long.len() - short.len() {
        0 => short[first + 1..] == long[first + 1..],
        1 => short[first..] == long[first + 1..],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use swimlab_selectors::Peer;

    use super::*;
    use crate::protocol::Address;

    fn found(zones: &[&str]) -> Vec<String> {
        let node = |(id, zone): (u64, &&str)| {
            let peer = Peer { zone: ZonePath::parse(zone), ..Peer::new(id) };
            let meta = ZoneNames::parse(zone).beside(b"");
            let name = format!("m{id}").into();
            NodeInfo { name, meta: meta.into(), ..NodeInfo::new(peer, Address { ip: [0; 16], port: 1 }) }
        };
        let nodes: Vec<NodeInfo> = (0..).zip(zones).map(node).collect();
        check(&nodes.iter().collect::<Vec<_>>()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_misspelled_zone_is_found_with_its_member_and_the_nearest_spelling() {
        let warning = |zone: &str| format!("no other member is in zone {zone} of m2; nearest spelling: eu/eu-west");
        assert_eq!(found(&["eu/eu-west", "eu/eu-west", "eu/eu-wset"]), [warning("eu/eu-wset")]);
        assert_eq!(found(&["eu/eu-west/r1", "eu/eu-west/r2", "eu/eu-wes/r1"]), [warning("eu/eu-wes")]);
        assert_eq!(found(&["eu/eu-west", "eu/eu-west", "eu/EU-West"]), [warning("eu/EU-West")]);
        let region = "no other member is in zone su of m2; nearest spelling: us";
        assert_eq!(found(&["us/a", "us/b", "su/a", "eu/a", "eu/b"]), [region]);
    }

    #[test]
    fn many_members_alone_in_their_zones_are_one_line_with_five_names() {
        let shared = ["eu/frankfurt", "eu/frankfurt"];
        let wrong = ["eu/frankfrut", "eu/frnakfurt", "eu/frankfur", "eu/frankfurtt", "eu/farnkfurt"];
        let spelling = "(nearest spelling: eu/frankfurt)";
        let two = format!("members alone in their zones: m2 in eu/frankfrut {spelling}, m3 in eu/frnakfurt {spelling}");
        assert_eq!(found(&[&shared[..], &wrong[..2]].concat()), [two]);
        let more = ["eu/rankfurt", "eu/fankfurt", "eu/frankfort"];
        let lines = found(&[&shared[..], &wrong[..], &more[..]].concat());
        assert_eq!(lines.len(), 1);
        assert!(lines[0].matches(" in eu/").count() == 5 && lines[0].ends_with(" and 3 more"), "{lines:?}");
    }

    #[test]
    fn a_zone_of_one_member_is_reported_only_where_all_others_share_theirs() {
        let lone = "no other member is in zone tokyo of m4, while all others share theirs";
        assert_eq!(found(&["eu/a", "eu/a", "us/b", "us/b", "tokyo/c"]), [lone]);
        // One member per region, and one per rack.
        assert_eq!(found(&["eu", "us", "tokyo", "sydney"]), [""; 0]);
        assert_eq!(found(&["eu/a/r1", "eu/a/r2", "eu/a/r3", "us/b/r1", "us/b/r2"]), [""; 0]);
        // Two members do not tell which of them is right.
        assert_eq!(found(&["us", "su"]), [""; 0]);
        assert_eq!(found(&["eu/eu-1", "eu/eu-1", "us/us-1"]), [""; 0]);
        assert_eq!(found(&["eu"]), [""; 0]);
    }

    #[test]
    fn names_of_a_series_are_no_misspellings() {
        let same = [("eu-1", "eu-2"), ("us-east-1a", "us-east-1b"), ("r7", "r17"), ("a", "b"), ("eu-west", "eu-east")];
        for (a, b) in same.into_iter().chain([("ap", "af"), ("eu", "us"), ("north", "south")]) {
            assert!(!is_misspelling(a, b) && !is_misspelling(b, a), "{a} {b}");
        }
        let different =
            [("eu-l", "eu-1"), ("us", "su"), ("frankfurt", "frankfrut"), ("zurich", "zuerich"), ("EU", "eu")];
        for (a, b) in different.into_iter().chain([("frankfurt", "frankfurd"), ("dublin", "dubln")]) {
            assert!(is_misspelling(a, b) && is_misspelling(b, a), "{a} {b}");
        }
    }

    #[test]
    fn few_members_without_zone_and_place_are_named() {
        let warning = "m3 without zone and place, while 3 others have one";
        assert_eq!(found(&["eu", "eu", "eu", ""]), [warning]);
        assert_eq!(found(&["eu", "eu", "", ""]), [""; 0]);
        assert_eq!(found(&["", "", "", ""]), [""; 0]);
    }
}
