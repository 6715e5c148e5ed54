//! Why a kernel refuses: from the phase, the error number and the evidence to a reason.
//!
//! Functions from values to values; nothing here touches the machine.

use super::capability::Capability;
use super::evidence::{KernelEvidence, Lockdown};
use super::failure::Phase;
use super::feature::Feature;
use super::reason::Reason;
use crate::errno::Errno;

impl Reason {
    /// Returns the most likely reason why `phase` of `feature` was answered with `errno`.
    ///
    /// ```
    /// use tutor_bpf::errno::Errno;
    /// use tutor_bpf::probe::{KernelEvidence, Feature, Phase, Reason};
    ///
    /// let evidence = KernelEvidence { has_kprobe_source: Some(false), ..KernelEvidence::default() };
    /// let reason = Reason::likely(Feature::Kprobe, Phase::Attach, Some(Errno::ENOENT), &evidence);
    /// assert_eq!(reason, Reason::NotBuiltIn { option: "CONFIG_KPROBES" });
    /// ```
    pub fn likely(
        feature: Feature,
        phase: Phase,
        errno: Option<Errno>,
        evidence: &KernelEvidence,
    ) -> Self {
        match errno {
            Some(Errno::EPERM | Errno::EACCES) => forbidden(feature, phase, evidence),
            Some(Errno::ENOSYS) if evidence.has_seccomp_filter => Self::Seccomp,
            Some(Errno::ENOSYS) => Self::NotBuiltIn {
                option: "CONFIG_BPF_SYSCALL",
            },
            _ => Self::standing_in_the_way(feature, evidence)
                .or_else(|| unsupported(feature, phase, errno?, evidence))
                .unwrap_or(Self::Unknown),
        }
    }

    /// Returns what keeps `feature` from working here for everybody, root included.
    pub fn standing_in_the_way(feature: Feature, evidence: &KernelEvidence) -> Option<Self> {
        let confidential = evidence.lockdown == Some(Lockdown::Confidentiality);
        let kprobes = evidence.has_kprobe_source == Some(false);
        let uprobes = evidence.has_uprobe_source == Some(false);
        let no_tracefs = evidence.has_tracefs == Some(false);
        let no_bpffs = evidence.has_bpffs == Some(false);
        let no_btf = evidence.has_btf == Some(false);
        let no_sysfs = evidence.has_sysfs == Some(false);
        match feature {
            // All of these lie below it: event sources, BTF, and the folders of two other file systems.
            Feature::Kprobe
            | Feature::Ksyscall
            | Feature::Uprobe
            | Feature::Btf
            | Feature::Fentry
            | Feature::Tracefs
            | Feature::Tracepoint
            | Feature::SyscallTracepoint
            | Feature::Bpffs
                if no_sysfs =>
            {
                Some(Self::NotMounted {
                    kind: "sysfs",
                    folder: "/sys",
                })
            }
            Feature::Kprobe | Feature::Ksyscall if kprobes => Some(Self::NotBuiltIn {
                option: "CONFIG_KPROBES",
            }),
            Feature::Kprobe | Feature::Ksyscall | Feature::Tracefs if confidential => {
                Some(Self::Lockdown(Lockdown::Confidentiality))
            }
            Feature::Kprobe | Feature::Fentry if evidence.has_function == Some(false) => {
                kernel_function(feature).map(Self::NoFunction)
            }
            Feature::Kprobe | Feature::Fentry if evidence.can_trace_function == Some(false) => {
                kernel_function(feature).map(Self::NotTraceable)
            }
            Feature::Uprobe if uprobes => Some(Self::NotBuiltIn {
                option: "CONFIG_UPROBES",
            }),
            Feature::Tracefs | Feature::Tracepoint | Feature::SyscallTracepoint if no_tracefs => {
                Some(Self::NotMounted {
                    kind: "tracefs",
                    folder: "/sys/kernel/tracing",
                })
            }
            Feature::Bpffs if no_bpffs => Some(Self::NotMounted {
                kind: "bpf",
                folder: "/sys/fs/bpf",
            }),
            Feature::Btf | Feature::Fentry if no_btf => Some(Self::NoBtf),
            Feature::Jit if evidence.jit_enable == Some(0) => Some(Self::JitOff),
            Feature::Bpf
            | Feature::Jit
            | Feature::Btf
            | Feature::Bpffs
            | Feature::Tracefs
            | Feature::RingBuffer
            | Feature::TestRun
            | Feature::LoadKprobe
            | Feature::Kprobe
            | Feature::Ksyscall
            | Feature::Tracepoint
            | Feature::SyscallTracepoint
            | Feature::RawTracepoint
            | Feature::Fentry
            | Feature::Uprobe
            | Feature::SocketFilter
            | Feature::Xdp => None,
        }
    }
}

/// The kernel function a probe of `feature` attaches to: one that no kernel inlines or renames.
pub(super) fn kernel_function(feature: Feature) -> Option<&'static str> {
    matches!(feature, Feature::Kprobe | Feature::Fentry).then_some("vfs_mkdir")
}

/// EPERM and EACCES: a policy forbids it. The order goes from what is certain to what is left over.
fn forbidden(feature: Feature, phase: Phase, evidence: &KernelEvidence) -> Reason {
    let mut missing = needed(feature, evidence);
    missing.retain(|capability| !evidence.capabilities.has(*capability));
    if !missing.is_empty() {
        return Reason::MissingCapability { missing };
    }
    let is_root_like = evidence.capabilities.has(Capability::SysAdmin);
    match phase {
        Phase::Open | Phase::Pin if !is_root_like => Reason::RootOnlyFile,
        _ if evidence.in_user_namespace => Reason::UserNamespace,
        _ if evidence.lockdown == Some(Lockdown::Confidentiality) => {
            Reason::Lockdown(Lockdown::Confidentiality)
        }
        _ if evidence.has_seccomp_filter => Reason::Seccomp,
        _ => Reason::Policy {
            lockdown: evidence.lockdown,
            security_modules: evidence.security_modules.clone(),
        },
    }
}

/// Returns the capabilities that the kernel asks for.
fn needed(feature: Feature, evidence: &KernelEvidence) -> Vec<Capability> {
    match feature {
        Feature::Bpf | Feature::Jit | Feature::SocketFilter | Feature::Bpffs
            if evidence.lets_everybody_load() =>
        {
            vec![]
        }
        Feature::Bpf
        | Feature::Jit
        | Feature::SocketFilter
        | Feature::Bpffs
        | Feature::RingBuffer => vec![Capability::Bpf],
        Feature::TestRun
        | Feature::LoadKprobe
        | Feature::Kprobe
        | Feature::Ksyscall
        | Feature::Tracepoint
        | Feature::SyscallTracepoint
        | Feature::RawTracepoint
        | Feature::Fentry
        | Feature::Uprobe => vec![Capability::Bpf, Capability::Perfmon],
        Feature::Xdp => vec![Capability::Bpf, Capability::NetAdmin],
        Feature::Btf | Feature::Tracefs => vec![],
    }
}

/// The kernel did not know what was asked for: it is too old, or built without it.
fn unsupported(
    feature: Feature,
    phase: Phase,
    errno: Errno,
    evidence: &KernelEvidence,
) -> Option<Reason> {
    let (since, option) = brought_by(feature);
    let is_too_old = evidence.release.is_some_and(|release| release < since);
    match (errno, feature) {
        (Errno::ENOENT | Errno::EINVAL | Errno::ENOTSUPP | Errno::EOPNOTSUPP, _) if is_too_old => {
            Some(Reason::TooOld { since })
        }
        (
            Errno::ENOENT,
            Feature::Tracepoint | Feature::SyscallTracepoint | Feature::RawTracepoint,
        ) if phase == Phase::Attach => Some(Reason::NoTracepoint),
        (Errno::ENOENT | Errno::EINVAL | Errno::ENOTSUPP | Errno::EOPNOTSUPP, _) => {
            Some(Reason::NotBuiltIn { option })
        }
        _ => None,
    }
}

/// The first release with the feature, and the option that builds it in.
fn brought_by(feature: Feature) -> ((u32, u32), &'static str) {
    match feature {
        Feature::Bpf | Feature::SocketFilter => ((3, 19), "CONFIG_BPF_SYSCALL"),
        Feature::Jit => ((3, 18), "CONFIG_BPF_JIT"),
        Feature::Btf => ((5, 4), "CONFIG_DEBUG_INFO_BTF"),
        Feature::Bpffs => ((4, 4), "CONFIG_BPF_SYSCALL"),
        Feature::Tracefs => ((4, 1), "CONFIG_TRACING"),
        Feature::RingBuffer => ((5, 8), "CONFIG_BPF_SYSCALL"),
        Feature::TestRun => ((5, 10), "CONFIG_BPF_EVENTS"),
        Feature::LoadKprobe => ((4, 1), "CONFIG_BPF_EVENTS"),
        Feature::Kprobe | Feature::Ksyscall => ((4, 1), "CONFIG_KPROBES"),
        Feature::Tracepoint => ((4, 7), "CONFIG_BPF_EVENTS"),
        Feature::SyscallTracepoint => ((4, 7), "CONFIG_FTRACE_SYSCALLS"),
        Feature::RawTracepoint => ((4, 17), "CONFIG_BPF_EVENTS"),
        Feature::Fentry => ((5, 5), "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"),
        Feature::Uprobe => ((4, 3), "CONFIG_UPROBES"),
        Feature::Xdp => ((4, 8), "CONFIG_NET"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Capabilities;

    fn root() -> KernelEvidence {
        KernelEvidence {
            capabilities: Capabilities::ALL,
            release: Some((6, 12)),
            ..KernelEvidence::default()
        }
    }

    fn nobody() -> KernelEvidence {
        KernelEvidence {
            release: Some((6, 12)),
            unprivileged_bpf_disabled: Some(2),
            ..KernelEvidence::default()
        }
    }

    fn reason(feature: Feature, phase: Phase, errno: Errno, evidence: &KernelEvidence) -> String {
        Reason::likely(feature, phase, Some(errno), evidence).to_string()
    }

    #[test]
    fn a_user_without_capabilities_is_told_which_ones_are_missing() {
        let said = |feature| reason(feature, Phase::Load, Errno::EPERM, &nobody());
        assert_eq!(said(Feature::Bpf), "this process lacks CAP_BPF");
        assert_eq!(
            said(Feature::Kprobe),
            "this process lacks CAP_BPF and CAP_PERFMON"
        );
        assert_eq!(
            said(Feature::Xdp),
            "this process lacks CAP_BPF and CAP_NET_ADMIN"
        );
    }

    #[test]
    fn without_a_sysfs_what_lies_in_it_is_not_said_to_be_missing_from_the_kernel() {
        let evidence = KernelEvidence {
            has_sysfs: Some(false),
            has_tracefs: Some(false),
            has_btf: None,
            has_uprobe_source: None,
            ..root()
        };
        for feature in [
            Feature::Btf,
            Feature::Uprobe,
            Feature::Fentry,
            Feature::Tracefs,
        ] {
            let reason = Reason::likely(feature, Phase::Open, Some(Errno::ENOENT), &evidence);
            assert_eq!(
                reason.to_string(),
                "no sysfs is mounted at /sys",
                "{feature:?}"
            );
            assert_eq!(
                reason.remedy(),
                "mount it as root: `mount -t sysfs sysfs /sys`"
            );
        }
        let loaded = Reason::likely(Feature::Bpf, Phase::Load, Some(Errno::EINVAL), &evidence);
        assert_ne!(loaded.to_string(), "no sysfs is mounted at /sys");
    }

    #[test]
    fn a_capability_that_is_there_is_not_named() {
        let evidence = KernelEvidence {
            capabilities: Capabilities(1 << 39),
            ..nobody()
        };
        assert_eq!(
            reason(Feature::Kprobe, Phase::Load, Errno::EPERM, &evidence),
            "this process lacks CAP_PERFMON"
        );
    }

    #[test]
    fn root_of_a_container_is_told_from_the_machines_root() {
        let evidence = KernelEvidence {
            in_user_namespace: true,
            ..root()
        };
        assert_eq!(
            reason(Feature::Bpf, Phase::Load, Errno::EPERM, &evidence),
            "this is a user namespace, whose root is not the machine's root"
        );
    }

    #[test]
    fn only_confidential_lockdown_explains_a_refused_kprobe() {
        let said = |lockdown| {
            let evidence = KernelEvidence {
                lockdown: Some(lockdown),
                ..root()
            };
            reason(Feature::Kprobe, Phase::Attach, Errno::EPERM, &evidence)
        };
        assert_eq!(
            said(Lockdown::Confidentiality),
            "the kernel is locked down (confidentiality)"
        );
        assert!(said(Lockdown::Integrity).contains("policy"));
    }

    #[test]
    fn a_seccomp_filter_explains_what_capabilities_do_not() {
        let evidence = KernelEvidence {
            has_seccomp_filter: true,
            ..root()
        };
        for errno in [Errno::EPERM, Errno::ENOSYS] {
            let said = reason(Feature::Bpf, Phase::Load, errno, &evidence);
            assert!(said.contains("seccomp"), "{said}");
        }
    }

    #[test]
    fn a_kernel_without_kprobes_is_told_from_a_kernel_without_the_function() {
        let said = |source, function| {
            let evidence = KernelEvidence {
                has_kprobe_source: Some(source),
                has_function: Some(function),
                ..root()
            };
            reason(Feature::Kprobe, Phase::Attach, Errno::ENOENT, &evidence)
        };
        assert_eq!(
            said(false, true),
            "this kernel was built without CONFIG_KPROBES"
        );
        assert_eq!(said(true, false), "this kernel has no function `vfs_mkdir`");
    }

    #[test]
    fn an_unmounted_tracefs_explains_a_missing_tracepoint() {
        let said = |mounted| {
            let evidence = KernelEvidence {
                has_tracefs: Some(mounted),
                ..root()
            };
            reason(Feature::Tracepoint, Phase::Attach, Errno::ENOENT, &evidence)
        };
        assert_eq!(said(false), "no tracefs is mounted at /sys/kernel/tracing");
        assert_eq!(said(true), "this kernel has no such tracepoint");
    }

    #[test]
    fn an_old_kernel_is_told_from_one_built_without_the_feature() {
        let said = |release| {
            let evidence = KernelEvidence {
                release: Some(release),
                ..root()
            };
            reason(Feature::RingBuffer, Phase::Create, Errno::EINVAL, &evidence)
        };
        assert_eq!(
            said((5, 4)),
            "this kernel is older than 5.8, which brought it"
        );
        assert_eq!(
            said((6, 1)),
            "this kernel was built without CONFIG_BPF_SYSCALL"
        );
    }

    #[test]
    fn an_exhausted_machine_is_no_missing_feature() {
        let enomem = Errno(12);
        assert_eq!(
            reason(Feature::Xdp, Phase::Load, enomem, &root()),
            "nothing seen from here explains it"
        );
    }

    #[test]
    fn trace_pipe_belongs_to_root() {
        assert_eq!(
            reason(Feature::Tracefs, Phase::Open, Errno::EACCES, &nobody()),
            "only root may open it"
        );
    }

    #[test]
    fn an_interpreted_program_without_evidence_stays_unexplained() {
        let without = Reason::likely(Feature::Jit, Phase::Run, None, &root());
        assert_eq!(without, Reason::Unknown);
        let off = KernelEvidence {
            jit_enable: Some(0),
            ..root()
        };
        let off = Reason::likely(Feature::Jit, Phase::Run, None, &off);
        assert_eq!(off, Reason::JitOff);
    }
}
