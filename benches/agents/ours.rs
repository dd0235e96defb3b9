//! swimlab's agents.

use swimlab::agent::{Agent, Security, Traffic};
use swimlab::discovery::{Description, Service};
use swimlab::protocol::Config;
use swimlab::wire::{Key, Keyring};

use super::{Bench, Peer};

pub(crate) struct Ours(Agent);

impl Peer for Ours {
    async fn begin(bench: &Bench, number: usize, seeds: &[String]) -> Self {
        let name = format!("member-{number}");
        // More than a burst join at once.
        let burst = Config::lan().admission_burst.max(bench.members as u32);
        let config = Config::lan().with_admission_burst(burst);
        let mut builder = Agent::builder().name(name).join(seeds).config(config);
        if bench.is_sealed {
            let keyring = Keyring::new(Key::new(&[7; Key::LEN]));
            builder = builder.security(Security::Sealed { keyring, label: "bench".to_owned() });
        }
        let agent = builder.spawn().await.expect("a member begins");
        if bench.services > 0 {
            let services =
                (0..bench.services).map(|service| Service::new(&format!("s{service}"), 8080).expect("a name"));
            let offer = services.fold(Description::default(), Description::with_service);
            agent.describe(offer).await.expect("it fits a state");
        }
        Self(agent)
    }

    fn addr(&self) -> String {
        self.0.addr().to_string()
    }

    async fn alive(&self) -> usize {
        // A suspect is one of the members still.
        self.0.info().await.map_or(0, |info| info.states[0] + info.states[1])
    }

    async fn counts(&self) -> [u64; 3] {
        let Ok(info) = self.0.info().await else { return [0; 3] };
        let sent = info.metrics.sent;
        let sum = |read: fn(&Traffic) -> u64| sent.iter().map(read).sum();
        [sum(|traffic| traffic.messages), sum(|traffic| traffic.bytes), info.metrics.counters.deaths]
    }

    async fn crash(self) {
        self.0.stop().await;
    }
}
