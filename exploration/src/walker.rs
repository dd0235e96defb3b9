//! Found states, stored as the steps that lead to them, and rebuilt by repeating those.

use crate::model::Model;
use crate::state::State;
use crate::step::Step;

/// Number of a found state, in the order of discovery; 0 is the start.
pub(crate) type NodeId = u32;

/// A found state: its predecessor and the step from there.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    pub(crate) parent: NodeId,
    pub(crate) step: Step,
}

/// Rebuilds states. Keeps those on the way to the last one: states that are asked for in the order of discovery share most
/// of their way.
pub(crate) struct Walker<'a> {
    model: &'a Model,
    nodes: &'a [Node],
    start: State,
    path: Vec<(NodeId, State)>,
}

impl<'a> Walker<'a> {
    pub(crate) fn new(model: &'a Model, nodes: &'a [Node]) -> Self {
        Self { model, nodes, start: State::start(model), path: Vec::new() }
    }

    /// The state with this number.
    pub(crate) fn state(&mut self, id: NodeId) -> &State {
        let mut missing = Vec::new();
        let mut at = id;
        // Numbers grow along every way.
        while at != 0 {
            while self.path.last().is_some_and(|(last, _)| *last > at) {
                self.path.pop();
            }
            if self.path.last().is_some_and(|(last, _)| *last == at) {
                break;
            }
            missing.push(at);
            at = self.nodes[at as usize].parent;
        }
        if at == 0 {
            self.path.clear();
        }
        while let Some(next) = missing.pop() {
            let last = self.path.last().map_or(&self.start, |(_, state)| state);
            let (state, _) = last.after(self.nodes[next as usize].step, self.model);
            self.path.push((next, state));
        }
        self.path.last().map_or(&self.start, |(_, state)| state)
    }

    /// The numbers of the states on the way to this one, from the first after the start on.
    pub(crate) fn way(nodes: &[Node], id: NodeId) -> Vec<NodeId> {
        let mut way: Vec<NodeId> =
            std::iter::successors(Some(id), |at| (*at != 0).then(|| nodes[*at as usize].parent)).collect();
        way.pop();
        way.reverse();
        way
    }
}
