//! Commands of handles, streams and lookups, carried out.

use std::ops::ControlFlow;
use std::time::Duration;

use cpu_time::ProcessTime;

use super::Driver;
use crate::agent::command::{Command, CommandError, KeyChange};
use crate::agent::event::MemberInfo;
use crate::agent::exit::ExitReason;
use crate::agent::metrics::Info;
use crate::agent::overview::Overview;
use crate::agent::round_trip;
use crate::agent::zone_names::apart;
use crate::protocol::{ForceLeaveError, Status, Time, TooLong};

impl Driver {
    /// Carries out a command. `Break`: it ends the agent.
    pub(super) async fn handle_command(&mut self, command: Command) -> ControlFlow<ExitReason> {
        let now = self.clock.now();
        // An answer cannot be delivered if the caller has given up meanwhile.
        match command {
            Command::Members(reply) => {
                let _ = reply.send(MemberInfo::all(self.member.table()));
            }
            Command::Discovery(reply) => {
                let _ = reply.send(self.discovery.reader(now, &self.member));
            }
            Command::Describe { description, reply } => {
                let _ = reply.send(self.discovery.describe(now, &self.member, *description));
            }
            Command::Report { report, reply } => {
                let _ = reply.send(self.discovery.report(now, &self.member, &report));
            }
            Command::WriteShared { write, reply } => {
                let _ = reply.send(self.discovery.write_shared(now, &write));
            }
            Command::Info(reply) => {
                let _ = reply.send(Box::new(self.info(now)));
            }
            Command::Overview(reply) => {
                let _ = reply.send(Box::new(Overview::new(self.info(now), &self.member, self.checks.measurements())));
            }
            Command::SetMeta { meta, reply } => {
                let _ = reply.send(self.set_meta(now, &meta));
            }
            Command::UpdateMeta { set, unset, reply } => {
                let edited = apart(self.member.node()).0.edited(set, &unset);
                let done = edited.map_err(CommandError::from).and_then(|meta| {
                    self.set_meta(now, &meta.to_bytes())?;
                    Ok(())
                });
                let _ = reply.send(done);
            }
            Command::Broadcast { name, payload, reply } => {
                let _ = reply.send(self.member.broadcast(now, &name, &payload, &mut self.outbox));
            }
            Command::Query(start) => self.queries.start(now, *start, &self.member),
            Command::ForceLeave { name, reply } => {
                let _ = reply.send(self.force_leave(now, &name));
            }
            Command::RoundTrip { from, to, reply } => {
                let found = round_trip::find(&self.member, self.checks.measurements(), from.as_deref(), &to);
                let _ = reply.send(found);
            }
            Command::Ping { id, answered } => self.pings.begin(now, id, answered, &mut self.member, &mut self.outbox),
            Command::ChangeKeys { change, reply } => {
                let _ = reply.send(self.change_keys(change));
            }
            Command::SetSeeds { seeds, are_all } => {
                self.member.set_seeds(seeds.clone());
                if self.member.is_joining() {
                    if seeds.is_empty() && are_all && self.rejoin.due() == Time::NEVER {
                        self.member.end_wait_for_seeds();
                    }
                    self.member.join(now, seeds, &mut self.outbox);
                }
            }
            Command::Arrived(arrival) => self.handle(arrival),
            Command::StreamFailed { reason, to } => {
                self.metrics.count_drop(reason);
                if let Some(address) = to {
                    self.contacts.failed(address, &mut self.member);
                }
            }
            Command::Contact { address, answered } => {
                self.contacts.begin(now, address, answered, &mut self.member, &mut self.outbox);
            }
            Command::EndContacts => self.contacts.end_abandoned(&mut self.member),
            Command::Pause(until) => self.pause(until).await,
            Command::Leave => {
                self.member.leave(&mut self.outbox);
                self.flush();
                return ControlFlow::Break(ExitReason::Left);
            }
            Command::Stop => return ControlFlow::Break(ExitReason::Stopped),
        }
        self.flush();
        ControlFlow::Continue(())
    }

    /// Replaces the metadata beside the names of the zone path, which stay.
    fn set_meta(&mut self, now: Time, meta: &[u8]) -> Result<(), TooLong> {
        let meta = self.zone_names.beside(meta);
        self.member.set_meta(now, &meta, &mut self.outbox)?;
        self.discovery.note(now, &self.member, self.member.id());
        Ok(())
    }

    /// Makes the member of a name leave. Of several, which only an insider can have invented, one that is gone.
    fn force_leave(&mut self, now: Time, name: &str) -> Result<(), ForceLeaveError> {
        let named = self.member.table().entries().filter(|(.., node)| *node.name == *name);
        let is_gone = |status| matches!(status, Status::Suspect | Status::Dead);
        let found = named.max_by_key(|&(_, status, ..)| is_gone(status)).map(|(.., node)| node.peer.id);
        let id = found.ok_or(ForceLeaveError::Unknown)?;
        self.member.force_leave(now, id, &mut self.outbox)?;
        tracing::info!(name, "the member is made to leave");
        Ok(())
    }

    fn info(&self, now: Time) -> Info {
        let states = self.member.table().by_status().map(|count| count as usize);
        let mut codec = self.codec.lock();
        Info {
            incarnation: self.member.incarnation(),
            states,
            is_joining: self.member.is_joining(),
            uptime: Duration::from_micros(now.since(self.started).as_micros()),
            process_cpu: ProcessTime::try_now().ok().map(|cpu| cpu.as_duration()),
            gauge: self.member.gauge(),
            dropped_user_events: self.member.dropped_user_events(),
            synced_user_events: self.member.synced_user_events(),
            refused_members: self.member.refused_members(),
            metrics: self.metrics.clone(),
            coordinate: self.member.coordinate(),
            keys: codec.keyring_mut().map_or_else(Vec::new, |keyring| keyring.ids().collect()),
            names: self.names.clone(),
            period: Duration::from_micros(self.member.config().protocol().period.as_micros()),
            neighbors: self.member.neighbors(),
            health_score: self.member.health_score(),
            has_fallen_back: self.member.has_fallen_back(),
            clock_offset: self.checks.clock_offset(),
            warnings: self.checks.warnings().cloned().collect(),
        }
    }

    fn change_keys(&mut self, change: KeyChange) -> Result<(), CommandError> {
        let mut codec = self.codec.lock();
        let keyring = codec.keyring_mut().ok_or(CommandError::NoKeys)?;
        match change {
            KeyChange::Install(key) => keyring.install(key)?,
            KeyChange::Use(id) => keyring.promote(id)?,
            KeyChange::Remove(id) => keyring.remove(id)?,
            KeyChange::Replace(keys) => *keyring = keys,
        }
        Ok(())
    }
}
