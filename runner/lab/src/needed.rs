//! The libraries that a dynamically linked program needs, found as the dynamic linker finds them.
//!
//! Nothing is run: `ldd` starts the program's own interpreter. The rules are those of ld.so(8):
//! `DT_RPATH` where there is no `DT_RUNPATH`, then `DT_RUNPATH`, then the folders of
//! `/etc/ld.so.conf`, then the system's. `LD_LIBRARY_PATH` is left out on purpose, since it belongs
//! to one shell and not to the program.
//!
//! The crate `lddtree` (0.5) is no substitute: it opens whatever path a program names, a pipe or a
//! learner's file too, panics at a name that is not UTF-8, heeds `LD_LIBRARY_PATH`, does not know
//! `$LIB` nor a program's `DT_RPATH` for its libraries, and does not tell where it looked in vain.

use crate::inputs::Inputs;
use object::Endianness;
use object::elf::{
    DT_NEEDED, DT_NULL, DT_RPATH, DT_RUNPATH, DT_STRSZ, DT_STRTAB, FileHeader64, PT_LOAD,
};
use object::read::StringTable;
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tutor_files::root::read_regular;
use tutor_files::{Below, FilesError, Root};

/// The most libraries that a program may need; real ones have dozens.
const LIBRARY_LIMIT: usize = 512;

/// The largest file that is read, in bytes; the largest libraries there are have half as much.
const FILE_LIMIT: u64 = 256 << 20;

/// Why a program's libraries are not known.
#[derive(Debug, thiserror::Error)]
pub enum NeededError {
    /// A file could not be read.
    #[error(transparent)]
    Read(FilesError),
    /// The file is not of the kind that is linked.
    #[error("`{path}` is no 64-bit ELF program: {what}")]
    NoElf {
        /// The program or library.
        path: PathBuf,
        /// The reader's error.
        what: String,
    },
    /// A library is in none of the folders.
    #[error("`{program}` needs the library `{library}`, which is not installed")]
    Missing {
        /// The program or library that needs it.
        program: PathBuf,
        /// The library's name.
        library: String,
    },
    /// There is no end of them.
    #[error("`{program}` needs more than {LIBRARY_LIMIT} libraries")]
    TooMany {
        /// The program.
        program: PathBuf,
    },
}

/// Finds the libraries of many programs; each file is read once.
pub struct Linker<'i> {
    inputs: &'i Inputs,
    folders: LibraryFolders,
    /// The folder of programs that a guest may have written; none for programs of the system.
    foreign: Option<Root>,
    read: RefCell<BTreeMap<PathBuf, Option<Rc<LinkInfo>>>>,
}

/// The folders that libraries are looked for in.
struct LibraryFolders {
    /// Those of `/etc/ld.so.conf`.
    configured: Vec<PathBuf>,
    /// Those that dynamic linkers know by themselves.
    system: Vec<PathBuf>,
}

impl LibraryFolders {
    fn of_system(inputs: &Inputs) -> LibraryFolders {
        let mut configured = Vec::new();
        read_configuration(Path::new("/etc/ld.so.conf"), &mut configured, 0, inputs);
        let multiarch = format!("{}-linux-gnu", std::env::consts::ARCH);
        let system = [
            format!("/lib/{multiarch}"),
            format!("/usr/lib/{multiarch}"),
            "/lib64".to_owned(),
            "/usr/lib64".to_owned(),
            "/lib".to_owned(),
            "/usr/lib".to_owned(),
        ];
        LibraryFolders {
            configured,
            system: system.map(PathBuf::from).to_vec(),
        }
    }

    fn place(&self, library: &Path, all: &[PathBuf]) -> PathBuf {
        let Some(name) = library.file_name() else {
            return library.to_owned();
        };
        let libc = all.iter().find(|path| {
            let name = path.file_name().map(OsStr::as_bytes);
            name.is_some_and(|name| name.starts_with(b"libc.so"))
        });
        match libc.and_then(|libc| libc.parent()) {
            Some(folder) if self.is_configured_only(library) => folder.join(name),
            _ => library.to_owned(),
        }
    }

    fn is_configured_only(&self, library: &Path) -> bool {
        let folder = library.parent();
        let is_in = |folders: &[PathBuf]| folders.iter().any(|f| Some(f.as_path()) == folder);
        is_in(&self.configured) && !is_in(&self.system)
    }
}

/// Reads folders from a file of the format of ldconfig(8), with `include` and its patterns.
fn read_configuration(path: &Path, folders: &mut Vec<PathBuf>, depth: usize, inputs: &Inputs) {
    inputs.look(path);
    let Ok(text) = fs::read_to_string(path) else {
        return;
    };
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or("").trim();
        match line.strip_prefix("include") {
            Some(pattern) if pattern.starts_with(char::is_whitespace) && depth < 4 => {
                for file in matching(path, pattern.trim(), inputs) {
                    read_configuration(&file, folders, depth + 1, inputs);
                }
            }
            Some(_) => {}
            None if line.starts_with('/') => folders.push(PathBuf::from(line)),
            None => {}
        }
    }
}

/// Returns the files that a pattern names, sorted; one `*` in the last part is known, which is
/// all that distributions use.
fn matching(base: &Path, pattern: &str, inputs: &Inputs) -> Vec<PathBuf> {
    let pattern = base.parent().unwrap_or(base).join(pattern);
    let (Some(folder), Some(name)) = (pattern.parent(), pattern.file_name()) else {
        return Vec::new();
    };
    let name = name.to_string_lossy();
    let Some((start, end)) = name.split_once('*') else {
        return vec![pattern];
    };
    inputs.look(folder);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        })
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}

/// The part of an ELF file that names other files.
struct LinkInfo {
    machine: u16,
    interpreter: Option<PathBuf>,
    needed: Vec<String>,
    rpath: Vec<String>,
    runpath: Vec<String>,
}

impl<'i> Linker<'i> {
    /// A linker that notes the files that it looks at.
    pub fn new(inputs: &'i Inputs) -> Linker<'i> {
        Linker {
            inputs,
            folders: LibraryFolders::of_system(inputs),
            foreign: None,
            read: RefCell::default(),
        }
    }

    /// A linker for programs of a folder that others write into. It looks for their libraries only
    /// there and in the system's library folders.
    pub fn of_foreign(inputs: &'i Inputs, folder: &Path) -> Result<Linker<'i>, FilesError> {
        let real = folder.canonicalize();
        let real = real.map_err(|error| FilesError::Io {
            doing: "find",
            path: folder.to_owned(),
            error,
        })?;
        Ok(Linker {
            foreign: Some(Root::open(&real)?),
            ..Linker::new(inputs)
        })
    }

    /// Returns a library of the system: a regular ELF file in one of its library folders, wherever
    /// links to it lie. Nothing else is returned, whatever path a program names: a file of the
    /// learner's, a pipe, a device.
    pub fn system_library(&self, path: &Path) -> Option<Vec<u8>> {
        let real = path.canonicalize().ok()?;
        let LibraryFolders { configured, system } = &self.folders;
        let mut folders = system.iter().chain(configured);
        let content = folders.find_map(|folder| {
            let folder = folder.canonicalize().ok()?;
            let below = Below::new(real.strip_prefix(&folder).ok()?).ok()?;
            Root::open(&folder).ok()?.read(&below, FILE_LIMIT).ok()
        })?;
        read(&content).is_ok().then_some(content)
    }

    /// Reads a file, unless it lies neither in the folder nor among the system's libraries.
    fn linked(&self, path: &Path) -> Result<LinkInfo, NeededError> {
        let Some(foreign) = &self.foreign else {
            return linked(path);
        };
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let content = match real.strip_prefix(foreign.path()).map(Below::new) {
            Ok(below) => below
                .and_then(|below| foreign.read(&below, FILE_LIMIT))
                .ok(),
            Err(_) => self.system_library(path),
        };
        let what = "it is neither in the folder nor a library of this system";
        let no_elf = |what: &str| NeededError::NoElf {
            path: path.to_owned(),
            what: what.to_owned(),
        };
        let content = content.ok_or_else(|| no_elf(what))?;
        read(&content).map_err(|error| no_elf(&error.to_string()))
    }

    /// Returns where a library found by [`closure`](Linker::closure) has to lie in a guest, so that its
    /// dynamic linker finds it: in the same place, or, where only `/etc/ld.so.conf` leads to it, beside
    /// the C library, whose folder every dynamic linker knows. `all` is the whole closure.
    pub fn place(&self, library: &Path, all: &[PathBuf]) -> PathBuf {
        merged(&self.folders.place(library, all))
    }

    /// Returns the files that a program needs to start, beside itself: its interpreter and its
    /// libraries, each by the path by which the dynamic linker opens it, sorted. A static program
    /// needs none.
    pub fn closure(&self, binary: &Path) -> Result<Vec<PathBuf>, NeededError> {
        self.inputs.look(binary);
        let program = self.linked(binary)?;
        let machine = program.machine;
        let mut paths: BTreeSet<PathBuf> = program.interpreter.iter().cloned().collect();
        // The linker loads a name once, for the first file that needs it.
        let mut names: BTreeSet<String> = program
            .interpreter
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect();
        let lib = lib_token(program.interpreter.as_deref());
        let inherited = match program.runpath.is_empty() {
            true => program.rpath.clone(),
            false => Vec::new(),
        };
        let mut open = VecDeque::from([(binary.to_owned(), Rc::new(program))]);
        while let Some((path, file)) = open.pop_front() {
            for name in &file.needed {
                if !names.insert(name.clone()) {
                    continue;
                }
                if names.len() > LIBRARY_LIMIT {
                    return Err(NeededError::TooMany {
                        program: binary.to_owned(),
                    });
                }
                let own: Vec<&String> = match file.runpath.is_empty() {
                    true => file.rpath.iter().chain(&inherited).collect(),
                    false => file.runpath.iter().collect(),
                };
                let mut places = own
                    .into_iter()
                    .map(|folder| expanded(folder, &path, &lib))
                    .chain(self.folders.configured.iter().cloned())
                    .chain(self.folders.system.iter().cloned());
                let found = match name.contains('/') {
                    // A name with a slash is a path.
                    true => self.found(Path::new(name), machine),
                    false => places.find_map(|folder| self.found(&folder.join(name), machine)),
                };
                let (library, file) = found.ok_or_else(|| NeededError::Missing {
                    program: path.clone(),
                    library: name.clone(),
                })?;
                if paths.insert(library.clone()) {
                    open.push_back((library, file));
                }
            }
        }
        Ok(paths.into_iter().collect())
    }

    /// Returns a library of the right processor. Files for different ones are passed over, as ld.so does.
    fn found(&self, path: &Path, machine: u16) -> Option<(PathBuf, Rc<LinkInfo>)> {
        let mut known = self.read.borrow_mut();
        let known = known.entry(path.to_owned()).or_insert_with(|| {
            let is_file = self.inputs.look(path) && path.is_file();
            let file = is_file.then(|| self.linked(path).ok()).flatten();
            file.map(Rc::new)
        });
        let file = known.clone().filter(|file| file.machine == machine)?;
        Some((path.to_owned(), file))
    }
}

/// `/lib` and `/lib64` are links to folders of the same names below `/usr` in the guest.
fn merged(path: &Path) -> PathBuf {
    match path.strip_prefix("/") {
        Ok(below) if below.starts_with("lib") || below.starts_with("lib64") => {
            Path::new("/usr").join(below)
        }
        Ok(_) | Err(_) => path.to_owned(),
    }
}

/// Returns what `$LIB` stands for: `lib64` mostly, `lib` on Arch, `lib/x86_64-linux-gnu` on Debian. It is
/// the folder that the C library was built for (glibc's `slibdir`), in which its dynamic linker lies.
fn lib_token(interpreter: Option<&Path>) -> String {
    let real = interpreter.and_then(|interpreter| interpreter.canonicalize().ok());
    let folder = real.as_deref().and_then(Path::parent);
    let below = folder.and_then(|folder| {
        let below = folder.strip_prefix("/usr");
        below.or_else(|_| folder.strip_prefix("/")).ok()
    });
    below.map_or("lib64".into(), |below| below.to_string_lossy().into_owned())
}

/// Fills in `$ORIGIN`, the folder of the file that names it, and `$LIB`.
fn expanded(folder: &str, file: &Path, lib: &str) -> PathBuf {
    let origin = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let origin = origin.parent().unwrap_or(Path::new("/")).to_string_lossy();
    let mut text = folder.to_owned();
    for (token, value) in [("ORIGIN", &*origin), ("LIB", lib)] {
        text = text.replace(&format!("${{{token}}}"), value);
        text = text.replace(&format!("${token}"), value);
    }
    PathBuf::from(text)
}

fn linked(path: &Path) -> Result<LinkInfo, NeededError> {
    let bytes = read_regular(path, FILE_LIMIT).map_err(|error| match error {
        FilesError::NotRegular(_) => NeededError::NoElf {
            path: path.to_owned(),
            what: "it is no file that can be run".to_owned(),
        },
        error => NeededError::Read(error),
    })?;
    read(&bytes).map_err(|error| NeededError::NoElf {
        path: path.to_owned(),
        what: error.to_string(),
    })
}

fn read(bytes: &[u8]) -> Result<LinkInfo, object::Error> {
    let header = FileHeader64::<Endianness>::parse(bytes)?;
    let endian = header.endian()?;
    // The dynamic linker reads segments; sections may be stripped.
    let segments = header.program_headers(endian, bytes)?;
    let mut interpreter = None;
    let mut entries: &[_] = &[];
    for segment in segments {
        if let Some(path) = segment.interpreter(endian, bytes)? {
            interpreter = Some(PathBuf::from(OsStr::from_bytes(path)));
        }
        if let Some(found) = segment.dynamic(endian, bytes)? {
            entries = found;
        }
    }
    let entries = || {
        let entries = entries.iter();
        entries.take_while(|entry| entry.tag(endian) != DT_NULL)
    };
    let value = |tag| {
        let entry = entries().find(|entry| entry.tag(endian) == tag)?;
        Some(entry.val(endian))
    };
    let strings = value(DT_STRTAB)
        .zip(value(DT_STRSZ))
        .and_then(|(at, size)| {
            let mut loaded = segments.iter().filter(|one| one.p_type(endian) == PT_LOAD);
            loaded.find_map(|one| one.data_range(endian, bytes, at, size).ok()?)
        });
    let strings = strings.unwrap_or_default();
    let strings = StringTable::new(strings, 0, strings.len() as u64);
    let texts = |tag| {
        let tagged = entries().filter(move |entry| entry.tag(endian) == tag);
        tagged.filter_map(|entry| {
            let text = entry.string(endian, strings).ok()?;
            String::from_utf8(text.to_vec()).ok()
        })
    };
    let folders = |tag| {
        let folders = texts(tag).flat_map(|text| {
            let folders = text.split(':').map(str::to_owned);
            folders.collect::<Vec<_>>()
        });
        folders.collect()
    };
    Ok(LinkInfo {
        machine: header.e_machine(endian).0,
        interpreter,
        needed: texts(DT_NEEDED).collect(),
        rpath: folders(DT_RPATH),
        runpath: folders(DT_RUNPATH),
    })
}

#[cfg(test)]
mod tests;
