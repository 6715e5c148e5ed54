//! Keeps whoever looks after a busy shell off the processor that the shell runs on.
//!
//! On a machine of two processors Linux was seen to let a woken thread wait behind the shell for a
//! whole slice, or take the processor from it, while the other one had nothing to do (by the events
//! sched_switch and sched_wakeup, on Linux 6.18). For a thousand short steps that made up to a fifth
//! of the time.

use crate::processes::processor_of;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::cell::Cell;

thread_local! {
    /// Where this thread could run before it was kept off a processor.
    static BEFORE: Cell<Option<CpuSet>> = const { Cell::new(None) };
}

/// Fewer short runs than these take less time than it takes to go to another processor.
pub const WORTH_IT: usize = 16;

/// For `sched_setaffinity`.
const THIS_THREAD: Pid = Pid::from_raw(0);

/// Keeps the calling thread off the processor that a process runs on now, if there is another.
/// What it starts meanwhile would be kept off too: call [`go_anywhere`] before.
pub fn keep_off(process: Pid) {
    let before = BEFORE.get().or_else(|| sched_getaffinity(THIS_THREAD).ok());
    let (Some(before), Some(theirs)) = (before, processor_of(process)) else {
        return;
    };
    let mut others = before;
    // It is an error to have no processor left.
    if others.unset(theirs).is_ok() && sched_setaffinity(THIS_THREAD, &others).is_ok() {
        BEFORE.set(Some(before));
    }
}

/// Lets the calling thread run where it could before [`keep_off`].
pub fn go_anywhere() {
    if let Some(before) = BEFORE.take() {
        let _ = sched_setaffinity(THIS_THREAD, &before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn allowed() -> CpuSet {
        sched_getaffinity(THIS_THREAD).unwrap()
    }

    #[test]
    fn a_thread_is_kept_off_until_it_may_go_anywhere() {
        let all = allowed();
        keep_off(Pid::this());
        let kept_off = allowed();
        let count = |set: &CpuSet| {
            (0..CpuSet::count())
                .filter(|cpu| set.is_set(*cpu) == Ok(true))
                .count()
        };
        match count(&all) {
            // Where there is one processor there is nothing to choose.
            1 => assert_eq!(kept_off, all),
            many => assert_eq!(count(&kept_off), many - 1),
        }
        keep_off(Pid::this());
        go_anywhere();
        assert_eq!(allowed(), all);
    }

    #[test]
    fn a_process_that_is_gone_keeps_nobody_off() {
        let mut gone = Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        let all = allowed();
        keep_off(Pid::from_raw(gone.id() as i32));
        assert_eq!(allowed(), all);
    }
}
