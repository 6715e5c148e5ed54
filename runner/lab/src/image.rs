//! The image that a guest boots: a kernel, and the initial RAM disk made for it on this machine.

use crate::cache::Cache;
use crate::hashes::hash;
use crate::initramfs::{self, InitramfsContents, InitramfsError};
use crate::inputs::Inputs;
use crate::kernel::Kernel;
use crate::note;
use crate::tidy;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tutor_files::error::failed_io;
use tutor_files::{FilesError, Hasher, Stamp, hex};

/// The image that a guest boots.
#[derive(Clone, Debug)]
pub struct Image {
    /// An ELF file that QEMU starts by its PVH note.
    pub vmlinux: PathBuf,
    /// The archive with `/init`.
    pub initramfs: PathBuf,
    /// Tells its kernel, with the modules, from every other.
    pub kernel: String,
    /// Tells this image from every other: kernel, modules, and what is in the archive.
    pub id: String,
}

/// The programs of ours that go into a guest.
#[derive(Clone, Copy)]
pub struct Programs<'p> {
    /// Identifies them.
    pub id: &'p str,
    /// Gives the agent.
    pub agent: &'p dyn Fn() -> io::Result<Vec<u8>>,
    /// Gives the program that is called `tutor` in the guest.
    pub tutor: &'p dyn Fn() -> io::Result<Vec<u8>>,
    /// How many bytes the agent has, and how many the other one, where that is known.
    pub sizes: Option<(u64, u64)>,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The archive could not be made.
    #[error(transparent)]
    Initramfs(#[from] InitramfsError),
    /// A file of the cache could not be written.
    #[error(transparent)]
    Write(FilesError),
}

/// The name of an archive, and the files that it was made of: it is made again only if those changed.
#[derive(Serialize, Deserialize)]
struct ArchiveNote {
    archive: String,
    inputs: Inputs,
}

/// Makes the image of a kernel, or finds it made. The files of this machine that are in the archive are
/// looked at each time, so that an update of a tool is seen.
pub fn prepare(
    cache: &Cache,
    kernel: &Kernel,
    programs: Programs<'_>,
) -> Result<Image, ImageError> {
    let folder = cache.folder().join("guest").join(programs.id);
    let (agent_bytes, tutor_bytes) = programs.sizes.unzip();
    let agent = program(&folder.join("tutor-agent"), programs.agent, agent_bytes)?;
    let tutor = program(&folder.join("tutor"), programs.tutor, tutor_bytes)?;
    let archives = archives(cache);
    let note = recipe(kernel, programs.id).map(|recipe| archives.join(recipe + ".inputs"));
    let made = note.as_deref().and_then(|note| noted(note, cache));
    let made = match made {
        Some(made) => made,
        None => {
            let contents = InitramfsContents {
                agent: &agent,
                tutor: Some(&tutor),
                kernel,
            };
            make(contents, &archives, note.as_deref())?
        }
    };
    let initramfs = archive(&archives, &made);
    // Older ones may take much room. It does no harm if they cannot be removed.
    let _ = tidy::tidy(cache);
    Ok(Image {
        vmlinux: kernel.vmlinux.clone(),
        initramfs,
        kernel: kernel.id.clone(),
        id: format!("{} {made}", kernel.id),
    })
}

/// Identifies what decides on the content of an archive beside files: the program that makes it, the
/// kernel, whether its configuration is there, and where tools are looked for. None if that is not known.
fn recipe(kernel: &Kernel, programs: &str) -> Option<String> {
    let maker = Stamp::of(&std::env::current_exe().ok()?)?;
    let maker = serde_json::to_vec(&maker).ok()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let config = kernel.config.file().unwrap_or(Path::new(""));
    let parts = [
        &*maker,
        kernel.id.as_bytes(),
        config.as_os_str().as_encoded_bytes(),
        programs.as_bytes(),
        path.as_encoded_bytes(),
    ];
    let mut hasher = Hasher::default();
    for part in parts {
        hasher.part(part);
    }
    Some(hex(&hasher.done().0[..16]))
}

/// Returns the archive that a note tells of, if it would be the same today.
fn noted(note: &Path, cache: &Cache) -> Option<String> {
    let made: ArchiveNote = note::read(note)?;
    let file = archive(&archives(cache), &made.archive);
    tidy::touch(&file);
    let hash = cache.hash(&file).ok()?;
    let is_valid = hash.starts_with(&made.archive) && made.inputs.are_the_same();
    is_valid.then(|| {
        tidy::touch(note);
        made.archive
    })
}

/// Makes an archive and notes the files that it was made of. Returns its name.
fn make(
    contents: InitramfsContents<'_>,
    archives: &Path,
    note: Option<&Path>,
) -> Result<String, ImageError> {
    let began = SystemTime::now();
    // Our own programs are known by their id.
    let own = [Some(contents.agent), contents.tutor];
    let own: Vec<&Path> = own.into_iter().flatten().collect();
    let inputs = Inputs::besides(&own);
    let bytes = initramfs::build(contents, &inputs)?;
    let made = ArchiveNote {
        archive: hex(&tutor_files::hash(&bytes).0[..16]),
        inputs,
    };
    let file = archive(archives, &made.archive);
    if !hash(&file).is_ok_and(|hash| hash.starts_with(&made.archive)) {
        write(&file, &bytes, 0o600)?;
    }
    if let Some(note) = note.filter(|_| made.inputs.are_settled(began)) {
        note::write(note, &made);
    }
    Ok(made.archive)
}

fn archives(cache: &Cache) -> PathBuf {
    cache.folder().join("initramfs")
}

fn archive(archives: &Path, name: &str) -> PathBuf {
    archives.join(format!("{name}.cpio"))
}

/// Puts a program there, unless it is there as a whole.
fn program(
    path: &Path,
    bytes: &dyn Fn() -> io::Result<Vec<u8>>,
    length_bytes: Option<u64>,
) -> Result<PathBuf, ImageError> {
    let there = fs::metadata(path).map(|there| there.len()).ok();
    if there.is_none() || there != length_bytes.or(there) {
        let bytes = bytes().map_err(failed_io("write", path));
        let bytes = bytes.map_err(ImageError::Write)?;
        // Only what is executable is taken for a program.
        write(path, &bytes, 0o755)?;
    }
    tidy::touch(path);
    Ok(path.to_owned())
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), ImageError> {
    tutor_files::write(path, bytes, mode).map_err(ImageError::Write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::KeptConfig;
    use nix::sys::stat::Mode;
    use std::fs::File;
    use std::time::Duration;

    const AGENT: &str = "the agent";

    fn prepared(cache: &Cache, folder: &Path) -> Option<Image> {
        let kernel = Kernel {
            release: "6.1.7".to_owned(),
            vmlinux: folder.join("vmlinux"),
            modules: vec![folder.join("a.ko")],
            config: KeptConfig::Absent,
            id: "a kernel".to_owned(),
            source: String::new(),
            unknown: Vec::new(),
        };
        // Any program of this machine does.
        let cat = || fs::read(initramfs::tool("cat").expect("cat"));
        let programs = Programs {
            id: AGENT,
            sizes: None,
            agent: &cat,
            tutor: &cat,
        };
        match prepare(cache, &kernel, programs) {
            Ok(image) => Some(image),
            Err(ImageError::Initramfs(error @ InitramfsError::MissingTool(_))) => {
                println!("skipped: {error}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn notes(cache: &Cache) -> Vec<PathBuf> {
        let archives = fs::read_dir(cache.folder().join("initramfs")).unwrap();
        let mut paths: Vec<PathBuf> = archives.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "inputs"));
        paths
    }

    #[test]
    fn a_changed_input_is_seen_and_nothing_is_noted_of_files_that_changed_just_now() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::below(folder.path());
        let module = folder.path().join("a.ko");
        fs::write(&module, "1").unwrap();
        let Some(first) = prepared(&cache, folder.path()) else {
            return;
        };
        assert_eq!(notes(&cache), [] as [PathBuf; 0]);
        assert_eq!(prepared(&cache, folder.path()).unwrap().id, first.id);
        let time = fs::metadata(&module).unwrap().modified().unwrap();
        fs::write(&module, "2").unwrap();
        File::options()
            .append(true)
            .open(&module)
            .and_then(|file| file.set_modified(time))
            .unwrap();
        assert_ne!(prepared(&cache, folder.path()).unwrap().id, first.id);
    }

    #[test]
    fn a_note_is_heeded_while_it_holds_and_the_archive_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::below(folder.path());
        let module = folder.path().join("a.ko");
        fs::write(&module, "1").unwrap();
        // Until what was made for this test has been there for long enough.
        let deadline = SystemTime::now() + Duration::from_secs(60);
        let image = loop {
            let Some(image) = prepared(&cache, folder.path()) else {
                return;
            };
            if !notes(&cache).is_empty() {
                break image;
            }
            assert!(SystemTime::now() < deadline, "nothing was noted");
            std::thread::sleep(Duration::from_millis(200));
        };
        let note = notes(&cache).remove(0);
        let name = noted(&note, &cache).unwrap();
        assert_eq!(image.id, format!("a kernel {name}"));
        // One that was cut short, or is another of the same size, is made again; a pipe in its place
        // keeps nobody waiting.
        let bytes = fs::read(&image.initramfs).unwrap();
        for other in [
            Some(vec![0; bytes.len()]),
            Some(bytes[..bytes.len() / 2].to_vec()),
            None,
        ] {
            fs::remove_file(&image.initramfs).unwrap();
            match other {
                Some(other) => fs::write(&image.initramfs, other).unwrap(),
                None => nix::unistd::mkfifo(&image.initramfs, Mode::S_IRWXU).unwrap(),
            }
            assert_eq!(prepared(&cache, folder.path()).unwrap().id, image.id);
            assert_eq!(fs::read(&image.initramfs).unwrap(), bytes);
        }
        // To note that one of our own programs was used is no change.
        tidy::touch(&cache.folder().join("guest").join(AGENT).join("tutor"));
        assert!(noted(&note, &cache).is_some());
        fs::write(&module, "2").unwrap();
        assert_ne!(prepared(&cache, folder.path()).unwrap().id, image.id);
    }
}
