//! Notes about selectors whose locality cannot act in an experiment: nobody is near, nothing says who is, or the warm-up
//! is too short to learn it.

use swimlab_selectors::rng::{Purpose, stream};
use swimlab_selectors::{Context, DynSelector, Location, Peer, Slot, View};

use crate::protocol::Span;
use crate::topology::Placement;

/// The most members of a group that is looked at: an index over more takes long.
const MOST: u32 = 10_000;

/// The most members whose neighborhoods are looked at.
const SAMPLES: u32 = 64;

/// Round trips of a network without near and far members. Learned locations closer to each other are not published.
const ONE_NETWORK: Span = Span::from_millis(5);

/// Periods before which learned distances are too rough to be used: `schedule` publishes its first location then.
const LEARNING: u64 = 64;

/// A selector on a topology.
pub(super) struct Case<'a> {
    /// Built for the placement.
    pub selector: &'a DynSelector,
    /// The label of its metric, if it has that parameter.
    pub metric: Option<&'a str>,
    pub topology: &'a str,
    pub placement: &'a Placement,
    /// The number of members at the start.
    pub members: u32,
    /// The periods of the warm-up.
    pub warmup: u64,
}

/// The notes about a selector on a topology.
pub(super) fn notes(case: &Case<'_>) -> Vec<String> {
    let &Case { selector, metric, topology, placement, members, warmup } = case;
    let peers = &placement.peers[..members as usize];
    let is_one_network = Span::from_micros(placement.longest_rtt_us().into()) < ONE_NETWORK;
    if !(2..=MOST).contains(&members) || is_one_network {
        return Vec::new();
    }
    let index = selector.build_index(peers);
    let label = selector.label();
    let (mut lone, mut samples, mut is_undivided, mut learns) = (0, 0, false, false);
    for me in (0..members).step_by(members.div_ceil(SAMPLES) as usize) {
        let view = Everyone { peers, me };
        let mut rng = stream(0, Purpose::Selector, me.into());
        let mut ctx = Context { view: &view, period: 0, shared_period: 0, has_updates: false, rng: &mut rng };
        let state = index.new_state(&mut ctx);
        learns |= state.coordinate().is_some();
        // Others find their neighbors at their first ping, and always some.
        if !state.follows_clock() {
            break;
        }
        samples += 1;
        is_undivided |= state.is_near(&view, me).is_none();
        // A member that is alone in its region may have joined another one, which is not near.
        let region = peers[me as usize].zone.region();
        let is_near = |slot: Slot| {
            let is_there = region.is_none() || peers[slot as usize].zone.region() == region;
            slot != me && is_there && state.is_near(&view, slot) == Some(true)
        };
        lone += u32::from(!(0..members).any(is_near));
    }
    let mut notes = Vec::new();
    if let Some(missing) = metric.and_then(|metric| missing_data(metric, peers)) {
        notes.push(format!("{label}: no member of {topology} has {missing}, so that all are equally far"));
    }
    if learns && warmup < LEARNING {
        notes.push(format!(
            "{label}: it learns distances from its pings, and the warm-up has {warmup} periods: before {LEARNING} \
             of them, what it has learned is rough"
        ));
    } else if is_undivided && !learns {
        notes.push(format!(
            "{label}: no member of {topology} has a zone or a place, so that none is near: its pings are as long as those \
             of shuffle"
        ));
    } else if 2 * lone > samples && !is_undivided {
        notes.push(format!(
            "{label}: with members = {members} most members of {topology} are alone in their region, so that none is near: \
             most of its pings go far"
        ));
    }
    notes
}

/// The data that a metric needs and no member has.
fn missing_data(metric: &str, peers: &[Peer]) -> Option<&'static str> {
    let has = |is_there: fn(&Peer) -> bool| peers.iter().any(is_there);
    match metric.split(';').next()? {
        "hierarchy" if !has(|peer| !peer.zone.levels().is_empty()) => Some("a zone path"),
        "great-circle" if !has(|peer| matches!(peer.location, Some(Location::Globe { .. }))) => {
            Some("a place on the globe")
        }
        "euclid" if !has(|peer| matches!(peer.location, Some(Location::Plane { .. }))) => Some("a place in the plane"),
        _ => None,
    }
}

/// The view of a member that knows all others alive.
struct Everyone<'a> {
    peers: &'a [Peer],
    me: Slot,
}

impl View for Everyone<'_> {
    fn me(&self) -> Slot {
        self.me
    }

    fn slots(&self) -> u32 {
        self.peers.len() as u32
    }

    fn indexed(&self) -> u32 {
        self.slots()
    }

    fn peer(&self, slot: Slot) -> &Peer {
        &self.peers[slot as usize]
    }

    fn pingable(&self, slot: Slot) -> bool {
        slot != self.me
    }

    fn suspect(&self, _: Slot) -> bool {
        false
    }

    fn pingable_count(&self) -> u32 {
        self.slots() - 1
    }
}
