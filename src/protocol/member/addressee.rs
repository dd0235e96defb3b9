//! Receivers of messages.

use crate::protocol::message::{Address, Id, PeerView, Status};
use crate::protocol::roster::MemberRecord;

/// The receiver of a message, and what the sender believes about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addressee {
    pub(super) id: Id,
    pub(super) address: Address,
    pub(super) peer_view: PeerView,
}

impl Addressee {
    /// A receiver without a record: the sender asks it to introduce itself.
    pub(super) fn unknown(id: Id, address: Address) -> Self {
        Self { id, address, peer_view: PeerView::Unknown }
    }

    #[inline]
    pub(super) fn of(&MemberRecord { id, incarnation, address, status }: &MemberRecord) -> Self {
        let peer_view = match status {
            Some(Status::Alive | Status::Suspect) => PeerView::Member(incarnation),
            Some(Status::Dead | Status::Left) => PeerView::Dead(incarnation),
            None => PeerView::Unknown,
        };
        Self { id, address, peer_view }
    }
}
