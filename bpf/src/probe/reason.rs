//! The reasons a kernel has for refusing, in words. Which one holds is `diagnosis`'s to say.

use std::fmt;

use super::capability::Capability;
use super::evidence::Lockdown;

/// The most likely reason for a refusal. Its `Display` is a clause: "this process lacks CAP_BPF".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The process is not allowed to, and could be.
    MissingCapability {
        /// The missing capabilities.
        missing: Vec<Capability>,
    },
    /// A file belongs to root.
    RootOnlyFile,
    /// The process is root of a container only.
    UserNamespace,
    /// A seccomp filter forbids the system call.
    Seccomp,
    /// The kernel is locked down.
    Lockdown(Lockdown),
    /// Everything that can be seen would allow it, so something unseen forbids it.
    Policy {
        /// The state of lockdown, where it can be seen.
        lockdown: Option<Lockdown>,
        /// The active security modules, where they can be seen.
        security_modules: Option<String>,
    },
    /// The kernel was built without this option.
    NotBuiltIn {
        /// The option, as in `CONFIG_KPROBES`.
        option: &'static str,
    },
    /// The kernel is older than the feature.
    TooOld {
        /// The first release that has it.
        since: (u32, u32),
    },
    /// The function to attach to is not in this kernel.
    NoFunction(&'static str),
    /// The function is there and cannot be traced.
    NotTraceable(&'static str),
    /// The tracepoint to attach to is not in this kernel.
    NoTracepoint,
    /// A file system is not mounted.
    NotMounted {
        /// Its type, as `mount -t` takes it.
        kind: &'static str,
        /// Where it belongs.
        folder: &'static str,
    },
    /// The kernel does not describe its types.
    NoBtf,
    /// Programs are interpreted by choice.
    JitOff,
    /// Nothing that can be seen explains it.
    Unknown,
}

impl Reason {
    /// Returns what to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::MissingCapability { missing } => {
                format!("run it as root, or with {}", joined(missing))
            }
            Self::RootOnlyFile => "run it as root".to_owned(),
            Self::UserNamespace => "run it outside the container".to_owned(),
            Self::Seccomp => {
                "let the container use bpf(2) and perf_event_open(2), or run it outside".to_owned()
            }
            Self::Lockdown(_) => "boot without `lockdown=confidentiality`".to_owned(),
            Self::Policy { .. } => "look for the denial in `dmesg` and the audit log".to_owned(),
            Self::NotBuiltIn { option } => format!("boot a kernel with {option}=y"),
            Self::TooOld {
                since: (major, minor),
            } => {
                format!("boot a kernel of release {major}.{minor} or later")
            }
            Self::NoFunction(_) | Self::NotTraceable(_) | Self::NoTracepoint => {
                "boot a distribution's kernel".to_owned()
            }
            Self::NotMounted { kind, folder } => {
                format!("mount it as root: `mount -t {kind} {kind} {folder}`")
            }
            Self::NoBtf => {
                "boot a kernel with CONFIG_DEBUG_INFO_BTF=y, and see that sysfs is mounted at /sys"
                    .to_owned()
            }
            Self::JitOff => "switch it on as root: `sysctl net.core.bpf_jit_enable=1`".to_owned(),
            Self::Unknown => "look at the end of `dmesg`".to_owned(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingCapability { missing } => {
                write!(f, "this process lacks {}", joined(missing))
            }
            Self::RootOnlyFile => f.write_str("only root may open it"),
            Self::UserNamespace => {
                f.write_str("this is a user namespace, whose root is not the machine's root")
            }
            Self::Seccomp => f.write_str("a seccomp filter, as containers have one, forbids it"),
            Self::Lockdown(state) => write!(f, "the kernel is locked down ({state})"),
            Self::Policy {
                lockdown,
                security_modules,
            } => {
                f.write_str("the capabilities are there, so a policy of this kernel forbids it")?;
                let lockdown = lockdown.map(|state| format!("lockdown: {state}"));
                let modules = security_modules.as_ref();
                let modules = modules.map(|modules| format!("security modules: {modules}"));
                let seen: Vec<String> = [lockdown, modules].into_iter().flatten().collect();
                if seen.is_empty() {
                    return Ok(());
                }
                write!(f, " ({})", seen.join("; "))
            }
            Self::NotBuiltIn { option } => write!(f, "this kernel was built without {option}"),
            Self::TooOld {
                since: (major, minor),
            } => {
                write!(
                    f,
                    "this kernel is older than {major}.{minor}, which brought it"
                )
            }
            Self::NoFunction(function) => write!(f, "this kernel has no function `{function}`"),
            Self::NotTraceable(function) => {
                write!(f, "this kernel cannot trace its function `{function}`")
            }
            Self::NoTracepoint => f.write_str("this kernel has no such tracepoint"),
            Self::NotMounted { kind, folder } => write!(f, "no {kind} is mounted at {folder}"),
            Self::NoBtf => f.write_str("this kernel shows no BTF in /sys/kernel/btf/vmlinux"),
            Self::JitOff => f.write_str("the JIT is switched off"),
            Self::Unknown => f.write_str("nothing seen from here explains it"),
        }
    }
}

fn joined(capabilities: &[Capability]) -> String {
    let names: Vec<String> = capabilities.iter().map(Capability::to_string).collect();
    names.join(" and ")
}
