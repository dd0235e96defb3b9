//! Folding a table's differences into a roster: one of the member's own, or one that the members of a process share.

use std::cmp::Reverse;
use std::sync::Arc;

use swimlab_selectors::View;

use super::Member;
use super::cold::Settling;
use crate::protocol::memory_pool::MemoryPool;
use crate::protocol::message::{NodeInfo, Update, UpdateKind};

/// Periods without a change after which a table is looked for among those of others.
const SETTLED_PERIODS: u64 = 8;

/// Differences from which a settled table is folded even if no other member has the same.
const SETTLED_DIFFERENCES: usize = 64;

impl Member {
    /// Folds the differences into a new roster once they are many, and into a shared one once they have lasted.
    pub(super) fn fold_differences(&mut self) {
        if let Some(pool) = &self.config.pool
            && !self.selector.keeps_slots()
        {
            let pool = Arc::clone(pool);
            if self.table.wants_sharing() || self.has_settled(&pool) {
                self.share_table(&pool);
            }
        } else if self.table.wants_rebase() {
            let peers = self.table.rebase();
            self.selector.reindex(&peers);
        }
    }

    /// Whether the table has not changed for some periods, and may be shared: another member has the same, or there are
    /// enough differences that more members may come to it.
    fn has_settled(&mut self, pool: &MemoryPool) -> bool {
        let (digest, period) = (self.table.digest(), self.period);
        if self.table.differences() == 0 {
            return false;
        }
        let settling = &mut self.cold().settling;
        if settling.digest != digest {
            *settling = Settling { digest, since: period };
            return false;
        }
        let periods = period - settling.since;
        if periods == 0 || !periods.is_multiple_of(SETTLED_PERIODS) {
            return false;
        }
        let differences = self.table.foldable_differences();
        differences >= SETTLED_DIFFERENCES || differences > 0 && pool.has_roster(digest)
    }

    fn share_table(&mut self, pool: &MemoryPool) {
        let renumbering = self.table.share(pool);
        let roster = self.table.roster();
        self.selector.share_index(roster.indexes(), &|| roster.copied_peers());
        let me = self.table.me();
        self.upcoming = renumbering.slot(self.upcoming).unwrap_or(me);
        self.round.targets.retain(|probed| {
            let slot = renumbering.slot(probed.slot);
            probed.slot = slot.unwrap_or(probed.slot);
            slot.is_some()
        });
        self.queue.renumber(&renumbering);
        if let Some(deadlines) = &mut self.deadlines {
            let suspicions = std::mem::take(&mut deadlines.suspicions).into_iter();
            let moved = suspicions.filter_map(|Reverse((until, slot))| Some(Reverse((until, renumbering.slot(slot)?))));
            deadlines.suspicions = moved.collect();
        }
        if let Some(cold) = &mut self.cold {
            cold.slow.renumber(&renumbering);
            cold.undisclosed.retain_mut(|undisclosed| {
                let slot = renumbering.slot(undisclosed.slot);
                undisclosed.slot = slot.unwrap_or(undisclosed.slot);
                slot.is_some()
            });
        }
    }

    /// The description equal to this one that other members of the process hold, if they share memory.
    pub(super) fn pooled(&self, node: &Arc<NodeInfo>) -> Arc<NodeInfo> {
        self.config.pool.as_ref().map_or_else(|| Arc::clone(node), |pool| pool.node(node))
    }

    /// An alive record that was applied, with the description that the table holds: the queue needs none of its own.
    pub(super) fn as_held(&self, update: &Update) -> Update {
        match self.config.pool.as_ref().and_then(|_| self.table.slot(update.id)) {
            Some(slot) => Update { kind: UpdateKind::Alive(Arc::clone(self.table.node(slot))), ..*update },
            None => update.clone(),
        }
    }
}
