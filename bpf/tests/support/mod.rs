//! Compiles and loads the programs that tests are about.
#![allow(dead_code)]

pub mod asked;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tutor_bpf::load::{LoadedObject, LoadedProgram, ProgramChoice};

/// Says why a test did not run, in the form that is counted.
pub fn skipped(name: &str, why: &str) {
    println!("skipped: {name}: {why}");
}

/// Returns what a program printed, unless it is missing or failed.
pub fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Compiles a C file, unless clang is missing or cannot.
pub fn compile(clang: &str, source: &Path, object: &Path, options: &[&str]) -> Option<Vec<u8>> {
    let multiarch = output("gcc", &["-print-multiarch"]).unwrap_or_default();
    let include = format!("-I/usr/include/{}", multiarch.trim());
    let (source, object) = (source.to_str()?, object.to_str()?);
    let mut args = vec!["-O2", "-target", "bpf", &include];
    args.extend_from_slice(options);
    args.extend(["-c", source, "-o", object]);
    output(clang, &args)?;
    fs::read(object).ok()
}

/// Returns the C programs of the corpus.
pub fn sources() -> Vec<PathBuf> {
    let bpf = Path::new(env!("CARGO_MANIFEST_DIR"));
    let in_folder = |folder: PathBuf| {
        let entries = fs::read_dir(folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.to_string_lossy().ends_with(".bpf.c"))
    };
    let mut sources: Vec<PathBuf> = in_folder(bpf.to_owned())
        .chain(in_folder(bpf.join("tests/programs")))
        .chain(in_folder(bpf.join("tests/corpus")))
        .collect();
    sources.sort();
    sources
}

/// Programs in the kernel.
pub struct Corpus {
    /// The objects' files.
    pub files: Vec<Vec<u8>>,
    /// The objects, loaded.
    pub loaded: Vec<LoadedObject>,
    /// How many programs they have.
    pub programs: usize,
}

impl Corpus {
    /// Compiles and loads everything, once; without clang or root, says that test `name` is skipped.
    pub fn loaded(name: &str) -> Option<&'static Self> {
        static CORPUS: OnceLock<Corpus> = OnceLock::new();
        if !nix::unistd::geteuid().is_root() {
            skipped(name, "only root can load all programs");
            return None;
        }
        let corpus = CORPUS.get_or_init(Self::load);
        if corpus.programs == 0 {
            skipped(name, "there is no clang, or the kernel takes no program");
            return None;
        }
        Some(corpus)
    }

    fn load() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut corpus = Self {
            files: Vec::new(),
            loaded: Vec::new(),
            programs: 0,
        };
        for clang in ["clang", "clang-19"] {
            for source in sources() {
                for options in [&["-mcpu=v1"][..], &["-mcpu=v3", "-g"], &["-mcpu=v1", "-g"]] {
                    let object = folder.path().join("a.o");
                    let Some(elf) = compile(clang, &source, &object, options) else {
                        continue;
                    };
                    // Without BTF libbpf cannot make maps; that is no matter of this crate.
                    let Ok(loaded) = LoadedObject::load("corpus", &elf, &ProgramChoice::All) else {
                        continue;
                    };
                    corpus.programs += loaded.programs.len();
                    corpus.files.push(elf);
                    corpus.loaded.push(loaded);
                }
            }
        }
        corpus
    }

    /// Returns all programs.
    pub fn all(&self) -> impl Iterator<Item = &LoadedProgram> {
        self.loaded.iter().flat_map(|loaded| &loaded.programs)
    }
}
