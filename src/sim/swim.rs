//! SWIM members as a world's detectors.

use std::sync::Arc;

use swimlab_selectors::rng::{Purpose, stream};
use swimlab_selectors::{Bound, DynSelector, IndexedSelector};

use super::app_request::AppRequest;
use super::checker::Guarantees;
use super::detector::FailureDetector;
use super::network::address_of;
use super::observer::{MemberIndex, Observer};
use super::setup::Setup;
use super::world::{DetectorFactory, Outcome, World};
use crate::protocol::{
    Address, Gauge, Identity, Incarnation, Member, MemberConfig, MessageKind, NodeInfo, Outbox, Packet, Roster, Time,
    USER_EVENT_LIMIT,
};

/// Runs one trial: a world of SWIM members with this selector.
pub fn run_swim(
    setup: &Setup,
    config: &Arc<MemberConfig>,
    strategy: &DynSelector,
    observer: &mut impl Observer,
) -> Outcome {
    World::new(setup, SwimFactory::new(setup, config, strategy), observer).run()
}

/// Creates SWIM members: initial members share one roster and one selector index of it, joiners start alone.
pub struct SwimFactory {
    config: Arc<MemberConfig>,
    strategy: DynSelector,
    address: Box<dyn Fn(MemberIndex) -> Address + Send + Sync>,
    roster: Arc<Roster>,
    indexed: IndexedSelector,
    setup: Setup,
}

impl SwimFactory {
    /// The members of this setup.
    pub fn new(setup: &Setup, config: &Arc<MemberConfig>, strategy: &DynSelector) -> Self {
        Self::at(setup, config, strategy, address_of)
    }

    /// The members of this setup, at these addresses.
    pub fn at(
        setup: &Setup,
        config: &Arc<MemberConfig>,
        strategy: &DynSelector,
        address: impl Fn(MemberIndex) -> Address + Send + Sync + 'static,
    ) -> Self {
        let roster = Arc::new(Roster::of_peers(Arc::clone(&setup.placement.peers), setup.members, &address));
        let indexed = strategy.build_index(roster.peers());
        let (config, strategy, address) = (Arc::clone(config), strategy.clone(), Box::new(address));
        Self { config, strategy, address, roster, indexed, setup: setup.clone() }
    }

    fn identity(&self, member: MemberIndex, generation: u32) -> Identity {
        // Each life has random streams of its own.
        let life = u64::from(generation) << 32 | u64::from(member);
        Identity {
            incarnation: Incarnation::of_generation(generation),
            since_epoch: self.setup.since_epoch(member),
            strategy_rng: stream(self.setup.seed, Purpose::Selector, life),
            rng: stream(self.setup.seed, Purpose::Protocol, life),
        }
    }
}

impl DetectorFactory for SwimFactory {
    type Detector = Member;

    fn initial(&mut self, member: MemberIndex) -> Member {
        let (config, roster) = (Arc::clone(&self.config), Arc::clone(&self.roster));
        Member::new(config, self.identity(member, 0), roster, &self.indexed, member)
    }

    fn joiner(&mut self, member: MemberIndex, generation: u32) -> Member {
        let peer = self.setup.placement.peers[member as usize].clone();
        let roster = Arc::new(Roster::of_members([Arc::new(NodeInfo::new(peer, (self.address)(member)))]));
        let indexed = self.strategy.build_index(roster.peers());
        Member::new(Arc::clone(&self.config), self.identity(member, generation), roster, &indexed, 0)
    }

    fn guarantees(&self) -> Guarantees {
        let config = self.config.protocol();
        let n = self.setup.placement.members();
        let limits = Gauge {
            // One about each member and as many overtaken, and application events.
            broadcasts: 2 * n as usize + 64 + USER_EVENT_LIMIT,
            relays: Member::RELAY_LIMIT,
            forgotten: config.reconnect_limit as usize,
            // One of each member, and as many of members that have returned or died again.
            tombstones: 2 * n as usize + 64,
        };
        let suspicion = config.suspicion.timeout(config.period, n, 0);
        // Members with a bad local health stretch their periods.
        let longest = config.prober.local_health().map_or(1, |health| u64::from(health.limit) + 1);
        let period = config.period * longest;
        // Every member pings every other within the selector's bound, notices a crash within two more periods and then
        // waits for a refutation: so updates that dissemination drops are found out first-hand.
        let converges_within = match self.strategy.bound(n, config.direct) {
            Bound::Periods(most) => Some(period * (most + 2) + suspicion),
            Bound::PerPeriod(p) if p > 0.0 => {
                // All n^2 pairs but one in a billion worlds.
                let periods = libm::ceil((libm::log(1e9) + 2.0 * libm::log(f64::from(n))) / p);
                Some(period * (periods as u64 + 2) + suspicion)
            }
            // Some member finds out and tells; pings of every pair are not guaranteed.
            _ => None,
        };
        // Each member pings one of its dead every `reconnect_every` periods; those that are reached refute, and the
        // update spreads. With fewer than n tries for n dead some are left: the logarithm is that of the coupon
        // collector.
        let rounds = 2.0 * libm::log(f64::from(n) + 1.0) + 20.0;
        let heals_within = converges_within
            .filter(|_| config.reconnect_every > 0 && config.anti_entropy && !config.dead_final)
            .map(|converges_within| converges_within + period.scale(f64::from(config.reconnect_every) * rounds));
        Guarantees {
            converges_within: converges_within.filter(|_| config.anti_entropy),
            heals_within,
            returns_refuted: config.reconnect_limit > 0,
            ..Guarantees::bounded(limits)
        }
    }
}

impl FailureDetector for Member {
    type Message = Packet;
    fn start(&mut self, now: Time, first_period: Time, _out: &mut Outbox) {
        Member::start(self, now, first_period);
    }

    fn join(&mut self, now: Time, seeds: Vec<Address>, out: &mut Outbox) {
        Member::join(self, now, seeds, out);
    }

    fn leave(&mut self, _now: Time, out: &mut Outbox) {
        Member::leave(self, out);
    }

    fn handle(&mut self, now: Time, from: Address, packet: &Packet, out: &mut Outbox) {
        Member::handle(self, now, from, packet, out);
    }

    fn wake(&mut self, now: Time, out: &mut Outbox) {
        Member::wake(self, now, out);
    }

    fn serve(&mut self, now: Time, request: AppRequest, out: &mut Outbox) -> bool {
        let content = request.content(self.incarnation());
        match request {
            AppRequest::Broadcast { .. } => self.broadcast(now, AppRequest::EVENT, &content, out).is_ok(),
            AppRequest::SetMeta { .. } => self.set_meta(now, &content, out).is_ok(),
        }
    }

    fn stall(&mut self) {
        Member::stall(self);
    }

    fn end_stall(&mut self, now: Time) {
        Member::end_stall(self, now);
    }

    fn redraw(&mut self, seed: u64) {
        let id = self.id();
        self.set_streams(stream(seed, Purpose::Selector, id), stream(seed, Purpose::Protocol, id));
    }

    fn deadline(&self) -> Time {
        Member::deadline(self)
    }

    fn kind(packet: &Packet) -> MessageKind {
        packet.body.kind()
    }

    fn members(&self) -> Option<u32> {
        Some(self.table().members())
    }

    fn gauge(&self) -> Gauge {
        Member::gauge(self)
    }

    const HOT_BYTES: usize = Member::HOT_BYTES;
    const WAKE_BYTES: usize = Member::WAKE_BYTES;

    fn prefetch(&self, message: Option<(MemberIndex, &Packet)>) {
        match message {
            None => self.prefetch_wake(),
            // The slots of initial members are their indices.
            Some((from, packet)) => self.prefetch_handle(packet, from),
        }
    }
}
