//! The system calls that confined steps are refused, by seccomp(2): those that make namespaces and
//! mounts, change the kernel, or have been the way out of such places before. The kernel refuses
//! most of them already without capabilities; this keeps its code from being reached at all.

use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, apply_filter,
};
use std::collections::BTreeMap;

/// Refused whatever their arguments.
const FORBIDDEN: [libc::c_long; 41] = [
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_process_madvise,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
    libc::SYS_quotactl_fd,
];

/// Refused once a root folder is as it is to stay.
const FORBIDDEN_LATER: [libc::c_long; 4] = [
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_pivot_root,
    libc::SYS_umount2,
];

/// The sockets that a step may have: local ones, the internet's, and questions about the network.
const FAMILIES: [i32; 4] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
];

/// The protocols of an internet socket: another one, such as MPTCP, would reach a port that
/// Landlock keeps (its rules are for TCP alone). 0 is the usual one of its type.
const PROTOCOLS: [i32; 5] = [
    0,
    libc::IPPROTO_TCP,
    libc::IPPROTO_UDP,
    libc::IPPROTO_ICMP,
    libc::IPPROTO_ICMPV6,
];

/// The calls that connect as they send if they are told so (MSG_FASTOPEN, tcp(7)), which Landlock
/// does not see; and which argument says it.
const SENDS: [(libc::c_long, u8); 3] = [
    (libc::SYS_sendto, 3),
    (libc::SYS_sendmsg, 2),
    (libc::SYS_sendmmsg, 3),
];

/// Set in the number of a call of x86-64's other way to count them
/// (`__X32_SYSCALL_BIT` in arch/x86/include/uapi/asm/unistd.h).
const X32: libc::c_long = 0x4000_0000;

/// Forbids all of them, but for those that make a root folder, for this process and all that it
/// starts. Without such a folder steps would reach the sockets of others, so they get none.
pub fn forbid(has_own_root: bool) -> Result<(), String> {
    apply(rules(has_own_root), libc::EPERM)?;
    // From clone3(2) the C library falls back to a call whose flags can be looked at.
    apply(
        Ok(BTreeMap::from([(libc::SYS_clone3, Vec::new())])),
        libc::ENOSYS,
    )
}

/// Forbids the rest.
pub fn forbid_mounts() -> Result<(), String> {
    let rules = FORBIDDEN_LATER.iter().map(|call| (*call, Vec::new()));
    apply(Ok(on_both_counts(rules.collect())), libc::EPERM)
}

fn apply(
    rules: Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError>,
    error: i32,
) -> Result<(), String> {
    let program = filter(rules, error).map_err(|error| error.to_string())?;
    apply_filter(&program).map_err(|error| error.to_string())
}

fn filter(
    rules: Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError>,
    error: i32,
) -> Result<BpfProgram, BackendError> {
    SeccompFilter::new(
        rules?,
        SeccompAction::Allow,
        SeccompAction::Errno(error as u32),
        std::env::consts::ARCH.try_into()?,
    )?
    .try_into()
}

fn rules(has_own_root: bool) -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        FORBIDDEN.iter().map(|call| (*call, Vec::new())).collect();
    let user = libc::CLONE_NEWUSER as u64;
    for call in [libc::SYS_clone, libc::SYS_unshare] {
        let makes_one = condition(0, SeccompCmpOp::MaskedEq(user), user)?;
        rules.insert(call, vec![SeccompRule::new(vec![makes_one])?]);
    }
    // These can forge terminal input (ioctl_tty(2), ioctl_console(2)).
    let requests = [libc::TIOCSTI, libc::TIOCLINUX].map(u64::from);
    let forged = requests.map(|request| {
        condition(1, SeccompCmpOp::Eq, request).and_then(|is_it| SeccompRule::new(vec![is_it]))
    });
    rules.insert(
        libc::SYS_ioctl,
        forged.into_iter().collect::<Result<_, _>>()?,
    );
    let connects = libc::MSG_FASTOPEN as u64;
    for (call, flags) in SENDS {
        let connects = condition(flags, SeccompCmpOp::MaskedEq(connects), connects)?;
        rules.insert(call, vec![SeccompRule::new(vec![connects])?]);
    }
    let others = match has_own_root {
        true => other_sockets()?,
        false => Vec::new(),
    };
    rules.insert(libc::SYS_socket, others);
    Ok(on_both_counts(rules))
}

/// The same for x86-64's other way to count calls.
fn on_both_counts(mut rules: BTreeMap<i64, Vec<SeccompRule>>) -> BTreeMap<i64, Vec<SeccompRule>> {
    if cfg!(target_arch = "x86_64") {
        let again: Vec<_> = rules
            .iter()
            .map(|(call, rules)| (call | X32, rules.clone()))
            .collect();
        rules.extend(again);
    }
    rules
}

/// The sockets that no step may have.
fn other_sockets() -> Result<Vec<SeccompRule>, BackendError> {
    let other = |argument, known: &[i32]| {
        let known = known.iter();
        let is_other = known.map(|one| condition(argument, SeccompCmpOp::Ne, *one as u64));
        is_other.collect::<Result<Vec<_>, _>>()
    };
    let mut rules = vec![SeccompRule::new(other(0, &FAMILIES)?)?];
    for family in [libc::AF_INET, libc::AF_INET6] {
        let mut unusual = other(2, &PROTOCOLS)?;
        unusual.push(condition(0, SeccompCmpOp::Eq, family as u64)?);
        rules.push(SeccompRule::new(unusual)?);
    }
    Ok(rules)
}

fn condition(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    // The kernel looks at the lower half of each of these.
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}
