//! The work with madsim: a member is a node with an endpoint and two tasks, one for its periods and one that receives.
//! madsim simulates an operating system and its network for asynchronous programs, which is more than the work needs.

use std::process::ExitCode;

#[cfg(not(madsim))]
fn main() -> ExitCode {
    eprintln!("error: build with --cfg madsim, as `cargo bench` does in the folder benches/peers");
    ExitCode::from(2)
}

#[cfg(madsim)]
fn main() -> ExitCode {
    swimlab_peers::measure(peer::world)
}

#[cfg(madsim)]
mod peer {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::time::Duration;

    use madsim::Config;
    use madsim::net::Endpoint;
    use madsim::runtime::Runtime;
    use madsim::time::{Instant, TimeHandle, interval_at, sleep};
    use swimlab::selectors::rng::{Purpose, below, stream};
    use swimlab_peers::work::{LATENCY_US, PERIOD_US, SEED, TALLY, Work};

    /// All messages have one tag; the byte that they carry tells them apart.
    const TAG: u64 = 1;
    const PING: u8 = 0;
    const ACK: u8 = 1;

    pub(super) fn world(work: Work) -> impl FnOnce() {
        let mut config = Config::default();
        config.net.send_latency = Duration::from_micros(LATENCY_US.0)..Duration::from_micros(LATENCY_US.1);
        let runtime = Runtime::with_seed_and_config(SEED, config);
        for member in 0..work.members {
            let node = runtime.create_node().ip(address(member).ip()).build();
            node.spawn(begin(member, work.members));
        }
        move || runtime.block_on(async move { sleep(Duration::from_micros(work.end_us())).await })
    }

    fn address(member: u32) -> SocketAddr {
        let [_, a, b, c] = (member + 1).to_be_bytes();
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, a, b, c)), 1)
    }

    async fn begin(me: u32, members: u32) {
        let endpoint = Arc::new(Endpoint::bind(address(me)).await.expect("an address of its own"));
        madsim::task::spawn(receive(Arc::clone(&endpoint)));
        let mut rng = stream(SEED, Purpose::Other(0), me.into());
        let first = Instant::now() + Duration::from_micros(below(&mut rng, PERIOD_US as u32).into());
        let mut periods = interval_at(first, Duration::from_micros(PERIOD_US));
        loop {
            periods.tick().await;
            TALLY.period();
            let other = (me + 1 + below(&mut rng, members - 1)) % members;
            endpoint.send_to(address(other), TAG, &[PING]).await.expect("the network is up");
        }
    }

    async fn receive(endpoint: Arc<Endpoint>) {
        let mut is_pinged = false;
        let mut message = [PING];
        loop {
            let (_, from) = endpoint.recv_from(TAG, &mut message).await.expect("the network is up");
            if message == [PING] {
                TALLY.ping(TimeHandle::current().elapsed().as_micros() as u64, &mut is_pinged);
                endpoint.send_to(from, TAG, &[ACK]).await.expect("the network is up");
            } else {
                TALLY.ack();
            }
        }
    }
}
