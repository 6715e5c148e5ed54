//! Loads an object into the kernel, and finds out what the kernel made of it.
//!
//! Nothing is attached or pinned, so a program is gone when its [`LoadedObject`] is dropped.
//!
//! ```no_run
//! use tutor_bpf::load::{LoadedObject, ProgramChoice};
//!
//! let elf = std::fs::read("hello.bpf.o")?;
//! let loaded = LoadedObject::load("hello", &elf, &ProgramChoice::All)?;
//! for program in &loaded.programs {
//!     println!("{} has the tag {}", program.name, program.info.tag_text());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod btf_writer;
mod code;
mod elf_file;
mod followed;
mod info;
mod refusal;
mod verifier_log;

use std::os::fd::AsFd as _;

use libbpf_rs::{Object, ObjectBuilder, OpenObject};

use crate::errno::Errno;
use crate::quiet::listening;
use crate::sys::load_with_log;

use verifier_log::BUFFER_BYTES;

pub use code::InstructionOrigin;
pub use followed::{FollowError, FollowedObject, Function};
pub use info::{Disclosure, JitedFunction, KernelLine, ProgramInfo, Withheld};

pub use refusal::{LoadError, Rejection};
pub use verifier_log::{LogGap, VerifierLog};

/// The verifier's log levels (`BPF_LOG_LEVEL1` and `BPF_LOG_STATS` of `linux/bpf_verifier.h`): a line for each
/// instruction that it goes through; statistics and complaints only.
const STEPS: u32 = 1;
const LAST_WORDS: u32 = 4;

/// Which programs of an object to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramChoice {
    /// All that libbpf would load by itself.
    All,
    /// The one of this name.
    Named(String),
}

/// An object in the kernel.
#[derive(Debug)]
pub struct LoadedObject {
    /// libbpf's hold on it.
    pub object: Object,
    /// Its programs, in the order of the file.
    pub programs: Vec<LoadedProgram>,
    /// The meaning of the kernel's line numbers, where the instructions could be followed.
    pub followed: Result<FollowedObject, NotFollowed>,
}

/// A program in the kernel.
#[derive(Debug, Clone)]
pub struct LoadedProgram {
    /// The name of its function, as long as it is.
    pub name: String,
    /// The section it stands in.
    pub section: String,
    /// The kernel's information about it.
    pub info: ProgramInfo,
}

/// Why it is unknown which instruction became which.
#[derive(Debug, thiserror::Error)]
pub enum NotFollowed {
    /// The object could not be given lines.
    #[error(transparent)]
    Object(#[from] FollowError),
    /// The kernel loads the object, and does not load it with a line for each instruction.
    #[error("this kernel refuses it with a line for each instruction: {0}")]
    Refused(String),
    /// The object is loaded, and the lines are not there.
    #[error("the kernel has it without the lines given to its instructions{}", said(.heard))]
    Lost {
        /// The lines of libbpf.
        heard: Vec<String>,
    },
    /// They were not asked for.
    #[error("the instructions are not followed")]
    NotAsked,
}

impl LoadedObject {
    /// Loads an object so that each instruction can be followed; `name` becomes part of its maps' names.
    ///
    /// Where that fails, the object is loaded as it is: either that works, and [`LoadedObject::followed`] says
    /// why not, or the error is about the object as its author knows it.
    pub fn load(name: &str, elf: &[u8], wanted: &ProgramChoice) -> Result<Self, LoadError> {
        match Self::load_followed(name, elf, wanted) {
            Ok(loaded) => Ok(loaded),
            Err(why) => {
                let mut loaded = Self::load_plain(name, elf, wanted)?;
                loaded.followed = Err(why);
                Ok(loaded)
            }
        }
    }

    fn load_followed(name: &str, elf: &[u8], wanted: &ProgramChoice) -> Result<Self, NotFollowed> {
        let with_lines = |followed: FollowedObject| {
            let (mut loaded, heard) = Self::attempt(name, &followed.elf, wanted)
                .map_err(|error| NotFollowed::Refused(error.to_string()))?;
            if !loaded.programs.iter().all(LoadedProgram::has_lines) {
                return Err(NotFollowed::Lost { heard });
            }
            loaded.followed = Ok(followed);
            Ok(loaded)
        };
        match with_lines(FollowedObject::new(elf)?) {
            // Some compilers write types that the kernel does not take. libbpf then goes on without any, and so
            // without lines; where nothing else needs those types, others do.
            Err(lost @ NotFollowed::Lost { .. }) => {
                let untyped = FollowedObject::without_types(elf).map_err(NotFollowed::from);
                untyped.and_then(with_lines).map_err(|_| lost)
            }
            answer => answer,
        }
    }

    /// Loads an object as it is. Where the verifier refuses a program, it is asked once more, for each of its steps.
    pub fn load_plain(name: &str, elf: &[u8], wanted: &ProgramChoice) -> Result<Self, LoadError> {
        match Self::attempt(name, elf, wanted) {
            Ok((loaded, _)) => Ok(loaded),
            Err(LoadError::Rejected(mut rejection)) if !rejection.log.lines.is_empty() => {
                let mut buffer = vec![0; BUFFER_BYTES];
                let opened = open(name, elf, wanted)?;
                let load = || load_with_log(opened, &rejection.program, STEPS, &mut buffer);
                // It answers as before; only the log is wanted.
                let (_, _) = listening(load);
                let last_words = std::mem::take(&mut rejection.log.lines);
                rejection.take_log(VerifierLog::of_buffer(&buffer, last_words), elf);
                Err(LoadError::Rejected(rejection))
            }
            Err(error) => Err(error),
        }
    }

    /// Loads an object, and returns also what libbpf said. Of the verifier's log there are the last words only.
    fn attempt(
        name: &str,
        elf: &[u8],
        wanted: &ProgramChoice,
    ) -> Result<(Self, Vec<String>), LoadError> {
        let mut opened = open(name, elf, wanted)?;
        for mut program in opened.progs_mut() {
            program.set_log_level(LAST_WORDS);
        }
        let (object, heard) = listening(|| opened.load());
        let object = match object {
            Ok(object) => object,
            Err(error) => return Err(LoadError::load(&error, heard)),
        };
        let programs = programs(&object)?;
        let loaded = Self {
            object,
            programs,
            followed: Err(NotFollowed::NotAsked),
        };
        Ok((loaded, heard))
    }
}

/// Opens an object, and chooses the programs to load.
fn open(name: &str, elf: &[u8], wanted: &ProgramChoice) -> Result<OpenObject, LoadError> {
    let (opened, heard) = listening(|| {
        let mut builder = ObjectBuilder::default();
        builder.name(name)?;
        builder.open_memory(elf)
    });
    let mut opened = opened.map_err(|error| LoadError::open(&error, heard))?;
    choose(&mut opened, wanted)?;
    Ok(opened)
}

impl LoadedProgram {
    /// True unless the kernel shows instructions and no lines.
    fn has_lines(&self) -> bool {
        self.info.xlated.value().is_none() || !self.info.lines.is_empty()
    }
}

/// Returns what libbpf said first, as the end of a sentence.
fn said(heard: &[String]) -> String {
    heard
        .first()
        .map_or_else(String::new, |line| format!(": {line}"))
}

fn choose(object: &mut OpenObject, wanted: &ProgramChoice) -> Result<(), LoadError> {
    let names: Vec<String> = object
        .progs()
        .map(|program| program.name().to_string_lossy().into_owned())
        .collect();
    if names.is_empty() {
        return Err(LoadError::NoPrograms);
    }
    match wanted {
        ProgramChoice::All => Ok(()),
        ProgramChoice::Named(name) if names.contains(name) => {
            for mut program in object.progs_mut() {
                let is_wanted = program.name().to_string_lossy() == *name;
                program.set_autoload(is_wanted);
            }
            Ok(())
        }
        ProgramChoice::Named(name) => Err(LoadError::NoProgram {
            wanted: name.clone(),
            names,
        }),
    }
}

fn programs(object: &Object) -> Result<Vec<LoadedProgram>, LoadError> {
    let mut programs = Vec::new();
    for program in object.progs().filter(|program| program.autoload()) {
        let name = program.name().to_string_lossy().into_owned();
        let info = ProgramInfo::from_fd(program.as_fd());
        programs.push(LoadedProgram {
            section: program.section().to_string_lossy().into_owned(),
            info: info.map_err(|errno| LoadError::Info {
                name: name.clone(),
                errno,
            })?,
            name,
        });
    }
    Ok(programs)
}

/// Returns the name of a map by its number; an error that is the kernel's own, such as `ENOENT`.
pub fn map_name(id: u32) -> Result<String, Errno> {
    let failed =
        |error: libbpf_rs::Error| Errno::in_text(&format!("{error:#}")).unwrap_or(Errno::EINVAL);
    let map = libbpf_rs::MapHandle::from_map_id(id).map_err(failed)?;
    Ok(libbpf_rs::MapCore::name(&map)
        .to_string_lossy()
        .into_owned())
}
