//! Reload of keys and event handlers, by SIGHUP or `swimlab reload`.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Args;
use super::handlers::{Handler, Handlers};
use super::settings::reread;
use crate::agent::Agent;
use crate::cli::output::report;
use crate::wire::Keyring;

/// The longest wait for the files: one may be a pipe to which nobody writes.
pub(in crate::cli) const FILES_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether an agent with these arguments has something that can be reloaded.
pub(super) fn is_reloadable(args: &Args) -> bool {
    args.config.is_some() || args.key_file.is_some() || !args.on.is_empty()
}

/// Takes keys and handlers from the files as they are now.
///
/// # Errors
/// The reason why nothing was changed.
pub(super) async fn reload(agent: &Agent, handlers: &mut Handlers) -> Result<(), String> {
    let (keyring, on) = within(FILES_TIMEOUT, read).await?;
    let has_keys = !agent.info().await.map_err(|error| error.to_string())?.keys.is_empty();
    match keyring {
        Some(keyring) => agent.replace_keys(keyring).await.map_err(|error| format!("--key-file: {error}"))?,
        None if has_keys => return Err("the agent has keys, and no --key-file is named any more".to_owned()),
        None => {}
    }
    handlers.replace(on).map_err(|error| format!("--on: no threads for handlers: {error}"))?;
    tracing::info!("keys and event handlers were reloaded");
    Ok(())
}

/// Reads in a thread of its own, for at most this time.
async fn within<T: Send + 'static>(
    longest: Duration,
    read: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    match timeout(longest, spawn_blocking(read)).await {
        Ok(read) => read.map_err(|error| error.to_string())?,
        Err(_) => Err(format!("the files could not be read in {longest:?}")),
    }
}

/// The keys, if a key file is named, and the handlers.
fn read() -> Result<(Option<Keyring>, Vec<Handler>), String> {
    let (args, origins) = reread().map_err(|failed| failed.message)?;
    let keyring = match &args.key_file {
        Some(path) => {
            let (keyring, exposed) = Keyring::read(path).map_err(|error| origins.named(&error.to_string()))?;
            if let Some(exposed) = exposed {
                report(&format!("warning: {exposed}"));
            }
            Some(keyring)
        }
        None => None,
    };
    Ok((keyring, args.on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_that_are_not_written_are_waited_for_until_the_timeout() {
        let (wait, waited) = std::sync::mpsc::channel::<()>();
        let read = move || waited.recv().map_err(|error| error.to_string());
        let error = within(Duration::from_millis(50), read).await.unwrap_err();
        assert_eq!(error, "the files could not be read in 50ms");
        drop(wait);
        assert_eq!(within(FILES_TIMEOUT, || Ok(7)).await, Ok(7));
    }
}
