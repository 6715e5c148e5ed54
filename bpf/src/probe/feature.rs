//! The kernel features that lessons need, by name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Makes the enum of features from a table: name on the command line and in lessons, and a summary.
macro_rules! features {
    ($($(#[$doc:meta])* $variant:ident = $name:literal: $summary:literal,)+) => {
        /// Something a kernel may or may not let this process do.
        ///
        /// ```
        /// use tutor_bpf::probe::Feature;
        ///
        /// assert_eq!(Feature::RawTracepoint.to_string(), "raw-tracepoint");
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
        pub enum Feature { $(#[doc = $summary] $(#[$doc])* $variant,)+ }

        impl Feature {
            /// All features, in the order in which they are worth reading.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the name used on the command line and in lessons.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Returns what the feature is, in a few words.
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)+ }
            }
        }
    };
}

features! {
    Bpf = "bpf": "load a BPF program at all",
    Jit = "jit": "have programs compiled to machine code",
    /// In a form that libbpf can read.
    Btf = "btf": "read the kernel's own type information",
    Bpffs = "bpffs": "pin programs and maps under /sys/fs/bpf",
    Tracefs = "tracefs": "read what programs print from trace_pipe",
    RingBuffer = "ring-buffer": "make and read a ring buffer",
    /// By `BPF_PROG_TEST_RUN`; tried with a raw tracepoint program.
    TestRun = "test-run": "run a loaded program on request",
    /// Attaching is another matter, see [`Feature::Kprobe`].
    LoadKprobe = "load-kprobe": "load a kprobe program",
    Kprobe = "kprobe": "attach a program to a kernel function",
    /// Whatever its function is called here.
    Ksyscall = "ksyscall": "attach a program to a system call",
    Tracepoint = "tracepoint": "attach a program to a tracepoint",
    SyscallTracepoint = "syscall-tracepoint": "attach a program to a system call's tracepoint",
    RawTracepoint = "raw-tracepoint": "attach a program to a raw tracepoint",
    Fentry = "fentry": "attach a program to a kernel function by a trampoline",
    Uprobe = "uprobe": "attach a program to a function in user space",
    SocketFilter = "socket-filter": "load a socket filter",
    Xdp = "xdp": "load an XDP program",
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_and_distinct() {
        let mut names: Vec<&str> = Feature::ALL.iter().map(|feature| feature.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Feature::ALL.len());
        let kebab = |name: &&str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        assert!(names.iter().all(kebab), "{names:?}");
    }
}
