//! Where unpacked kernels are kept: `kernels/<release>/` in the lab's folder below the cache.
//!
//! A folder holds `vmlinux`, the modules, `config` and `kernel.json`. It is made beside its place and
//! renamed, so what is there is whole, and all of it may be deleted at any time. A kernel from a
//! file of the user's own lies in `files/<SHA-256 of the file>/`, in the same form.

mod error;
mod kernel_folder;
mod remains;

use crate::hashes::noted_hash;
use crate::kernel::{self, Kernel, Unpacked, by_release};
pub use error::CacheError;
use kernel_folder::{Look, load, look, put};
pub use remains::size;
use remains::{UNFINISHED, named, sweep, unfinished};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tutor_files::error::failed_io;

/// The series that lessons run on where nothing else is said: Debian's long-term kernel.
pub const DEFAULT_SERIES: &str = "6.12";

/// The lab's part of the cache.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// A kernel that is in the cache, and what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledKernel {
    /// The kernel.
    pub kernel: Kernel,
    /// Its folder.
    pub folder: PathBuf,
    /// Bytes on the disk.
    pub bytes: u64,
    /// True for a kernel from a file of the user's own.
    pub is_file: bool,
}

/// The beginning of the name of a folder that apt works in.
pub(crate) const APT_FOLDER: &str = "apt-";

/// A lock that one process at a time has. It ends when dropped, or with its process.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its lock")] File);

impl Lock {
    /// Waits for the lock of a file, which is made where it is missing.
    pub fn of(path: &Path) -> Result<Lock, CacheError> {
        let folder = path.parent().unwrap_or(path);
        fs::create_dir_all(folder).map_err(failed_io("make the folder", folder))?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            // A pipe in its place would wait for a reader.
            .custom_flags(nix::libc::O_NONBLOCK)
            .open(path)
            .map_err(failed_io("open", path))?;
        file.lock().map_err(failed_io("lock", path))?;
        Ok(Lock(file))
    }
}

impl Cache {
    /// Returns the cache in `lab` below this folder, which is made when something is put there.
    pub fn below(cache: &Path) -> Cache {
        Cache {
            folder: cache.join("lab"),
        }
    }

    /// The lab's folder; states and packages lie there too.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn kernels(&self) -> PathBuf {
        self.folder.join("kernels")
    }

    fn own_files(&self) -> PathBuf {
        self.folder.join("files")
    }

    /// Waits until no other process changes the cache.
    pub fn lock(&self) -> Result<Lock, CacheError> {
        self.lock_for("kernels")
    }

    /// Waits for the lock of this name.
    pub fn lock_for(&self, what: &str) -> Result<Lock, CacheError> {
        Lock::of(&self.folder.join(format!("{what}.lock")))
    }

    /// Keeps a kernel that came in a package. One that was there before is replaced by another
    /// build of the same release; the same is left alone.
    pub fn add(&self, unpacked: &Unpacked, source: &str) -> Result<Kernel, CacheError> {
        let _lock = self.lock()?;
        put(&self.kernels(), &unpacked.release, unpacked, source)
    }

    /// Returns the kernel in a file of the user's own, from the cache where it was used before.
    pub fn file(&self, path: &Path) -> Result<Kernel, CacheError> {
        let hash = self.hash(path).map_err(failed_io("read", path))?;
        if let Some(kernel) = load(&self.own_files().join(&hash)) {
            return Ok(kernel);
        }
        let unpacked = kernel::unpack(path)?;
        let _lock = self.lock()?;
        let source = path.to_string_lossy();
        put(&self.own_files(), &hash, &unpacked, &source)
    }

    /// Returns the SHA-256 of a file, in hexadecimal. It is hashed once, and again when it has changed.
    pub fn hash(&self, path: &Path) -> io::Result<String> {
        noted_hash(path, &self.folder.join("hashes.json"))
    }

    /// Returns the newest kernel of a series (`6.12`), or the one of a whole release
    /// (`6.12.118+deb13-cloud-amd64`). `default` is [`DEFAULT_SERIES`], and `latest` the newest of all.
    /// Where the only one there is damaged, that is an error.
    pub fn kernel(&self, wanted: &str) -> Result<Option<Kernel>, CacheError> {
        let wanted = match wanted {
            "default" => DEFAULT_SERIES,
            other => other,
        };
        let is_wanted = |release: &str| {
            wanted == "latest" || kernel::series(release) == wanted || release == wanted
        };
        let mut whole = Vec::new();
        let mut damaged = None;
        for folder in entries(&self.kernels())? {
            match look(&folder) {
                Look::Whole(kernel) if is_wanted(&kernel.release) => whole.push(kernel),
                Look::Damaged(release) if is_wanted(&release) => damaged = Some((release, folder)),
                Look::Whole(_) | Look::Damaged(_) | Look::None => {}
            }
        }
        let newest = whole
            .into_iter()
            .max_by(|a, b| by_release(&a.release, &b.release));
        match (newest, damaged) {
            (None, Some((release, folder))) => Err(CacheError::Damaged { release, folder }),
            (newest, _) => Ok(newest),
        }
    }

    /// Returns what is there, the oldest release first; files of the user's own come last.
    /// Folders that are not whole are passed over.
    pub fn list(&self) -> Result<Vec<InstalledKernel>, CacheError> {
        let mut installed = self.list_in(&self.kernels(), false)?;
        installed.extend(self.list_in(&self.own_files(), true)?);
        Ok(installed)
    }

    /// Returns the series of the kernels that are there, the oldest first; files of the user's own
    /// stand for none.
    pub fn series(&self) -> Vec<String> {
        let installed = self.list_in(&self.kernels(), false).unwrap_or_default();
        let series = installed.iter().map(|one| one.kernel.series().to_owned());
        let mut series: Vec<String> = series.collect();
        series.dedup();
        series
    }

    fn list_in(&self, folder: &Path, is_file: bool) -> Result<Vec<InstalledKernel>, CacheError> {
        let mut installed = Vec::new();
        for folder in entries(folder)? {
            if let Some(kernel) = load(&folder) {
                let bytes = size(&folder);
                installed.push(InstalledKernel {
                    kernel,
                    folder,
                    bytes,
                    is_file,
                });
            }
        }
        installed.sort_by(|a, b| {
            by_release(&a.kernel.release, &b.kernel.release).then(a.folder.cmp(&b.folder))
        });
        Ok(installed)
    }

    /// Removes folders in which an apt worked that ended early. The caller holds the lock `fetch`.
    pub fn sweep_apt(&self) {
        sweep(&named(&self.folder, |name| name.starts_with(APT_FOLDER)));
    }

    /// Removes the remains of downloads that ended early, and returns their size in bytes: folders that
    /// apt worked in, and packages in part. The caller holds the lock `fetch`.
    pub fn sweep_downloads(&self) -> u64 {
        sweep(&self.left_by_downloads())
    }

    fn left_by_downloads(&self) -> Vec<PathBuf> {
        let is_left = |name: &str| name == "packages" || name.starts_with(APT_FOLDER);
        named(&self.folder, is_left)
    }

    /// Removes the remains of processes that ended while they unpacked a kernel, and returns their size
    /// in bytes.
    pub fn sweep_kernels(&self) -> Result<u64, CacheError> {
        let _lock = self.lock()?;
        Ok(sweep(&self.left_by_unpacking()))
    }

    fn left_by_unpacking(&self) -> Vec<PathBuf> {
        let folders = [self.kernels(), self.own_files()];
        folders
            .iter()
            .flat_map(|folder| unfinished(folder))
            .collect()
    }

    /// Returns how many bytes would be sweep, packages in part included. The caller holds the lock
    /// `fetch`.
    pub fn left(&self) -> Result<u64, CacheError> {
        let _lock = self.lock()?;
        let left = [self.left_by_downloads(), self.left_by_unpacking()];
        Ok(left.iter().flatten().map(|path| size(path)).sum())
    }

    /// Removes a kernel. That it is gone already is no error.
    pub fn remove(&self, installed: &InstalledKernel) -> Result<(), CacheError> {
        let _lock = self.lock()?;
        // Renamed first: a folder that is half gone is never taken for a kernel.
        let parent = installed.folder.parent().unwrap_or(&self.folder);
        let aside = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempdir_in(parent)
            .map_err(failed_io("make a folder in", parent))?;
        match fs::rename(&installed.folder, aside.path().join("kernel")) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failed_io("remove", &installed.folder)(error).into()),
        }
    }
}

/// Returns the entries of a folder; none where there is no folder.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, CacheError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed_io("read the folder", folder)(error).into()),
    };
    let paths =
        entries.map(|entry| Ok(entry.map_err(failed_io("read the folder", folder))?.path()));
    paths.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{KeptConfig, Module, samples};

    fn unpacked(release: &str, bytes: &[u8]) -> Unpacked {
        Unpacked {
            release: release.to_owned(),
            vmlinux: bytes.to_owned(),
            modules: vec![
                Module {
                    name: "z.ko".to_owned(),
                    bytes: b"first".to_vec(),
                },
                Module {
                    name: "a.ko".to_owned(),
                    bytes: b"second".to_vec(),
                },
            ],
            config: Some(b"CONFIG_PCI=y\n".to_vec()),
            unknown: vec!["CONFIG_PCI".to_owned()],
        }
    }

    #[test]
    fn a_kernel_that_an_earlier_tutor_kept_without_its_configuration_gets_it_when_it_is_added_again()
     {
        let (_folder, cache) = cache();
        let whole = unpacked("6.1.7", b"kernel");
        let kernel = cache.add(&whole, "a").unwrap();
        let config = kernel.config.file().unwrap().to_owned();
        assert_eq!(fs::read_to_string(&config).unwrap(), "CONFIG_PCI=y\n");
        // As it left a kernel's folder.
        let note = config.with_file_name("kernel.json");
        let text = fs::read_to_string(&note).unwrap();
        let mut form: serde_json::Value = serde_json::from_str(&text).unwrap();
        form.as_object_mut()
            .unwrap()
            .remove("config_bytes")
            .unwrap();
        fs::write(&note, form.to_string()).unwrap();
        fs::remove_file(&config).unwrap();
        let old = cache.kernel("6.1").unwrap().unwrap();
        assert_eq!((old.config, old.id), (KeptConfig::NotKept, kernel.id));
        assert_eq!(
            cache.add(&whole, "a").unwrap().config.file(),
            Some(&*config)
        );
        // The kernel is whole without it.
        fs::write(&config, "CONFIG").unwrap();
        let cut = cache.kernel("6.1").unwrap().unwrap();
        assert_eq!(cut.config, KeptConfig::NotKept);
        // Where what it comes in has none, there is none to be brought.
        let without = Unpacked {
            config: None,
            ..unpacked("6.1.8", b"kernel")
        };
        let kernel = cache.add(&without, "b").unwrap();
        assert_eq!(kernel.config, KeptConfig::Absent);
    }

    fn cache() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::below(folder.path());
        (folder, cache)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_kept_is_found_by_series_release_and_age() {
        let (_folder, cache) = cache();
        assert_eq!(cache.kernel("6.12").unwrap(), None);
        assert_eq!(cache.list().unwrap(), []);
        for release in ["6.12.9+deb13", "6.12.118+deb13", "6.1.0-50", "7.3.4"] {
            cache.add(&unpacked(release, b"k"), "pkg 1").unwrap();
        }
        let release = |wanted| cache.kernel(wanted).unwrap().map(|kernel| kernel.release);
        assert_eq!(release("6.12").as_deref(), Some("6.12.118+deb13"));
        assert_eq!(release("default").as_deref(), Some("6.12.118+deb13"));
        assert_eq!(release("6.12.9+deb13").as_deref(), Some("6.12.9+deb13"));
        assert_eq!(release("6.1").as_deref(), Some("6.1.0-50"));
        assert_eq!(release("latest").as_deref(), Some("7.3.4"));
        assert_eq!(release("6"), None);
        let kernel = cache.kernel("6.1").unwrap().unwrap();
        assert_eq!(kernel.source, "pkg 1");
        assert_eq!(kernel.unknown, ["CONFIG_PCI"]);
        assert_eq!(fs::read(&kernel.modules[0]).unwrap(), b"first");
        assert!(kernel.modules[1].ends_with("6.1.0-50/a.ko"));
        let order: Vec<String> = cache
            .list()
            .unwrap()
            .into_iter()
            .map(|i| i.kernel.release)
            .collect();
        assert_eq!(
            order,
            ["6.1.0-50", "6.12.9+deb13", "6.12.118+deb13", "7.3.4"]
        );
    }

    #[test]
    fn another_build_of_a_release_takes_its_place_and_leaves_nothing_behind() {
        let (_folder, cache) = cache();
        let first = cache.add(&unpacked("6.1.7", b"one"), "a").unwrap();
        assert_eq!(cache.add(&unpacked("6.1.7", b"one"), "b").unwrap(), first);
        let second = cache.add(&unpacked("6.1.7", b"other"), "b").unwrap();
        assert_ne!(first.id, second.id);
        assert_eq!(fs::read(&second.vmlinux).unwrap(), b"other");
        assert_eq!(names(&cache.kernels()), ["6.1.7"]);
    }

    #[test]
    fn what_is_not_whole_is_no_kernel_and_is_made_again() {
        let (_folder, cache) = cache();
        let kernel = cache.add(&unpacked("6.1.7", b"kernel"), "a").unwrap();
        let again = || cache.add(&unpacked("6.1.7", b"kernel"), "a").unwrap();
        let pipe = |path: &Path| {
            fs::remove_file(path).unwrap();
            nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        };
        let spoils: [&dyn Fn(&Kernel); 7] = [
            &|kernel| pipe(&kernel.vmlinux),
            &|kernel| pipe(&kernel.vmlinux.with_file_name("kernel.json")),
            &|kernel| fs::write(&kernel.vmlinux, b"kernex").unwrap(),
            &|kernel| fs::write(&kernel.modules[0], b"FIRST").unwrap(),
            &|kernel| fs::write(&kernel.vmlinux, b"ker").unwrap(),
            &|kernel| fs::remove_file(&kernel.modules[1]).unwrap(),
            &|kernel| fs::write(kernel.vmlinux.with_file_name("kernel.json"), "{").unwrap(),
        ];
        for spoil in spoils {
            spoil(&kernel);
            assert!(!matches!(cache.kernel("6.1"), Ok(Some(_))));
            assert_eq!(cache.list().unwrap(), []);
            assert_eq!(again(), kernel);
        }
        // A process that was killed leaves this.
        let left = cache.kernels().join(".new-abc");
        fs::create_dir(&left).unwrap();
        fs::copy(&kernel.vmlinux, left.join("vmlinux")).unwrap();
        assert_eq!(cache.list().unwrap().len(), 1);
        cache.add(&unpacked("6.1.8", b"kernel"), "a").unwrap();
        assert!(!left.exists());
        fs::create_dir(&left).unwrap();
        fs::write(left.join("vmlinux"), "12345").unwrap();
        assert_eq!(cache.sweep_kernels().unwrap(), 5);
        assert!(!left.exists());
    }

    #[test]
    fn a_damaged_kernel_is_named_and_an_older_whole_one_of_its_series_does() {
        let (_folder, cache) = cache();
        let kernel = cache.add(&unpacked("6.1.7", b"kernel"), "a").unwrap();
        fs::write(&kernel.vmlinux, b"kernex").unwrap();
        let error = cache.kernel("6.1").unwrap_err().to_string();
        let start = "the lab's kernel 6.1.7 is damaged: what is in `";
        assert!(error.starts_with(start), "{error}");
        assert_eq!(cache.kernel("6.12").unwrap(), None);
        cache.add(&unpacked("6.1.6", b"kernel"), "a").unwrap();
        assert_eq!(cache.kernel("6.1").unwrap().unwrap().release, "6.1.6");
    }

    #[test]
    fn what_broken_downloads_left_goes_and_parts_go_when_told() {
        let (_folder, cache) = cache();
        cache.add(&unpacked("6.1.7", b"kernel"), "a").unwrap();
        for folder in ["apt-x1/state", "packages"] {
            fs::create_dir_all(cache.folder().join(folder)).unwrap();
        }
        fs::write(cache.folder().join("apt-x1/state/list"), "1234").unwrap();
        fs::write(cache.folder().join("packages/k.part"), "123").unwrap();
        assert_eq!(cache.left().unwrap(), 7);
        cache.sweep_apt();
        assert_eq!(
            names(cache.folder()),
            ["kernels", "kernels.lock", "packages"]
        );
        assert_eq!(cache.sweep_downloads(), 3);
        assert_eq!(names(cache.folder()), ["kernels", "kernels.lock"]);
        assert_eq!(cache.list().unwrap().len(), 1);
    }

    #[test]
    fn a_kernel_can_be_removed_twice() {
        let (_folder, cache) = cache();
        cache.add(&unpacked("6.1.7", b"kernel"), "a").unwrap();
        let installed = cache.list().unwrap().pop().unwrap();
        assert!(installed.bytes > 17, "{}", installed.bytes);
        cache.remove(&installed).unwrap();
        cache.remove(&installed).unwrap();
        assert_eq!(names(&cache.kernels()), [] as [&str; 0]);
    }

    #[test]
    fn a_file_of_the_users_own_is_unpacked_once_and_found_by_what_it_holds() {
        let (folder, cache) = cache();
        let path = folder.path().join("my.deb");
        fs::write(&path, samples::kernel_deb("6.12.7-mine")).unwrap();
        let kernel = cache.file(&path).unwrap();
        assert_eq!(kernel.release, "6.12.7-mine");
        assert_eq!(kernel.source, path.to_string_lossy());
        // It does not stand for its series.
        assert_eq!(cache.kernel("6.12").unwrap(), None);
        let moved = folder.path().join("moved.deb");
        fs::rename(&path, &moved).unwrap();
        assert_eq!(cache.file(&moved).unwrap(), kernel);
        fs::write(&moved, samples::kernel_deb("6.12.8-mine")).unwrap();
        assert_eq!(cache.file(&moved).unwrap().release, "6.12.8-mine");
        assert_eq!(cache.list().unwrap().len(), 2);
    }

    #[test]
    fn many_at_once_do_not_disturb_each_other() {
        let (_folder, cache) = cache();
        std::thread::scope(|scope| {
            for writer in 0..8_u8 {
                let cache = &cache;
                scope.spawn(move || {
                    for round in 0..20_u8 {
                        let bytes = vec![round % 3; 1000 + usize::from(writer)];
                        cache.add(&unpacked("6.1.7", &bytes), "a").unwrap();
                    }
                });
            }
        });
        assert_eq!(names(&cache.kernels()), ["6.1.7"]);
        assert!(cache.kernel("6.1").unwrap().is_some());
    }
}
