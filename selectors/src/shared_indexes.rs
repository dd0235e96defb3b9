//! Indexes over one roster, shared by the members that have the roster and a selector in common.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Indexes over one roster. Members whose selectors are clones of one [`DynSelector`](crate::DynSelector) get the same.
#[derive(Default)]
pub struct SharedIndexes(Mutex<Vec<Box<dyn Any + Send + Sync>>>);

/// A selector, and its index over the roster.
struct Shared<S, I> {
    selector: Arc<S>,
    index: Arc<I>,
}

impl SharedIndexes {
    /// The most indexes that are kept: members of one process rarely have more than one selector.
    pub const LIMIT: usize = 8;

    /// The index of a selector, built by the first member that asks for it; the others wait.
    pub(crate) fn of<S, I>(&self, selector: &Arc<S>, build: impl FnOnce() -> I) -> Arc<I>
    where
        S: Send + Sync + 'static,
        I: Send + Sync + 'static,
    {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = all.iter().filter_map(|shared| shared.downcast_ref::<Shared<S, I>>());
        if let Some(shared) = known.find(|shared| Arc::ptr_eq(&shared.selector, selector)) {
            return Arc::clone(&shared.index);
        }
        let index = Arc::new(build());
        if all.len() == Self::LIMIT {
            all.remove(0);
        }
        all.push(Box::new(Shared { selector: Arc::clone(selector), index: Arc::clone(&index) }));
        index
    }
}

impl fmt::Debug for SharedIndexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedIndexes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Selector;
    use crate::peer::Peer;
    use crate::strategies::Schedule;

    #[test]
    fn clones_of_a_selector_share_an_index_and_other_selectors_have_their_own() {
        let indexes = SharedIndexes::default();
        let roster: Vec<Peer> = (0..20).map(Peer::new).collect();
        let (one, other) = (Arc::new(Schedule::default()), Arc::new(Schedule::default()));
        let first = indexes.of(&one, || one.build_index(&roster));
        assert!(Arc::ptr_eq(&first, &indexes.of(&one, || panic!("it is built"))));
        assert!(!Arc::ptr_eq(&first, &indexes.of(&other, || other.build_index(&roster))));
    }

    #[test]
    fn beyond_the_limit_the_oldest_index_is_built_anew() {
        let indexes = SharedIndexes::default();
        let selectors: Vec<_> = (0..=SharedIndexes::LIMIT).map(|_| Arc::new(Schedule::default())).collect();
        let built = |selector: &Arc<Schedule>| {
            let mut is_new = false;
            indexes.of(selector, || {
                is_new = true;
                selector.build_index(&[])
            });
            is_new
        };
        assert!(selectors.iter().all(built));
        assert!(!built(&selectors[1]) && built(&selectors[0]) && built(&selectors[1]));
    }
}
