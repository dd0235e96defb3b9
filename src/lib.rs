//! A laboratory for SWIM, the gossip-based membership and failure detection protocol.
//!
//! There is one implementation of the protocol, without I/O ([`protocol`]). Simulated worlds run it in virtual time on
//! measured networks ([`sim`], [`topology`]), experiments compare variants of it with statistics ([`experiment`],
//! [`report`]), and agents run the same code on real sockets ([`agent`]). A [`Selector`](swimlab_selectors::Selector) from
//! the crate [`swimlab_selectors`] decides which members are pinged.
//!
//! | purpose | entry point |
//! |---|---|
//! | compare selectors, settings or detectors | [`experiment::Lab`], [`experiment::Experiment`] |
//! | write a failure detector and run it in virtual time | [`sim::FailureDetector`], [`sim::World`] |
//! | the same from a terminal, with parts of your own | [`cli::main`] |
//! | find the detector and settings for targets | [`advise::advise`], or `swimlab advise` |
//! | run members of a cluster in a service | [`agent::Agent`] |
//! | watch one trial, packet by packet | [`sim::Observer`], or `swimlab replay` |
//! | drive the protocol from an event loop of your own | [`protocol::Member`], [`wire`] |
//!
//! ```toml
//! [dependencies]
//! swimlab = "0.1"
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }   # for agents
//!
//! [dev-dependencies]
//! swimlab-selectors = { version = "0.1", features = ["laws"] }  # tests your selectors
//! ```
//!
//! [`selectors`] is the crate [`swimlab_selectors`], for selectors, detectors and all other parts of your own.
//!
//! # Comparing a selector of your own
//!
//! A selector is registered in a [`Lab`](experiment::Lab), and experiment files name it like a built-in one. This one
//! goes through the member table in order, from a random slot:
//!
//! ```
//! use swimlab::experiment::{Experiment, Lab, Options, TomlSource};
//! use swimlab::report::{findings, table};
//! use swimlab_selectors::rng::below;
//! use swimlab_selectors::{Bound, Context, DynSelector, Peer, Selector, Slot};
//!
//! struct Walk;
//!
//! impl Selector for Walk {
//!     type RosterIndex = ();
//!     /// The slot to look at next.
//!     type State = Slot;
//!
//!     fn build_index(&self, _: &[Peer]) {}
//!
//!     fn new_state(&self, _: &(), ctx: &mut Context<'_>) -> Slot {
//!         below(ctx.rng, ctx.view.slots().max(1))
//!     }
//!
//!     fn targets(&self, _: &(), next: &mut Slot, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
//!         let (slots, enough) = (ctx.view.slots(), picks.len() + want);
//!         for _ in 0..slots {
//!             if picks.len() == enough {
//!                 return;
//!             }
//!             let slot = *next % slots;
//!             *next = slot + 1;
//!             if ctx.view.pingable(slot) {
//!                 picks.push(slot);
//!             }
//!         }
//!     }
//!
//!     /// Each member is pinged by each other one at least every (n - 1) / direct periods.
//!     fn bound(&self, n: u32, direct: u32) -> Bound {
//!         Bound::Periods(n.saturating_sub(1).div_ceil(direct).max(1).into())
//!     }
//! }
//!
//! let mut lab = Lab::default();
//! swimlab_selectors::laws::check(|| DynSelector::new("walk", Walk));
//! // The name in files, a description for `swimlab list`, its parameters (none), and how it is built from them.
//! lab.selectors.register("walk", "Goes through the table.", vec![], |_, _| Ok(DynSelector::new("walk", Walk)));
//!
//! let file = "
//!     topology = 'aws'
//!     selector = ['shuffle', 'walk']
//!     baseline = 'shuffle'
//!     members = 40
//!     trials = 10
//!     duration = '30s'
//!     protocol = { period = '1500ms' }
//!     fault = [{ kind = 'crash', at = '2s' }]
//! ";
//! let experiment = Experiment::parse(&TomlSource::text("walk.toml", file), &lab)?;
//! let finished = experiment.run(Options::default())?;
//! // Trials in which a selector panicked.
//! finished.failures.iter().for_each(|failure| eprintln!("{failure:?}"));
//! println!("{}{}", table(&finished.results, 120, false), findings(&finished.results, 120));
//! # Ok::<(), swimlab::experiment::Error>(())
//! ```
//!
//! In each period a member calls `targets`, which adds `want` distinct slots that are pingable, or all if there are fewer.
//! A slot is an index into the member's own table, which [`Context::view`](swimlab_selectors::Context) shows: who is
//! pingable or suspected, ids, locations and zones. `bound` states what the selector guarantees in a group of `n` members,
//! the member itself included, with `direct` pings per period; [`Bound`](swimlab_selectors::Bound) has weaker forms.
//! Round-trip times, joins and departures arrive through
//! [`Selector::observe`](swimlab_selectors::Selector::observe). [`Param`](swimlab_selectors::Param) declares parameters.
//!
//! Nothing checks this contract at run time: a selector that breaks it is compared like any other. So `laws::check`, of
//! the feature `laws`, belongs into a test; it runs the selector in random groups under churn and panics with the shortest
//! scenario in which the contract or the bound does not hold.
//!
//! With `swimlab::cli::main(lab)` as the body of `main` the program has the whole command line, and your selector in it:
//! `run` with plots and saved results, `compare`, `list`, `replay`, and `agent`.
//!
//! # A failure detector of your own
//!
//! [`sim::FailureDetector`] is the detector of one member, without I/O; its documentation has the rules and an example.
//! [`sim::World`] runs members of any such type in virtual time under the same faults, observers and checkers as SWIM.
//! Registered with [`detectors::worlds_of`] in [`Lab::detectors`](experiment::Lab), experiment files compare it with SWIM
//! as `profile = ["swim", "mine"]`. `examples/custom_detector.rs` in the repository does all of it.
//!
//! # Running members
//!
//! An [`Agent`](agent::Agent) is the handle of a member that runs as a task of tokio. Its methods query and control the
//! member, and [`AgentEvent`](agent::AgentEvent) values report what it learns:
//!
//! ```
//! use swimlab::agent::Agent;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let first = Agent::builder().name("first").spawn().await?;
//!     let mut events = first.events();
//!     let second = Agent::builder().name("second").join([first.addr().to_string()]).spawn().await?;
//!     println!("{:?}", events.next().await);
//!     for member in first.members().await? {
//!         println!("{} at {} is {}", member.name(), member.addr(), member.state);
//!     }
//!     second.broadcast("deploy", "v7").await?;
//!     println!("{:?}", events.next().await);
//!     second.leave().await;
//!     Ok(())
//! }
//! ```
//!
//! A member whose last handle is dropped stops without a departure, as if it had crashed. By default an agent listens on
//! loopback, sends plain text, and pings as the selector `auto` says, which prefers neighbors and needs clocks that agree
//! within a fraction of a period. [`Builder`](agent::Builder) sets the address, keys to encrypt with, settings, another
//! selector (SWIM's own is `shuffle`) and a folder for snapshots.
//!
//! # Watching one trial
//!
//! A trial is one run of a simulated world. An [`Observer`](sim::Observer) is told of its packets, events and faults. This
//! one prints what members learn about a crash:
//!
//! ```
//! use std::sync::Arc;
//!
//! use swimlab::protocol::{Config, Event, EventSource, MemberConfig, Span, Time};
//! use swimlab::sim::{Crash, Fault, FaultEvent, MemberIndex, Observer, Setup, run_swim};
//! use swimlab::topology::{TopologyContext, topologies};
//! use swimlab::wire::PlainSizer;
//! use swimlab_selectors::{DynSelector, Shuffle, Spec};
//!
//! struct Timeline;
//!
//! impl Observer for Timeline {
//!     fn fault(&mut self, fault: &FaultEvent) {
//!         println!("{}: member {}: {:?}", fault.at, fault.member, fault.effect);
//!     }
//!
//!     fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
//!         let how = if event.source == EventSource::Own { "by itself" } else { "by gossip" };
//!         println!("{at}: member {member} learns {how}: {}", event.kind.name());
//!     }
//! }
//!
//! let lan = topologies().build(&Spec::of("lan"), &TopologyContext::default())?;
//! let mut crash = Fault::new(Crash);
//! crash.at = Span::from_secs(2);
//! let setup = Setup::new(&lan, 10, 1, vec![crash]);
//! let config = Arc::new(MemberConfig::new(Config::swim(), Arc::new(PlainSizer))?);
//! run_swim(&setup, &config, &DynSelector::new("shuffle", Shuffle), &mut Timeline);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `swimlab replay FILE --trial 0` prints a timeline of any trial of an experiment, with its pings; `--packets none` leaves
//! these out, and `--selector` and other keys choose among the file's cells.
//!
//! # Features
//!
//! | feature | default | modules |
//! |---|---|---|
//! | none | | [`protocol`], [`wire`], [`topology`], [`sim`], [`detectors`], [`discovery`]: no clocks, sockets, files or threads; builds for wasm32 |
//! | `experiments` | by `lab` | [`experiment`], [`course`]; topologies from CSV files; builds for wasm32 |
//! | `judge` | no | `course::challenges::main`, for programs that judge a selector; implies `lab` |
//! | `lab` | yes | [`report`], [`reproduce`], [`advise`]; implies `experiments` |
//! | `agent` | yes | [`agent`]; with `lab` also experiments on real sockets ([`experiment::Experiment::run_real`]) |
//! | `discovery` | yes | HTTP and DNS of agents ([`agent::serve_http`], [`agent::serve_dns`]); implies `agent` |
//! | `cli` | yes | [`cli`] and the program `swimlab`; implies `lab` and `discovery` |
//! | `seal` | by `agent` | encrypted packets in [`wire`] |
//! | `foca` | no | the crate foca as a detector to compare with |
//!
//! A service that runs members needs `default-features = false, features = ["agent"]`.
//!
//! # Papers
//!
//! - Das, Gupta, Motivala: [SWIM: Scalable Weakly-consistent Infection-style Process Group Membership
//!   Protocol](https://doi.org/10.1109/DSN.2002.1028914), DSN 2002. The protocol.
//! - Dadgar, Phillips, Currey: [Lifeguard: Local Health Awareness for More Accurate Failure
//!   Detection](https://arxiv.org/abs/1707.00788), DSN 2018. Suspicion times by confirmations, local health.
//! - Yang, Zhu, Li, Gupta: [Medley: A Novel Distributed Failure Detector for IoT
//!   Networks](https://doi.org/10.1145/3361525.3361556), Middleware 2019. Near members pinged more often.
//! - Dabek, Cox, Kaashoek, Morris: [Vivaldi: A Decentralized Network Coordinate
//!   System](https://doi.org/10.1145/1015467.1015471), SIGCOMM 2004. Round-trip times that members learn.
//!
//! The modules, [`detectors`] and the pages on variants and reproductions in the repository name further sources.

#[cfg(feature = "lab")]
pub mod advise;
#[cfg(feature = "agent")]
pub mod agent;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "experiments")]
pub mod course;
pub mod detectors;
pub mod discovery;
#[cfg(feature = "experiments")]
pub mod experiment;
#[cfg(test)]
mod limits;
pub mod protocol;
#[cfg(feature = "lab")]
pub mod report;
#[cfg(feature = "lab")]
pub mod reproduce;
pub mod sim;
pub mod topology;
pub mod wire;

/// The crate `swimlab-selectors`: selectors, registries and random streams. Parts of your own need no other dependency.
pub use swimlab_selectors as selectors;

/// The guide's snippets are doctests.
#[cfg(all(doctest, feature = "lab"))]
#[doc = include_str!("../docs/variants/README.md")]
struct Variants;
