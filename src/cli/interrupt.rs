//! Ctrl-C, and the signal by which containers are stopped: the collection stops, nothing is sealed, and what was
//! recorded stays for the next run.

use std::path::Path;
use std::sync::Arc;

use super::exit::{CommandError, Exit};
use crate::collect::Gate;

/// Asks the collections behind `gate` to stop when the process is asked to. Whoever asks a second time does not want
/// to wait.
pub(super) fn listen(gate: Arc<Gate>) {
    tokio::spawn(async move {
        signal().await;
        gate.interrupt();
        signal().await;
        std::process::exit(Exit::Interrupted as i32);
    });
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}

/// What to say of a run that was interrupted: `records` are kept in `partial`.
pub(super) fn interrupted(partial: &Path, records: usize) -> CommandError {
    CommandError::new(
        Exit::Interrupted,
        format!(
            "interrupted; nothing was sealed. {records} records are kept in {}: run the same command again to go on from there, or with --fresh to begin anew",
            partial.display()
        ),
    )
}
