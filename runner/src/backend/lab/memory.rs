//! Whether a guest ran out of memory, by what its kernel says of that on the console.

use std::time::{Duration, Instant};
use tutor_agent::protocol::Status;

/// The words of a kernel that ended a process for want of memory (`mm/oom_kill.c`).
const OUT_OF_MEMORY: &str = "Out of memory: Killed process ";

/// How long the console may be behind the agent, where a run ended as one does that the kernel ends.
const DELAY: Duration = Duration::from_millis(200);

/// Hears of each process once.
#[derive(Debug, Default)]
pub struct MemoryWatch {
    last: Option<String>,
}

impl MemoryWatch {
    /// Returns the name of the process that the kernel ended for want of memory, during a run that ended
    /// so. `said` gives the last words of the console.
    pub fn killed(&mut self, status: Status, said: &dyn Fn() -> String) -> Option<String> {
        let may_follow = matches!(status, Status::Exited(137) | Status::Signaled(9));
        let deadline = Instant::now() + DELAY;
        loop {
            let said = said();
            let line = said.lines().rev().find(|line| line.contains(OUT_OF_MEMORY));
            if let Some(line) = line.filter(|line| self.last.as_deref() != Some(line)) {
                self.last = Some(line.to_owned());
                let (_, process) = line.split_once(OUT_OF_MEMORY)?;
                // `122 (tail) total-vm:178732kB, …`; a name may hold brackets of its own.
                let name = process
                    .split_once('(')
                    .and_then(|(_, rest)| rest.split_once(") total-vm"));
                return Some(name.map_or(process, |(name, _)| name).to_owned());
            }
            if !may_follow || Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "[    1.0] random: crng init done\n\
        [    4.2] Out of memory: Killed process 122 (a (b)) total-vm:178732kB, anon-rss:176000kB\n";

    #[test]
    fn each_process_that_was_ended_for_want_of_memory_is_named_once() {
        let mut watch = MemoryWatch::default();
        let first = || SAID.to_owned();
        let name = watch.killed(Status::Exited(1), &first);
        assert_eq!(name.as_deref(), Some("a (b)"));
        assert_eq!(watch.killed(Status::Exited(0), &first), None);
        let second =
            || format!("{SAID}[    9.9] Out of memory: Killed process 130 (tail) total-vm:1kB\n");
        let name = watch.killed(Status::Exited(137), &second);
        assert_eq!(name.as_deref(), Some("tail"));
    }

    #[test]
    fn a_run_that_was_killed_otherwise_is_nothing_of_memory() {
        let nothing = || "[    1.0] random: crng init done\n".to_owned();
        let mut watch = MemoryWatch::default();
        assert_eq!(watch.killed(Status::Exited(137), &nothing), None);
    }
}
