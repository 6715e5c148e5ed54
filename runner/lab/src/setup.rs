//! Makes the lab ready: gets the kernels that are asked for and not there yet.

use crate::cache::{APT_FOLDER, Cache, CacheError};
use crate::fetch::apt::{Apt, AptError};
use crate::fetch::lock::KernelLock;
use crate::fetch::mirror::{Mirror, MirrorError};
use crate::kernel::{self, KeptConfig, Kernel, KernelError};
use std::fs;
use std::path::PathBuf;
use tutor_files::FilesError;
use tutor_files::error::failed_io;

/// A kernel that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KernelRequest {
    /// The newest of a series: `6.12`; or `latest`, or `default`.
    Series(String),
    /// A file of the user's own.
    File(PathBuf),
}

impl KernelRequest {
    /// Reads what was typed: a series, or a path, which has a slash or an end such as `.deb`.
    pub fn parse(text: &str) -> KernelRequest {
        let is_word = |text: &str| text == "latest" || text == "default";
        let starts_as_number = text.starts_with(|c: char| c.is_ascii_digit());
        let is_path = text.contains('/') || text.ends_with(".deb");
        match (is_word(text) || starts_as_number) && !is_path {
            true => KernelRequest::Series(text.to_owned()),
            false => KernelRequest::File(PathBuf::from(text)),
        }
    }
}

/// Where packages come from.
#[derive(Clone, Debug)]
pub enum PackageSource {
    /// The system's own apt.
    Apt,
    /// A mirror that the user named.
    Mirror(Mirror),
}

/// An event on the way to a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetupEvent<'e> {
    /// An index of packages is fetched.
    Looking {
        /// The series that is looked for.
        series: &'e str,
        /// The suite of Debian.
        suite: &'e str,
    },
    /// A package was chosen.
    Chosen {
        /// Its name.
        package: &'e str,
        /// Its version.
        version: &'e str,
        /// Its size in bytes.
        bytes: u64,
        /// The version in the lock file, where that is different.
        pinned: Option<&'e str>,
    },
    /// So much of the package is there.
    Downloading {
        /// Bytes that are there.
        done: u64,
        /// Bytes in all.
        bytes: u64,
    },
    /// The package is there and is unpacked.
    Unpacking,
}

/// Why a kernel is not there.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The lock file has no such series, so no mirror can be trusted with it.
    #[error("no kernel of the series {series} is known by its hash; a mirror may give {}", .known.join(", "))]
    NotPinned {
        /// The series that was asked for.
        series: String,
        /// The series that the lock file has.
        known: Vec<String>,
    },
    /// apt did not get it.
    #[error(transparent)]
    Apt(#[from] AptError),
    /// The mirror did not give it.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// The package cannot be used.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The cache could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A folder for what is fetched could not be made.
    #[error(transparent)]
    Folder(#[from] FilesError),
}

/// Gets kernels into a cache.
#[derive(Clone, Debug)]
pub struct KernelSetup {
    /// Where kernels are kept.
    pub cache: Cache,
    /// Where packages come from.
    pub way: PackageSource,
    /// The packages that are known by their hash.
    pub lock: KernelLock,
}

impl KernelSetup {
    /// Returns the kernel where it is at hand already; a file of the user's own is unpacked. Only
    /// the archive knows which kernel is the latest, so by apt that one is never at hand.
    pub fn at_hand(&self, wanted: &KernelRequest) -> Result<Option<Kernel>, SetupError> {
        match wanted {
            KernelRequest::Series(series) => match self.named(series) {
                "latest" => Ok(None),
                series => match self.cache.kernel(series) {
                    // Getting it again mends it.
                    Err(CacheError::Damaged { .. }) => Ok(None),
                    kernel => Ok(kernel?.filter(|kernel| kernel.config != KeptConfig::NotKept)),
                },
            },
            KernelRequest::File(path) => Ok(Some(self.cache.file(path)?)),
        }
    }

    /// Returns about how many bytes getting a series will take, from the lock file; the index that
    /// apt fetches first comes on top. No other machine is asked.
    pub fn expected_bytes(&self, series: &str) -> Option<u64> {
        let pinned = match self.named(series) {
            "latest" => self.lock.pinned(self.lock.latest()?)?,
            series => self.lock.pinned(series)?,
        };
        Some(pinned.bytes)
    }

    /// Returns the series that `default` stands for, and `latest` where a mirror is asked; others
    /// stand for themselves.
    pub fn named<'s>(&'s self, series: &'s str) -> &'s str {
        let is_mirror = matches!(self.way, PackageSource::Mirror(_));
        match series {
            "default" => &self.lock.default,
            "latest" if is_mirror => self.lock.latest().unwrap_or(series),
            other => other,
        }
    }

    /// Gets a kernel, unless it is there. One process at a time fetches; the next one finds the kernel
    /// of the first one.
    pub fn get(
        &self,
        wanted: &KernelRequest,
        tell: &mut dyn FnMut(SetupEvent<'_>),
    ) -> Result<Kernel, SetupError> {
        let series = match wanted {
            KernelRequest::Series(series) => self.named(series),
            KernelRequest::File(path) => return Ok(self.cache.file(path)?),
        };
        if let Some(kernel) = self.at_hand(wanted)? {
            return Ok(kernel);
        }
        let _lock = self.cache.lock_for("fetch")?;
        self.cache.sweep_apt();
        if let Some(kernel) = self.at_hand(wanted)? {
            return Ok(kernel);
        }
        match &self.way {
            PackageSource::Apt => self.by_apt(series, tell),
            PackageSource::Mirror(mirror) => self.by_mirror(mirror, series, tell),
        }
    }

    fn by_apt(
        &self,
        series: &str,
        tell: &mut dyn FnMut(SetupEvent<'_>),
    ) -> Result<Kernel, SetupError> {
        let path = self.cache.folder();
        let folder = tempfile::Builder::new()
            .prefix(APT_FOLDER)
            .tempdir_in(path)
            .map_err(failed_io("make a folder in", path))?;
        let apt = Apt::of_system(folder.path())?;
        let package = apt.find(series, &mut |suite| {
            tell(SetupEvent::Looking { series, suite })
        })?;
        let source = format!(
            "{} {} ({}, by apt)",
            package.name, package.version, package.suite
        );
        let installed = self.cache.list()?.into_iter().map(|one| one.kernel);
        let is_it =
            |kernel: &Kernel| kernel.source == source && kernel.config != KeptConfig::NotKept;
        if let Some(kernel) = installed.into_iter().find(is_it) {
            return Ok(kernel);
        }
        let pinned = self.lock.pinned(series).map(|pinned| &*pinned.version);
        tell(SetupEvent::Chosen {
            package: &package.name,
            version: &package.version,
            bytes: package.bytes,
            pinned: pinned.filter(|version| *version != package.version),
        });
        let bytes = package.bytes;
        let file = apt.download(&package, &mut |done| {
            tell(SetupEvent::Downloading { done, bytes })
        })?;
        tell(SetupEvent::Unpacking);
        let unpacked = kernel::unpack(&file)?;
        Ok(self.cache.add(&unpacked, &source)?)
    }

    fn by_mirror(
        &self,
        mirror: &Mirror,
        series: &str,
        tell: &mut dyn FnMut(SetupEvent<'_>),
    ) -> Result<Kernel, SetupError> {
        let known = || self.lock.series().into_iter().map(str::to_owned).collect();
        let pinned = self
            .lock
            .pinned(series)
            .ok_or_else(|| SetupError::NotPinned {
                series: series.to_owned(),
                known: known(),
            })?;
        let bytes = pinned.bytes;
        tell(SetupEvent::Chosen {
            package: &pinned.package,
            version: &pinned.version,
            bytes,
            pinned: None,
        });
        let folder = self.cache.folder().join("packages");
        let file = mirror.download(pinned, &folder, &mut |done| {
            tell(SetupEvent::Downloading { done, bytes })
        })?;
        tell(SetupEvent::Unpacking);
        let unpacked = kernel::unpack(&file)?;
        let source = format!("{} {} (from a mirror)", pinned.package, pinned.version);
        let kernel = self.cache.add(&unpacked, &source)?;
        // The unpacked kernel is all that is needed; a file that stays does no harm.
        let _ = fs::remove_file(&file);
        Ok(kernel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::lock::Pinned;
    use crate::fetch::mirror::tests::{Server, send};
    use crate::kernel::samples;

    fn setup(folder: &std::path::Path, server: &Server, package: &[u8]) -> KernelSetup {
        let pinned = Pinned {
            series: "6.12".to_owned(),
            architecture: std::env::consts::ARCH.to_owned(),
            package: "linux-image-6.12.7-tiny".to_owned(),
            version: "6.12.7-1".to_owned(),
            bytes: package.len() as u64,
            sha256: tutor_files::hash(package).to_string(),
            path: "pool/k.deb".to_owned(),
        };
        KernelSetup {
            cache: Cache::below(folder),
            way: PackageSource::Mirror(Mirror::new(&server.url).unwrap()),
            lock: KernelLock {
                default: "6.12".to_owned(),
                kernels: vec![pinned],
            },
        }
    }

    #[test]
    fn a_kernel_is_got_once_and_told_of_on_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let package = samples::kernel_deb("6.12.7-tiny");
        let sent = package.clone();
        let server = Server::new(move |_, stream| send(stream, "200 OK", &sent, sent.len()));
        let setup = setup(folder.path(), &server, &package);
        let default = KernelRequest::parse("default");
        assert_eq!(setup.at_hand(&default).unwrap(), None);
        assert_eq!(setup.expected_bytes("default"), Some(package.len() as u64));
        let mut events = Vec::new();
        let kernel = setup
            .get(&default, &mut |event| events.push(format!("{event:?}")))
            .unwrap();
        assert_eq!(kernel.release, "6.12.7-tiny");
        assert_eq!(
            kernel.source,
            "linux-image-6.12.7-tiny 6.12.7-1 (from a mirror)"
        );
        assert!(events[0].starts_with("Chosen"), "{events:?}");
        assert_eq!(events.last().unwrap(), "Unpacking");
        let left = std::fs::read_dir(folder.path().join("lab/packages")).unwrap();
        assert_eq!(left.count(), 0);
        assert_eq!(
            setup
                .get(&KernelRequest::parse("6.12"), &mut |_| {})
                .unwrap(),
            kernel
        );
        assert_eq!(server.requests(), 1);
    }

    #[test]
    fn two_at_once_fetch_once() {
        let folder = tempfile::tempdir().unwrap();
        let package = samples::kernel_deb("6.12.7-tiny");
        let sent = package.clone();
        let server = Server::new(move |_, stream| send(stream, "200 OK", &sent, sent.len()));
        let setup = setup(folder.path(), &server, &package);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    setup
                        .get(&KernelRequest::parse("6.12"), &mut |_| {})
                        .unwrap()
                });
            }
        });
        assert_eq!(server.requests(), 1);
    }

    #[test]
    fn a_mirror_is_trusted_with_nothing_that_has_no_hash_here() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(|_, stream| send(stream, "200 OK", b"x", 1));
        let setup = setup(folder.path(), &server, b"another");
        let error = setup
            .get(&KernelRequest::parse("6.99"), &mut |_| {})
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "no kernel of the series 6.99 is known by its hash; a mirror may give 6.12"
        );
        assert_eq!(server.requests(), 0);
        let error = setup
            .get(&KernelRequest::parse("6.12"), &mut |_| {})
            .unwrap_err();
        assert!(matches!(error, SetupError::Mirror(_)), "{error}");
        assert_eq!(setup.cache.list().unwrap(), []);
    }

    #[test]
    fn the_latest_of_a_mirror_is_the_lock_files_and_apt_has_to_be_asked() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(|_, stream| send(stream, "200 OK", b"x", 1));
        let mut setup = setup(folder.path(), &server, b"another");
        let mut older = setup.lock.kernels[0].clone();
        older.series = "6.9".to_owned();
        setup.lock.kernels.push(older);
        assert_eq!(setup.named("latest"), "6.12");
        setup.way = PackageSource::Apt;
        assert_eq!(setup.named("latest"), "latest");
        assert_eq!(setup.expected_bytes("latest"), Some(7));
        assert_eq!(
            setup.at_hand(&KernelRequest::parse("latest")).unwrap(),
            None
        );
    }

    #[test]
    fn a_series_is_told_from_a_path() {
        let series = |text: &str| matches!(KernelRequest::parse(text), KernelRequest::Series(_));
        assert!(series("6.12") && series("latest") && series("default"));
        assert!(series("6.12.118+deb13-cloud-amd64"));
        assert!(!series("./6.12") && !series("vmlinux") && !series("6.12.deb"));
    }
}
