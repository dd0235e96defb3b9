//! Until the strategies are merged.
use std::sync::Arc;
use swimlab_selectors::registry::Registry;
use swimlab_selectors::*;

struct Uniform;
impl Selector for Uniform {
    type Survey = ();
    type State = ();
    fn survey(&self, _: &[Peer]) {}
    fn enroll(&self, _: &(), _: &mut Turn<'_>) {}
    fn targets(&self, _: &(), _: &mut (), turn: &mut Turn<'_>, want: usize, picks: &mut Vec<Slot>) {
        pick_uniform(turn, want, picks, |_| true);
    }
    fn bound(&self, n: u32, direct: u32) -> Bound {
        Bound::PerPeriod(f64::from(direct) / f64::from(n.max(2) - 1))
    }
}
struct Any;
impl Helpers for Any {
    fn helpers(&self, turn: &mut Turn<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>) {
        let view = turn.view;
        pick_uniform(turn, want, picks, |slot| !targets.contains(&slot) && !view.suspect(slot));
    }
}
pub fn selectors() -> Registry<Strategy, Surroundings> {
    let mut r = Registry::new("selector");
    r.register("uniform", "x", vec![], |_, _| Ok(Strategy::new("uniform", Uniform)));
    r.register("shuffle", "x", vec![], |_, _| Ok(Strategy::new("uniform", Uniform)));
    r
}
pub fn helpers() -> Registry<Arc<dyn Helpers>, Surroundings> {
    let mut r: Registry<Arc<dyn Helpers>, Surroundings> = Registry::new("helpers");
    r.register("uniform", "x", vec![], |_, _| Ok(Arc::new(Any)));
    r
}
