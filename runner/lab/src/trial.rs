//! A trial of KVM: a guest is booted under it, saved, and resumed, as lessons will do.

use crate::image::Image;
use crate::machine::{Launcher, Machine, MachineError};
use crate::qemu::{Beginning, Qemu};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// A guest did not work.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// It said why.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// Nothing could watch over it.
    #[error("no thread can be started to watch the machine: {0}")]
    Unwatched(std::io::Error),
    /// It took too long.
    #[error("the machine was not ready after {} seconds", .0.as_secs())]
    Late(Duration),
}

/// Boots a guest, saves it and resumes it. Whatever becomes of them, both machines are gone
/// afterwards.
pub fn run(
    qemu: &Qemu,
    launcher: &Launcher,
    image: &Image,
    patience: Duration,
) -> Result<(), TrialError> {
    let deadline = Instant::now() + patience;
    let beginning = Beginning::Kernel {
        vmlinux: &image.vmlinux,
        initramfs: &image.initramfs,
    };
    let mut booted = Machine::start(qemu, launcher, beginning)?;
    let state = until(deadline, patience, &mut booted, |machine| {
        machine.hello()?;
        machine.freshen()?;
        machine.state()
    })?;
    drop(booted);
    let mut resumed = Machine::start(qemu, launcher, Beginning::State)?;
    until(deadline, patience, &mut resumed, |machine| {
        machine.resume(&mut std::iter::once(&*state))
    })
}

/// Lets something be done with a machine, which is killed at the deadline if it is not done by then.
fn until<T>(
    deadline: Instant,
    patience: Duration,
    machine: &mut Machine,
    work: impl FnOnce(&mut Machine) -> Result<T, MachineError>,
) -> Result<T, TrialError> {
    let pid = machine.pid().map(|pid| Pid::from_raw(pid as i32));
    let (finished, is_finished) = mpsc::channel::<()>();
    let watch = thread::Builder::new().spawn(move || {
        let left = deadline.saturating_duration_since(Instant::now());
        let is_late = is_finished.recv_timeout(left) == Err(RecvTimeoutError::Timeout);
        if let (true, Some(pid)) = (is_late, pid) {
            let _ = kill(pid, Signal::SIGKILL);
        }
        is_late
    });
    let watch = watch.map_err(TrialError::Unwatched)?;
    let done = work(machine);
    drop(finished);
    match watch.join() {
        Ok(true) => Err(TrialError::Late(patience)),
        Ok(false) | Err(_) => Ok(done?),
    }
}
