//! Ctrl-C and SIGTERM: the end of a demo, and the end of a start or a tour that
//! nobody wants to see through.
//!
//! Invariant: whenever the signal comes, no process is left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};

/// Status of a program that a signal ended, as shells give it for Ctrl-C.
const INTERRUPTED: i32 = 130;

/// The watch for signals.
#[derive(Debug)]
pub struct Signals {
    awaited: Arc<AtomicBool>,
    came: Receiver<()>,
}

impl Signals {
    /// Begins to watch. A signal that nobody waits for ends this program and
    /// every service that it started.
    ///
    /// # Errors
    /// Signals cannot be handled.
    pub fn watch() -> Result<Self> {
        let awaited = Arc::new(AtomicBool::new(false));
        let (tell, came) = sync_channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let entered = runtime.enter();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        drop(entered);
        let orderly = awaited.clone();
        std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            });
            if orderly.load(Ordering::SeqCst) {
                // Nobody listens any more only when this program ends anyway.
                let _ = tell.send(());
            } else {
                eprintln!("\nInterrupted; ending every process.");
                evertill_support::kill_all();
                std::process::exit(INTERRUPTED);
            }
        });
        Ok(Self { awaited, came })
    }

    /// Waits for a signal, which from now on ends things in order.
    ///
    /// # Errors
    /// The watch broke.
    pub fn wait(&self) -> Result<()> {
        self.awaited.store(true, Ordering::SeqCst);
        self.came.recv().context("the watch for signals broke")
    }
}
