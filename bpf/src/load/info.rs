//! The kernel's information about a loaded program, and what it withholds.

use std::fmt;
use std::os::fd::BorrowedFd;

use libbpf_rs::libbpf_sys::bpf_prog_info;

use crate::errno::Errno;
use crate::sys::{self, RawInfo};

/// Something that the kernel has and does not show to this process, or shows.
///
/// The kernel marks what it withholds in several ways, zeroes among them; here it cannot be taken for
/// a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disclosure<T> {
    /// It is this.
    Shown(T),
    /// The program has none.
    Absent,
    /// The kernel has it, and keeps it from this process.
    Withheld(Withheld),
}

impl<T> Disclosure<T> {
    /// Returns the value, if it is shown.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Shown(value) => Some(value),
            Self::Absent | Self::Withheld(_) => None,
        }
    }
}

/// Why the kernel withholds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// This process lacks `CAP_BPF` (`CAP_SYS_ADMIN` before Linux 5.8).
    Capability,
    /// Kernel addresses are hidden: `kernel.kptr_restrict`, `kernel.perf_event_paranoid`, or no `CAP_SYSLOG`.
    Addresses,
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Capability => "withheld by the kernel: this process lacks CAP_BPF",
            Self::Addresses => {
                "withheld by the kernel: it shows no kernel addresses to this process"
            }
        })
    }
}

impl Withheld {
    /// Returns what to do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Capability => "run it as root, or with CAP_BPF and CAP_PERFMON",
            Self::Addresses => {
                "run it as root, after `sysctl kernel.kptr_restrict=1`; 2 hides addresses from root too"
            }
        }
    }
}

/// A function of a program, as the kernel compiled it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JitedFunction {
    /// Where the kernel put it, if it says.
    pub address: Option<u64>,
    /// Its machine code.
    pub code: Vec<u8>,
}

/// The entry of a program's line information, as the kernel keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelLine {
    /// The instruction of the translated program, in slots of 8 bytes from its start.
    pub slot: u32,
    /// The line number, from 1.
    pub line: u32,
}

/// A program that the kernel holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramInfo {
    /// The kernel's number for it.
    pub id: u32,
    /// The number of its type, `enum bpf_prog_type` of the kernel's `linux/bpf.h`.
    pub kind: u32,
    /// Its name; the kernel keeps 15 bytes.
    pub name: String,
    /// The first eight bytes of a hash of its instructions: SHA-1, since Linux 6.18 SHA-256.
    pub tag: [u8; 8],
    /// The user who loaded it.
    pub uid: u32,
    /// When it was loaded, in nanoseconds since the machine started.
    pub load_time: u64,
    /// The maps it uses.
    pub map_ids: Vec<u32>,
    /// The number of its BTF, 0 without.
    pub btf_id: u32,
    /// Its instructions after the verifier rewrote them.
    pub xlated: Disclosure<Vec<u8>>,
    /// Its machine code, function by function; [`Disclosure::Absent`] means that the kernel interprets it.
    pub jited: Disclosure<Vec<JitedFunction>>,
    /// Which line each part of `xlated` came from.
    pub lines: Vec<KernelLine>,
    /// The address of the machine code of each entry of `lines`.
    pub line_addresses: Disclosure<Vec<u64>>,
}

impl ProgramInfo {
    /// Asks the kernel about the program behind `fd`.
    ///
    /// The error is the kernel's: `EBADF` or `EINVAL` where `fd` is no program.
    pub fn from_fd(fd: BorrowedFd<'_>) -> Result<Self, Errno> {
        sys::program_info(fd).map(Self::from_raw)
    }

    /// Returns the tag in hexadecimal.
    pub fn tag_text(&self) -> String {
        self.tag.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn from_raw(raw: RawInfo) -> Self {
        let info = &raw.info;
        // Every program has instructions. Without CAP_BPF the kernel answers that there are none; where
        // their constants are blinded it hides them with the addresses, and stops: what it would have
        // filled in after them still holds what was asked.
        let hidden = match (info.xlated_prog_len, info.xlated_prog_insns) {
            (0, _) => Some(Withheld::Capability),
            (_, 0) => Some(Withheld::Addresses),
            (_, _) => None,
        };
        let xlated = match hidden {
            Some(why) => Disclosure::Withheld(why),
            None => Disclosure::Shown(raw.xlated.clone()),
        };
        let jited = match (hidden, info.jited_prog_len, info.jited_prog_insns) {
            (Some(why), _, _) => Disclosure::Withheld(why),
            (None, 0, _) => Disclosure::Absent,
            (None, _, 0) => Disclosure::Withheld(Withheld::Addresses),
            (None, _, _) => Disclosure::Shown(functions(&raw)),
        };
        let line_addresses = match (hidden, info.nr_jited_line_info, info.jited_line_info) {
            (Some(why), _, _) => Disclosure::Withheld(why),
            (None, 0, _) => Disclosure::Absent,
            (None, _, 0) => Disclosure::Withheld(Withheld::Addresses),
            (None, _, _) => Disclosure::Shown(raw.jited_line_info.clone()),
        };
        let lines = match hidden {
            Some(_) => Vec::new(),
            None => raw.line_info.iter().map(KernelLine::from_raw).collect(),
        };
        Self {
            id: info.id,
            kind: info.type_,
            name: name(info),
            tag: info.tag,
            uid: info.created_by_uid,
            load_time: info.load_time,
            btf_id: info.btf_id,
            lines,
            map_ids: raw.map_ids,
            xlated,
            jited,
            line_addresses,
        }
    }
}

impl KernelLine {
    fn from_raw(raw: &libbpf_rs::libbpf_sys::bpf_line_info) -> Self {
        Self {
            slot: raw.insn_off,
            // `BPF_LINE_INFO_LINE_NUM` of `linux/bpf.h`: the column has the lower ten bits.
            line: raw.line_col >> 10,
        }
    }
}

fn name(info: &bpf_prog_info) -> String {
    let bytes = info.name.iter().map(|&c| c as u8);
    let bytes: Vec<u8> = bytes.take_while(|&byte| byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Cuts the machine code into functions. Old kernels name no lengths: then it is one function.
fn functions(raw: &RawInfo) -> Vec<JitedFunction> {
    let address = |at: usize| {
        let address = raw.ksyms.get(at).copied();
        address.filter(|&address| address != 0 && raw.info.jited_ksyms != 0)
    };
    let total: usize = raw.func_lens.iter().map(|&length| length as usize).sum();
    if raw.info.jited_func_lens == 0 || total != raw.jited.len() {
        return vec![JitedFunction {
            address: address(0),
            code: raw.jited.clone(),
        }];
    }
    let mut rest = raw.jited.as_slice();
    let cut = |(at, &length): (usize, &u32)| {
        let (code, others) = rest.split_at(length as usize);
        rest = others;
        JitedFunction {
            address: address(at),
            code: code.to_vec(),
        }
    };
    raw.func_lens.iter().enumerate().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw() -> RawInfo {
        let mut raw = RawInfo {
            xlated: vec![0; 16],
            jited: vec![0xcc; 5],
            func_lens: vec![2, 3],
            ksyms: vec![0x10, 0x20],
            jited_line_info: vec![0x11],
            ..RawInfo::default()
        };
        raw.info = bpf_prog_info {
            xlated_prog_len: 16,
            xlated_prog_insns: 1,
            jited_prog_len: 5,
            jited_prog_insns: 1,
            nr_jited_ksyms: 2,
            jited_ksyms: 1,
            nr_jited_func_lens: 2,
            jited_func_lens: 1,
            nr_jited_line_info: 1,
            jited_line_info: 1,
            ..Default::default()
        };
        raw
    }

    #[test]
    fn machine_code_is_cut_into_its_functions() {
        let info = ProgramInfo::from_raw(raw());
        let functions = info.jited.value().unwrap();
        let functions: Vec<_> = functions
            .iter()
            .map(|function| (function.address, function.code.len()))
            .collect();
        assert_eq!(functions, [(Some(0x10), 2), (Some(0x20), 3)]);
        assert_eq!(info.line_addresses, Disclosure::Shown(vec![0x11]));
    }

    #[test]
    fn what_the_kernel_withholds_reads_as_withheld_and_not_as_zeroes() {
        let mut hidden = raw();
        hidden.info.jited_prog_insns = 0;
        hidden.info.jited_line_info = 0;
        let info = ProgramInfo::from_raw(hidden);
        assert_eq!(info.jited, Disclosure::Withheld(Withheld::Addresses));
        assert_eq!(
            info.line_addresses,
            Disclosure::Withheld(Withheld::Addresses)
        );
        assert!(info.xlated.value().is_some());

        let nothing = ProgramInfo::from_raw(RawInfo::default());
        assert_eq!(nothing.xlated, Disclosure::Withheld(Withheld::Capability));
        assert_eq!(nothing.jited, Disclosure::Withheld(Withheld::Capability));
    }

    #[test]
    fn hidden_addresses_are_none() {
        let mut hidden = raw();
        hidden.info.jited_ksyms = 0;
        hidden.ksyms = vec![0, 0];
        let info = ProgramInfo::from_raw(hidden);
        let functions = info.jited.value().unwrap();
        assert!(functions.iter().all(|function| function.address.is_none()));
    }

    #[test]
    fn an_interpreted_program_has_no_machine_code() {
        let mut interpreted = raw();
        interpreted.info.jited_prog_len = 0;
        assert_eq!(ProgramInfo::from_raw(interpreted).jited, Disclosure::Absent);
    }
}
