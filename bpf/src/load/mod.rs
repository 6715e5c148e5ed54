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

use std::os::fd::AsFd as _;

use libbpf_rs::{Object, ObjectBuilder, OpenObject};

use crate::errno::Errno;
use crate::quiet::listening;

pub use code::InstructionOrigin;
pub use followed::{FollowError, FollowedObject, Function};
pub use info::{Disclosure, JitedFunction, KernelLine, ProgramInfo, Withheld};

pub use refusal::{LoadError, Rejection};

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
    #[error("this kernel takes no line information: {0}")]
    Kernel(String),
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
        let followed = match FollowedObject::new(elf) {
            Ok(followed) => followed,
            Err(error) => {
                let mut loaded = Self::load_plain(name, elf, wanted)?;
                loaded.followed = Err(error.into());
                return Ok(loaded);
            }
        };
        match Self::load_plain(name, &followed.elf, wanted) {
            Ok(mut loaded) => {
                let has_lines = |program: &LoadedProgram| {
                    program.info.xlated.value().is_none() || !program.info.lines.is_empty()
                };
                loaded.followed = match loaded.programs.iter().all(has_lines) {
                    true => Ok(followed),
                    false => Err(NotFollowed::Kernel("it keeps none".to_owned())),
                };
                Ok(loaded)
            }
            Err(error) => {
                let mut loaded = Self::load_plain(name, elf, wanted)?;
                loaded.followed = Err(NotFollowed::Kernel(error.to_string()));
                Ok(loaded)
            }
        }
    }

    /// Loads an object as it is.
    pub fn load_plain(name: &str, elf: &[u8], wanted: &ProgramChoice) -> Result<Self, LoadError> {
        let (opened, heard) = listening(|| {
            let mut builder = ObjectBuilder::default();
            builder.name(name)?;
            builder.open_memory(elf)
        });
        let mut opened = opened.map_err(|error| LoadError::open(&error, heard))?;
        choose(&mut opened, wanted)?;
        let (object, heard) = listening(|| opened.load());
        let object = object.map_err(|error| LoadError::load(&error, heard))?;
        let programs = programs(&object)?;
        Ok(Self {
            object,
            programs,
            followed: Err(NotFollowed::NotAsked),
        })
    }
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
