//! The places that a run has, and what holds for a whole run.

use super::interrupt::Interrupt;
use crate::backend::Backend;
use crate::surroundings::Surroundings;
use std::path::PathBuf;
use std::time::Duration;

/// The places that a run has.
pub struct Places<'p> {
    /// Where host steps run.
    pub host: &'p dyn Backend,
    /// Where kernel steps run, or why nowhere.
    pub kernel: KernelPlace<'p>,
}

/// Where kernel steps run.
#[derive(Clone)]
pub enum KernelPlace<'p> {
    /// There.
    Backend(&'p dyn Backend),
    /// Nowhere, for a reason, with a remedy.
    None {
        /// Why not.
        reason: String,
        /// The remedy, if one is known.
        remedy: Option<String>,
    },
}

/// The settings of a whole run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Takes the place of every step's own timeout.
    pub timeout: Option<Duration>,
    /// How long all steps of a lesson may take together; [`LESSON_TIMEOUT`](crate::lesson::LESSON_TIMEOUT)
    /// but for tests.
    pub lesson_timeout: Duration,
    /// The folder of the `tutor` that steps call; it comes first in their `PATH`.
    pub tutor: PathBuf,
    /// A folder whose programs steps find before those of the system.
    pub programs: Option<PathBuf>,
    /// The surroundings of steps on this machine.
    pub surroundings: Surroundings,
    /// How the learner stops it.
    pub interrupt: Interrupt,
}
