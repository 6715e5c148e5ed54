//! Ctrl-C, counted: the first ends the running step kindly, the second at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tells a run that the learner pressed Ctrl-C.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    presses: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Counts one more press.
    pub fn press(&self) {
        self.presses.fetch_add(1, Ordering::SeqCst);
    }

    /// How often it was pressed.
    pub fn presses(&self) -> usize {
        self.presses.load(Ordering::SeqCst)
    }

    /// Forgets the presses: study mode goes on after a step was stopped.
    pub fn forget(&self) {
        self.presses.store(0, Ordering::SeqCst);
    }
}
