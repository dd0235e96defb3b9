//! Hashes of what a member shows of states: of the values without a time to live.
//!
//! The hash is a polynomial at a point that the salt gives, modulo the prime 2^61 - 1 (Carter, Wegman: "Universal Classes
//! of Hash Functions", 1979). Whoever invents contents before the salt is drawn has them agree with others with a
//! probability of their length in words divided by 2^61, whatever it computes.

use swimlab_selectors::rng::mix;

use super::delta::Content;
use super::member_state::MemberState;
use super::store::{StateStore, part_of};
use crate::protocol::Id;

impl StateStore {
    /// Compares what somebody shows of this member's own state with what it has written in this life. A copy has the
    /// lasting values of its owner from the last version on that changed any.
    pub(super) fn check_own(&mut self, salt: u64, theirs: &Content) {
        let Some(own) = self.content_of(salt, self.me).filter(|own| own.member == theirs.member) else { return };
        let is_wrong = theirs.version >= self.lasting_version && theirs.hash != own.hash;
        if theirs.generation == own.generation && (is_wrong || theirs.version > own.version) {
            self.is_contradicted = true;
        }
    }

    pub(super) fn content_of(&self, salt: u64, member: Id) -> Option<Content> {
        let blank = || Some(MemberState::new(member, self.states.age(member)?.0).content(salt));
        self.states.get(member).map(|state| state.content(salt)).or_else(blank)
    }

    pub(super) fn content_digest(&self, salt: u64) -> u64 {
        self.written_contents(salt).fold(0, |sum, content| sum.wrapping_add(content.digest(salt)))
    }

    pub(super) fn content_part_digests(&self, salt: u64, parts: usize) -> Vec<u32> {
        let mut digests = vec![0_u32; parts];
        for content in self.written_contents(salt) {
            let digest = &mut digests[part_of(content.member, parts)];
            *digest = digest.wrapping_add(content.digest(salt) as u32);
        }
        digests
    }

    /// The contents of the states in the parts whose digests differ from `theirs`.
    pub(super) fn differing_contents(&self, salt: u64, theirs: &[u32]) -> Vec<Content> {
        let ours = self.content_part_digests(salt, theirs.len());
        let differs = |member: &Id| {
            let part = part_of(*member, theirs.len());
            ours[part] != theirs[part]
        };
        self.states.members().into_iter().filter(differs).filter_map(|member| self.content_of(salt, member)).collect()
    }

    /// The others are part of no digest.
    fn written_contents(&self, salt: u64) -> impl Iterator<Item = Content> {
        self.states.written().map(move |state| state.content(salt))
    }
}

impl MemberState {
    fn content(&self, salt: u64) -> Content {
        let mut hash = Polynomial::at(salt);
        for (key, value) in self.lasting() {
            hash.add_text(key);
            hash.add_text(value);
        }
        let (generation, version) = self.age();
        Content { member: self.member(), generation, version, hash: hash.value }
    }
}

impl Content {
    /// Its part of a digest; 0 without lasting values. The version is no part of it: load figures change it.
    fn digest(&self, salt: u64) -> u64 {
        match self.hash {
            0 => 0,
            hash => mix(hash ^ mix(self.member ^ mix(u64::from(self.generation) ^ salt))),
        }
    }
}

/// The value of a polynomial whose coefficients are given one after the other.
struct Polynomial {
    point: u64,
    value: u64,
}

impl Polynomial {
    const PRIME: u64 = (1 << 61) - 1;

    fn at(salt: u64) -> Self {
        Self { point: salt % Self::PRIME, value: 0 }
    }

    fn add(&mut self, coefficient: u64) {
        let product = u128::from(self.value) * u128::from(self.point) + u128::from(coefficient);
        self.value = (product % u128::from(Self::PRIME)) as u64;
    }

    /// Its length, which tells where it ends, and seven bytes each: less than the prime. The length is that plus one, so
    /// that no text begins with a zero.
    fn add_text(&mut self, text: &str) {
        self.add(text.len() as u64 + 1);
        for bytes in text.as_bytes().chunks(7) {
            self.add(bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
    }
}
