//! Keeps libbpf's own words off stderr, and hands them to the caller.

use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use libbpf_rs::{PrintCallback, PrintLevel, set_print};

// libbpf takes one plain function for the whole process, so where its words go has to be found without
// an argument: each thread that listens has a place of its own.
thread_local! {
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}
static TURN: Mutex<()> = Mutex::new(());

/// Runs `work` and returns its result with the lines libbpf would have printed meanwhile.
pub(crate) fn listening<T>(work: impl FnOnce() -> T) -> (T, Vec<String>) {
    let _listener = PrintGuard::new();
    let result = work();
    (result, HEARD.take())
}

/// Restores the former printer when dropped, also when `work` panics.
struct PrintGuard {
    former: Option<(PrintLevel, PrintCallback)>,
    _turn: MutexGuard<'static, ()>,
}

impl PrintGuard {
    fn new() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        HEARD.take();
        Self {
            former: set_print(Some((PrintLevel::Warn, hear))),
            _turn: turn,
        }
    }
}

impl Drop for PrintGuard {
    fn drop(&mut self) {
        set_print(self.former.take());
    }
}

fn hear(_level: PrintLevel, message: String) {
    let message = message.trim_end();
    let message = message.strip_prefix("libbpf: ").unwrap_or(message);
    HEARD.with_borrow_mut(|heard| heard.extend(message.lines().map(str::to_owned)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libbpf_says_about_a_bad_object_is_heard_and_not_printed() {
        let open = || {
            libbpf_rs::ObjectBuilder::default()
                .open_memory(b"not ELF")
                .is_err()
        };
        let (failed, heard) = listening(open);
        assert!(failed);
        assert!(heard.iter().any(|line| line.contains("ELF")), "{heard:?}");
    }
}
