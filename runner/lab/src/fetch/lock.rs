//! The packages that may come from any mirror, since their hashes are known: `kernels.lock.toml`.

use crate::kernel::by_release;
use serde::Deserialize;

const TEXT: &str = include_str!("../../kernels.lock.toml");

/// The lock file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelLock {
    /// The series that lessons run on.
    pub default: String,
    /// The packages.
    #[serde(rename = "kernel")]
    pub kernels: Vec<Pinned>,
}

/// One package of the lock file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// The kernel's minor series: `6.12`.
    pub series: String,
    /// The processor, as Rust names it: `x86_64`.
    pub architecture: String,
    /// The package's name.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// The way from the mirror's archive to it.
    pub path: String,
}

impl KernelLock {
    /// Returns the lock file that this program was built with.
    pub fn own() -> KernelLock {
        toml::from_str(TEXT).expect("a test reads it")
    }

    /// Returns the package of a series for this machine's processor.
    pub fn pinned(&self, series: &str) -> Option<&Pinned> {
        let fits = |pinned: &&Pinned| {
            pinned.series == series && pinned.architecture == std::env::consts::ARCH
        };
        self.kernels.iter().find(fits)
    }

    /// Returns the newest series for this machine's processor.
    pub fn latest(&self) -> Option<&str> {
        self.series().into_iter().max_by(|a, b| by_release(a, b))
    }

    /// Returns the series for this machine's processor, in the file's order.
    pub fn series(&self) -> Vec<&str> {
        let here = |pinned: &&Pinned| pinned.architecture == std::env::consts::ARCH;
        let series = self.kernels.iter().filter(here);
        series.map(|pinned| pinned.series.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::series;

    #[test]
    fn the_lock_file_is_sound() {
        let lock = KernelLock::own();
        assert_eq!(lock.default, crate::cache::DEFAULT_SERIES);
        assert!(lock.kernels.iter().any(|k| k.series == lock.default));
        for kernel in &lock.kernels {
            let release = kernel
                .package
                .trim_start_matches(|c: char| !c.is_ascii_digit());
            assert_eq!(series(release), kernel.series, "{}", kernel.package);
            assert_eq!(kernel.sha256.len(), 64, "{}", kernel.package);
            assert!(
                kernel
                    .sha256
                    .chars()
                    .all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
            );
            assert!(kernel.bytes > 1 << 20 && kernel.bytes < 1 << 30);
            // A colon of an epoch is left out of file names.
            let end = format!("/{}_{}_amd64.deb", kernel.package, kernel.version);
            assert!(kernel.path.starts_with("pool/") && kernel.path.ends_with(&end));
        }
    }

    #[test]
    fn no_mirror_stands_in_it() {
        assert!(!TEXT.contains("://"));
    }
}
