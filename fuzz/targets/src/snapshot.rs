//! The snapshot in the folder of `--state-dir`.

use swimlab::agent::testing::snapshot_rewritten;

/// A file is a snapshot or is refused in words, and one that is written again stays the same.
pub fn snapshot(bytes: &[u8]) {
    match snapshot_rewritten(bytes) {
        Err(why) => assert!(!why.is_empty() && why.len() <= bytes.len() + 200, "{why}"),
        Ok(written) => {
            assert!(written.len() <= 2 * bytes.len() + 200, "{} bytes of {}", written.len(), bytes.len());
            assert_eq!(snapshot_rewritten(&written).as_ref(), Ok(&written));
        }
    }
}
