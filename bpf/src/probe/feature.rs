//! The kernel features that lessons need, by name.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Something a kernel may or may not let this process do.
///
/// ```
/// use tutor_bpf::probe::Feature;
///
/// let feature: Feature = "raw-tracepoint".parse()?;
/// assert_eq!(feature, Feature::RawTracepoint);
/// assert_eq!(feature.to_string(), "raw-tracepoint");
///
/// let error = "kprob".parse::<Feature>().unwrap_err();
/// assert_eq!(error.to_string(), "no feature is called `kprob`; did you mean `kprobe`?");
/// # Ok::<(), tutor_bpf::probe::UnknownFeature>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
pub enum Feature {
    /// This process may load a program at all.
    Bpf,
    /// The program just loaded was turned into machine code.
    Jit,
    /// The kernel describes its own types (BTF), in a form libbpf can read.
    Btf,
    /// Programs and maps can be pinned under `/sys/fs/bpf`.
    Bpffs,
    /// What programs print can be read from `trace_pipe`.
    Tracefs,
    /// A ring buffer can be made and read.
    RingBuffer,
    /// `BPF_PROG_TEST_RUN` runs a raw tracepoint program on request.
    TestRun,
    /// A kprobe program loads; attaching is another matter, see [`Feature::Kprobe`].
    LoadKprobe,
    /// A kprobe program loads and attaches to a kernel function.
    Kprobe,
    /// A program attaches to a system call, whatever its function is called here.
    Ksyscall,
    /// A program attaches to a tracepoint.
    Tracepoint,
    /// A program attaches to the tracepoint of a system call.
    SyscallTracepoint,
    /// A program attaches to a raw tracepoint.
    RawTracepoint,
    /// A program attaches to a kernel function's entry by a trampoline.
    Fentry,
    /// A program attaches to a function of a program in user space.
    Uprobe,
    /// A socket filter loads.
    SocketFilter,
    /// An XDP program loads.
    Xdp,
}

impl Feature {
    /// All features, in the order in which they are worth reading.
    pub const ALL: [Self; 17] = [
        Self::Bpf,
        Self::Jit,
        Self::Btf,
        Self::Bpffs,
        Self::Tracefs,
        Self::RingBuffer,
        Self::TestRun,
        Self::LoadKprobe,
        Self::Kprobe,
        Self::Ksyscall,
        Self::Tracepoint,
        Self::SyscallTracepoint,
        Self::RawTracepoint,
        Self::Fentry,
        Self::Uprobe,
        Self::SocketFilter,
        Self::Xdp,
    ];

    /// Returns the name used on the command line and in lessons.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bpf => "bpf",
            Self::Jit => "jit",
            Self::Btf => "btf",
            Self::Bpffs => "bpffs",
            Self::Tracefs => "tracefs",
            Self::RingBuffer => "ring-buffer",
            Self::TestRun => "test-run",
            Self::LoadKprobe => "load-kprobe",
            Self::Kprobe => "kprobe",
            Self::Ksyscall => "ksyscall",
            Self::Tracepoint => "tracepoint",
            Self::SyscallTracepoint => "syscall-tracepoint",
            Self::RawTracepoint => "raw-tracepoint",
            Self::Fentry => "fentry",
            Self::Uprobe => "uprobe",
            Self::SocketFilter => "socket-filter",
            Self::Xdp => "xdp",
        }
    }

    /// Returns what the feature is, in a few words.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Bpf => "load a BPF program at all",
            Self::Jit => "have programs compiled to machine code",
            Self::Btf => "read the kernel's own type information",
            Self::Bpffs => "pin programs and maps under /sys/fs/bpf",
            Self::Tracefs => "read what programs print from trace_pipe",
            Self::RingBuffer => "make and read a ring buffer",
            Self::TestRun => "run a loaded program on request",
            Self::LoadKprobe => "load a kprobe program",
            Self::Kprobe => "attach a program to a kernel function",
            Self::Ksyscall => "attach a program to a system call",
            Self::Tracepoint => "attach a program to a tracepoint",
            Self::SyscallTracepoint => "attach a program to a system call's tracepoint",
            Self::RawTracepoint => "attach a program to a raw tracepoint",
            Self::Fentry => "attach a program to a kernel function by a trampoline",
            Self::Uprobe => "attach a program to a function in user space",
            Self::SocketFilter => "load a socket filter",
            Self::Xdp => "load an XDP program",
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no feature has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no feature is called `{name}`{}", suggested(.suggestion))]
pub struct UnknownFeature {
    /// The name as it was given.
    pub name: String,
    /// The feature whose name is close to it, if one is.
    pub suggestion: Option<Feature>,
}

impl FromStr for Feature {
    type Err = UnknownFeature;

    fn from_str(name: &str) -> Result<Self, UnknownFeature> {
        let known = Self::ALL.into_iter().find(|feature| feature.name() == name);
        known.ok_or_else(|| UnknownFeature {
            name: name.to_owned(),
            suggestion: closest(name),
        })
    }
}

fn closest(name: &str) -> Option<Feature> {
    let name = name.to_lowercase().replace('_', "-");
    Feature::ALL
        .into_iter()
        .map(|feature| (strsim::jaro_winkler(&name, feature.name()), feature))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, feature)| feature)
}

fn suggested(suggestion: &Option<Feature>) -> String {
    match suggestion {
        Some(feature) => format!("; did you mean `{feature}`?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str) -> String {
        name.parse::<Feature>().unwrap_err().to_string()
    }

    #[test]
    fn every_name_is_read_back_as_its_feature() {
        for feature in Feature::ALL {
            assert_eq!(feature.name().parse(), Ok(feature));
        }
    }

    #[test]
    fn names_are_kebab_case_and_distinct() {
        let mut names = Feature::ALL.map(Feature::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Feature::ALL.len());
        let kebab = |name: &&str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        assert!(names.iter().all(kebab), "{names:?}");
    }

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest_one() {
        assert!(refused("rawtracepoint").ends_with("did you mean `raw-tracepoint`?"));
        assert!(refused("test_run").ends_with("did you mean `test-run`?"));
        assert!(refused("KPROBE").ends_with("did you mean `kprobe`?"));
    }

    #[test]
    fn a_name_like_no_other_gets_no_suggestion() {
        assert_eq!(refused("qqq"), "no feature is called `qqq`");
    }
}
