//! The capabilities that BPF asks for.

use std::fmt;

/// A capability that BPF asks for; the number is the kernel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Capability {
    /// Networking: XDP, tc.
    NetAdmin = 12,
    /// The capability of root; it includes all others here.
    SysAdmin = 21,
    /// Tracing: kprobes, tracepoints, reading kernel memory.
    Perfmon = 38,
    /// Loading programs, making maps.
    Bpf = 39,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::SysAdmin => "CAP_SYS_ADMIN",
            Self::Perfmon => "CAP_PERFMON",
            Self::Bpf => "CAP_BPF",
        })
    }
}

/// The effective capabilities of a process, as the kernel's bit mask.
///
/// ```
/// use tutor_bpf::probe::{Capabilities, Capability};
///
/// let bpf_only = Capabilities(1 << 39);
/// assert!(bpf_only.has(Capability::Bpf));
/// assert!(!bpf_only.has(Capability::Perfmon));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(pub u64);

impl Capabilities {
    /// Everything, as root has it outside containers.
    pub const ALL: Self = Self(u64::MAX);

    /// Says whether the process holds `capability`, or CAP_SYS_ADMIN, which bpf(2) takes for any other.
    pub fn has(self, capability: Capability) -> bool {
        let holds = |capability| self.0 & (1 << (capability as u32)) != 0;
        holds(capability) || holds(Capability::SysAdmin)
    }
}
