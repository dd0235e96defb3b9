//! foca on a loop comparable to that of swimlab's agents: one task per member owns the socket, the timers and the
//! state.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use foca::{Config, Foca, Identity, Notification, PostcardCodec, Runtime, Timer};
use serde::{Deserialize, Serialize};
use swimlab_selectors::rng::{Purpose, stream, unit};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::{Bench, Peer};

/// A port, which is an address on loopback, and the number of the life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Id {
    port: u16,
    bump: u32,
}

pub(crate) struct Theirs {
    port: u16,
    metrics: Arc<Metrics>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Metrics {
    alive: AtomicUsize,
    packets: AtomicU64,
    bytes: AtomicU64,
    deaths: AtomicU64,
}

struct Loop {
    socket: UdpSocket,
    metrics: Arc<Metrics>,
    timers: BinaryHeap<Reverse<(Instant, u64)>>,
    due: std::collections::HashMap<u64, Timer<Id>>,
    scheduled: u64,
}

impl Identity for Id {
    type Addr = u16;

    fn renew(&self) -> Option<Self> {
        Some(Self { bump: self.bump + 1, ..self.clone() })
    }

    fn addr(&self) -> u16 {
        self.port
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self.bump > adversary.bump
    }
}

impl Runtime<Id> for &mut Loop {
    fn notify(&mut self, notification: Notification<'_, Id>) {
        match notification {
            Notification::MemberUp(_) => drop(self.metrics.alive.fetch_add(1, Ordering::Relaxed)),
            Notification::MemberDown(_) => {
                self.metrics.alive.fetch_sub(1, Ordering::Relaxed);
                self.metrics.deaths.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    fn send_to(&mut self, to: Id, data: &[u8]) {
        self.metrics.packets.fetch_add(1, Ordering::Relaxed);
        self.metrics.bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
        let _ = self.socket.try_send_to(data, ([127, 0, 0, 1], to.port).into());
    }

    fn submit_after(&mut self, event: Timer<Id>, after: Duration) {
        self.scheduled += 1;
        self.due.insert(self.scheduled, event);
        self.timers.push(Reverse((Instant::now() + after, self.scheduled)));
    }
}

impl Peer for Theirs {
    async fn begin(bench: &Bench, number: usize, seeds: &[String]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let port = socket.local_addr().expect("it is bound").port();
        let config = Config::new_lan(NonZeroU32::new(bench.members as u32).expect("members"));
        let most = config.max_packet_size.get();
        let mut rng = stream(number as u64, Purpose::Protocol, 0);
        let phase = unit(&mut rng);
        let mut member = Foca::new(Id { port, bump: 0 }, config, rng, PostcardCodec);
        let metrics = Arc::new(Metrics { alive: AtomicUsize::new(1), ..Metrics::default() });
        let (timers, due) = (BinaryHeap::new(), std::collections::HashMap::new());
        let mut own = Loop { socket, metrics: Arc::clone(&metrics), timers, due, scheduled: 0 };
        let seed = seeds.get(number % seeds.len().max(1)).map(|seed| {
            let port = seed.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
            Id { port, bump: 0 }
        });
        let task = tokio::spawn(async move {
            let _ = own.socket.writable().await;
            // foca's first period begins when it joins; swimlab's periods begin at random points, like those of
            // processes that were not started together. Without this delay all of foca's timers would fire at the same
            // moments.
            tokio::time::sleep(Duration::from_secs(1).mul_f64(phase)).await;
            if let Some(seed) = seed {
                let _ = member.announce(seed, &mut own);
            }
            let mut buffer = vec![0; most];
            let alarm = sleep_until(Instant::now());
            tokio::pin!(alarm);
            loop {
                tokio::select! {
                    _ = poll_fn(|context| own.socket.poll_recv_ready(context)) => while let Ok((len, _)) = own.socket.try_recv_from(&mut buffer) {
                        let _ = member.handle_data(&buffer[..len], &mut own);
                    },
                    () = &mut alarm => {}
                }
                while let Some(&Reverse((at, number))) = own.timers.peek()
                    && at <= Instant::now()
                {
                    own.timers.pop();
                    if let Some(timer) = own.due.remove(&number) {
                        let _ = member.handle_timer(timer, &mut own);
                    }
                }
                let next = own.timers.peek().map_or_else(|| Instant::now() + Duration::from_secs(60), |next| next.0.0);
                if next != alarm.deadline() {
                    alarm.as_mut().reset(next);
                }
            }
        });
        Self { port, metrics, task }
    }

    fn addr(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    async fn alive(&self) -> usize {
        self.metrics.alive.load(Ordering::Relaxed)
    }

    async fn counts(&self) -> [u64; 3] {
        let Metrics { packets, bytes, deaths, .. } = &*self.metrics;
        [packets, bytes, deaths].map(|count| count.load(Ordering::Relaxed))
    }

    async fn crash(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}
