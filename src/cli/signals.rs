//! Signals that end a command.

/// Whether the process was started with SIGHUP ignored, as `nohup` does: then it goes on when its terminal is gone. It
/// is known on Linux only. Must be called before a handler is set.
#[cfg(unix)]
pub(super) fn ignores_hangup() -> bool {
    let ignored = |status: String| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    };
    let mask = std::fs::read_to_string("/proc/self/status").ok().and_then(ignored).unwrap_or(0);
    // Bit 0 is signal 1.
    mask >> (signal_hook::consts::SIGHUP - 1) & 1 == 1
}

/// Lets a write beyond the limit of file sizes (`ulimit -f`) fail, as on a full disk, instead of ending the process.
#[cfg(unix)]
pub(super) fn outlive_limit_of_file_sizes() {
    // Handled in any way, the signal is harmless. Where it cannot be, it ends the process.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
}

/// Calls `heard` in a thread of its own for each signal that asks the process to end: SIGINT, SIGTERM, and SIGHUP unless
/// the process was started with it ignored. Where signals cannot be handled, they end the process at once.
#[cfg(unix)]
pub(super) fn on_end(mut heard: impl FnMut() + Send + 'static) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let hangup = (!ignores_hangup()).then_some(SIGHUP);
    let signals = [SIGINT, SIGTERM].into_iter().chain(hangup);
    if let Ok(mut signals) = signal_hook::iterator::Signals::new(signals) {
        let listen = move || signals.forever().for_each(|_| heard());
        let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(listen);
    }
}

/// Calls `heard` in a thread of its own for each Ctrl-C.
#[cfg(not(unix))]
pub(super) fn on_end(heard: impl FnMut() + Send + 'static) {
    let _ = ctrlc::set_handler(heard);
}
