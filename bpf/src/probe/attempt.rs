//! The attempts themselves: load, attach, run, open, and take away again.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::Struct;
use libbpf_rs::{
    MapHandle, MapType, Object, ObjectBuilder, ProgramInput, ProgramMut, RingBufferBuilder,
    libbpf_sys,
};
use nix::sys::statfs;
use object::read::ReadCache;
use object::read::elf::ProgramHeader as _;

use super::failure::{FailedAttempt, KernelAnswer, Phase};
use super::feature::Feature;
use crate::assemble::TinyObject;
use crate::errno::Errno;

const BPFFS: &str = "/sys/fs/bpf";
/// A result no kernel gives by accident, so that seeing it proves that the program ran.
const RESULT: i32 = 42;

type AttemptResult = Result<String, FailedAttempt>;

pub(super) fn attempt(feature: Feature) -> AttemptResult {
    match feature {
        Feature::Bpf => load("socket", "a BPF program").map(|_| said("loaded a socket filter")),
        Feature::Jit => jit(),
        Feature::Btf => btf(),
        Feature::Bpffs => bpffs(),
        Feature::Tracefs => tracefs(),
        Feature::RingBuffer => ring_buffer(),
        Feature::TestRun => test_run(),
        Feature::LoadKprobe => {
            load("kprobe/vfs_mkdir", "a kprobe program").map(|_| said("loaded a kprobe program"))
        }
        Feature::Kprobe => attach("kprobe/vfs_mkdir", "a kprobe program", "`vfs_mkdir`"),
        Feature::Ksyscall => attach(
            "ksyscall/getpgid",
            "a kprobe program",
            "the system call `getpgid`",
        ),
        Feature::Tracepoint => attach(
            "tracepoint/sched/sched_process_exit",
            "a program",
            "the tracepoint `sched:sched_process_exit`",
        ),
        Feature::SyscallTracepoint => attach(
            "tracepoint/syscalls/sys_enter_getpgid",
            "a program",
            "the tracepoint `syscalls:sys_enter_getpgid`",
        ),
        Feature::RawTracepoint => attach(
            "raw_tracepoint/sched_process_exit",
            "a program",
            "the raw tracepoint `sched_process_exit`",
        ),
        Feature::Fentry => attach("fentry/vfs_mkdir", "an fentry program", "`vfs_mkdir`"),
        Feature::Uprobe => uprobe(),
        Feature::SocketFilter => {
            load("socket", "a socket filter").map(|_| said("loaded a socket filter"))
        }
        Feature::Xdp => load("xdp", "an XDP program").map(|_| said("loaded an XDP program")),
    }
}

fn said(words: &str) -> String {
    words.to_owned()
}

fn load(section: &str, what: &str) -> Result<Object, FailedAttempt> {
    let failed = |answer| FailedAttempt {
        phase: Phase::Load,
        attempt: format!("load {what}"),
        answer,
    };
    let elf = TinyObject::new(section)
        .returning(result_of(section))
        .to_elf();
    let elf = elf.map_err(|error| failed(KernelAnswer::Words(error.to_string())))?;
    let open = ObjectBuilder::default().open_memory(&elf);
    open.and_then(|object| object.load())
        .map_err(|error| failed(answer(&error)))
}

/// Trampolines and XDP have rules for what they return; raw tracepoints are free to prove that they ran.
fn result_of(section: &str) -> i32 {
    if section == "raw_tracepoint" {
        RESULT
    } else {
        0
    }
}

fn program(object: &Object) -> ProgramMut<'_> {
    let program = object.progs_mut().next();
    program.expect("an object made here has one program")
}

fn attach(section: &str, what: &str, target: &str) -> AttemptResult {
    let object = load(section, &format!("{what} for {target}"))?;
    match program(&object).attach() {
        Ok(_link) => Ok(format!("attached {what} to {target}")),
        Err(error) => Err(FailedAttempt {
            phase: Phase::Attach,
            attempt: format!("attach {what} to {target}"),
            answer: answer(&error),
        }),
    }
}

/// Attaches to where this very program starts: the one place in user space sure to exist, and never
/// reached again.
fn uprobe() -> AttemptResult {
    let failed = |answer| FailedAttempt {
        phase: Phase::Attach,
        attempt: said("attach a uprobe to this program's start"),
        answer,
    };
    let object = load("uprobe", "a uprobe program")?;
    let offset = start_offset().map_err(|error| failed(KernelAnswer::Words(error)))?;
    match program(&object).attach_uprobe(false, -1, "/proc/self/exe", offset) {
        Ok(_link) => Ok(said("attached a uprobe to this program's start")),
        Err(error) => Err(failed(answer(&error))),
    }
}

/// Returns where in its file the first instruction of this program stands.
fn start_offset() -> Result<usize, String> {
    let file = File::open("/proc/self/exe").map_err(|error| error.to_string())?;
    let file = ReadCache::new(file);
    let offset = if cfg!(target_pointer_width = "64") {
        entry_offset::<object::elf::FileHeader64<object::Endianness>>(&file)
    } else {
        entry_offset::<object::elf::FileHeader32<object::Endianness>>(&file)
    };
    let offset = offset.map_err(|error| error.to_string())?;
    offset.ok_or_else(|| said("this program's file does not say where it starts"))
}

fn entry_offset<H>(file: &ReadCache<File>) -> object::read::Result<Option<usize>>
where
    H: object::read::elf::FileHeader<Endian = object::Endianness>,
{
    let header = H::parse(file)?;
    let endian = header.endian()?;
    let entry: u64 = header.e_entry(endian).into();
    let offset = header
        .program_headers(endian, file)?
        .iter()
        .find_map(|segment| {
            let start: u64 = segment.p_vaddr(endian).into();
            let length: u64 = segment.p_filesz(endian).into();
            let offset: u64 = segment.p_offset(endian).into();
            let holds_entry = segment.p_type(endian) == object::elf::PT_LOAD
                && (start..start + length).contains(&entry);
            holds_entry.then(|| entry - start + offset)
        });
    Ok(offset.and_then(|offset| usize::try_from(offset).ok()))
}

fn test_run() -> AttemptResult {
    let failed = |answer| FailedAttempt {
        phase: Phase::Run,
        attempt: said("run a raw tracepoint program on request"),
        answer,
    };
    let object = load("raw_tracepoint", "a raw tracepoint program")?;
    match program(&object).test_run(ProgramInput::default()) {
        Ok(output) if output.return_value == RESULT as u32 => {
            Ok(said("ran a raw tracepoint program on request"))
        }
        Ok(output) => Err(failed(KernelAnswer::Words(format!(
            "it returned {} instead of {RESULT}",
            output.return_value
        )))),
        Err(error) => Err(failed(answer(&error))),
    }
}

/// Asks `/proc`, which tells everybody; the length in `bpf_prog_info` is hidden without CAP_BPF.
fn jit() -> AttemptResult {
    let object = load("socket", "a BPF program")?;
    let program = program(&object);
    let path = format!("/proc/self/fdinfo/{}", program.as_fd().as_raw_fd());
    let failed = |answer| FailedAttempt {
        phase: Phase::Run,
        attempt: said("have a program compiled to machine code"),
        answer,
    };
    let info = fs::read_to_string(path).map_err(|error| failed(io_answer(&error)))?;
    if info.lines().any(|line| line == "prog_jited:\t1") {
        Ok(said("a loaded program was compiled to machine code"))
    } else {
        Err(failed(KernelAnswer::Words(said(
            "the kernel interprets it",
        ))))
    }
}

fn btf() -> AttemptResult {
    let failed = |answer| FailedAttempt {
        phase: Phase::Open,
        attempt: said("read the kernel's own type information"),
        answer,
    };
    let btf = Btf::from_vmlinux().map_err(|error| failed(answer(&error)))?;
    match btf.type_by_name::<Struct<'_>>("task_struct") {
        Some(_) => Ok(said("found `struct task_struct` in the kernel's BTF")),
        None => Err(failed(KernelAnswer::Words(said(
            "it lacks `struct task_struct`",
        )))),
    }
}

fn bpffs() -> AttemptResult {
    let failed = |phase, answer| FailedAttempt {
        phase,
        attempt: format!("pin a program under {BPFFS}"),
        answer,
    };
    let kind = statfs::statfs(BPFFS).map(|folder| folder.filesystem_type());
    match kind {
        Ok(statfs::BPF_FS_MAGIC) => {}
        Ok(_) => {
            return Err(failed(
                Phase::Open,
                KernelAnswer::Words(said("it is no BPF file system")),
            ));
        }
        Err(errno) => {
            return Err(failed(
                Phase::Open,
                KernelAnswer::Errno(Errno(errno as i32)),
            ));
        }
    }
    let object = load("socket", "a BPF program")?;
    let mut program = program(&object);
    let path = Path::new(BPFFS).join(format!("tutor-probe-{}", std::process::id()));
    let pinned = program.pin(&path).and_then(|()| program.unpin(&path));
    match pinned {
        Ok(()) => Ok(format!("pinned a program under {BPFFS}")),
        Err(error) => Err(failed(Phase::Pin, answer(&error))),
    }
}

fn tracefs() -> AttemptResult {
    let open = |folder: &str| {
        OpenOptions::new()
            .read(true)
            .custom_flags(nix::libc::O_NONBLOCK)
            .open(Path::new(folder).join("trace_pipe"))
    };
    let opened = open("/sys/kernel/tracing").or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => open("/sys/kernel/debug/tracing"),
        _ => Err(error),
    });
    match opened {
        Ok(_trace_pipe) => Ok(said("opened `trace_pipe`")),
        Err(error) if error.raw_os_error() == Some(Errno::EBUSY.0) => Ok(said(
            "`trace_pipe` works, and somebody else is reading it now",
        )),
        Err(error) => Err(FailedAttempt {
            phase: Phase::Open,
            attempt: said("open `trace_pipe`"),
            answer: io_answer(&error),
        }),
    }
}

fn ring_buffer() -> AttemptResult {
    let failed = |phase, attempt, error: libbpf_rs::Error| FailedAttempt {
        phase,
        attempt: said(attempt),
        answer: answer(&error),
    };
    let options = libbpf_sys::bpf_map_create_opts {
        sz: size_of::<libbpf_sys::bpf_map_create_opts>() as libbpf_sys::size_t,
        ..Default::default()
    };
    // Whole pages in a power of two, on machines with the largest pages too.
    let bytes = 64 * 1024;
    let map = MapHandle::create(MapType::RingBuf, Some("tutor_probe"), 0, 0, bytes, &options)
        .map_err(|error| failed(Phase::Create, "make a ring buffer", error))?;
    let mut reader = RingBufferBuilder::new();
    let reader = reader.add(&map, |_| 0).map(|_| ());
    reader.map_err(|error| failed(Phase::Open, "read a ring buffer", error))?;
    Ok(said("made a ring buffer and opened it for reading"))
}

fn answer(error: &libbpf_rs::Error) -> KernelAnswer {
    let text = format!("{error:#}");
    match Errno::in_text(&text) {
        Some(errno) => KernelAnswer::Errno(errno),
        None => KernelAnswer::Words(text),
    }
}

fn io_answer(error: &io::Error) -> KernelAnswer {
    match error.raw_os_error() {
        Some(number) => KernelAnswer::Errno(Errno(number)),
        None => KernelAnswer::Words(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_this_program_lies_inside_its_file() {
        let offset = start_offset().unwrap();
        let length = fs::metadata("/proc/self/exe").unwrap().len();
        assert!(offset > 0 && (offset as u64) < length);
    }
}
