//! Labels of clusters that send plain text.

use super::{encoded, samples};
use crate::protocol::Sizer;
use crate::wire::{DecodeError, LABEL_OVERHEAD, Label, LabelSizer, Part, decode, frame_len};

// W1
#[test]
fn packets_of_clusters_with_other_labels_are_refused() {
    let (packet, mut bytes) = (samples::ping(), Vec::new());
    Label::new("blue").encode(&packet, &mut bytes).unwrap();
    assert_eq!(bytes.len(), LabelSizer.bare(&packet) as usize);
    assert_eq!(Label::new("blue").decode(&bytes), Ok(packet.clone()));
    assert_eq!(Label::new("green").decode(&bytes), Err(DecodeError::Label));
    assert_eq!(Label::new("blue").decode(&encoded(&packet)), Err(DecodeError::Label));
    assert_eq!(decode(&bytes), Err(DecodeError::Version(bytes[0])));
    assert_eq!(Label::new("blue").decode(&[]), Err(DecodeError::Truncated(Part::Envelope)));
    assert_eq!(Label::new("blue").decode(&[9]), Err(DecodeError::Version(9)));
}

// W1
#[test]
fn the_bytes_of_a_label_are_pinned() {
    let mut bytes = Vec::new();
    Label::new("blue").frame(&samples::ping(), &mut bytes).unwrap();
    let rest = encoded(&samples::ping());
    let (prefix, packet) = bytes.split_first_chunk().unwrap();
    assert_eq!(frame_len(*prefix), Ok(LABEL_OVERHEAD + rest.len()));
    assert_eq!(packet[..LABEL_OVERHEAD], [0x41, 0xc5, 0xcc, 0xd2, 0x9b, 0xc2, 0xdd, 0xa6, 0x4d]);
    assert_eq!(packet[LABEL_OVERHEAD..], rest);
}
