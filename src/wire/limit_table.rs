//! The limits of packets and keys, for docs/limits.md.

use super::limits::Limited;
use crate::limits::Amount::{Bytes, Count};
use crate::limits::{Limit, Section};

const REFUSED: &str = "the packet is refused by sender and receiver";

/// Tests of parts that have a limit.
const PARTS: &[&str] =
    &["parts_at_their_limits_are_accepted", "texts_beyond_their_limits_are_neither_written_nor_read"];

/// The limits of packets and keys.
pub(crate) fn stated_limits() -> Vec<Section> {
    let count = |what: Limited| Count(what.limit() as u64);
    let bytes = |what: Limited| Bytes(what.limit() as u64);
    let packets = vec![
        Limit::new(
            "updates of a packet",
            count(Limited::Updates),
            REFUSED,
            &["parts_at_their_limits_are_accepted", "too_many_updates_targets_or_records_are_not_written"],
        ),
        Limit::new(
            "records of a sync: a million members, each with a suspicion",
            count(Limited::Records),
            REFUSED,
            &[
                "counts_beyond_their_limits_are_refused_before_anything_is_read",
                "too_many_updates_targets_or_records_are_not_written",
            ],
        ),
        Limit::new(
            "digests of a sync of parts",
            count(Limited::Parts),
            REFUSED,
            &[
                "parts_at_their_limits_are_accepted",
                "counts_beyond_their_limits_are_refused_before_anything_is_read",
                "too_many_updates_targets_or_records_are_not_written",
            ],
        ),
        Limit::new(
            "targets of a ping request",
            count(Limited::Targets),
            REFUSED,
            &["parts_at_their_limits_are_accepted", "too_many_updates_targets_or_records_are_not_written"],
        ),
        Limit::new("a member's name", bytes(Limited::Name), REFUSED, PARTS),
        Limit::new("a member's metadata", bytes(Limited::Meta), REFUSED, PARTS),
        Limit::new("name of an application event", bytes(Limited::EventName), REFUSED, PARTS),
        Limit::new("payload of an application event", bytes(Limited::Payload), REFUSED, PARTS),
        Limit::new("payload of a direct message", bytes(Limited::DirectPayload), REFUSED, PARTS),
        Limit::new(
            "a packet on a stream",
            bytes(Limited::Frame),
            "it is not written, and its announced length is refused before anything is read",
            &["a_frame_beyond_the_limit_is_refused_by_its_prefix", "a_packet_too_long_for_a_frame_is_not_written"],
        ),
    ];
    vec![
        Section { title: "Packets", limits: packets },
        #[cfg(feature = "seal")]
        Section { title: "Keys and sealed packets", limits: seal_limits() },
    ]
}

#[cfg(feature = "seal")]
fn seal_limits() -> Vec<Limit> {
    use super::keyring::Keyring;
    use super::replay::ReplayWindow;
    use super::seal::Seal;
    use crate::limits::Amount;
    vec![
        Limit::new(
            "keys of a member",
            Count(Keyring::LIMIT as u64),
            "one more is refused, until another is removed",
            &["a_ring_has_a_few_keys_and_always_a_primary_one"],
        ),
        Limit::new(
            "a key file",
            Bytes(Keyring::FILE_LIMIT),
            "it is refused with its path",
            &["a_key_file_is_read_up_to_the_longest"],
        ),
        Limit::new(
            "difference between a packet's time of sealing and the receiver's clock",
            Amount::Time(Seal::TOLERANCE),
            "the packet is refused, counted as `stale`, and logged once a minute",
            &["a_packet_is_accepted_only_once_and_only_within_the_tolerance"],
        ),
        Limit::new(
            "accepted packets that are remembered, so that none is accepted twice",
            Count(ReplayWindow::LIMIT as u64),
            "the oldest is forgotten, and packets of its sealer that are as old are refused",
            &["remembered_packets_are_bounded_and_forgotten_ones_are_refused"],
        ),
        Limit::new(
            "time by which a packet's stamp may be ahead of the clock while as many are remembered",
            Amount::micros(ReplayWindow::LEAD_WHEN_FULL),
            "the packet is refused",
            &["packets_stamped_ahead_silence_nobody_for_more_than_a_second"],
        ),
        Limit::new(
            "sealers of forgotten packets that are told apart",
            Count(ReplayWindow::SEALER_LIMIT as u64),
            "the half whose packets are oldest share one age beyond which packets are refused",
            &["sealers_beyond_the_limit_share_a_floor_that_packets_of_the_present_are_above"],
        ),
    ]
}
