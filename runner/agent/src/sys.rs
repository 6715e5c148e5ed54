//! The system calls that no library offers as safe ones.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;
use nix::unistd::Pid;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `struct rand_pool_info` of linux/random.h with a pool of 32 bytes.
#[repr(C)]
struct Pool {
    entropy_bits: libc::c_int,
    pool_bytes: libc::c_int,
    pool: [u8; 32],
}

mod ioctls {
    // linux/random.h and asm-generic/ioctls.h
    nix::ioctl_write_ptr!(add_entropy, b'R', 0x03, [nix::libc::c_int; 2]);
    nix::ioctl_none!(reseed, b'R', 0x07);
    nix::ioctl_write_ptr_bad!(set_window, nix::libc::TIOCSWINSZ, nix::libc::winsize);
}

/// Adds a secret to the kernel's random number generator, counts it as such, and makes the
/// generator start anew from it (random(4)). `random` is `/dev/urandom`, open for writing.
pub fn seed(random: impl AsFd, secret: [u8; 32]) -> io::Result<()> {
    let pool = Pool {
        entropy_bits: 256,
        pool_bytes: 32,
        pool: secret,
    };
    let fd = random.as_fd().as_raw_fd();
    // SAFETY: the file descriptor is open as long as `random` is borrowed. RNDADDENTROPY reads two
    // ints, and then as many bytes as the second says: all of `pool`, which outlives the call.
    unsafe { ioctls::add_entropy(fd, (&raw const pool).cast()) }?;
    // SAFETY: the same file descriptor; RNDRESEEDCRNG takes no argument.
    unsafe { ioctls::reseed(fd) }?;
    Ok(())
}

/// Tells a terminal how many lines and columns fit (TIOCSWINSZ(2const)).
pub fn set_window(terminal: impl AsFd, rows: u16, columns: u16) -> io::Result<()> {
    let size = libc::winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the file descriptor is open as long as `terminal` is borrowed, and TIOCSWINSZ reads
    // one `struct winsize`, which outlives the call.
    unsafe { ioctls::set_window(terminal.as_fd().as_raw_fd(), &raw const size) }?;
    Ok(())
}

/// Goes on as two processes, as fork(2) does, the new one in namespaces of its own (clone(2)).
/// Returns the new one's id to the other, and nothing to the new one. An error if this process has
/// several threads.
pub fn fork_into(namespaces: CloneFlags) -> io::Result<Option<Pid>> {
    if std::fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("the process has several threads"));
    }
    let flags = libc::c_long::from(namespaces.bits()) | libc::c_long::from(libc::SIGCHLD);
    let nothing: libc::c_long = 0;
    // SAFETY: without CLONE_VM and with no stack of its own the new process gets a copy of this
    // one's memory, stack included. No other thread is there that could hold a lock in it.
    let id = unsafe { libc::syscall(libc::SYS_clone, flags, nothing, nothing, nothing, nothing) };
    match Errno::result(id)? {
        0 => Ok(None),
        id => Ok(Some(Pid::from_raw(id as i32))),
    }
}

/// Makes what is mounted at a path, and all that is mounted below it, read-only (mount_setattr(2),
/// since Linux 5.12).
pub fn read_only(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: the path ends with a NUL, the attributes are as long as is said, and both outlive the
    // call, which writes to neither.
    let set = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    Errno::result(set)?;
    Ok(())
}

/// Keeps what this process inherited beside its standard files from all programs that it starts
/// (close_range(2), since Linux 5.11).
pub fn keep_inherited_files() -> io::Result<()> {
    let first: libc::c_uint = 3;
    // SAFETY: it marks files to be closed by execve(2), and closes none.
    let kept = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    Errno::result(kept)?;
    Ok(())
}

/// Gives up the rights that root has over others (capabilities(7)) for whatever this process becomes;
/// who has none keeps none.
pub fn give_up_rights() {
    let drop = |operation: libc::c_int, argument: libc::c_ulong| {
        let none: libc::c_ulong = 0;
        // SAFETY: these operations take numbers only, and change rights of this process alone.
        let done = unsafe { libc::prctl(operation, argument, none, none, none) };
        Errno::result(done)
    };
    let ambient = libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong;
    let _ = drop(libc::PR_CAP_AMBIENT, ambient);
    // Each that the kernel knows; who may not drop one is not root, and gains none by execve(2).
    let _ = (0..64).try_for_each(|right| drop(libc::PR_CAPBSET_DROP, right).map(|_| ()));
}

/// How many files another process may have open (RLIMIT_NOFILE in prlimit(2)), if that is told.
pub fn open_files_limit(process: Pid) -> Option<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: nothing is set, and `limit` is a struct of the kernel's size that outlives the call.
    let got = unsafe {
        let nothing = std::ptr::null();
        libc::prlimit(
            process.as_raw(),
            libc::RLIMIT_NOFILE,
            nothing,
            &raw mut limit,
        )
    };
    (got == 0).then_some(limit.rlim_cur)
}
