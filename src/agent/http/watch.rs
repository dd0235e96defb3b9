//! `/v1/watch`: a stream of changes, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::{Extension, response::IntoResponse};
use futures_util::stream::unfold;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::{IntoParams, ToSchema};

use super::deadline::Deadline;
use super::error::{ErrorBody, Refusal};
use crate::agent::discovery::{Discovery, InstanceSummary, Watch, WatchEvent};

/// The most streams at once.
pub(super) const MAX_STREAMS: usize = 64;

/// Time between two comments in a stream without changes, by which both sides notice that the other one is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The streams of one server.
#[derive(Clone)]
pub(super) struct Streams {
    pub discovery: Discovery,
    places: Arc<Semaphore>,
    /// Distinguishes indexes of this server from those of others, also of earlier lives.
    epoch: u64,
}

impl Streams {
    pub(super) fn new(discovery: Discovery, epoch: u64) -> Self {
        Self { discovery, places: Arc::new(Semaphore::new(MAX_STREAMS)), epoch }
    }

    /// The id of an event: the index of a change, a dot, and 16 digits for this server.
    fn id(&self, index: u64) -> String {
        format!("{index}.{:016x}", self.epoch)
    }

    /// The index in an id. One of another server stands for one that is not reached here, so that its reader is told that
    /// it has missed changes. A bare index is one of this server.
    fn index(&self, id: &str) -> Option<u64> {
        let (index, epoch) = id.split_once('.').map_or((id, None), |(index, epoch)| (index, Some(epoch)));
        let index = index.parse().ok()?;
        match epoch.map(|epoch| u64::from_str_radix(epoch, 16)) {
            None => Some(index),
            Some(Ok(epoch)) => Some(if epoch == self.epoch { index } else { u64::MAX }),
            Some(Err(_)) => None,
        }
    }
}

/// Choice of changes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct WatchChoice {
    /// The service; without one, all services.
    service: Option<String>,
    /// The id of the last event that was read, to go on behind it; the header `Last-Event-ID` has precedence.
    since: Option<String>,
}

/// Data of the event `missed`.
#[derive(Serialize, ToSchema)]
pub(super) struct MissedBody {
    /// The number of changes that are lost, of any service; 0 if it is not known, as after a restart of the agent.
    changes: u64,
}

/// Changes of a service, or of all, as server-sent events.
///
/// The first event is `snapshot` with all instances, unless the reader goes on behind an earlier event. Then follow
/// `added`, `updated` and `removed`, each with the instance after the change, or before it if it was removed. A reader
/// that is more than 1,024 changes behind gets `missed` and a new `snapshot`.
#[utoipa::path(
    get,
    path = "/v1/watch",
    params(WatchChoice, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event read")),
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream"),
        (status = 400, description = "An id that is none", body = ErrorBody),
        (status = 503, description = "Too many streams", body = ErrorBody),
    )
)]
pub(super) async fn watch(
    State(streams): State<Streams>,
    Extension(deadline): Extension<Arc<Deadline>>,
    choice: Result<Query<WatchChoice>, QueryRejection>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Refusal> {
    let Query(WatchChoice { service, since }) = choice?;
    let header = headers.get("last-event-id").map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let since = header.or(since).filter(|id| !id.is_empty());
    let index = since.as_deref().map(|id| {
        streams.index(id).ok_or_else(|| Refusal::bad(format!("{id:?} is not the id of an event of /v1/watch")))
    });
    let (index, service) = (index.transpose()?, service.as_deref());
    let place = Arc::clone(&streams.places).try_acquire_owned().map_err(|_| {
        let most = format!("{MAX_STREAMS} others follow changes already: try again later");
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, most)
    })?;
    let watch = match (index, service) {
        (Some(index), service) => streams.discovery.watch_since(service, index),
        (None, Some(service)) => streams.discovery.watch(service),
        (None, None) => streams.discovery.watch_all(),
    };
    deadline.extend_for_stream();
    let reader = Reader { watch, streams, _place: place };
    let events = unfold(reader, |mut reader| async {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// A reader of changes.
struct Reader {
    watch: Watch,
    streams: Streams,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    /// The next event; `None` once the agent has ended.
    async fn next(&mut self) -> Option<Event> {
        let event = match self.watch.next().await? {
            WatchEvent::Snapshot(instances) => {
                let instances: Vec<InstanceSummary> = instances.iter().map(InstanceSummary::from).collect();
                data("snapshot", &instances)
            }
            WatchEvent::Change(change) => {
                return Some(
                    data(change.kind.name(), &InstanceSummary::from(&change.instance))
                        .id(self.streams.id(change.index)),
                );
            }
            WatchEvent::Missed(changes) => return Some(data("missed", &MissedBody { changes })),
        };
        Some(match self.watch.index() {
            Some(index) => event.id(self.streams.id(index)),
            None => event,
        })
    }
}

fn data(name: &str, data: &impl Serialize) -> Event {
    Event::default().event(name).json_data(data).expect("plain data")
}
