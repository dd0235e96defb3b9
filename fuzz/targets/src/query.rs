//! Payloads of queries and their answers.

use swimlab::agent::testing::{query_messages, query_replies};

/// A payload is refused in words, or handled: what is sent in answer is not longer, as nothing of it is confirmed.
pub fn query(bytes: &[u8]) {
    match query_replies(bytes) {
        Ok(replies) => assert!(replies.iter().map(Vec::len).sum::<usize>() <= bytes.len(), "{replies:?}"),
        Err(why) => assert!(!why.is_empty()),
    }
}

/// A payload of each kind, for the corpus.
pub(crate) fn query_payloads() -> Vec<Vec<u8>> {
    query_messages()
}
