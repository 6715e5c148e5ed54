//! What the crate says of loaded programs, held against bpftool and GNU objdump.
//!
//! The corpus: the programs in `bpf/`, `bpf/tests/programs/` and `bpf/tests/corpus/`, compiled for what each clang here
//! knows, with and without debug information.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::fd::AsFd as _;

use object::{Object as _, ObjectSection as _};
use support::{Corpus, output, skipped};
use tutor_bpf::assemble::TinyObject;
use tutor_bpf::jit::{Processor, disassemble};
use tutor_bpf::kallsyms::KernelSymbols;
use tutor_bpf::load::{FollowedObject, LoadedObject, ProgramChoice, ProgramInfo};
use tutor_bpf::view::Xlated;

/// Agreements and disagreements, counted.
#[derive(Default)]
struct Tally {
    programs: usize,
    instructions: usize,
    unknown: usize,
    disagreements: String,
}

impl Tally {
    fn hold(&mut self, place: &str, ours: &str, theirs: &str) {
        self.instructions += 1;
        if ours != theirs {
            writeln!(
                self.disagreements,
                "{place}: `{ours}` is `{theirs}` to them"
            )
            .unwrap();
        }
    }
}

#[test]
fn xlated_text_agrees_with_bpftool_on_all_loaded_programs() {
    const NAME: &str = "xlated_text_agrees_with_bpftool_on_all_loaded_programs";
    if output("bpftool", &["version"]).is_none() {
        return skipped(NAME, "there is no bpftool");
    }
    let Some(corpus) = Corpus::loaded(NAME) else {
        return;
    };
    let mut symbols = KernelSymbols::open().unwrap();
    let mut tally = Tally::default();
    for listed in libbpf_rs::query::ProgInfoIter::default() {
        let id = listed.id;
        // A program of somebody else may be gone by now.
        let Ok(fd) = libbpf_rs::Program::fd_from_id(id) else {
            continue;
        };
        let info = ProgramInfo::from_fd(fd.as_fd()).unwrap();
        let number = id.to_string();
        let dump = output("bpftool", &["prog", "dump", "xlated", "id", &number]);
        let (Some(bytes), Some(dump)) = (info.xlated.value(), dump) else {
            continue;
        };
        let xlated = Xlated::new(bytes, &info, Some(&mut symbols)).unwrap();
        let theirs: BTreeMap<usize, &str> = dump.lines().filter_map(bpftool_line).collect();
        tally.programs += 1;
        for one in &xlated.instructions {
            let ours = format!("({:02x}) {}", one.bytes[0], one.text);
            let theirs = theirs.get(&one.slot).copied().unwrap_or("nothing");
            // bpftool's printer can be older than the kernel. It says so for an opcode it does not know, and
            // shows the address of a per-CPU variable, which is a move with an offset, as a plain move.
            let is_newer = theirs.contains("BUG_")
                || (ours.contains("&(void __percpu *)(") && theirs == as_plain_move(&ours));
            match is_newer {
                true => tally.unknown += 1,
                false => tally.hold(&format!("{} {}", info.name, one.slot), &ours, theirs),
            }
        }
    }
    println!(
        "xlated: {} programs ({} of the corpus), {} instructions agree with bpftool, which knows {} not",
        tally.programs, corpus.programs, tally.instructions, tally.unknown
    );
    assert!(tally.programs >= corpus.programs);
    assert_eq!(tally.disagreements, "");
}

fn as_plain_move(text: &str) -> String {
    text.replace("&(void __percpu *)(", "")
        .replace(')', "")
        .replace("(bf", "(bf)")
}

/// `  10: (85) call bpf_trace_printk#-61360`.
fn bpftool_line(line: &str) -> Option<(usize, &str)> {
    let (slot, text) = line.trim_start().split_once(": ")?;
    let slot = slot.parse().ok()?;
    text.starts_with('(').then_some((slot, text.trim_end()))
}

#[test]
fn machine_code_agrees_with_objdump_instruction_by_instruction() {
    const NAME: &str = "machine_code_agrees_with_objdump_instruction_by_instruction";
    if Processor::here() != Processor::X86_64 {
        return skipped(NAME, "only x86-64 is taken apart");
    }
    if output("objdump", &["--version"]).is_none() {
        return skipped(NAME, "there is no objdump");
    }
    let Some(corpus) = Corpus::loaded(NAME) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut tally = Tally::default();
    for program in corpus.all() {
        let Some(functions) = program.info.jited.value() else {
            return skipped(NAME, "the kernel shows no machine code");
        };
        tally.programs += 1;
        for function in functions {
            let address = function.address.unwrap_or(0);
            let file = folder.path().join("code.bin");
            std::fs::write(&file, &function.code).unwrap();
            let vma = format!("--adjust-vma={address:#x}");
            let machine = [
                "-D",
                "-b",
                "binary",
                "-m",
                "i386:x86-64",
                "-M",
                "intel",
                "-w",
            ];
            let mut args = machine.to_vec();
            args.extend(["--no-show-raw-insn", &vma, file.to_str().unwrap()]);
            let dump = output("objdump", &args).unwrap();
            let theirs: BTreeMap<u64, String> = dump.lines().filter_map(objdump_line).collect();
            for one in disassemble(Processor::X86_64, &function.code, address).unwrap() {
                let at = address + one.offset as u64;
                let theirs = theirs.get(&at).map_or("nothing", String::as_str);
                tally.hold(&program.name, &normal(&one.to_string()), theirs);
            }
        }
    }
    println!(
        "machine code: {} programs, {} instructions agree with objdump",
        tally.programs, tally.instructions
    );
    assert_eq!(tally.disagreements, "");
}

/// An address, a colon, a tab, and `call   0xffffffff814bd860`.
fn objdump_line(line: &str) -> Option<(u64, String)> {
    let (address, text) = line.split_once(":\t")?;
    let address = u64::from_str_radix(address.trim(), 16).ok()?;
    Some((address, normal(text)))
}

/// Both write the same instruction in slightly different words: objdump pads names, writes `QWORD PTR`,
/// `movabs`, scales of 1 and displacements of 0, comments on addresses, and puts no brackets around an
/// absolute one; iced-x86 names a register that `imul` multiplies and fills only once.
fn normal(text: &str) -> String {
    let text = text.split(" #").next().unwrap_or_default().to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let text = text.replace("movabs ", "mov ").replace("*1", "");
    let text = text.replace("+0x0]", "]").replace("-0x0]", "]");
    let text = match text
        .strip_prefix("imul ")
        .and_then(|operands| operands.split_once(",0x"))
    {
        Some((register, number)) if !register.contains(',') => {
            format!("imul {register},{register},0x{number}")
        }
        _ => text,
    };
    match text.split_once("gs:[0x") {
        Some((before, after)) => format!("{before}gs:0x{}", after.replacen(']', "", 1)),
        None => text,
    }
}

#[test]
fn every_instruction_of_a_program_is_accounted_for() {
    const NAME: &str = "every_instruction_of_a_program_is_accounted_for";
    let Some(corpus) = Corpus::loaded(NAME) else {
        return;
    };
    for loaded in &corpus.loaded {
        let followed = loaded.followed.as_ref().expect("this kernel takes lines");
        for program in &loaded.programs {
            let info = &program.info;
            let slots = info.xlated.value().unwrap().len() / 8;
            assert_eq!(info.lines.first().map(|line| line.slot), Some(0));
            assert!(info.lines.is_sorted_by(|one, next| one.slot < next.slot));
            assert!(info.lines.iter().all(|line| (line.slot as usize) < slots));
            let known = |line: u32| followed.origin(line).is_some();
            assert!(info.lines.iter().all(|line| known(line.line)));
        }
    }
}

/// Only line information is added: the program's tag, a hash of its instructions, is the same without.
#[test]
fn a_followed_program_is_the_same_program() {
    const NAME: &str = "a_followed_program_is_the_same_program";
    let Some(corpus) = Corpus::loaded(NAME) else {
        return;
    };
    for (elf, followed) in corpus.files.iter().zip(&corpus.loaded) {
        let plain = LoadedObject::load_plain("plain", elf, &ProgramChoice::All).unwrap();
        let tags = |loaded: &LoadedObject| -> Vec<String> {
            let programs = loaded.programs.iter();
            programs.map(|program| program.info.tag_text()).collect()
        };
        assert_eq!(tags(&plain), tags(followed));
    }
}

#[test]
fn an_object_whose_types_the_kernel_refuses_is_followed_all_the_same() {
    const NAME: &str = "an_object_whose_types_the_kernel_refuses_is_followed_all_the_same";
    if !nix::unistd::geteuid().is_root() {
        return skipped(NAME, "only root can load programs");
    }
    let elf = TinyObject::new("socket").to_elf().unwrap();
    let mut elf = FollowedObject::new(&elf).unwrap().elf;
    let types = {
        let file = object::File::parse(&*elf).unwrap();
        let section = file.section_by_name(".BTF").unwrap();
        section.file_range().unwrap().0 as usize
    };
    // The encoding of its first type, `int`: one of two kinds, which gcc 12 wrote and no kernel takes.
    let encoding = types + 24 + 12;
    let refused = (0xff << 24 | 32_u32).to_ne_bytes();
    elf[encoding..encoding + 4].copy_from_slice(&refused);
    let loaded = match LoadedObject::load("refused", &elf, &ProgramChoice::All) {
        Ok(loaded) => loaded,
        Err(error) => return skipped(NAME, &error.to_string()),
    };
    let followed = loaded.followed.unwrap();
    let lines = &loaded.programs[0].info.lines;
    assert!(
        lines
            .iter()
            .all(|line| followed.origin(line.line).is_some())
    );
}
