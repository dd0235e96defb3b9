//! Keyed permutation: a shuffled order of `0..len` that is computed and not stored.

use crate::rng::mix;

/// Pseudo-random permutation of `0..len`, chosen by a key, in constant memory.
///
/// For up to 16 items it is a Fisher-Yates shuffle, packed into 16 half-bytes. Beyond, it is an unbalanced Feistel
/// network over the next power of two, applied until the result is below `len` (cycle walking: Black, Rogaway, "Ciphers
/// with Arbitrary Finite Domains", CT-RSA 2002), less than twice in the mean. A Feistel network over the few bits that
/// 16 items need would not reach all orders with equal probability.
///
/// ```
/// use swimlab_selectors::Permutation;
/// let order = Permutation::new(100, 42);
/// let mut seen: Vec<u32> = (0..100).map(|i| order.at(i)).collect();
/// seen.sort();
/// assert_eq!(seen, (0..100).collect::<Vec<u32>>());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permutation {
    /// The packed order for up to [`PACKED`] items, the key of the network beyond.
    key: u64,
    len: u32,
}

/// Largest number of items whose order is packed.
const PACKED: u32 = 16;

/// Number of rounds of the Feistel network.
const ROUNDS: u32 = 6;

impl Permutation {
    /// Permutation of `0..len` that this key chooses.
    pub fn new(len: u32, key: u64) -> Self {
        Self { key: if len <= PACKED { pack(len, key) } else { key }, len }
    }

    /// Number of items.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the item at `index`, which must be below `len`.
    pub fn at(&self, index: u32) -> u32 {
        debug_assert!(index < self.len);
        if self.len <= PACKED {
            return (self.key >> (4 * index)) as u32 & 0xf;
        }
        let bits = u32::BITS - (self.len - 1).leading_zeros();
        let mut x = index;
        loop {
            x = network(x, bits, self.key);
            if x < self.len {
                return x;
            }
        }
    }
}

/// Fisher-Yates shuffle in half-bytes, with hashes of the key as its draws.
fn pack(len: u32, key: u64) -> u64 {
    let mut order = 0xfedc_ba98_7654_3210u64;
    for i in (1..len).rev() {
        let j = ((u128::from(mix(key.wrapping_add(u64::from(i)))) * u128::from(i + 1)) >> 64) as u32;
        let differing = ((order >> (4 * i)) ^ (order >> (4 * j))) & 0xf;
        order ^= (differing << (4 * i)) | (differing << (4 * j));
    }
    order
}

/// Applies the network once to `bits` bits: the two halves are combined with hashes of each other in turn.
fn network(x: u32, bits: u32, key: u64) -> u32 {
    let low_bits = bits / 2;
    let (low_mask, high_mask) = ((1u32 << low_bits) - 1, (1u32 << (bits - low_bits)) - 1);
    let (mut low, mut high) = (x & low_mask, x >> low_bits);
    let mut round_key = key;
    for round in 0..ROUNDS {
        if round % 2 == 0 {
            high ^= hash(low, round_key) & high_mask;
        } else {
            low ^= hash(high, round_key) & low_mask;
        }
        round_key = round_key.rotate_left(23).wrapping_add(0xa076_1d64_78bd_642f);
    }
    (high << low_bits) | low
}

/// Two multiplications with a shift between them. The tests below check that this suffices for half a slot number.
fn hash(x: u32, key: u64) -> u32 {
    let z = (u64::from(x) ^ key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((z ^ (z >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(len: u32, key: u64) -> Vec<u32> {
        let permutation = Permutation::new(len, key);
        (0..len).map(|i| permutation.at(i)).collect()
    }

    /// Standard deviations by which a chi-square statistic of `freedom` degrees of freedom exceeds its mean.
    fn excess(observed: impl Iterator<Item = u32>, expected: f64, freedom: f64) -> f64 {
        let chi: f64 = observed.map(|count| (f64::from(count) - expected).powi(2) / expected).sum();
        (chi - freedom) / (2.0 * freedom).sqrt()
    }

    #[test]
    fn every_item_occurs_exactly_once() {
        for len in (0..=1030).chain([4095, 4096, 4097, 65_537]) {
            for key in [0, 1, 0xdead_beef] {
                let mut seen = order(len, mix(key ^ u64::from(len)));
                seen.sort_unstable();
                assert!(seen.into_iter().eq(0..len), "{len} items, key {key}");
            }
        }
    }

    #[test]
    fn all_orders_of_up_to_eight_items_are_equally_likely() {
        for len in 2..=8u32 {
            let orders: usize = (1..=len as usize).product();
            let samples = (40 * orders).max(20_000);
            let mut counts = vec![0u32; orders];
            for sample in 0..samples {
                let order = order(len, mix(sample as u64));
                // The order's number in the factorial number system.
                let number = (0..order.len()).fold(0, |number, i| {
                    let smaller = order[i + 1..].iter().filter(|&&other| other < order[i]).count();
                    number * (order.len() - i) + smaller
                });
                counts[number] += 1;
            }
            let expected = samples as f64 / orders as f64;
            let excess = excess(counts.into_iter(), expected, orders as f64 - 1.0);
            assert!(excess < 4.0, "{len} items: {excess} standard deviations too uneven");
        }
    }

    #[test]
    fn items_are_equally_likely_at_each_position_and_after_each_other() {
        for len in [2, 5, 16, 17, 33, 64, 100] {
            let samples = 200 * len;
            let (mut positions, mut pairs) = (vec![0; (len * len) as usize], vec![0; (len * len) as usize]);
            for sample in 0..samples {
                let order = order(len, mix(0x5eed + u64::from(sample)));
                for (position, &item) in (0..).zip(&order) {
                    positions[(position * len + item) as usize] += 1;
                }
                for pair in order.windows(2) {
                    pairs[(pair[0] * len + pair[1]) as usize] += 1;
                }
            }
            let n = f64::from(len);
            let uneven = excess(positions.into_iter(), 200.0, (n - 1.0).powi(2));
            assert!(uneven < 5.0, "{len} items: positions are {uneven} standard deviations too uneven");
            let different = pairs.iter().enumerate().filter(|(i, _)| i / len as usize != i % len as usize);
            let uneven = excess(different.map(|(_, &count)| count), f64::from(samples) / n, n * (n - 1.0));
            assert!(uneven < 5.0, "{len} items: pairs are {uneven} standard deviations too uneven");
        }
    }

    #[test]
    fn orders_are_pinned() {
        assert_eq!(order(8, 1), [6, 3, 0, 5, 1, 7, 2, 4]);
        assert_eq!(order(20, 1), [15, 17, 10, 7, 19, 5, 13, 3, 18, 2, 1, 8, 16, 4, 6, 0, 9, 14, 12, 11]);
    }
}
