//! Facts about this process and its machine that explain a refusal.

use std::fmt;
use std::fs;
use std::path::Path;

use super::capability::Capabilities;

/// The state of kernel lockdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lockdown {
    /// Lockdown is off.
    None,
    /// Programs must not change kernel memory.
    Integrity,
    /// Programs must not read kernel memory either: no kprobes, no tracefs.
    Confidentiality,
}

impl fmt::Display for Lockdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Integrity => "integrity",
            Self::Confidentiality => "confidentiality",
        })
    }
}

/// The facts known about the machine and this process. `None` is "cannot be seen from here".
///
/// ```
/// use tutor_bpf::probe::KernelEvidence;
///
/// let evidence = KernelEvidence::gather(Some("vfs_mkdir"));
/// println!("this kernel has vfs_mkdir: {:?}", evidence.has_function);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KernelEvidence {
    /// The effective capabilities.
    pub capabilities: Capabilities,
    /// Whether this is a user namespace of its own, in which capabilities do not count for BPF.
    pub in_user_namespace: bool,
    /// Whether a seccomp filter decides about system calls.
    pub has_seccomp_filter: bool,
    /// The kernel's release, `(6, 12)` for `6.12.101-amd64`.
    pub release: Option<(u32, u32)>,
    /// `kernel.unprivileged_bpf_disabled`: 0 lets everybody load socket filters.
    pub unprivileged_bpf_disabled: Option<u32>,
    /// `net.core.bpf_jit_enable`.
    pub jit_enable: Option<u32>,
    /// The state of lockdown.
    pub lockdown: Option<Lockdown>,
    /// The active security modules, as the kernel lists them.
    pub security_modules: Option<String>,
    /// Whether perf has a `kprobe` event source, that is, the kernel has CONFIG_KPROBE_EVENTS.
    pub has_kprobe_source: Option<bool>,
    /// Whether perf has a `uprobe` event source, that is, the kernel has CONFIG_UPROBE_EVENTS.
    pub has_uprobe_source: Option<bool>,
    /// Whether a sysfs is mounted at `/sys`.
    pub has_sysfs: Option<bool>,
    /// Whether a tracefs is mounted where libbpf looks for it.
    pub has_tracefs: Option<bool>,
    /// Whether a BPF file system is mounted at `/sys/fs/bpf`.
    pub has_bpffs: Option<bool>,
    /// Whether `/sys/kernel/btf/vmlinux` exists.
    pub has_btf: Option<bool>,
    /// Whether the kernel lists the function asked about.
    pub has_function: Option<bool>,
    /// Whether the kernel can trace the function asked about.
    pub can_trace_function: Option<bool>,
}

impl KernelEvidence {
    /// Looks at this process and machine, and at what the kernel knows of `function`.
    pub fn gather(function: Option<&str>) -> Self {
        Self::read(Path::new("/"), function)
    }

    fn read(root: &Path, function: Option<&str>) -> Self {
        let text = |path: &str| fs::read_to_string(root.join(path)).ok();
        let number = |path: &str| text(path).and_then(|text| text.trim().parse().ok());
        let among = |folder: &str, name: &str| {
            let folder = root.join(folder);
            folder.is_dir().then(|| folder.join(name).exists())
        };
        let listed = |path: &str| {
            function.and_then(|function| text(path).map(|list| lists_function(&list, function)))
        };
        let status = text("proc/self/status").unwrap_or_default();
        let mounts = text("proc/self/mounts");
        let sources = "sys/bus/event_source/devices";
        Self {
            capabilities: capabilities(&status),
            in_user_namespace: text("proc/self/uid_map").is_some_and(|map| !is_whole_uid_map(&map)),
            has_seccomp_filter: field(&status, "Seccomp") == Some("2"),
            release: text("proc/sys/kernel/osrelease").and_then(|text| release(&text)),
            unprivileged_bpf_disabled: number("proc/sys/kernel/unprivileged_bpf_disabled"),
            jit_enable: number("proc/sys/net/core/bpf_jit_enable"),
            lockdown: text("sys/kernel/security/lockdown").and_then(|text| lockdown(&text)),
            security_modules: text("sys/kernel/security/lsm").map(|text| text.trim().to_owned()),
            has_kprobe_source: among(sources, "kprobe"),
            has_uprobe_source: among(sources, "uprobe"),
            has_sysfs: mounts.as_deref().map(|_| root.join("sys/kernel").is_dir()),
            has_tracefs: mounts.as_deref().map(|mounts| {
                ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"]
                    .iter()
                    .any(|folder| is_mounted(mounts, "tracefs", folder))
            }),
            has_bpffs: mounts
                .as_deref()
                .map(|mounts| is_mounted(mounts, "bpf", "/sys/fs/bpf")),
            has_btf: among("sys/kernel", "btf/vmlinux"),
            has_function: listed("proc/kallsyms"),
            can_trace_function: listed("sys/kernel/tracing/available_filter_functions"),
        }
    }

    /// Says whether everybody may load the simplest programs.
    pub fn lets_everybody_load(&self) -> bool {
        self.unprivileged_bpf_disabled == Some(0)
    }
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key == name).then(|| value.trim())
    })
}

fn capabilities(status: &str) -> Capabilities {
    let mask = field(status, "CapEff").and_then(|hex| u64::from_str_radix(hex, 16).ok());
    Capabilities(mask.unwrap_or_default())
}

/// The first user namespace maps every number to itself.
fn is_whole_uid_map(map: &str) -> bool {
    map.split_whitespace().eq(["0", "0", "4294967295"])
}

fn release(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The kernel marks the active state: `none [integrity] confidentiality`.
fn lockdown(text: &str) -> Option<Lockdown> {
    let (_, active) = text.split_once('[')?;
    match active.split_once(']')?.0 {
        "none" => Some(Lockdown::None),
        "integrity" => Some(Lockdown::Integrity),
        "confidentiality" => Some(Lockdown::Confidentiality),
        _ => None,
    }
}

fn is_mounted(mounts: &str, kind: &str, folder: &str) -> bool {
    // A later mount on the same folder hides an earlier one.
    let last = mounts.lines().rev().find_map(|line| {
        let mut words = line.split(' ').skip(1);
        (words.next() == Some(folder)).then(|| words.next())
    });
    last == Some(Some(kind))
}

/// Reads `kallsyms` (address, letter, name) and `available_filter_functions` (name), both with an
/// optional `[module]` behind.
fn lists_function(list: &str, function: &str) -> bool {
    list.lines()
        .any(|line| line.split_whitespace().take(3).any(|word| word == function))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(files: &[(&str, &str)]) -> KernelEvidence {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        KernelEvidence::read(root.path(), Some("vfs_mkdir"))
    }

    #[test]
    fn an_empty_machine_yields_no_evidence() {
        assert_eq!(gathered(&[]), KernelEvidence::default());
    }

    #[test]
    fn capabilities_and_seccomp_come_from_the_status_file() {
        let status = "Name:\tx\nCapEff:\t000000c000000000\nSeccomp:\t2\nSeccomp_filters:\t1\n";
        let evidence = gathered(&[("proc/self/status", status)]);
        assert_eq!(evidence.capabilities, Capabilities(0xc0_0000_0000));
        assert!(evidence.has_seccomp_filter);
    }

    #[test]
    fn a_partial_uid_map_is_a_user_namespace() {
        let in_namespace = |map| gathered(&[("proc/self/uid_map", map)]).in_user_namespace;
        assert!(!in_namespace("         0          0 4294967295\n"));
        assert!(in_namespace("         0       1000          1\n"));
    }

    #[test]
    fn the_active_lockdown_is_the_one_in_brackets() {
        let seen = |text| gathered(&[("sys/kernel/security/lockdown", text)]).lockdown;
        assert_eq!(
            seen("[none] integrity confidentiality\n"),
            Some(Lockdown::None)
        );
        assert_eq!(
            seen("none integrity [confidentiality]\n"),
            Some(Lockdown::Confidentiality)
        );
    }

    #[test]
    fn a_missing_event_source_is_told_from_a_hidden_folder() {
        let seen = |path| gathered(&[(path, "")]).has_kprobe_source;
        assert_eq!(seen("sys/bus/event_source/devices/uprobe"), Some(false));
        assert_eq!(seen("sys/bus/event_source/devices/kprobe"), Some(true));
        assert_eq!(seen("sys/other"), None);
    }

    #[test]
    fn the_last_mount_on_a_folder_counts() {
        let bpf = "bpf /sys/fs/bpf bpf rw 0 0\n";
        let hidden = format!("{bpf}tmpfs /sys/fs/bpf tmpfs rw 0 0\n");
        assert_eq!(gathered(&[("proc/self/mounts", bpf)]).has_bpffs, Some(true));
        assert_eq!(
            gathered(&[("proc/self/mounts", &hidden)]).has_bpffs,
            Some(false)
        );
        assert_eq!(
            gathered(&[("proc/self/mounts", bpf)]).has_tracefs,
            Some(false)
        );
    }

    #[test]
    fn a_machine_without_a_sysfs_is_seen_by_its_empty_folder() {
        let proc = ("proc/self/mounts", "proc /proc proc rw 0 0\n");
        let seen = |path| gathered(&[proc, (path, "")]).has_sysfs;
        assert_eq!(seen("sys/.keep"), Some(false));
        assert_eq!(seen("sys/kernel/mm"), Some(true));
    }

    #[test]
    fn a_function_is_found_by_its_whole_name() {
        let seen = |text| gathered(&[("proc/kallsyms", text)]).has_function;
        assert_eq!(seen("0000000000000000 T vfs_mkdir\n"), Some(true));
        assert_eq!(seen("0000000000000000 T __pfx_vfs_mkdir\n"), Some(false));
    }

    #[test]
    fn a_release_is_read_up_to_the_minor_number() {
        let seen = |text| gathered(&[("proc/sys/kernel/osrelease", text)]).release;
        assert_eq!(seen("6.12.101-cloud-amd64\n"), Some((6, 12)));
        assert_eq!(seen("6.1-rc1\n"), Some((6, 1)));
    }
}
