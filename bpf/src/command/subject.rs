//! Which loaded programs a command is about: those of a file, loaded for it, or one that is there already.

use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;

use clap::Args;
use libbpf_rs::ProgramType;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::console::Console;
use super::error::{CommandError, FilePlace};
use super::input;
use crate::errno::Errno;
use crate::kallsyms::KernelSymbols;
use crate::load::{
    LoadError, LoadedObject, LogGap, ProgramChoice, ProgramInfo, Rejection, Withheld,
};

/// Which programs to look at.
#[derive(Debug, Clone, Args, Deserialize, Serialize)]
pub struct SubjectArgs {
    /// An object file to load; or `id NUMBER` or `pinned PATH` for a program that is loaded already
    #[arg(value_name = "FILE", required = true, num_args = 1..=2)]
    pub what: Vec<String>,
    /// Only the program of this name
    #[arg(long, value_name = "NAME")]
    pub program: Option<String>,
}

impl SubjectArgs {
    /// Returns the object's file; nothing where a program is named that is loaded already.
    pub fn file(&self) -> Option<&Path> {
        match self.what.as_slice() {
            [file] => Some(Path::new(file)),
            _ => None,
        }
    }
}

/// A loaded program.
pub struct Subject {
    /// Its name.
    pub name: String,
    /// The section it came from, if it was loaded here.
    pub section: Option<String>,
    /// The kernel's information about it.
    pub info: ProgramInfo,
}

/// The programs, and what keeps them in the kernel.
pub struct Subjects {
    /// The programs.
    pub programs: Vec<Subject>,
    _kept: Option<LoadedObject>,
}

impl Subjects {
    /// Loads or finds them. A refused program is shown on the console before it becomes an error.
    pub fn find(args: &SubjectArgs, console: &mut Console<'_>) -> Result<Self, CommandError> {
        match args.what.as_slice() {
            [word, id] if word == "id" => {
                let id: u32 = id.parse().map_err(|_| {
                    CommandError::new(format!("`{id}` is no number of a program"))
                        .with_help("`bpftool prog` lists them: the number before the colon")
                })?;
                Self::one(
                    libbpf_rs::Program::fd_from_id(id),
                    &format!("with the id {id}"),
                )
            }
            [word, path] if word == "pinned" => Self::one(
                libbpf_rs::Program::fd_from_pinned_path(path),
                &format!("pinned at `{path}`"),
            ),
            [file] => {
                let wanted = wanted(args.program.as_deref());
                let loaded = load(Path::new(file), &wanted, console)?;
                let programs = loaded.programs.iter().map(|program| Subject {
                    name: program.name.clone(),
                    section: Some(program.section.clone()),
                    info: program.info.clone(),
                });
                Ok(Self {
                    programs: programs.collect(),
                    _kept: Some(loaded),
                })
            }
            words => Err(CommandError::new(format!(
                "cannot tell which program `{}` means",
                words.join(" ")
            ))
            .with_help("name an object file, or `id NUMBER`, or `pinned PATH`")),
        }
    }

    fn one(
        found: libbpf_rs::Result<std::os::fd::OwnedFd>,
        which: &str,
    ) -> Result<Self, CommandError> {
        let fd = found.map_err(|error| {
            let text = format!("{error:#}");
            let errno = Errno::in_text(&text);
            let answer = errno.map_or(text, |errno| errno.to_string());
            let failed = CommandError::new(format!("cannot open the program {which}: {answer}"));
            match errno {
                Some(Errno::EPERM | Errno::EACCES) => failed
                    .with_help("run it as root: CAP_SYS_ADMIN is needed for programs of others"),
                Some(Errno::ENOENT) => {
                    failed.with_help("`bpftool prog` lists the loaded programs; it needs root")
                }
                _ => failed,
            }
        })?;
        let info = ProgramInfo::from_fd(fd.as_fd()).map_err(|errno| {
            CommandError::new(format!(
                "cannot ask the kernel about the program {which}: {errno}"
            ))
        })?;
        Ok(Self {
            programs: vec![Subject {
                name: info.name.clone(),
                section: None,
                info,
            }],
            _kept: None,
        })
    }
}

pub(super) fn wanted(program: Option<&str>) -> ProgramChoice {
    match program {
        Some(name) => ProgramChoice::Named(name.to_owned()),
        None => ProgramChoice::All,
    }
}

/// Reads a file and loads it.
pub(super) fn load(
    path: &Path,
    wanted: &ProgramChoice,
    console: &mut Console<'_>,
) -> Result<LoadedObject, CommandError> {
    let elf = input::loadable(path)?;
    load_bytes(path, &elf, wanted, console)
}

/// Loads what was read from a file, so that its instructions can be followed.
pub(super) fn load_bytes(
    path: &Path,
    elf: &[u8],
    wanted: &ProgramChoice,
    console: &mut Console<'_>,
) -> Result<LoadedObject, CommandError> {
    LoadedObject::load(&object_name(path), elf, wanted)
        .map_err(|error| refused(path, error, console))
}

/// Loads what was read from a file, as it is.
pub(super) fn load_plain(
    path: &Path,
    elf: &[u8],
    wanted: &ProgramChoice,
    console: &mut Console<'_>,
) -> Result<LoadedObject, CommandError> {
    let loaded = LoadedObject::load_plain(&object_name(path), elf, wanted);
    loaded.map_err(|error| refused(path, error, console))
}

fn object_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.split('.').next().filter(|name| !name.is_empty());
    name.unwrap_or("tutor").to_owned()
}

/// Shows what the verifier said before it becomes an error.
fn refused(path: &Path, error: LoadError, console: &mut Console<'_>) -> CommandError {
    let shown = match &error {
        LoadError::Rejected(rejection) => show_rejection(rejection, console),
        LoadError::Open { .. }
        | LoadError::NoPrograms
        | LoadError::NoProgram { .. }
        | LoadError::Load { .. }
        | LoadError::Info { .. } => Ok(()),
    };
    if let Err(error) = shown {
        return error.into();
    }
    CommandError::at(FilePlace::file(path), &error)
        .with_help_if(error.help())
        .of_this_kernel_if(error.is_of_this_kernel())
}

/// Writes the verifier's log, and then what in it matters.
fn show_rejection(rejection: &Rejection, console: &mut Console<'_>) -> io::Result<()> {
    let log = &rejection.log;
    if log.lines.is_empty() {
        for line in &rejection.heard {
            writeln!(console.out, "libbpf: {}", super::console::visible(line))?;
        }
        return Ok(());
    }
    if log.gap != LogGap::None {
        writeln!(console.out, "… (the log is longer; this is its end)")?;
    }
    for (at, line) in log.lines.iter().enumerate() {
        if log.gap == (LogGap::Within { last_words: at }) {
            writeln!(
                console.out,
                "… (this kernel kept no more of it; its last words follow)"
            )?;
        }
        writeln!(console.out, "{}", super::console::visible(line))?;
    }
    writeln!(console.out)?;
    let mut row = |label: &str, text: Option<&str>| match text {
        Some(text) => writeln!(console.out, "{label:12} {text}"),
        None => Ok(()),
    };
    row("complaint", log.complaint())?;
    // The instruction that it looked at last may be missing then; the line is one of those that it went through.
    if !matches!(log.gap, LogGap::Within { .. }) {
        row("instruction", log.instruction_text())?;
    }
    row("line of C", rejection.source.as_deref())
}

/// Writes the line that says which program it is.
pub(super) fn heading(subject: &Subject, more: &str, console: &mut Console<'_>) -> io::Result<()> {
    let kind = kind_name(subject.info.kind);
    let tag = subject.info.tag_text();
    console.heading(&format!("{}: {kind}, tag {tag}{more}", subject.name))
}

/// Writes that the kernel keeps something back, and what to do.
pub(super) fn withheld(what: &str, why: Withheld, console: &mut Console<'_>) -> io::Result<()> {
    writeln!(console.out, "{what} is {why}")?;
    writeln!(console.out, "help: {}", why.remedy())
}

/// Opens the kernel's symbols; without them calls stay numbers.
pub(super) fn symbols() -> Option<KernelSymbols> {
    KernelSymbols::open().ok()
}

/// Returns the name of a program's type, as libbpf has it in sections.
pub(super) fn kind_name(kind: u32) -> String {
    match ProgramType::from(kind) {
        ProgramType::Unknown => format!("type {kind}"),
        known => snake(&format!("{known:?}")),
    }
}

/// `RawTracepoint` becomes `raw_tracepoint`.
pub(super) fn snake(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// Returns what JSON says of a program in every command.
pub(super) fn program_json(subject: &Subject) -> Value {
    let info = &subject.info;
    json!({
        "name": subject.name,
        "section": subject.section,
        "type": kind_name(info.kind),
        "id": info.id,
        "tag": info.tag_text(),
        "load_time_ns": info.load_time,
        "uid": info.uid,
        "map_ids": info.map_ids,
        "btf_id": info.btf_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_bpftool_names_them() {
        assert_eq!(kind_name(2), "kprobe");
        assert_eq!(kind_name(17), "raw_tracepoint");
        assert_eq!(kind_name(4000), "type 4000");
    }
}
