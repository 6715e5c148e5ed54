//! Processes below this one, found in `/proc` (proc_pid_task_tid_children(5)).

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};

/// Returns all processes below one, children before grandchildren; the process itself is not in it.
pub fn descendants(root: Pid) -> Vec<Pid> {
    let mut found = children(root);
    let mut next = 0;
    while let Some(process) = found.get(next).copied() {
        found.extend(children(process));
        next += 1;
    }
    found
}

/// Returns all processes below this one; quickly if there are none.
pub fn below_this() -> Vec<Pid> {
    let any = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    match waitid(Id::All, any) {
        Err(Errno::ECHILD) => Vec::new(),
        Ok(_) | Err(_) => descendants(Pid::this()),
    }
}

/// Returns the children of one process, of all its threads. Zombies are among them.
pub fn children(process: Pid) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for thread in threads.flatten() {
        let thread = thread.file_name();
        let Some(thread) = thread.to_str().and_then(pid) else {
            continue;
        };
        match children_of_thread(process, thread) {
            Ok(children) => found.extend(children),
            // A kernel without CONFIG_PROC_CHILDREN.
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_alive(process) => {
                return children_by_stat(process);
            }
            Err(_) => {}
        }
    }
    found
}

fn children_of_thread(process: Pid, thread: Pid) -> io::Result<Vec<Pid>> {
    // The size of such a file is not known before it is read; this is enough for a few.
    let mut list = String::with_capacity(64);
    let mut file = fs::File::open(format!("/proc/{process}/task/{thread}/children"))?;
    file.read_to_string(&mut list)?;
    Ok(list.split_ascii_whitespace().filter_map(pid).collect())
}

fn children_by_stat(parent: Pid) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let all = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str().and_then(pid));
    all.filter(|process| parent_of(*process) == Some(parent))
        .collect()
}

/// The parent of a process.
fn parent_of(process: Pid) -> Option<Pid> {
    field(process, 4).as_deref().and_then(pid)
}

/// A field of what the kernel says of a process, from the third on, as proc_pid_stat(5) counts.
fn field(process: Pid, number: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second is a name in parentheses, with anything in it.
    let (_, fields) = stat.rsplit_once(')')?;
    let field = fields.split_ascii_whitespace().nth(number - 3)?;
    Some(field.to_owned())
}

fn pid(text: &str) -> Option<Pid> {
    text.parse().ok().map(Pid::from_raw)
}

/// True if the process is there and is no zombie.
pub fn is_alive(process: Pid) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else {
        return false;
    };
    let state = stat
        .rsplit_once(')')
        .and_then(|(_, fields)| fields.split_ascii_whitespace().next());
    !matches!(state, None | Some("Z" | "X"))
}

/// Returns a process's command line, or its name in brackets where it has none.
pub fn command_line(process: Pid) -> Option<String> {
    let words = fs::read(format!("/proc/{process}/cmdline")).ok()?;
    let words: Vec<_> = words
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .collect();
    if !words.is_empty() {
        let words: Vec<_> = words.into_iter().map(String::from_utf8_lossy).collect();
        return Some(words.join(" "));
    }
    let name = fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    Some(format!("[{}]", name.trim_end()))
}

/// Returns the run that a process comes from, by the mark that it inherited: its soft limit on file
/// locks (RLIMIT_LOCKS, shown in proc_pid_limits(5)), which a zombie has still. A process may have
/// changed it; where the hard limit is one, it may be that of an earlier run, and says nothing.
pub fn mark(process: Pid) -> Option<u32> {
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).ok()?;
    let mut lines = limits.lines();
    let line = lines.find_map(|line| line.strip_prefix("Max file locks"))?;
    let (soft, hard) = line.trim_start().split_once(' ')?;
    hard.trim_start()
        .starts_with("unlimited")
        .then(|| soft.parse().ok())
        .flatten()
}

/// Sends a signal to each; one that is gone already is fine.
pub fn signal(processes: impl IntoIterator<Item = Pid>, signal: Signal) {
    for process in processes {
        let _ = kill(process, signal);
    }
}

/// Returns the processes below this one that are alive and not in `known`.
pub fn alive_below(known: &BTreeSet<Pid>) -> Vec<Pid> {
    below_this()
        .into_iter()
        .filter(|process| !known.contains(process) && is_alive(*process))
        .collect()
}

/// Ends the children of this process but for those named: what an agent that was killed left to
/// its parent, if that is a child subreaper (PR_SET_CHILD_SUBREAPER(2const)).
pub fn end_orphans(spared: &BTreeSet<Pid>) {
    for _ in 0..100 {
        let orphans: Vec<Pid> = children(Pid::this())
            .into_iter()
            .filter(|child| is_alive(*child) && !spared.contains(child))
            .collect();
        if orphans.is_empty() {
            return;
        }
        for orphan in orphans {
            signal(descendants(orphan), Signal::SIGKILL);
            signal([orphan], Signal::SIGKILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}
