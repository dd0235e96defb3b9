//! Fan-out of an agent's events, and of its end, to any number of readers.

use std::sync::{Arc, OnceLock};
use std::thread;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;

use super::event::AgentEvent;
use super::exit::ExitReason;

/// Publishes events of an agent's task to its readers. Clones share the readers.
#[derive(Clone)]
pub(super) struct EventHub {
    /// Made for the first reader: most of thousands of agents in a process have none.
    sender: Arc<OnceLock<broadcast::Sender<AgentEvent>>>,
    /// The most events that a reader may be behind.
    capacity: usize,
    exit: watch::Receiver<Option<ExitReason>>,
}

/// Announces the end of an agent, once. If it is dropped before that, its task has panicked, or ended with its runtime.
pub(super) struct ExitSender(watch::Sender<Option<ExitReason>>);

/// Reader of an agent's events. Each reader gets every event from its creation on, at its own pace; one that falls
/// behind by more than [`Builder::event_buffer`](super::Builder::event_buffer) gets [`AgentEvent::Missed`] in place of
/// what it lost.
#[derive(Debug)]
pub struct Events {
    events: broadcast::Receiver<AgentEvent>,
    exit: watch::Receiver<Option<ExitReason>>,
}

impl EventHub {
    /// A hub whose readers may be `capacity` events behind, and the value that announces the agent's end.
    pub(super) fn new(capacity: usize) -> (Self, ExitSender) {
        let (exit_sender, exit) = watch::channel(None);
        (Self { sender: Arc::default(), capacity, exit }, ExitSender(exit_sender))
    }

    pub(super) fn has_readers(&self) -> bool {
        self.sender.get().is_some_and(|sender| sender.receiver_count() > 0)
    }

    pub(super) fn publish(&self, event: AgentEvent) {
        if let Some(sender) = self.sender.get() {
            // It fails if all readers are gone.
            let _ = sender.send(event);
        }
    }

    pub(super) fn subscribe(&self) -> Events {
        let sender = self.sender.get_or_init(|| broadcast::Sender::new(self.capacity));
        Events { events: sender.subscribe(), exit: self.exit.clone() }
    }

    /// Waits for the agent's end.
    pub(super) async fn exited(&self) -> ExitReason {
        let mut exit = self.exit.clone();
        let reason = exit.wait_for(Option::is_some).await.ok().and_then(|reason| *reason);
        reason.expect("announced at the latest when the sender is dropped")
    }
}

impl ExitSender {
    pub(super) fn send(self, reason: ExitReason) {
        // It fails if no handle and no reader is left.
        let _ = self.0.send(Some(reason));
    }
}

impl Drop for ExitSender {
    fn drop(&mut self) {
        let reason = if thread::panicking() { ExitReason::Panicked } else { ExitReason::Stopped };
        self.0.send_if_modified(|exit| {
            let is_new = exit.is_none();
            exit.get_or_insert(reason);
            is_new
        });
    }
}

impl Events {
    /// Waits for the next event. `None`: the agent has ended, and all its events have been read.
    ///
    /// Cancel safe: no event is lost if the future is dropped, as in `tokio::select!`.
    pub async fn next(&mut self) -> Option<AgentEvent> {
        let received = tokio::select! {
            biased;
            received = self.events.recv() => received,
            _ = self.exit.wait_for(Option::is_some) => Err(RecvError::Closed),
        };
        match received {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(missed)) => Some(AgentEvent::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::builder::DEFAULT_EVENT_BUFFER;
    use super::*;

    #[tokio::test]
    async fn a_reader_may_be_as_many_events_behind_as_the_buffer_holds() {
        for (published, missed) in [(DEFAULT_EVENT_BUFFER, 0), (DEFAULT_EVENT_BUFFER + 1, 1)] {
            let (hub, exit) = EventHub::new(DEFAULT_EVENT_BUFFER);
            let mut events = hub.subscribe();
            // Any event does; this one has no parts.
            (0..published).for_each(|_| hub.publish(AgentEvent::Missed(0)));
            exit.send(ExitReason::Stopped);
            if missed > 0 {
                assert_eq!(events.next().await, Some(AgentEvent::Missed(missed)));
            }
            for _ in 0..DEFAULT_EVENT_BUFFER {
                assert_eq!(events.next().await, Some(AgentEvent::Missed(0)));
            }
            assert_eq!(events.next().await, None);
        }
    }
}
