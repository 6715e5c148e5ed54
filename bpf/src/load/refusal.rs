//! Why an object could not be loaded, in the verifier's words and in plain ones.

use super::verifier_log::{LogGap, VerifierLog};
use crate::errno::Errno;
use crate::insn::Raw;
use crate::object::BpfObject;
use crate::probe::{Feature, KernelEvidence, Phase, Reason};

/// Why an object is not in the kernel.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// libbpf cannot read the file as a BPF object.
    #[error("this is no BPF object that libbpf can open: {}", last(.heard))]
    Open {
        /// The lines of libbpf.
        heard: Vec<String>,
    },
    /// There is nothing to load.
    #[error("there is no program in this object")]
    NoPrograms,
    /// The program asked for is not there.
    #[error("there is no program `{wanted}` in this object; it has {}", names.join(", "))]
    NoProgram {
        /// The name asked for.
        wanted: String,
        /// The names that are there.
        names: Vec<String>,
    },
    /// The verifier, or something before it, refused a program.
    #[error("{0}")]
    Rejected(Box<Rejection>),
    /// Something else failed: a map, a relocation, or the kernel's type information.
    #[error("cannot load the object: {answer}: {}", last(.heard))]
    Load {
        /// The error number, or libbpf's words.
        answer: String,
        /// The lines of libbpf.
        heard: Vec<String>,
    },
    /// The kernel has the program and says nothing about it.
    #[error("cannot ask the kernel about program `{name}`: {errno}")]
    Info {
        /// The program.
        name: String,
        /// The kernel's answer.
        errno: Errno,
    },
}

/// A program that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The program's name.
    pub program: String,
    /// The kernel's answer.
    pub errno: Option<Errno>,
    /// The verifier's log.
    pub log: VerifierLog,
    /// The line of C of the instruction that the verifier looked at last.
    pub source: Option<String>,
    /// The other lines of libbpf.
    pub heard: Vec<String>,
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the kernel refused program `{}`", self.program)?;
        match self.errno {
            Some(errno) => write!(f, ": {errno}"),
            None => Ok(()),
        }
    }
}

impl Rejection {
    /// Takes the log in which each instruction stands; a line of C that it does not name is in the object.
    pub(super) fn take_log(&mut self, log: VerifierLog, elf: &[u8]) {
        let named = log.source().map(str::to_owned);
        self.source = named.or_else(|| line_of(&self.program, log.slot()?, elf));
        self.log = log;
    }

    /// True where the verifier came to no end, and found nothing that is not allowed.
    fn is_too_complex(&self) -> bool {
        let complaint = self.log.complaint().unwrap_or_default();
        // Both of `do_check` and `push_stack` in `kernel/bpf/verifier.c`.
        complaint.starts_with("BPF program is too large. Processed ")
            || complaint.ends_with(" jumps is too complex.")
    }
}

impl LoadError {
    pub(super) fn open(error: &libbpf_rs::Error, mut heard: Vec<String>) -> Self {
        if heard.is_empty() {
            heard.push(format!("{error:#}"));
        }
        Self::Open { heard }
    }

    pub(super) fn load(error: &libbpf_rs::Error, heard: Vec<String>) -> Self {
        let text = format!("{error:#}");
        let errno = Errno::in_text(&text);
        let failed = heard.iter().find_map(|line| {
            let (program, rest) = line.strip_prefix("prog '")?.split_once("': ")?;
            rest.starts_with("BPF program load failed")
                .then_some(program)
        });
        match failed {
            Some(program) => {
                let program = program.to_owned();
                let (lines, heard) = split_log(heard);
                let log = VerifierLog {
                    lines,
                    gap: LogGap::None,
                };
                Self::Rejected(Box::new(Rejection {
                    program,
                    errno,
                    source: log.source().map(str::to_owned),
                    log,
                    heard,
                }))
            }
            None => Self::Load {
                answer: errno.map_or(text, |errno| errno.to_string()),
                heard,
            },
        }
    }

    /// True where this machine's kernel, or the rights of this process, stand in the way, and not the
    /// object.
    pub fn is_of_this_kernel(&self) -> bool {
        match self {
            Self::Rejected(rejection) => {
                rejection.log.lines.is_empty()
                    && matches!(rejection.errno, Some(Errno::EPERM | Errno::EACCES))
            }
            Self::Load { answer, .. } => {
                let forbidden = [Errno::EPERM, Errno::EACCES];
                forbidden.iter().any(|errno| errno.to_string() == *answer)
            }
            Self::Open { .. } | Self::NoPrograms | Self::NoProgram { .. } | Self::Info { .. } => {
                false
            }
        }
    }

    /// Returns what to do next, from what can be seen of this machine.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Open { heard } => unopened(heard).map(str::to_owned),
            Self::NoPrograms => Some(
                "a program is a function with `SEC(\"…\")` before it, such as `SEC(\"kprobe/do_unlinkat\")`"
                    .to_owned(),
            ),
            Self::NoProgram { .. } | Self::Info { .. } => None,
            Self::Rejected(rejection) if rejection.log.lines.is_empty() => {
                explained(rejection.errno, &rejection.heard)
            }
            Self::Rejected(rejection) if rejection.is_too_complex() => Some(
                "the verifier follows every way through a program, and gives up after a million instructions: give each loop a bound that it can see, such as a constant, or use `bpf_for` or `bpf_loop`, whose rounds it follows once"
                    .to_owned(),
            ),
            Self::Rejected(_) => Some(
                "read the log from its end: the last instruction and the line below it say what is not allowed"
                    .to_owned(),
            ),
            Self::Load { heard, answer } => {
                let errno = [Errno::EPERM, Errno::EACCES, Errno::ENOENT, Errno::EINVAL]
                    .into_iter()
                    .find(|errno| errno.to_string() == *answer);
                explained(errno, heard)
            }
        }
    }
}

/// Returns what to do about an object that libbpf cannot open, where its words say why.
fn unopened(heard: &[String]) -> Option<&'static str> {
    // The words are those of libbpf's `libbpf.c`, from 1.0 on.
    const ADVICE: [(&str, &str); 5] = [
        (
            "legacy map definitions",
            "libbpf 1.0 and newer take maps by BTF only: `struct { __uint(type, …); __uint(max_entries, …); … } NAME SEC(\".maps\");`, compiled with `-g`",
        ),
        (
            "BTF is required, but is missing or corrupted",
            "compile it with `-g`, which makes BTF",
        ),
        (
            "failed to find BTF for extern",
            "something is used and defined nowhere: look whether a helper is spelt as in `bpf/bpf_helpers.h`, and compile with `-g`",
        ),
        (
            "can't find extern",
            "something is used and defined nowhere: look whether a helper is spelt as in `bpf/bpf_helpers.h`, and compile with `-g`",
        ),
        (
            "static programs are not supported",
            "take `static` away from the function with `SEC`: the loader finds programs by their global names",
        ),
    ];
    let says = |words: &str| heard.iter().any(|line| line.contains(words));
    let advice = ADVICE.into_iter().find(|(words, _)| says(words));
    advice.map(|(_, advice)| advice)
}

/// Variables with `__kconfig` are filled in from a file of this machine, and no kernel gives it by itself.
const NO_KCONFIG: &str = "`__kconfig` variables come from the configuration that the kernel was built with, and there is no copy of it here: `/boot/config-$(uname -r)` or `/proc/config.gz`; in the lab `tutor lab setup` brings it, where the kernel's package has one";

/// Explains an answer of the kernel by what keeps this process or machine from loading programs.
fn explained(errno: Option<Errno>, heard: &[String]) -> Option<String> {
    let says = |words: &str| heard.iter().any(|line| line.contains(words));
    let evidence = KernelEvidence::gather(None);
    let no_btf = evidence.has_btf == Some(false);
    let reason = match errno {
        Some(Errno::EPERM | Errno::EACCES) => {
            Reason::likely(Feature::LoadKprobe, Phase::Load, errno, &evidence)
        }
        _ if says("system Kconfig") => return Some(NO_KCONFIG.to_owned()),
        _ if no_btf && (says("BTF") || says("CO-RE")) => Reason::NoBtf,
        _ => return None,
    };
    Some(format!("{reason}; {}", reason.remedy()))
}

/// Returns the line of C of an instruction, as the verifier writes it, from the object's own records.
fn line_of(program: &str, slot: u64, elf: &[u8]) -> Option<String> {
    let object = BpfObject::parse(elf).ok()?;
    let mut functions = object.functions().iter();
    let function = functions.find(|function| function.name == program)?;
    let offset = slot * Raw::LEN as u64;
    // Behind a program's own instructions libbpf puts those of the functions that it calls.
    let is_inside = offset < function.size;
    let section = object.sections().iter();
    let mut section = section.filter(|section| section.index == function.section);
    let line = object.line(&section.next()?.name, function.offset + offset)?;
    is_inside.then(|| format!("{} @ {}:{}", line.text.trim(), line.file, line.line))
}

/// Takes the verifier's log out of what libbpf said.
fn split_log(heard: Vec<String>) -> (Vec<String>, Vec<String>) {
    let (mut log, mut rest) = (Vec::new(), Vec::new());
    let mut is_log = false;
    for line in heard {
        match line.as_str() {
            line if line.contains("-- BEGIN PROG LOAD LOG --") => is_log = true,
            line if line.contains("-- END PROG LOAD LOG --") => is_log = false,
            _ if is_log => log.push(line),
            _ => rest.push(line),
        }
    }
    (log, rest)
}

fn last(heard: &[String]) -> &str {
    // The last lines only say that something failed; the first says what.
    heard.first().map_or("it does not say why", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_opened_gets_advice_that_fits_libbpfs_words_or_none() {
        let help = |line: &str| {
            let heard = vec![line.to_owned(), "failed to open object".to_owned()];
            LoadError::Open { heard }.help().unwrap_or_default()
        };
        let maps =
            "elf: legacy map definitions in 'maps' section are not supported by libbpf v1.0+";
        assert!(help(maps).contains("SEC(\".maps\")"));
        let helper = "failed to find BTF for extern 'bpf_trace_prink': -2";
        assert!(help(helper).contains("spelt as in `bpf/bpf_helpers.h`"));
        assert!(help("BTF is required, but is missing or corrupted.").contains("`-g`"));
        assert_eq!(help("elf: file is of some kind that nobody knows"), "");
    }

    #[test]
    fn a_machine_without_its_kernels_configuration_is_told_from_one_that_refuses() {
        let help = |line: &str| {
            let answer = Errno(3).to_string();
            let heard = vec![line.to_owned(), "failed to load object".to_owned()];
            LoadError::Load { answer, heard }.help().unwrap_or_default()
        };
        assert!(help("failed to open system Kconfig").contains("`/boot/config-$(uname -r)`"));
        assert_eq!(help("map 'events': failed to create"), "");
    }

    #[test]
    fn the_log_is_taken_out_of_what_libbpf_says() {
        let heard = [
            "prog 'p': BPF program load failed: -EACCES",
            "prog 'p': -- BEGIN PROG LOAD LOG --",
            "0: (95) exit",
            "-- END PROG LOAD LOG --",
            "prog 'p': failed to load: -EACCES",
        ];
        let (log, rest) = split_log(heard.map(str::to_owned).to_vec());
        assert_eq!(log, ["0: (95) exit"]);
        assert_eq!(rest.len(), 2);
    }
}
