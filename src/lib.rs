//! A laboratory for SWIM, the gossip-based membership and failure detection protocol.
//!
//! There is one implementation of the protocol, without I/O ([`protocol`]). It runs in virtual time on measured networks
//! ([`sim`], [`topology`]), in experiments that compare its parts with statistics ([`experiment`], [`report`]), and on real
//! sockets ([`agent`]). Which members are pinged is the choice of a selector from the crate [`swimlab_selectors`].
//!
//! | purpose | entry point |
//! |---|---|
//! | compare selectors, settings or detectors | [`experiment::Lab`], [`experiment::Experiment`] |
//! | the same from a terminal, with parts of your own | [`cli::main`] |
//! | run members of a cluster in a service | [`agent::Agent`] |
//! | watch one trial, packet by packet | [`sim::Observer`], or `swimlab replay` |
//! | drive the protocol from an event loop of your own | [`protocol::Member`], [`wire`] |
//!
//! # Comparing a selector of your own
//!
//! A selector is registered in a [`Lab`](experiment::Lab), and experiment files name it like a built-in one. This one
//! walks through the member table from a random place on:
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
//!     fn bound(&self, n: u32, direct: u32) -> Bound {
//!         Bound::Periods(n.saturating_sub(1).div_ceil(direct).max(1).into())
//!     }
//! }
//!
//! let mut lab = Lab::default();
//! lab.selectors.register("walk", "Walks through the table.", vec![], |_, _| Ok(DynSelector::new("walk", Walk)));
//!
//! let file = "
//!     topology = 'aws'
//!     selector = ['shuffle', 'walk']
//!     baseline = 'shuffle'
//!     members = 40
//!     trials = 10
//!     duration = '30s'
//!     fault = [{ kind = 'crash', at = '2s' }]
//! ";
//! let experiment = Experiment::parse(&TomlSource::text("walk.toml", file), &lab)?;
//! let results = experiment.run(Options::default())?.results;
//! println!("{}{}", table(&results, 120, false), findings(&results, 120));
//! # Ok::<(), swimlab::experiment::Error>(())
//! ```
//!
//! `swimlab::cli::main(lab)` as the body of `main` gives this selector the whole command line: `run` with plots and saved
//! results, `compare`, `list`, `replay`, and `agent`. `swimlab_selectors::laws::check` (feature `laws`) tests whether it
//! keeps its bound.
//!
//! # Running members
//!
//! An [`Agent`](agent::Agent) is a task of a tokio runtime. Methods ask and command; events arrive as values:
//!
//! ```
//! use swimlab::agent::Agent;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let first = Agent::builder().name("first").spawn().await?;
//! let mut events = first.events();
//! let second = Agent::builder().name("second").join([first.addr().to_string()]).spawn().await?;
//! println!("{:?}", events.next().await);
//! for member in first.members().await? {
//!     println!("{} at {} is {}", member.name(), member.addr(), member.state);
//! }
//! second.leave().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! By default an agent listens on loopback only. [`Builder`](agent::Builder) sets the address, keys to encrypt
//! with, settings, the selector and a folder for snapshots.
//!
//! # Watching one trial
//!
//! An [`Observer`](sim::Observer) sees every packet, event and fault of a world. This one prints what all members find out
//! about a crash:
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
//!         let how = if event.source == EventSource::Own { "by its own probe" } else { "by gossip" };
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
//! `swimlab replay FILE --trial 0` prints such a timeline of any trial of an experiment, with packets on request.
//!
//! # Features
//!
//! | feature | default | modules |
//! |---|---|---|
//! | none | | [`protocol`], [`wire`], [`topology`], [`sim`], [`detectors`]: no threads, clocks, sockets or files; builds for wasm32 |
//! | `lab` | yes | [`experiment`], [`report`], [`reproduce`]; topologies from CSV files |
//! | `agent` | yes | [`agent`]; with `lab` also experiments on real sockets ([`experiment::Experiment::run_real`]) |
//! | `cli` | yes | [`cli`] and the program `swimlab`; implies `lab` |
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
//! - Yang, Zhu, Fan, Gupta and others: Medley, Middleware 2019. Near members pinged more often.
//! - Dabek, Cox, Kaashoek, Morris: [Vivaldi: A Decentralized Network Coordinate
//!   System](https://doi.org/10.1145/1015467.1015471), SIGCOMM 2004. Round-trip times that members learn.
//!
//! The modules, [`detectors`] and the pages on variants and reproductions in the repository name further sources.

#[cfg(feature = "agent")]
pub mod agent;
#[cfg(feature = "cli")]
pub mod cli;
pub mod detectors;
#[cfg(feature = "lab")]
pub mod experiment;
pub mod protocol;
#[cfg(feature = "lab")]
pub mod report;
#[cfg(feature = "lab")]
pub mod reproduce;
pub mod sim;
pub mod topology;
pub mod wire;

/// The guide's snippets are doctests.
#[cfg(all(doctest, feature = "lab"))]
#[doc = include_str!("../docs/variants/README.md")]
struct Variants;
