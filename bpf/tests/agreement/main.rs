//! Agreement with LLVM means bytes: what `llvm-objdump` prints of an object, and what `tutor bpf disasm` prints,
//! are both assembled again, and both must give the object's own bytes, instruction by instruction.
//!
//! The corpus is every BPF program of this crate, compiled by each clang here for each ISA version that it knows,
//! and the objects that `bpf/tests/corpus.sh` made, where it was run.

mod listing;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tutor_bpf::asm::Dialect;
use tutor_bpf::command::{BpfCommand, Console, DisasmArgs, run};
use tutor_bpf::insn::{AluOp, Callee, DecodedInstruction, Instruction, Raw};
use tutor_bpf::object::BpfObject;

/// The versions of LLVM that Debian may have beside the plain one.
const VERSIONS: std::ops::Range<u32> = 13..25;
/// As many disagreements are listed.
const LISTED: usize = 40;

/// A tool in the version it says of itself.
#[derive(Debug, Clone)]
struct Tool {
    program: String,
    version: u32,
}

/// The installed versions of an LLVM tool, each once.
fn tools(name: &str) -> Vec<Tool> {
    let names = std::iter::once(name.to_owned());
    let names = names.chain(VERSIONS.map(|version| format!("{name}-{version}")));
    let mut tools: Vec<Tool> = Vec::new();
    for program in names {
        let Ok(answer) = Command::new(&program).arg("--version").output() else {
            continue;
        };
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        let version = text
            .split("version ")
            .nth(1)
            .and_then(|rest| rest.split('.').next());
        let Some(version) = version.and_then(|version| version.parse().ok()) else {
            continue;
        };
        if tools.iter().all(|tool| tool.version != version) {
            tools.push(Tool { program, version });
        }
    }
    tools
}

/// Where the C and the headers of this machine are.
fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn programs() -> Vec<PathBuf> {
    let folders = [here(""), here("tests/corpus")];
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    let mut programs: Vec<PathBuf> = files
        .filter(|path| path.to_string_lossy().ends_with(".bpf.c"))
        .collect();
    programs.sort();
    programs
}

/// Compiles each program with each clang for each version of the ISA.
fn compiled(folder: &Path) -> Vec<PathBuf> {
    let mut objects = Vec::new();
    for clang in tools("clang") {
        for isa in 1..=4 {
            if !knows(&clang.program, isa) {
                continue;
            }
            for program in programs() {
                let name = program.file_stem().unwrap().to_string_lossy();
                let object = folder.join(format!("{}-v{isa}-{name}.o", clang.version));
                let answer = Command::new(&clang.program)
                    .args(["-g", "-O2", "-target", "bpf", &format!("-mcpu=v{isa}")])
                    .args([
                        format!("-DISA={isa}"),
                        format!("-I/usr/include/{}-linux-gnu", std::env::consts::ARCH),
                    ])
                    .arg("-c")
                    .arg(&program)
                    .arg("-o")
                    .arg(&object)
                    .output()
                    .unwrap();
                let words = String::from_utf8_lossy(&answer.stderr);
                assert!(
                    answer.status.success(),
                    "{clang:?} v{isa} {program:?}\n{words}"
                );
                objects.push(object);
            }
        }
    }
    objects
}

fn knows(clang: &str, isa: u32) -> bool {
    let cpu = format!("-mcpu=v{isa}");
    let answer = Command::new(clang)
        .args([
            "-target",
            "bpf",
            &cpu,
            "-x",
            "c",
            "-c",
            "/dev/null",
            "-o",
            "/dev/null",
        ])
        .output();
    answer.is_ok_and(|answer| answer.status.success())
}

/// The objects that `corpus.sh` made.
fn cached() -> Vec<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let folder = std::env::var_os("TUTOR_BPF_CORPUS").map(PathBuf::from);
    let Some(folder) = folder.or_else(|| Some(cache?.join("tutor-bpf-corpus"))) else {
        return Vec::new();
    };
    let mut objects = Vec::new();
    for kind in fs::read_dir(folder.join("objects"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let files = fs::read_dir(kind.path()).into_iter().flatten().flatten();
        let files = files.map(|file| file.path());
        objects.extend(files.filter(|file| file.extension().is_some_and(|end| end == "o")));
    }
    objects.sort();
    objects
}

/// What was counted for one tool.
#[derive(Debug, Default, Clone)]
struct Count {
    agreed: usize,
    unknown: usize,
    /// The text leaves open what the object's bytes say: whether a number is a helper's or a distance, and where
    /// `callx` keeps its register.
    open: usize,
    /// Signed moves and divisions of ISA v4, which LLVM before 17 shows as unsigned without a word.
    misread: usize,
    disagreed: Vec<String>,
}

impl Count {
    fn add(&mut self, other: Count) {
        self.agreed += other.agreed;
        self.unknown += other.unknown;
        self.open += other.open;
        self.misread += other.misread;
        self.disagreed.extend(other.disagreed);
    }
}

/// Who wrote a listing.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Writer {
    Ours,
    Llvm(u32),
}

/// Holds a listing to the object.
fn held(object: &BpfObject<'_>, text: &str, writer: Writer, name: &str) -> Count {
    let dialect = match writer {
        Writer::Ours => Dialect::Kernel,
        Writer::Llvm(_) => Dialect::Llvm,
    };
    let mut count = Count::default();
    let sections = match listing::read(text, dialect) {
        Ok(sections) => sections,
        Err(error) => {
            count.disagreed.push(format!("{name}: {error}"));
            return count;
        }
    };
    let code = object
        .sections()
        .iter()
        .filter(|section| section.is_code() && section.size > 0);
    let code: Vec<_> = code.collect();
    // Sections of one name (of COMDAT groups, for example) come in the order of the object.
    if code
        .iter()
        .map(|section| &*section.name)
        .ne(sections.iter().map(|section| &*section.name))
    {
        let said: Vec<&str> = sections.iter().map(|section| &*section.name).collect();
        count
            .disagreed
            .push(format!("{name}: the listing has sections {said:?}"));
        return count;
    }
    for (section, listed) in code.into_iter().zip(&sections) {
        let decoded: Vec<DecodedInstruction<'_>> =
            object.code(section).map(Result::unwrap).collect();
        let by_slot: BTreeMap<usize, &listing::Line> =
            listed.lines.iter().map(|line| (line.slot, line)).collect();
        if by_slot.len() != listed.lines.len() {
            count
                .disagreed
                .push(format!("{name}: {}: a slot is there twice", section.name));
        }
        for real in decoded {
            let place = format!("{name}: {}: {}", section.name, real.slot);
            let Some(line) = by_slot.get(&real.slot) else {
                count
                    .disagreed
                    .push(format!("{place}: the listing lacks it"));
                continue;
            };
            match line.instruction {
                None => count.unknown += 1,
                Some(said) if *said.encode(object.order()) == *real.bytes => count.agreed += 1,
                Some(said) if is_open(&said, &real.instruction) => match &line.relocation {
                    // The relocation of a call says that it is no helper's.
                    Some(relocation) if relocation.kind == "R_BPF_64_32" => count.agreed += 1,
                    Some(_) | None => count.open += 1,
                },
                Some(said) if is_misread(writer, &said, &real.instruction) => count.misread += 1,
                Some(_) => count.disagreed.push(format!(
                    "{place}: `{}` is not {:02x?}, {:?}",
                    line.text, real.bytes, real.instruction
                )),
            }
        }
    }
    count
}

/// Whether an LLVM that does not know ISA v4 overlooked the offset that makes an operation signed.
fn is_misread(writer: Writer, said: &Instruction, real: &Instruction) -> bool {
    let is_old = matches!(writer, Writer::Llvm(version) if version < 17);
    let is_signed = match real {
        Instruction::MoveSigned { .. } => true,
        Instruction::Alu { op, .. } => matches!(op, AluOp::SignedDiv | AluOp::SignedMod),
        _ => false,
    };
    let unsigned = Raw {
        offset: 0,
        ..real.raw()
    };
    is_old && is_signed && said.raw() == unsigned
}

/// Whether the text leaves open what the bytes say.
fn is_open(said: &Instruction, real: &Instruction) -> bool {
    match (said, real) {
        (
            Instruction::Call {
                callee: Callee::Helper(said),
                offset: 0,
            },
            Instruction::Call {
                callee: Callee::Subprogram(real) | Callee::Kfunc(real),
                offset: 0,
            },
        ) => said == real,
        (
            Instruction::CallRegister { register: said, .. },
            Instruction::CallRegister { register: real, .. },
        ) => said == real,
        _ => false,
    }
}

fn objdump(tool: &Tool, path: &Path) -> String {
    let isa = if tool.version >= 17 { "v4" } else { "v3" };
    let answer = Command::new(&tool.program)
        .args(["-d", "-r", "--no-show-raw-insn", &format!("--mcpu={isa}")])
        .arg(path)
        .output()
        .unwrap();
    assert!(answer.status.success(), "{tool:?} {path:?}");
    String::from_utf8_lossy(&answer.stdout).into_owned()
}

fn ours(path: &Path) -> String {
    let args = DisasmArgs {
        file: path.to_owned(),
        program: None,
        bytes: false,
        source: false,
        json: false,
    };
    let (mut input, mut out) = (std::io::empty(), Vec::new());
    let mut console = Console::plain(&mut input, &mut out);
    run(&BpfCommand::Disasm(args), &mut console).unwrap();
    String::from_utf8(out).unwrap()
}

/// What every tool says of one object; an object without code says nothing.
fn compared(path: &Path, tools: &[Tool]) -> Option<BTreeMap<String, Count>> {
    let data = fs::read(path).unwrap();
    let object = BpfObject::parse(&data).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let name = path.file_name().unwrap().to_string_lossy();
    object
        .sections()
        .iter()
        .find(|section| section.is_code() && section.size > 0)?;
    let mut counts = BTreeMap::new();
    let count = held(&object, &ours(path), Writer::Ours, &name);
    counts.insert("tutor".to_owned(), count);
    for tool in tools {
        let count = held(
            &object,
            &objdump(tool, path),
            Writer::Llvm(tool.version),
            &name,
        );
        counts.insert(format!("LLVM {}", tool.version), count);
    }
    Some(counts)
}

#[test]
fn what_llvm_prints_and_what_we_print_mean_the_bytes_of_the_object() {
    let tools = tools("llvm-objdump");
    let folder = tempfile::tempdir().unwrap();
    let mut objects = compiled(folder.path());
    if tools.is_empty() || objects.is_empty() {
        println!("skipped: agreement: clang or llvm-objdump is missing");
        return;
    }
    let own = objects.len();
    objects.extend(cached());
    if objects.len() == own {
        println!(
            "skipped: agreement: objects from public sources; `bpf/tests/corpus.sh` makes them"
        );
    }

    let next = AtomicUsize::new(0);
    let sum: Mutex<(usize, BTreeMap<String, Count>)> = Mutex::default();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(path) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(counts) = compared(path, &tools) else {
                        continue;
                    };
                    let mut sum = sum.lock().unwrap();
                    sum.0 += 1;
                    for (tool, count) in counts {
                        sum.1.entry(tool).or_default().add(count);
                    }
                }
            });
        }
    });
    let (with_code, counts) = sum.into_inner().unwrap();

    let total = counts["tutor"].agreed + counts["tutor"].disagreed.len();
    println!("corpus: {with_code} objects with code ({own} of this crate), {total} instructions");
    for (tool, count) in &counts {
        println!(
            "{tool}: {} agree, {} disagree, {} <unknown>, {} signed operations shown as unsigned, \
             {} calls whose text leaves the kind open",
            count.agreed,
            count.disagreed.len(),
            count.unknown,
            count.misread,
            count.open
        );
    }
    let disagreed: Vec<String> = counts
        .iter()
        .flat_map(|(tool, count)| {
            count
                .disagreed
                .iter()
                .map(move |line| format!("{tool}: {line}"))
        })
        .collect();
    let listed = &disagreed[..disagreed.len().min(LISTED)];
    assert!(
        disagreed.is_empty(),
        "{} disagree:\n{}",
        disagreed.len(),
        listed.join("\n")
    );
    assert_eq!(counts["tutor"].unknown, 0);
    assert_eq!(counts["tutor"].open, 0);
}
