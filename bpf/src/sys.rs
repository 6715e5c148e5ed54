//! The one place with `unsafe`: what libbpf-rs keeps to itself about loaded programs, and about those to load.
//!
//! libbpf-rs 0.27 reads the same through `query::ProgInfoIter`, which scans all programs and ends at
//! any error as if there were no more.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd as _, BorrowedFd};

use libbpf_rs::libbpf_sys::{self, bpf_line_info, bpf_prog_info};
use libbpf_rs::{AsRawLibbpf as _, Object, OpenObject};

use crate::errno::Errno;

/// The answer of `BPF_OBJ_GET_INFO_BY_FD` about a program, with the arrays it filled.
///
/// In `info`, a pointer that came back as 0 although its array was asked for means that the kernel
/// withheld the array (`bpf_prog_get_info_by_fd` in `kernel/bpf/syscall.c`).
#[derive(Debug, Default)]
pub(crate) struct RawInfo {
    pub(crate) info: bpf_prog_info,
    pub(crate) xlated: Vec<u8>,
    pub(crate) jited: Vec<u8>,
    pub(crate) map_ids: Vec<u32>,
    pub(crate) ksyms: Vec<u64>,
    pub(crate) func_lens: Vec<u32>,
    pub(crate) line_info: Vec<bpf_line_info>,
    pub(crate) jited_line_info: Vec<u64>,
}

/// Asks twice: for the sizes, then for the contents.
pub(crate) fn program_info(fd: BorrowedFd<'_>) -> Result<RawInfo, Errno> {
    let mut sizes = bpf_prog_info::default();
    // SAFETY: every pointer in `sizes` is null, so the kernel writes into `sizes` alone.
    unsafe { fill(fd, &mut sizes)? };

    let mut raw = RawInfo {
        xlated: vec![0; sizes.xlated_prog_len as usize],
        jited: vec![0; sizes.jited_prog_len as usize],
        map_ids: vec![0; sizes.nr_map_ids as usize],
        ksyms: vec![0; sizes.nr_jited_ksyms as usize],
        func_lens: vec![0; sizes.nr_jited_func_lens as usize],
        ..RawInfo::default()
    };
    // Records of a size that is unknown here cannot be told apart, so they are not asked for.
    let is_known = |size: u32, wanted: usize| size as usize == wanted;
    if is_known(sizes.line_info_rec_size, size_of::<bpf_line_info>()) {
        raw.line_info = vec![bpf_line_info::default(); sizes.nr_line_info as usize];
    }
    if is_known(sizes.jited_line_info_rec_size, size_of::<u64>()) {
        raw.jited_line_info = vec![0; sizes.nr_jited_line_info as usize];
    }
    raw.info = bpf_prog_info {
        xlated_prog_len: count(&raw.xlated),
        xlated_prog_insns: address(&mut raw.xlated),
        jited_prog_len: count(&raw.jited),
        jited_prog_insns: address(&mut raw.jited),
        nr_map_ids: count(&raw.map_ids),
        map_ids: address(&mut raw.map_ids),
        nr_jited_ksyms: count(&raw.ksyms),
        jited_ksyms: address(&mut raw.ksyms),
        nr_jited_func_lens: count(&raw.func_lens),
        jited_func_lens: address(&mut raw.func_lens),
        line_info_rec_size: size_of::<bpf_line_info>() as u32,
        nr_line_info: count(&raw.line_info),
        line_info: address(&mut raw.line_info),
        jited_line_info_rec_size: size_of::<u64>() as u32,
        nr_jited_line_info: count(&raw.jited_line_info),
        jited_line_info: address(&mut raw.jited_line_info),
        ..Default::default()
    };
    // SAFETY: each pointer above belongs to a vector of `raw` with at least the length given beside it,
    // which lives beyond this call and is not touched meanwhile; all element types are plain numbers,
    // for which any bytes are a value. An empty vector has no pointer.
    unsafe { fill(fd, &mut raw.info)? };
    Ok(raw)
}

/// Loads an object; what the verifier writes about the program of this name, at this log level, goes into `log`.
///
/// By itself libbpf makes a buffer and asks again for one of twice the size, for as long as the log does not fit.
pub(crate) fn load_with_log(
    mut object: OpenObject,
    program: &str,
    level: u32,
    log: &mut [u8],
) -> libbpf_rs::Result<Object> {
    for mut one in object.progs_mut().filter(|one| one.name() == program) {
        one.set_log_level(level);
        let (start, bytes) = (log.as_mut_ptr().cast(), log.len() as u64);
        // SAFETY: `log` has as many bytes as it is said to have, and is there while the object is loaded, just
        // below. After that libbpf writes no log, and nobody asks it for the pointer.
        let answer = unsafe {
            libbpf_sys::bpf_program__set_log_buf(one.as_libbpf_object().as_ptr(), start, bytes)
        };
        debug_assert_eq!(answer, 0, "a program that is not loaded takes a buffer");
    }
    object.load()
}

/// # Safety
///
/// Each pointer in `info` is null, or leads to as many writable elements as the count beside it says.
unsafe fn fill(fd: BorrowedFd<'_>, info: &mut bpf_prog_info) -> Result<(), Errno> {
    let mut length = size_of::<bpf_prog_info>() as u32;
    // SAFETY: `info` is as long as `length` says, and the caller answers for the pointers in it.
    let answer = unsafe {
        libbpf_sys::bpf_obj_get_info_by_fd(
            fd.as_raw_fd(),
            std::ptr::from_mut(info).cast(),
            &mut length,
        )
    };
    checked(answer)
}

/// libbpf 1.0 and later return the error number, negative.
fn checked(answer: i32) -> Result<(), Errno> {
    match answer {
        0.. => Ok(()),
        negative => Err(Errno(-negative)),
    }
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).expect("the kernel counts in 32 bits")
}

fn address<T>(items: &mut [T]) -> u64 {
    match items {
        [] => 0,
        items => items.as_mut_ptr() as u64,
    }
}
