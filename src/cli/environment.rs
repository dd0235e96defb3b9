//! Environment variables of flags.

use std::env;
use std::ffi::OsString;

/// The message about an empty variable that stands for a value: it could be meant as none, as the default, or be a
/// mistake of a script.
pub(super) const EMPTY: &str = "it is empty: set it to a value, or unset it";

/// The name of a flag's variable: `SWIMLAB_KEY_FILE` for `key_file`.
pub(super) fn variable(key: &str) -> String {
    format!("SWIMLAB_{}", key.to_uppercase())
}

/// The value of a flag's variable, if it is set.
pub(super) fn value(key: &str) -> Option<OsString> {
    env::var_os(variable(key))
}
