//! The assignment of members to sites, round robin or by weight.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use swimlab_selectors::rng::{Rng, shuffle};

/// Returns the site of every member and joiner. Without weights, or with equal ones, sites are used round robin.
pub(super) fn assign_sites(sites: u32, weights: &[u32], members: u32, joiners: u32, rng: &mut Rng) -> Vec<u32> {
    let mut order: Vec<u32> = (0..sites).filter(|&site| weights.get(site as usize) != Some(&0)).collect();
    if (members as usize) < order.len() {
        // Too few for all sites: members take a sample, joiners the other shuffled sites.
        shuffle(&mut order, rng);
    }
    let total = members as usize + joiners as usize;
    let weight = |site: u32| weights.get(site as usize).copied().unwrap_or(1);
    if order.iter().all(|&site| weight(site) == weight(order[0])) {
        return order.iter().copied().cycle().take(total).collect();
    }
    let next = |rank: usize, assigned: u64| Reverse(Quota { odd: 2 * assigned + 1, weight: weight(order[rank]), rank });
    let mut quotas: BinaryHeap<_> = (0..order.len()).map(|rank| next(rank, 0)).collect();
    (0..total)
        .map(|_| {
            let Reverse(quota) = quotas.pop().expect("a quota for each site");
            quotas.push(next(quota.rank, quota.odd / 2 + 1));
            order[quota.rank]
        })
        .collect()
}

/// A site's quota by Webster's method, `(assigned + 1/2) / weight`, compared without rounding; ties by rank. The least
/// quota is served next.
struct Quota {
    odd: u64,
    weight: u32,
    rank: usize,
}

impl Ord for Quota {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let (mine, theirs) = (self.odd * u64::from(other.weight), other.odd * u64::from(self.weight));
        mine.cmp(&theirs).then(self.rank.cmp(&other.rank))
    }
}

impl PartialOrd for Quota {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Quota {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Quota {}

#[cfg(test)]
mod tests {
    use super::*;
    use swimlab_selectors::rng::{Purpose, stream};

    fn rng() -> Rng {
        stream(1, Purpose::Placement, 0)
    }

    /// The number of members at each site.
    fn counts(assigned: &[u32], sites: u32) -> Vec<usize> {
        (0..sites).map(|site| assigned.iter().filter(|&&of| of == site).count()).collect()
    }

    #[test]
    fn members_take_the_sites_round_robin_and_joiners_continue() {
        assert_eq!(assign_sites(3, &[], 4, 3, &mut rng()), [0, 1, 2, 0, 1, 2, 0]);
        assert_eq!(assign_sites(3, &[5, 5, 5], 4, 3, &mut rng()), [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn fewer_members_than_sites_are_a_sample_and_joiners_fill_the_rest() {
        let mut assigned = assign_sites(10, &[], 4, 6, &mut rng());
        assert_ne!(assigned, (0..10).collect::<Vec<_>>());
        assigned.sort_unstable();
        assert_eq!(assigned, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn the_sample_is_the_same_on_every_machine() {
        assert_eq!(assign_sites(99, &[], 8, 0, &mut rng()), [18, 78, 84, 68, 12, 21, 32, 82]);
    }

    #[test]
    fn no_members_need_no_sites() {
        assert_eq!(assign_sites(3, &[], 0, 0, &mut rng()), [0; 0]);
        assert_eq!(assign_sites(3, &[1, 2, 3], 0, 0, &mut rng()), [0; 0]);
        assert_eq!(assign_sites(3, &[], 0, 2, &mut rng()).len(), 2);
    }

    #[test]
    fn as_many_members_as_the_weights_add_up_to_are_assigned_exactly_by_weight() {
        let weights = [10, 0, 1, 7, 500];
        assert_eq!(counts(&assign_sites(5, &weights, 518, 0, &mut rng()), 5), [10, 0, 1, 7, 500]);
        assert_eq!(counts(&assign_sites(5, &weights, 1036, 518, &mut rng()), 5), [30, 0, 3, 21, 1500]);
    }

    #[test]
    fn weights_hold_within_one_member_for_any_number_of_members() {
        let assigned = assign_sites(3, &[1, 2, 3], 100, 0, &mut rng());
        assert_eq!(counts(&assigned, 3), [17, 33, 50]);
    }
}
